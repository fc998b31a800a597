"""The looks of a line, one by one, compiled: what each person asks, is told, and does then, by the service's rules.

Arrays are by place, from 0. A look waits in the list of its second; the looks of a second are played in the order of
(moment, number). Moments are whole microseconds since the opening, negative before it. All that is told goes into a log
of the second, which room_line hashes and throws away. Helpers stand in this file: numba sees changes of no other.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from scenarios.simulation.compiled import shared, whole
from scenarios.streams import Purpose, uniform
from service.domain import promises

MICRO, MILLI = 1_000_000, 1_000
NUMBER_BITS = 31
"""A look of a second as one number: microseconds of the second above, place below."""
_NUMBERS = (1 << NUMBER_BITS) - 1
NONE = -32_768
"""Of `turn` and `asked`: not yet. Of `leaves`: never came."""
STAYS = 32_767
"""Of `leaves`."""
NOT_YET = -(1 << 31)
"""Of times in milliseconds."""
MOST_SECONDS = 32_000
"""Seconds are kept in 16 bits: nearly nine hours before and after the opening."""

ROW = np.dtype(
    [
        *((name, np.int32) for name in ("due_us", "following", "pause_us", "came_ms", "told_ms", "promised_ms")),
        *((name, np.float32) for name in ("expected", "low", "high", "shown_high")),
        ("shown_ahead", np.int32),
        *((name, np.int16) for name in ("turn", "leaves", "looks", "failures")),
    ],
    align=True,
)
"""due_us: microseconds of its second at which the next look is due; following: who is next in that second's list, -1:
nobody. pause_us: the pause that was agreed last. promised_ms: when the first range was shown, from `low` to `high`
seconds around `expected`; shown_high, shown_ahead: as they were shown last. turn, leaves: whole seconds.
failures: looks in vain since the last answer, up to 5. Who asked last when stands in an array of its own, which each
count of the live goes through."""

LOOK = np.dtype(
    [
        *((name, np.int32) for name in ("due_us", "number", "ahead")),
        *((name, np.float32) for name in ("low", "high")),
        ("pause_us", np.int32),
    ]
)
"""One line of the log. ahead: people ahead, or one of these."""
INVITED, BEFORE, CUT_OFF, LEFT = -1, -2, -3, -4

ASKED, PENDING, CLAIMED, WAITS, RISES = range(5)
"""Of the tally, int64: answers in this second; people at the gate; claims in all; of the second's answers those that
say "wait" to somebody who looked before; from RISES on, rises of a shown wait by reason."""
TALLY = RISES + 3
LOW, HIGH, LEARNED_AT = range(3)
"""Of what was learned, float64 by kind of wait."""


class Manner(NamedTuple):
    """How people look; all but `seed` and `began` are negative controls when they are on."""

    seed: int
    began: int
    """The first second."""
    every_s: float
    """They look so often, whatever the answer says; 0: as it says."""
    is_plain: bool
    """They take the interval for the pause."""
    rushes: bool
    """Whoever failed looks within a second after the network is back."""
    is_deaf: bool
    """The ends of the range stay as they began."""


class Beat(NamedTuple):
    """What is the same for all looks of a second."""

    second: int
    shown: int
    """The place up to which this second's copies invite at first, and from `lag_us` on `frontier`."""
    frontier: int
    lag_us: int
    pace: float
    """People/s that come in."""
    live_share: float
    back_at: int
    """The second in which requests arrive again; `second`, when they arrive."""


@shared
def put(rows: Any, heads: Any, waiting: Any, began: int, number: int, moment_us: int) -> None:
    """Place `number` looks at `moment_us`, unless the night is over by then."""
    second = moment_us // MICRO
    at = second - began
    if at >= len(heads):
        return
    row = rows[number]
    row.due_us = moment_us - second * MICRO
    row.following = heads[at]
    heads[at] = number
    waiting[at] += 1


def expect(rows: Any, heads: Any, waiting: Any, began: int, comes_us: Any) -> None:
    """Everybody who comes at all looks at once. comes_us: int64."""
    for number in range(len(rows)):
        if rows[number].leaves != NONE:
            put(rows, heads, waiting, began, number, whole(comes_us[number]))


def gather(rows: Any, heads: Any, waiting: Any, at: int, keys: Any) -> int:
    """Empty the list of a second into `keys`, int64, in no order. How many they are."""
    count, number = 0, whole(heads[at])
    while number >= 0:
        row = rows[number]
        keys[count] = (whole(row.due_us) << NUMBER_BITS) | number
        count += 1
        number = whole(row.following)
    heads[at] = -1
    waiting[at] = 0
    return count


def count(asked: Any, before: Any, since: int) -> None:
    """Live people before each place: who asked in second `since` or later. As service.domain.presence.Live counts them:
    behind the last of them everybody is, because they came just now. before: one longer than `asked`."""
    top = len(asked)
    while top > 0 and asked[top - 1] < since:
        top -= 1
    live = 0
    before[0] = 0
    for index in range(len(asked)):
        if index >= top or asked[index] >= since:
            live += 1
        before[index + 1] = live


