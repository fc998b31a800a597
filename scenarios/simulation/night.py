"""The kernel: everybody of a night from arrival to fate, event by event, in one compiled loop over flat arrays.

An event is a timer that comes due or a request that is answered. Timers come due in the order of (time, number), time
is in whole microseconds, and every draw is a function of who and what for, so the same input gives the same digits
whatever machine, cache or process plays it. The people decide by scenarios.journey, the service by service.domain.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.fates import Fate, Furthest, Reason
from scenarios.journey import step
from scenarios.journey_state import Action, Result
from scenarios.simulation.compiled import inlined, shared, whole
from scenarios.simulation.gate_tick import beat, is_invited, look
from scenarios.simulation.journal import Journal, is_full, note, note_request, note_stages
from scenarios.simulation.journal import Note as Noted
from scenarios.simulation.mail import Rings, depth, drain, oldest_ms
from scenarios.simulation.prefetch import wanted
from scenarios.simulation.requests import LATER, Asked, arrived, ask, keep_effect, refresh
from scenarios.simulation.rows import KEPT, Phase, clear, count_request, keep, state_of
from scenarios.simulation.service_model import own_answer, shared_answer, touches_others
from scenarios.simulation.stage_counts import UPLOADED, calls, count_end
from scenarios.simulation.stations import share_out, take_away, wait_us
from scenarios.simulation.tally import Tally, count
from scenarios.simulation.wheel import NEVER, Wheel, ahead, arm, earliest, pop
from scenarios.simulation.world import DATABASE, MINUTE_US, TICK_US, WEB

_US = 1_000_000
_BEAT_US = 1_000_000
_DOOR_TICKS = 2
"""A tenth of a second, as service.domain.overload.WINDOW_S."""
NO_TIMER, AT_ONCE = -1, -2


class Run(NamedTuple):
    """All arrays of a run."""

    rows: NDArray[Any]
    wheel: Wheel
    due_us: NDArray[np.int64]
    """By number, ascending; and when each begins, which may be later."""
    begins_us: NDArray[np.int64]
    world: NDArray[Any]
    figures: NDArray[Any]
    habits: Any
    """One record of HABITS; for plain Python a tuple with one Habits."""
    rings: Rings
    holders: NDArray[np.int32]
    """By place in line, from 0: whose it is."""
    at_gate: NDArray[np.int32]
    parts: NDArray[Any]
    seconds: NDArray[Any]
    """Rows of scenarios.simulation.stage_counts."""
    tally: Tally
    journal: Journal


def play(run: Run, until_us: int, last: bool) -> int:
    """Play on until `until_us`, or until everybody has gone; returns the instant reached. last: the run ends there.

    It returns before that where the journal is full, or `loop_called`: who plays the slow loop lets it look then.
    """
    rows, wheel, rings, holders, at_gate = run.rows, run.wheel, run.rings, run.holders, run.at_gate
    world, figures, habits, tally, journal = run.world[0], run.figures[0], run.habits[0], run.tally, run.journal
    while world.expected < len(rows) and run.due_us[world.expected] <= until_us:
        arm(wheel, int(world.expected), run.begins_us[world.expected])
        world.expected += 1
    while world.ended < len(rows):
        if is_full(journal):
            return int(world.now_us)
        number = earliest(wheel, min(until_us, world.tick_us - 1))
        if number < 0:
            if world.tick_us > until_us:
                if last:
                    _cut(world, rows, until_us)
                return until_us
            now_us = int(world.tick_us)
            _tick(world, figures, rows, wheel, rings, holders, at_gate, run.parts, tally, now_us)
            if figures.follows == 1 and calls(world, figures, run.seconds, now_us):
                return now_us
            continue
        now_us = pop(wheel)
        soon = ahead(wheel)
        if soon >= 0:
            wanted(rows, soon)
        row = rows[number]
        _begin(world, row, now_us)
        phase = whole(row.phase)
        sent = world.photo_sent
        if phase == Phase.ASKING or phase == Phase.GIVING_UP:
            asked = _read(world, figures, row, number, rings, holders, at_gate, phase, now_us)
        else:
            asked = _continued(world, figures, habits, row, number, phase, now_us)
            if phase == Phase.SILENT and asked.result != LATER:
                _read(world, figures, row, number, rings, holders, at_gate, Phase.GIVING_UP + 0, now_us)
        due_us = asked.at_us
        while asked.result != LATER:
            if phase != Phase.LOOKING and phase != Phase.IN_LINE:
                count(tally, row, asked.result, asked.at_us)
                count_request(row)
                note_request(journal, row, number, asked.result)
            due_us = _moved_on(world, figures, habits, row, number, phase, asked, journal)
            if due_us != AT_ONCE:
                break
            phase = Phase.THINKING + 0
            asked = ask(world, figures, row, number, now_us)
            due_us = asked.at_us
        if world.photo_sent > sent:
            note(journal, number, Noted.PHOTO_SENT + 0, world.photo_sent - sent)
        if due_us >= 0:
            arm(wheel, number, due_us)
    return int(world.now_us)


@inlined
def _begin(world: Any, row: Any, now_us: int) -> None:
    """Somebody's timer has come due."""
    world.live_area_us += (world.arrived - world.ended) * (now_us - world.now_us)
    world.now_us = now_us
    world.timers += 1
    if row.phase == Phase.EXPECTED:
        world.arrived += 1
    if world.is_asleep == 1:
        world.is_asleep = 0
        world.tick_us = (now_us // TICK_US + 1) * TICK_US


@inlined
def _read(
    world: Any, figures: Any, row: Any, number: int, rings: Rings, holders: Any, at_gate: Any, phase: int, now_us: int
) -> Asked:
    """The request has been worked on, or its client gives up before: then it takes effect all the same."""
    if touches_others(whole(row.action)):
        reading = shared_answer(world, figures, row, number, rings, holders, at_gate, now_us)
    else:
        reading = own_answer(world, figures, row, number, now_us)
    if phase == Phase.ASKING:
        return Asked(reading.result, reading.told_s, now_us)
    keep_effect(row, reading)
    return Asked(Result.TIMEOUT + 0, -1.0, now_us)


@inlined
def _continued(world: Any, figures: Any, habits: Any, row: Any, number: int, phase: int, now_us: int) -> Asked:
    """What a timer stood for that is not the answer of the service."""
    if phase == Phase.EXPECTED or phase == Phase.THINKING:
        return ask(world, figures, row, number, now_us)
    if phase == Phase.LOOKING:
        is_there = row.delivery_ms >= 0 and int(row.delivery_ms) * 1000 <= now_us
        return Asked(Result.DELIVERED + 0 if is_there else Result.SILENCE + 0, -1.0, now_us)
    if phase == Phase.IN_LINE:  # her patience is at its end
        return Asked(Result.WAIT + 0, -1.0, now_us)
    if Phase.SENDING <= phase <= Phase.KILLED:
        world.sending -= 1
    if phase == Phase.SENDING:
        return arrived(world, figures, row, number, now_us)
    if phase == Phase.SILENT:
        return refresh(world, figures, habits, row, number, now_us)
    if phase == Phase.HALF_OPEN:
        return Asked(Result.TIMEOUT + 0, -1.0, now_us)
    if phase == Phase.KILLED:
        return Asked(Result.KILLED + 0, -1.0, now_us)
    return Asked(Result.ERROR + 0, -1.0, now_us)


@inlined
def _moved_on(
    world: Any, figures: Any, habits: Any, row: Any, number: int, phase: int, asked: Asked, journal: Journal
) -> int:
    """Let the machine decide; when her next timer comes due: NO_TIMER, or AT_ONCE for a request in the same breath."""
    if phase == Phase.EXPECTED or phase == Phase.THINKING or phase == Phase.SENDING or phase == Phase.SILENT:
        world.answers += 1  # without a timer of its own, so that it counts as an event by itself
    was_told = asked.result == Result.OK or (asked.result == Result.WAIT and row.action < Action.CLAIM)
    if figures.steps > 0 and was_told and phase != Phase.IN_LINE:
        row.photo_sends = int(row.photo_sends) + 1  # whoever is told a place has an answer, too
    decision = step(
        state_of(row, figures), habits, figures.seed, number, asked.result, asked.told_s, asked.at_us / _US
    )  # fmt: skip
    if asked.result != Result.TIMEOUT:
        clear(row, KEPT)
    progress = decision.state.progress
    if progress.furthest > row.furthest:
        note_stages(journal, number, whole(row.furthest), progress.furthest, asked.at_us)
        if row.furthest < Furthest.PHOTOS_UPLOADED and progress.furthest >= Furthest.PHOTOS_UPLOADED:
            count_end(world, UPLOADED, asked.at_us)
    if progress.photo > row.photo:
        world.photo_stored += row.stored
    keep(row, decision.state)
    if decision.action == Action.LEAVE:
        _depart(world, row, asked.at_us)
        return NO_TIMER
    if 0 < figures.steps <= row.photo_sends:
        row.fate = Fate.ABANDONED + 0
        row.reason = Reason.STEPS_DONE + 0
        _depart(world, row, asked.at_us)
        return NO_TIMER
    due_us = asked.at_us + int(decision.delay_s * _US + 0.5)
    if decision.action == Action.WAIT_CODE:
        if row.delivery_ms >= 0 and int(row.delivery_ms) * 1000 < due_us:
            due_us = max(int(row.delivery_ms) * 1000, asked.at_us)
        row.phase = Phase.LOOKING + 0
        return due_us
    # Without a moment to leave at she has just left, and comes back much later.
    is_waiting = asked.result == Result.WAIT and decision.action == Action.PLACE and row.moment_s >= 0.0
    if is_waiting and not is_invited(world, figures, row):
        row.phase = Phase.IN_LINE + 0
        return max(asked.at_us, int(row.moment_s * _US) + 1)
    row.phase = Phase.THINKING + 0
    if decision.delay_s <= 0.0 and asked.at_us <= world.now_us:
        return AT_ONCE
    return due_us


@shared
def _depart(world: Any, row: Any, at_us: int) -> None:
    world.live_area_us += at_us - world.now_us  # it may be a moment later
    row.phase = Phase.GONE + 0
    row.moment_s = at_us / _US
    world.ended += 1


@shared
def _tick(
    world: Any,
    figures: Any,
    rows: Any,
    wheel: Wheel,
    rings: Rings,
    holders: Any,
    at_gate: Any,
    parts: Any,
    tally: Tally,
    now_us: int,
) -> None:
    """What happens by the clock: faults, the gate, partners' quotas, the door's windows, the minute's figures."""
    while world.part + 1 < len(parts) and parts[world.part + 1].start_us <= now_us:
        world.part += 1
        _begin_part(world, figures, parts[world.part])
    part = parts[world.part]
    if figures.gated == 1 and world.gate_down == 0:
        look(world, figures, rows, at_gate, now_us)
        if now_us - world.beat_us >= _BEAT_US:
            beat(world, figures, rows, wheel, holders, now_us)
    for queue in range(3):
        if depth(world, queue) > 0:
            drain(world, figures, part, rows, rings, wheel, queue, now_us)
    if figures.door == 1 and (now_us // TICK_US) % _DOOR_TICKS == 0:
        share_out(world, _DOOR_TICKS * TICK_US / _US)
    _note_minute(world, rings, tally, now_us)
    world.is_asleep = 0
    world.tick_us = now_us + TICK_US
    if _is_quiet(world):
        _sleep(world, parts)


@shared
def _is_quiet(world: Any) -> bool:
    """Whether nothing can happen by the clock until somebody does something."""
    calm = world.share[0] >= 1.0 and world.share[1] >= 1.0 and world.share[2] >= 1.0 and world.share[3] >= 1.0
    open_to_all = world.barred_from == len(world.share)
    empty = world.gate_head == world.gate_tail and world.tickets <= world.frontier
    return calm and open_to_all and empty and depth(world, 0) + depth(world, 1) + depth(world, 2) == 0


@shared
def _sleep(world: Any, parts: Any) -> None:
    """No tick until the next timer has come due, or the next part begins."""
    world.is_asleep = 1
    world.tick_us = NEVER
    if world.part + 1 < len(parts):
        world.tick_us = (parts[world.part + 1].start_us + TICK_US - 1) // TICK_US * TICK_US


@shared
def _begin_part(world: Any, figures: Any, part: Any) -> None:
    if part.allowance != -2:
        world.allowance = part.allowance
    if world.gate_down == 1 and part.gate_down == 0:
        world.leaders += 1
    world.gate_down = part.gate_down
    world.worker_down = 1 if part.workers_down >= figures.workers else 0
    if part.web_down > 0:
        take_away(world, WEB, part.web_down, part.web_until_us)
    if part.database_down > 0:
        take_away(world, DATABASE, world.servers[DATABASE], part.database_until_us)


@shared
def _note_minute(world: Any, rings: Rings, tally: Tally, now_us: int) -> None:
    """Write down how full everything is, once a minute."""
    minute = now_us // MINUTE_US
    if minute <= world.minute or minute >= len(tally.levels):
        return
    world.minute = minute
    levels = tally.levels[minute]
    for queue in range(3):
        levels[2 * queue] = depth(world, queue)
        levels[2 * queue + 1] = oldest_ms(world, rings, queue, now_us)
    levels[6] = max(world.tickets - int(world.frontier), 0)
    levels[7] = world.gate_tail - world.gate_head
    levels[8] = world.arrived - world.ended
    levels[9] = wait_us(world, WEB, now_us)
    levels[10] = wait_us(world, DATABASE, now_us)
    levels[11] = int(world.rate_per_s * 1000.0)


@shared
def _cut(world: Any, rows: Any, now_us: int) -> None:
    """End the run for everybody who is still on the way."""
    for number in range(len(rows)):
        row = rows[number]
        if row.phase == Phase.GONE or row.phase == Phase.EXPECTED:
            continue
        if row.fate != Fate.JOINED:  # told of a place already: only the last look is missing
            row.fate = Fate.CUT + 0
            row.reason = Reason.RUN_ENDED + 0
        _depart(world, row, now_us)
