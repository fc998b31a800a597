"""The waiting room: who may enter, how many stand before, how long it takes, when to ask again.

Compiled rules (DESIGN section 2): positional ints and floats in, ints and floats out, no raise.
The line advances by tickets, not by people present: a ticket that nobody holds passes by and blocks nobody.
"""

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

MOST_STANDSTILL = 2.0
"""Time that the gatekeeper slept is not made up beyond this: a restart must not release a burst."""


def frontier_after(frontier: float, last_ticket: int, elapsed_s: float, rate_per_s: float) -> float:
    """The invited frontier (ticket numbers up to its floor) after `elapsed_s` seconds at `rate_per_s` people/s.

    Never moves backwards, and never beyond the last ticket by more than one second of rate: an empty line saves up no
    burst.
    """
    moved = frontier + max(elapsed_s, 0.0) * max(rate_per_s, 0.0)
    bound = float(last_ticket) + max(rate_per_s, 0.0)
    if moved > bound:
        moved = bound
    if moved < frontier:
        moved = frontier
    return moved


def may_claim(number: int, frontier: float) -> bool:
    """Whether the ticket is invited. Generous invitations, but the limit is enforced at the claim by this."""
    return float(number) <= frontier


def people_ahead(number: int, frontier: float) -> int:
    """Tickets that are invited before this one; 0 for an invited ticket and for the next in line."""
    ahead = float(number) - frontier - 1.0
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