def looks(
    rows: Any, heads: Any, waiting: Any, asked: Any, before: Any, keys: Any, log: Any, tally: Any, ends: Any,
    beat: Beat, manner: Manner,
) -> None:  # fmt: skip
    """Play the looks of a second. keys: ascending; log: as long."""
    for at in range(len(keys)):
        number = whole(keys[at]) & _NUMBERS
        due_us = whole(keys[at]) >> NUMBER_BITS
        row, told = rows[number], log[at]
        told.due_us, told.number, told.ahead = due_us, number, LEFT
        told.low, told.high, told.pause_us = 0.0, 0.0, 0
        if row.leaves <= beat.second:
            continue
        moment_us = beat.second * MICRO + due_us
        if beat.back_at > beat.second:
            told.ahead = CUT_OFF
            pause_us = _in_vain(row, number, moment_us, beat, manner)
        else:
            pause_us = _answered(row, told, number, due_us, asked, before, tally, ends, beat, manner)
        if pause_us > 0:
            told.pause_us = pause_us
            put(rows, heads, waiting, manner.began, number, moment_us + pause_us)


@shared
def _in_vain(row: Any, number: int, moment_us: int, beat: Beat, manner: Manner) -> int:
    """As the page does: the pause it was given, doubled after each failure up to a minute, and spread widely."""
    draw = uniform(manner.seed, number, Purpose.BACKOFF, moment_us)
    if manner.rushes:
        return beat.back_at * MICRO + int(draw * MICRO) - moment_us
    failures = whole(row.failures)
    pause_us = min(whole(row.pause_us) << failures, int(promises.POLL_MOST * MICRO))
    row.failures = min(failures + 1, 5)
    return int(pause_us * (0.25 + draw))


@shared
def _answered(
    row: Any, told: Any, number: int, due_us: int, asked: Any, before: Any, tally: Any, ends: Any, beat: Beat,
    manner: Manner,
) -> int:  # fmt: skip
    """One request that arrives. Microseconds until the next; 0: told to come in."""
    now = beat.second + due_us / MICRO
    row.failures = 0
    row.looks += 1
    asked[number] = beat.second
    tally[ASKED] += 1
    interval = promises.POLL_MOST
    if beat.second < 0:
        told.ahead = BEFORE
    else:
        place = number + 1
        copy = beat.frontier if due_us >= beat.lag_us else beat.shown
        if place <= copy:
            told.ahead = INVITED
            _come_in(row, beat.second * MILLI + due_us // MILLI, tally, ends, manner)
            return 0
        if beat.second < promises.SPREAD:
            ahead = int((place - 1 - copy) * beat.live_share)
        else:
            ahead = whole(before[place - 1]) - whole(before[copy])
        ahead += whole(tally[PENDING])
        expected = promises.expected_wait_s(ahead, beat.pace)
        told.ahead = ahead
        _promise(row, told, beat.second * MILLI + due_us // MILLI, expected, ahead, tally, ends)
        interval = promises.poll_interval_s(expected)
        if manner.every_s > 0.0 and expected < promises.NEVER_S:
            interval = manner.every_s
        if row.looks > 1:
            tally[WAITS] += 1
    pause = interval if manner.is_plain else promises.poll_pause_s(number + 1, interval, now)
    row.pause_us = int(pause * MICRO)
    return int(pause * MICRO)


@shared
def _promise(row: Any, told: Any, now_ms: int, expected: float, ahead: int, tally: Any, ends: Any) -> None:
    """Show a range, and keep the first one."""
    kind = promises.wait_class(expected)
    low = promises.range_end_s(expected, ends[kind, LOW])
    high = promises.range_end_s(expected, ends[kind, HIGH])
    if row.promised_ms == NOT_YET:
        row.promised_ms = now_ms
        row.low, row.high, row.expected = low, high, expected
    else:
        reason = promises.rise_reason(np.float64(row.shown_high), high, whole(row.shown_ahead), ahead)
        if reason != promises.NO_RISE:
            tally[RISES + reason] += 1
    row.shown_high, row.shown_ahead = high, ahead
    told.low, told.high = low, high


@shared
def _come_in(row: Any, now_ms: int, tally: Any, ends: Any, manner: Manner) -> None:
    """Told to come in; claims at once, and the range learns from the wait that ended."""
    row.told_ms = now_ms
    tally[PENDING] += 1
    tally[CLAIMED] += 1
    if row.promised_ms == NOT_YET or manner.is_deaf:
        return
    expected = np.float64(row.expected)
    kind = promises.wait_class(expected)
    now, before = now_ms / MILLI, ends[kind, LEARNED_AT]
    elapsed = 0.0 if math.isnan(before) else now - before
    ends[kind, LEARNED_AT] = now
    ratio = (now_ms - whole(row.promised_ms)) / MILLI / expected
    memory = promises.MEMORY[kind]
    ends[kind, LOW] = promises.learned(ends[kind, LOW], ratio, promises.LOW, elapsed, memory)
    ends[kind, HIGH] = promises.learned(ends[kind, HIGH], ratio, promises.HIGH, elapsed, memory)
