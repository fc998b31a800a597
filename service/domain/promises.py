"""What a person in line is told: how long it may take, when to ask again, and how good that was.

Compiled rules (DESIGN section 2): positional ints and floats in, ints and floats out, no raise.

The *expected* wait is people ahead by rate, and the beats of a line that moves and is looked at in steps. What is shown
is a range around it: `expected * low` to `expected * high`. Its two ends are learned from waits that ended, so that one
wait in ten ends before the range and one in ten after it.
"""

import math

NEVER_S = 86_400.0 * 365.0
"""The wait while nobody is let in at all: a year."""
BEATS = 2.0
"""Seconds that the frontier's step, the board's copy and the pause between two looks add on average."""
YIELD_MEMORY = 60.0
"""Seconds over which the share of the rate that is used is smoothed."""

POLL_SHARE = 1.0 / 3.0
"""Of the expected wait: the rate may rise to three times its value between two looks before anybody is told late."""
POLL_LEAST = 2.0
"""The board's copy and the frontier each move once a second: asking more often cannot learn anything."""
POLL_MOST = 60.0
"""A look a minute costs an hour's wait 60 looks, and whoever lost the page is in the line's sight within that."""
POLL_AT_ONCE = 15.0
"""The shortest pause before one's own second of the minute: sooner it would learn nothing."""
SPREAD = POLL_MOST + POLL_AT_ONCE
"""Seconds after the opening in which every early comer has looked once: until then who did not ask is not absent."""
JITTER = 0.3
"""Width of the spread of shorter pauses, so that a crowd that came together does not ask together."""
GOLDEN = 0.6180339887498949
"""Fraction of the golden ratio: successive numbers are spread evenly over [0, 1)."""

LOW, HIGH = 0.1, 0.9
"""The quantiles of the true wait that the two ends of the range stand for."""
CLASSES = 4
"""Kinds of waits that are learned apart: under 20 s, under 2 min, under 15 min, longer."""

FIRST_LOW = (0.36, 0.86, 0.88, 0.82)
FIRST_HIGH = (1.13, 1.30, 1.14, 1.14)
"""By kind: the ends as shares of the expected wait before anything was learned. They hold 80 % of the waits of twenty
nights under a virtual clock, with rates that swing, wander, drop and rise, and up to 60 % of the people absent."""
MEMORY = (30.0, 120.0, 600.0, 1800.0)
"""By kind: seconds over which an end is learned. Waits that end together were wrong together, so a count of them says
little, and about as long as they last is needed to see another case."""

RISE = 2.0
"""A shown wait that rises beyond this factor is a broken promise unless the reason is told with it."""
NO_RISE, FEWER_ENTER, PEOPLE_RETURNED = 0, 1, 2

EARLY, INSIDE, LATE = -1, 0, 1


def yield_after(share: float, entered: float, rate_per_s: float, elapsed_s: float) -> float:
    """The share of the chosen rate that people really come in at, after `elapsed_s` in which `entered` of them did.

    Smoothed over a minute, and apart from the rate: a new rate is believed at once. Between 0.05 and 1.5; unchanged
    while the gate does not move.
    """
    if elapsed_s <= 0.0 or rate_per_s <= 0.0:
        return share
    seen = entered / (rate_per_s * elapsed_s)
    moved = share + (seen - share) * (1.0 - math.exp(-elapsed_s / YIELD_MEMORY))
    return min(max(moved, 0.05), 1.5)


def expected_wait_s(ahead: int, rate_per_s: float) -> float:
    """Seconds until a person with `ahead` live people before is told to come in; NEVER_S at most."""
    if rate_per_s <= 0.0:
        return NEVER_S
    return min(float(max(ahead, 0)) / rate_per_s + BEATS, NEVER_S)


def poll_interval_s(expected_s: float) -> float:
    """About when to ask again: a third of the expected wait, within 2 to 60 s."""
    return min(max(expected_s * POLL_SHARE, POLL_LEAST), POLL_MOST)


def own_share(number: int) -> float:
    """Where in [0, 1) the number of a ticket lies: neighbors lie far apart, and any run of numbers is spread evenly."""
    return (float(number) * GOLDEN) % 1.0


def jittered_poll_s(number: int, interval_s: float) -> float:
    """`interval_s` spread by ±15 %, the same for one ticket each time."""
    return interval_s * (1.0 - JITTER / 2.0 + JITTER * own_share(number))


def poll_pause_s(number: int, interval_s: float, now: float) -> float:
    """Seconds until the next look of ticket `number`; now: seconds since any fixed origin.

    Who waits long asks at one's own second of the minute, 15 to 75 s from now: an opening, a restart or a cut network
    cannot make a crowd ask together, because nothing that happens to all of them moves those seconds. Who is near the
    turn asks after the interval, spread by ±15 %.
    """
    if interval_s < POLL_MOST:
        return jittered_poll_s(number, interval_s)
    pause = (own_share(number) * POLL_MOST - now) % POLL_MOST
    return pause + POLL_MOST if pause < POLL_AT_ONCE else pause


def wait_class(expected_s: float) -> int:
    """The kind of wait, 0 to CLASSES - 1."""
    if expected_s < 20.0:
        return 0
    if expected_s < 120.0:
        return 1
    return 2 if expected_s < 900.0 else 3


def learned(end: float, ratio: float, share: float, elapsed_s: float, memory: float) -> float:
    """One end of the range after a wait that took `ratio` of what was expected.

    It rises by `share` parts when the wait lay above it and falls by `1 - share` parts when below, so that it
    comes to rest where that share of waits lies below. elapsed_s: since the wait before; bounded, so that a rare wait
    says no more than ten seconds of a crowd do. Stays within 1/5 and 5.
    """
    step = min(max(elapsed_s, 0.0), 10.0) / max(memory, 1.0)
    moved = end * math.exp(step * share if ratio > end else step * (share - 1.0))
    return min(max(moved, 0.2), 5.0)


def range_end_s(expected_s: float, end: float) -> float:
    """One end of the shown range."""
    return min(expected_s * end, NEVER_S)


def scored(waited_s: float, low_s: float, high_s: float) -> int:
    """EARLY, INSIDE or LATE: how a promised range held."""
    if waited_s < low_s:
        return EARLY
    return LATE if waited_s > high_s else INSIDE


def rise_reason(high_before_s: float, high_s: float, ahead_before: int, ahead: int) -> int:
    """Why the shown wait rose beyond twice what was shown before; NO_RISE when it did not.

    More people stand ahead than before only when earlier holders came back; otherwise fewer are let in.
    """
    if high_before_s <= 0.0 or high_s <= high_before_s * RISE:
        return NO_RISE
    return PEOPLE_RETURNED if ahead > ahead_before else FEWER_ENTER
