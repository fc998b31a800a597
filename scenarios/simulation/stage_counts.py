"""What the stages behind the gate did, second by second: the counters that the service's replicas read of themselves.

An answer counts in the second in which it is given, though it is read ahead, and as late by what the service took, not
by what its client waited. A row is written each second while anything happens; the slow loop (scenarios.simulation.
pacing) makes rates of them. It is called every few seconds, unless it rests and the stages are calm.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.simulation.compiled import shared
from scenarios.simulation.figures import ANSWER, EMAIL, IDENTITY, SMS, STEP, UPLOAD
from scenarios.simulation.world import ENDS, ENDS_S
from service.domain import admission, slow_loop

SECOND_US = 1_000_000
_EVERY_S = int(admission.EVERY)
LATE_US = 1_000_000
"""As service/web/figures.py counts them."""
LATE, UPLOADED = 2, 4
"""What ends in a second beside steps and answers (STEP, ANSWER): each of them again when it is late, and people whose
two photos are there."""
SOON = 0.8
"""Of what still counts as calm: beyond it the loop is called. It goes by smoothed figures, this by the last seconds."""
AGO = int(slow_loop.FARTHEST) + 2 * _EVERY_S
"""Rows that are kept: further back the loop remembers nothing."""

ROW = np.dtype(
    [
        *((name, np.int64) for name in ("at_us", "admitted", "sending", "uploaded")),
        ("done", np.int64, (2,)),
        ("late", np.int64, (2,)),
        ("refused", np.int64, (3,)),
        ("full", np.int64, (3,)),
        ("ended", np.int64, (3,)),
        ("waiting", np.int64, (3,)),
    ],
    align=True,
)
"""Counted since the doors opened. done, late, refused: steps, answers of the test, uploads. full: steps refused by a
queue, which are told of the queue and not of the steps. ended: jobs by queue, and waiting: now. sending: uploads that
are on their way now. uploaded: people whose two photos are there."""


def made() -> NDArray[Any]:
    """Room for the last seconds; by number of the row from 0, `world.told` of them so far."""
    return np.zeros(AGO, ROW)


@shared
def count_answer(world: Any, figures: Any, action: int, now_us: int, done_us: int) -> None:
    """A request that was let in at `now_us` will be answered at `done_us`."""
    kind = figures.kinds[action]
    if kind > ANSWER:
        return
    count_end(world, kind, done_us)
    if done_us - now_us > LATE_US:
        count_end(world, kind + LATE, done_us)


@shared
def count_end(world: Any, kind: int, at_us: int) -> None:
    """Something ends at `at_us`; further ahead than anybody looks it counts as soon as that."""
    second = min(at_us // SECOND_US, world.counted_s + ENDS_S - 2)
    world.ends[second % ENDS_S * ENDS + kind] += 1


@shared
def calls(world: Any, figures: Any, seconds: Any, now_us: int) -> bool:
    """Write down the second that is over, if one is. Whether the loop is to look now: every few seconds while somebody
    leads the gate, unless it rests and would do nothing."""
    now_s = now_us // SECOND_US
    if now_s <= world.counted_s:
        return False
    if now_s > world.counted_s + 1:  # the clock slept, and nobody did anything: one second stands for all of them
        _write(world, figures, seconds, now_s - 1)
    _write(world, figures, seconds, now_s)
    if now_s // _EVERY_S == world.called_s // _EVERY_S or world.gate_down == 1:
        return False
    world.called_s = now_s
    if world.loop_rests == 1 and _is_calm(world, figures, seconds):
        return False
    world.loop_called = 1
    return True


@shared
def _write(world: Any, figures: Any, seconds: Any, at_s: int) -> None:
    for second in range(max(world.counted_s, at_s - ENDS_S), at_s):
        for kind in range(ENDS):
            place = second % ENDS_S * ENDS + kind
            world.ended_in[kind] += world.ends[place]
            world.ends[place] = 0
    world.counted_s = at_s
    row = seconds[world.told % len(seconds)]
    world.told += 1
    row.at_us = at_s * SECOND_US
    row.admitted = world.admitted
    row.sending = world.sending
    row.uploaded = world.ended_in[UPLOADED]
    row.done[STEP] = world.ended_in[STEP]
    row.done[ANSWER] = world.ended_in[ANSWER]
    for kind in range(2):
        row.late[kind] = world.ended_in[LATE + kind]
    for kind in range(3):
        row.refused[kind] = 0
    for action in range(len(figures.kinds)):
        kind = figures.kinds[action]
        if kind <= UPLOAD:
            row.refused[kind] += world.kept_back[action]
    for queue in range(3):
        row.full[queue] = world.refused[queue]
        row.done[STEP] -= world.refused[queue]  # it had been let in
        row.ended[queue] = world.head[queue]
        row.waiting[queue] = world.tail[queue] - world.head[queue]


@shared
def _is_calm(world: Any, figures: Any, seconds: Any) -> bool:
    """Whether in the last seconds nothing happened that could move the rate: hardly anybody used it, nobody was
    refused or answered late, and every line was short."""
    if world.told <= _EVERY_S:
        return True
    now = seconds[(world.told - 1) % len(seconds)]
    then = seconds[(world.told - 1 - _EVERY_S) % len(seconds)]
    elapsed = (now.at_us - then.at_us) / SECOND_US
    if now.admitted - then.admitted >= admission.IN_USE * world.chosen_per_s * elapsed:
        return False
    for kind in range(3):
        was_refused = now.refused[kind] > then.refused[kind] or now.full[kind] > then.full[kind]
        if was_refused or (kind < 2 and now.late[kind] > then.late[kind]):
            return False
    closes_in = figures.closes_s - now.at_us / SECOND_US
    codes, photos = admission.CODE_LIMIT, admission.PHOTOS_LIMIT
    checks = admission.CLOSE_SHARE * closes_in
    return (
        _is_short(now.waiting[EMAIL], now.ended[EMAIL] - then.ended[EMAIL], elapsed, codes)
        and _is_short(now.waiting[SMS], now.ended[SMS] - then.ended[SMS], elapsed, codes)
        and _is_short(now.waiting[IDENTITY], now.ended[IDENTITY] - then.ended[IDENTITY], elapsed, checks)
        and _is_short(now.sending, now.uploaded - then.uploaded, elapsed, photos)
    )


@shared
def _is_short(waiting: int, ended: int, elapsed: float, limit_s: float) -> bool:
    load = admission.load_of_line(float(waiting), 0.0, ended / elapsed, limit_s, admission.DRAIN_S)
    return load.strain < SOON * admission.CALM
