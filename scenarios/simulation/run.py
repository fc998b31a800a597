"""A run from its input to its result: who comes when, the arrays, the kernel, and what it came to."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import offices
from scenarios.arrivals import planned
from scenarios.catalogue import Night
from scenarios.curve import Curve
from scenarios.factors import Factors, scaled
from scenarios.fates import Manners
from scenarios.simulation import (
    figures,
    journal,
    mail,
    night,
    people,
    rows,
    shared_core,
    stage_counts,
    tally,
    timeline,
    world,
)
from scenarios.simulation.compiled import PLAIN, ready
from scenarios.simulation.figures import NotSimulated, Setup
from scenarios.simulation.night import Run
from scenarios.simulation.pacing import Paced, Pacer
from scenarios.simulation.recorder import STEP_US, Recorder
from scenarios.simulation.tally import Tally
from scenarios.simulation.wheel import make_wheel
from scenarios.streams import Purpose, uniforms
from scenarios.uploaders import Uploader

AFTER_CLOSE_S = 3600.0
"""A run ends so long after the close, if anybody is still on the way."""
_SLICE_US = 3_600_000_000
"""Between two signs of life."""
_UNBOUNDED = 6
"""Jobs for each applicant that a queue without a bound has room for."""
_TICKETS = 4
"""Of each applicant that there is room for: who comes back with another browser takes one more."""
_US = 1_000_000
Progress = Callable[[float, int], None]
"""Told the hour of the night, and how many have gone."""


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    rows: NDArray[Any]
    """scenarios.simulation.rows.ROW by applicant number; moment_s is when each had gone."""
    begins_us: NDArray[np.int64]
    """When each began: as due, or when a helper was free."""
    world: NDArray[Any]
    tally: Tally
    ended_us: int
    remarks: tuple[str, ...]
    paced: Paced
    """What the slow loop did."""

    @property
    def events(self) -> int:
        """Timers that came due, and answers that had none of their own."""
        return int(self.world["timers"][0] + self.world["answers"][0])

    def digest(self) -> str:
        """SHA-256 over what everybody came to and all that was counted."""
        found = hashlib.sha256()
        for name in ("fate", "reason", "furthest", "moment_s", "visits", "retries"):
            found.update(np.ascontiguousarray(self.rows[name]).tobytes())
        for array in (self.tally.answered, self.tally.took, self.tally.levels):
            found.update(array.tobytes())
        found.update(np.array([self.events, self.ended_us]).tobytes())
        return found.hexdigest()


def arrivals(night: Night, curve: Curve, seed: int, factors: Factors, most: int | None) -> NDArray[np.int64]:
    """When applicants 0, 1, ... are due, in microseconds since the opening: the plan of a rehearsal, cut at `most`."""
    count = planned(curve, factors.people, None)
    numbers = np.arange(count if most is None else min(count, most))
    share = factors.people * Fraction(str(curve.demand_factor))
    within = uniforms(seed, numbers, Purpose.ARRIVAL, 0)
    due = curve.inverses((numbers + within) * float(1 / share)) / factors.speed
    return np.rint(due * 1e6).astype(np.int64)


def prepared(
    setup: Setup,
    due_us: NDArray[np.int64],
    uploader: Uploader = Uploader.PATIENT,
    recorder: Recorder | None = None,
) -> tuple[Run, list[str]]:
    """The arrays of a run before the doors open, and what of the night is not simulated. Raises NotSimulated.

    due_us: ascending.
    """
    if Manners.ADAPTIVE in setup.night.all_manners:
        raise NotSimulated("adaptive clients are not simulated yet")
    count = len(due_us)
    if not count:
        raise NotSimulated("nobody comes")
    record = figures.filled(setup)
    crowd = rows.made(count)
    for part in people.parts(setup.night, setup.seed, count):
        first = int(part.numbers[0])
        rows.fill(crowd[first : first + len(part.numbers)], part, uploader)
    resources = setup.resources
    parts, remarks = timeline.parts(scaled(setup.partners, setup.factors)[0], setup.night.faults, setup.factors.speed)
    if setup.night.population.onlookers is not None:
        remarks.append("onlookers: not simulated")
    lengths = [int(limit) for limit in record["limits"][0]]
    if not resources.bounded_queues:
        lengths = [_UNBOUNDED * count + 1024] * len(lengths)
    gate_per_s = float(record["hard_rate_per_s"][0])
    minutes = int((setup.habits.closes_s + AFTER_CLOSE_S) / 60.0) + 2
    around = world.made(resources.web, resources.database, resources.inspectors, gate_per_s)
    if resources.shared_core:
        shared_core.put_together(around, setup.costs)
    run = Run(
        rows=crowd,
        wheel=make_wheel(count),
        due_us=due_us,
        begins_us=begun(setup, due_us),
        world=around,
        figures=record,
        habits=figures.habits_record(setup.habits),
        rings=mail.rings((lengths[0], lengths[1], lengths[2])),
        holders=np.empty(_TICKETS * count + 1024, np.int32),
        at_gate=np.empty(count + 1024, np.int32),
        parts=parts,
        seconds=stage_counts.made(),
        tally=tally.made(minutes, recorder is not None),
        journal=journal.made() if recorder is None else recorder.log,
    )
    return run, remarks


def begun(setup: Setup, due_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """When each begins: whoever is helped at a labor office waits there for the helper."""
    begins_us = due_us.copy()
    for number, wait in offices.waits(setup.night, setup.seed, due_us / 1e6, setup.factors.pace).items():
        begins_us[number] += round(wait * 1e6)
    return begins_us


def simulate(
    setup: Setup,
    due_us: NDArray[np.int64],
    uploader: Uploader = Uploader.PATIENT,
    *,
    plain: bool | None = None,
    progress: Progress = lambda _hours, _gone: None,
    drain_s: float | None = None,
    recorder: Recorder | None = None,
) -> Result:
    """Play the night. progress: called with the hour of the night and how many have gone, about once an hour.

    plain: uncompiled; as LAUNCHNIGHT_PLAIN says when None. drain_s: the run ends so long after the last arrival, if not
    before (AFTER_CLOSE_S after the close). recorder: keeps what a record needs. Raises NotSimulated.
    """
    plain = os.environ.get(PLAIN, "0") not in ("", "0") if plain is None else plain
    run, remarks = prepared(setup, due_us, uploader, recorder)
    played = _for_python(run, setup) if plain else run
    pacer, play = Pacer(run, setup), ready(night.play, plain)
    last_us = last_moment_us(setup, due_us, drain_s)
    now_us = aim_us = 0
    if recorder is not None:
        recorder.mark(run.world, 0)
    while now_us < last_us and run.world["ended"][0] < len(due_us):
        aim_us = min(aim_us + (_SLICE_US if recorder is None else STEP_US), last_us)
        while True:
            now_us = pacer.play(play, played, aim_us, aim_us == last_us)
            if recorder is None or run.journal.used[0] < run.journal.used[1]:
                break
            recorder.take()
        if recorder is not None and now_us == aim_us:
            recorder.mark(run.world, now_us)
        if aim_us % _SLICE_US == 0:
            progress(aim_us / _SLICE_US, int(run.world["ended"][0]))
    if recorder is not None:
        recorder.take()
        # Answers are read ahead: the last of them may lie after the last timer.
        recorder.mark(run.world, max(now_us, int(np.ceil(run.rows["moment_s"].max() * _US))))
        recorder.finish()
    if run.world["overflown"][0]:
        raise NotSimulated("a queue without a bound outgrew its room")
    return Result(run.rows, run.begins_us, run.world, run.tally, now_us, tuple(remarks), pacer.paced)


def last_moment_us(setup: Setup, due_us: NDArray[np.int64], drain_s: float | None) -> int:
    """When a run ends, if anybody is still on the way."""
    last_us = round((setup.habits.closes_s + AFTER_CLOSE_S) * _US)
    return last_us if drain_s is None else min(last_us, int(due_us.max()) + round(drain_s * _US))


def _for_python(run: Run, setup: Setup) -> Run:
    """The same arrays with fields that plain Python finds by name."""
    named = {name: getattr(run, name).view(np.recarray) for name in ("rows", "world", "figures", "parts", "seconds")}
    return run._replace(habits=(setup.habits,), **named)
