"""The waiting room: who may enter, and who is invited to.

Compiled rules (DESIGN section 2): positional ints and floats in, ints and floats out, no raise.
The line advances by places, not by people present: a place that nobody holds passes by and blocks nobody. An invitation
is not yet an admission: the frontier invites as many as it takes, and the gate (gate.py) keeps the limit.
"""

from typing import NamedTuple

from service.domain.queues import smoothed

BEAT = 1.0
"""Seconds between two moves of the frontier."""
MOST_STANDSTILL = 2.0
"""Time that the gatekeeper slept is not made up beyond this: a restart must not release a burst."""
PENDING_S = 1.0
"""So many seconds of the rate shall wait at the gate: nobody waits there for long, and it never runs dry."""
LEAST_PENDING = 2.0
"""People who shall wait there however slow the gate is."""
PULL = 0.25
"""Of what is missing there is invited with each move: people come 1 to 3 s after it, more would make the line swing."""
NOTICE_S = 2.0
"""About when the invited come."""
SHOW_MEMORY = 8.0
"""Seconds over which the share of the invited who come is measured."""
LEAST_SHOW = 0.05
"""The line flows on as long as one in twenty comes."""
SHOW_GUESS = 0.05
"""Of the rate: so many invitations a second that everybody followed are believed beforehand."""
SHOW_FALL = 0.05
"""Most by which the share falls in a second: when the first invited take long to press a button, nobody is absent."""


class Show(NamedTuple):
    """How many are invited and how many come, a second, smoothed alike; and the share of the invited who come."""

    noticed_per_s: float
    invited_per_s: float
    came_per_s: float
    share: float


def show_after(show: Show, invited_per_s: float, came_per_s: float, elapsed_s: float, rate_per_s: float) -> Show:
    """`show` after `elapsed_s` seconds in which so many tickets were invited and so many came for the first time.

    Nothing is learned while nobody is invited: those who come then were invited long ago.
    """
    if invited_per_s <= 0.0 or elapsed_s <= 0.0:
        return show
    noticed = smoothed(show.noticed_per_s, invited_per_s, elapsed_s, NOTICE_S)
    invited = smoothed(show.invited_per_s, noticed, elapsed_s, SHOW_MEMORY)
    came = smoothed(show.came_per_s, came_per_s, elapsed_s, SHOW_MEMORY)
    guess = max(rate_per_s, 1.0e-9) * SHOW_GUESS
    share = max((came + guess) / (invited + guess), show.share * (1.0 - min(elapsed_s, 1.0) * SHOW_FALL))
    return Show(noticed, invited, came, min(max(share, LEAST_SHOW), 1.0))


def frontier_after(
    frontier: float, last_place: int, elapsed_s: float, rate_per_s: float, pending: int, share: float
) -> float:
    """The frontier (places up to its floor are invited) `elapsed_s` seconds later.

    It invites so many that the rate comes in if `share` of them follow, more while fewer than PENDING_S of the rate
    wait at the gate, fewer or nobody while more do. Never back, and never beyond the last place by more than a second
    of rate: an empty line saves up no burst.
    """
    rate = max(rate_per_s, 0.0)
    if rate <= 0.0:
        return frontier
    missing = max(rate * PENDING_S, LEAST_PENDING) - float(pending)
    wanted = rate * max(elapsed_s, 0.0) + PULL * missing
    moved = frontier + max(wanted, 0.0) / max(share, LEAST_SHOW)
    return max(min(moved, float(last_place) + rate), frontier)


def state_of(wanted: str, queue_all: bool, opened: bool, full: bool) -> str:
    """The room's state (not a compiled rule). wanted: what the operator asked for: open, paused or closed."""
    if wanted == "closed":
        return "closed"
    if not opened:
        return "before"
    if wanted == "paused" or queue_all:
        return "paused"
    return "full" if full else "open"


def may_claim(place: int, frontier: float) -> bool:
    """Whether whoever stands at `place` is invited to claim."""
    return float(place) <= frontier
