"""The waiting room: who may enter, how many stand before, how long it takes, when to ask again.

Compiled rules (DESIGN section 2): positional ints and floats in, ints and floats out, no raise.
The line advances by places, not by people present: a place that nobody holds passes by and blocks nobody. An invitation
is not yet an admission: the frontier invites as many as it takes, and the gate (gate.py) keeps the limit.
"""

from typing import NamedTuple

from service.domain.queues import smoothed

POLL_SHARE = 0.1
"""Ask ten times on the way: an estimate is corrected before it annoys, and near the turn one asks often."""
POLL_LEAST = 2.0
"""The board's copy and the frontier each move once a second: asking more often cannot learn anything."""
POLL_MOST = 60.0
"""A person who lost the page must be back in the line's sight within a minute."""
JITTER = 0.3
"""Width of the spread of the poll interval, so that a crowd that came together does not ask together."""
GOLDEN = 0.6180339887498949
"""Fraction of the golden ratio: successive numbers are spread evenly over [0, 1)."""

BEATS_LEAST = 0.2
BEATS_MOST = 2.4
"""What the beats of frontier and board (1 s each) and the pause between two polls add to the line's own pace: 5th and
95th percentile of 124 waits of up to 28 s, rehearsed at 2 people/s."""
FIRST_POLL = 1.7
"""The shortest pause between two polls, jitter included."""

NEVER_S = 86_400.0 * 365.0
"""The wait shown while the gate does not move at all: a year."""

MOST_AHEAD = 4.0e18
"""More than anybody can stand in line; keeps the count inside 64 bits."""

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


class Show(NamedTuple):
    """How many are invited and how many come, a second: smoothed alike, so that their ratio is the share who come."""

    noticed_per_s: float
    invited_per_s: float
    came_per_s: float


def show_after(show: Show, invited_per_s: float, came_per_s: float, elapsed_s: float) -> Show:
    """`show` after `elapsed_s` seconds in which so many tickets were invited and so many came for the first time.

    Nothing is learned while nobody is invited: those who come then were invited long ago.
    """
    if invited_per_s <= 0.0 or elapsed_s <= 0.0:
        return show
    noticed = smoothed(show.noticed_per_s, invited_per_s, elapsed_s, NOTICE_S)
    return Show(
        noticed,
        smoothed(show.invited_per_s, noticed, elapsed_s, SHOW_MEMORY),
        smoothed(show.came_per_s, came_per_s, elapsed_s, SHOW_MEMORY),
    )


def show_share(show: Show, rate_per_s: float) -> float:
    """Share of the invited who come: 0.05 to 1."""
    guess = max(rate_per_s, 1.0e-9) * SHOW_GUESS
    return min(max((show.came_per_s + guess) / (show.invited_per_s + guess), LEAST_SHOW), 1.0)


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


def people_ahead(place: int, frontier: float) -> int:
    """Places that are invited before this one; 0 for an invited one and for the next in line."""
    ahead = float(place) - frontier - 1.0
    if ahead <= 0.0:
        return 0
    whole = int(min(ahead, MOST_AHEAD))
    if float(whole) < ahead and ahead < MOST_AHEAD:
        whole += 1
    return whole


def expected_wait_s(ahead: int, rate_per_s: float) -> float:
    """Seconds until `ahead` people are invited; NEVER_S at most."""
    if rate_per_s <= 0.0:
        return NEVER_S
    return min(float(ahead) / rate_per_s, NEVER_S)


def poll_interval_s(ahead: int, rate_per_s: float) -> float:
    """When to ask again: a tenth of the expected wait, within 2 to 60 s."""
    return min(max(expected_wait_s(ahead, rate_per_s) * POLL_SHARE, POLL_LEAST), POLL_MOST)


def jittered_poll_s(number: int, interval_s: float) -> float:
    """`interval_s` spread by ±15 %, the same for one ticket each time."""
    share = (float(number) * GOLDEN) % 1.0
    return interval_s * (1.0 - JITTER / 2.0 + JITTER * share)


def wait_low_s(ahead: int, rate_per_s: float) -> float:
    """Lower end of the shown range, for a ticket that is not invited yet: nobody is let in before the first poll."""
    return min(max(expected_wait_s(ahead, rate_per_s) + BEATS_LEAST, FIRST_POLL), NEVER_S)


def wait_high_s(ahead: int, rate_per_s: float) -> float:
    """Upper end: 2 % more than the line's own pace, and the beats."""
    return min(expected_wait_s(ahead, rate_per_s) * 1.02 + BEATS_MOST, NEVER_S)
