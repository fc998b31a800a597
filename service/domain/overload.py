"""Rules of the door: how much is worked on at once, who waits, who is turned away first.

The limit follows Netflix's Gradient2 (concurrency-limits, Gradient2Limit.java) with three changes: what an answer
usually takes is known for each endpoint, so a change of the mix is no overload; it is learned only while there is room,
so a long overload does not become the new usual; figures are those of windows, not of single answers. The line is
judged by the time people wait in it (B. Maurer, "Fail at Scale", ACM Queue 2015). People are kept in or out together,
whatever they ask next, as in WeChat's DAGOR (SoCC 2018).
"""

import math
from enum import IntEnum
from hashlib import blake2b

from service.domain.queues import jittered_s

WINDOW_S = 0.1
"""The limit moves ten times a second: a burst is over before anybody's patience is."""
ENOUGH_ANSWERS = 10
"""Fewer answers say nothing; the window then stays open for up to LONGEST_WINDOW_S."""
LONGEST_WINDOW_S = 1.0

TOLERANCE = 1.25
SLACK_S = 0.002
"""An answer may take a quarter more than is usual, and 2 ms: the event loop alone delays a fast one by as much."""
HEADROOM = 0.5
"""Of the root of the limit, added in each window: what keeps trying whether more is possible. With Netflix's figures
(1.5, and the whole root) the slowest answers at ten times the load took 2.6 times as long as at 70 % of it, with these
2.1 times, at the same goodput: tests/unit/door_simulation.py, eight servers of 5 ms."""
STEEPEST = 0.5
SMOOTHING = 0.2
BACKOFF = 0.9
DROP_AFTER_S = 1.0
"""An answer of ours that takes longer, without waiting for the client, counts as a failure to hold the limit."""

LEAST = 4.0
"""At once, of the house and of each class: enough to keep a small machine's database at work, and few enough that what
they take is what it takes, and not our doing."""
MOST = 200.0
"""A web process has a core; at 5 ms an answer, 200 at once are a second of delay."""

USUAL_FALLS_S = 5.0
USUAL_RISES_S = 300.0
USUAL_RISES_AT_LEAST_S = 5.0
"""How fast what is usual follows: soon to the better, over minutes to the worse (a table that grew, a colder disk) -
but soon when it is as slow at the least limit, too."""

PATIENCE_S = 0.1
"""A burst may wait this long: a person does not notice it."""
STORM_PATIENCE_S = 0.03
"""After anybody was turned away, until all may wait again: a refusal is of use at once or not at all (R3: 99 of 100
within 50 ms at any load)."""
LATE_PATIENCE_S = 0.005
LATE_TURNS = 2.0
"""CoDel: a line that has not been empty for PATIENCE_S is no burst; each may then wait only so long, or until two have
left where answers take long: else hardly anybody in line would meet a free place, and rank would count for nothing.
Never longer than in a storm."""
MOST_WAITING = 200
"""Of one process, as many as it works on at most; each costs memory, and its time is judged anyway."""

SHARE_FALLS = 0.95
SHARE_RISES_PER_S = 0.1
"""Down by windows that were closed with somebody turned away, up by the clock: a slow service's windows are long, and
shares that stayed low for many of them left an eighth of it idle at 1.2 to 2 times what it can do."""
LEAST_SHARE = 0.02
SMALL_SHARE = 0.1
"""A rank gives way to those above it down to this share before theirs is cut."""
BARRED_WINDOWS = 5
"""After so many windows in which nobody of a higher rank was turned away (half a second where much is asked, some where
little is) a free place is anybody's again."""
KEPT_FREE = 1
"""Until then the last place is for the higher ranks: those who come next shall not have to wait for it."""
PERIOD_S = 900.0
"""Who is kept out first is drawn anew every quarter of an hour: the step somebody is at takes less."""

LAG_LIMIT_S = 0.25
"""An event loop that stood still for so long has a crowd in front of the door that nobody has counted yet."""

RETRY_S = 3.0
RETRY_MOST_S = 60.0


class Progress(IntEnum):
    """How far somebody has come: who has more to lose goes first."""

    FINISHING = 0
    """Photos, the test, joining."""
    CONTINUING = 1
    """Signed in, on the way."""
    ENTERING = 2
    """Invited, making an account or signing in."""
    BROWSING = 3
    """Looking around, taking a place in line."""


def usual_after(usual: float, mean: float, elapsed: float, at_least: bool) -> float:
    """What an endpoint usually takes, after `elapsed` seconds in which it took `mean`; usual: nan for "not known".

    at_least: the limit could not be any lower.
    """
    if math.isnan(usual):
        return mean
    rises = USUAL_RISES_AT_LEAST_S if at_least else USUAL_RISES_S
    follows = rises if mean > usual else USUAL_FALLS_S
    return usual + (mean - usual) * (1.0 - math.exp(-elapsed / follows))


def allowed_s(usual: float) -> float:
    """What an answer may take before there is too much at once."""
    return TOLERANCE * usual + SLACK_S


def next_limit(limit: float, took: float, allowed: float, peak: int, dropped: bool) -> float:
    """The limit after one window, within [LEAST, MOST].

    took, allowed: sums over the answers of the window. peak: the most at once in it.
    """
    if dropped:
        return max(LEAST, limit * BACKOFF)
    gradient = min(1.0, max(STEEPEST, allowed / took)) if took > 0.0 else 1.0
    wanted = limit * gradient + HEADROOM * math.sqrt(limit)
    if wanted > limit and peak < limit / 2.0:
        return limit  # nobody tried what it allows, so nothing is known about more
    return min(MOST, max(LEAST, limit + (wanted - limit) * SMOOTHING))


def is_quiet(in_flight: int, limit: float) -> bool:
    """Whether what starts now, with `in_flight` at work including itself, shows what is usual."""
    return in_flight <= max(LEAST, limit / 2.0)


def patience_s(late: bool, stormy: bool, turn: float) -> float:
    """How long somebody may wait. stormy: people were turned away lately. turn: seconds from one leave to the next."""
    if late:
        return min(STORM_PATIENCE_S, max(LATE_PATIENCE_S, LATE_TURNS * turn))
    return STORM_PATIENCE_S if stormy else PATIENCE_S


def next_share(share: float, turned_away: bool, elapsed: float) -> float:
    """The share of people of one rank who may wait at all, after a window of `elapsed` seconds (DAGOR's steps)."""
    return max(LEAST_SHARE, share * SHARE_FALLS) if turned_away else min(1.0, share + SHARE_RISES_PER_S * elapsed)


def place_of(person: bytes, now: float) -> float:
    """Where a person stands among all, in [0, 1): the same at every replica and for everything they ask, for a time.

    now: wall clock in seconds; replicas agree on it well enough. Salted by the period, so nobody stays last for long.
    """
    digest = blake2b(person, digest_size=8, salt=b"%d" % (now // PERIOD_S)).digest()
    return int.from_bytes(digest, "big") / 2.0**64


def retry_after_s(share: float, u: float) -> float:
    """When to come back: the fewer are let in, the later; jittered by 30 %. u: uniform in [0, 1)."""
    return jittered_s(min(RETRY_MOST_S, RETRY_S / share), u)
