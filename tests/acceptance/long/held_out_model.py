"""The simulation of a rehearsal whose service and database are held to one core, and what is fitted to it.

Costs and what idles come from a calibration. Three figures are left that no counter tells, and they are fitted to the
half and the slow answers of the rehearsals that were learned from, by playing these in the model: what a request takes
without any core (`pause_s`), how far that differs (`pause_sigma`), and how often it stands in the line (`turns`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from loadtests.harness.order import Order
from scenarios.behaviour import habits
from scenarios.calibration_file import ROLES, Calibration
from scenarios.journey_state import Action
from scenarios.journey_state import Result as Told
from scenarios.record import Run
from scenarios.simulation import calibrated, invariants, night, tally, windows
from scenarios.simulation.compiled import ready
from scenarios.simulation.costs import Costs, Resources
from scenarios.simulation.figures import IDENTITY, Setup, photo_bytes
from scenarios.simulation.mail import oldest_ms
from scenarios.simulation.pacing import Pacer
from scenarios.simulation.run import Result, prepared
from scenarios.simulation.shared_core import catch_up
from tests.acceptance.long.held_out_figures import BoolArray, Figures, Track, figures

_US = 1_000_000
SIGMA = 0.3
"""Of the processor time of requests of one kind: they do the same, so it differs little."""
FIRST_GUESS = (0.004, 0.6, 1.0)
"""pause_s, pause_sigma, turns."""
BOUNDS = ((0.0, 0.2), (0.0, 1.5), (0.2, 5.0))
MOST_PLAYS = 80


class Case(NamedTuple):
    """A rehearsal as it was, or will be, ordered."""

    order: Order
    warm_s: int
    end_s: int
    share: float
    """Of the knee, at most 1: what the machine is at, for processor time that grows with that."""


class Lesson(NamedTuple):
    """A rehearsal that is learned from, its seconds that count, and what it came to in these."""

    case: Case
    counts: BoolArray
    seen: Figures


@dataclass(frozen=True)
class Model:
    """What the service is taken to be. busy: share of the machine's cores at no load, and at the knee."""

    found: Calibration
    photo_mb: float
    busy: tuple[float, float]
    pause_s: float = FIRST_GUESS[0]
    pause_sigma: float = FIRST_GUESS[1]
    turns: float = FIRST_GUESS[2]

    def costs(self, share: float) -> Costs:
        """At a share of the knee."""
        none, knee = self.busy
        load = min(none + (knee - none) * share, 1.0)
        known = calibrated.costs(self.found, self.photo_mb, load)
        return replace(known, sigma=SIGMA, pause_s=self.pause_s, pause_sigma=self.pause_sigma, turns=self.turns)

    def track(self, case: Case) -> Track:
        """The rehearsal, second by second. Raises RuntimeError when a law of the simulation is broken."""
        setup, due_us = self._setup(case), np.rint(case.order.plan.due * 1e6).astype(np.int64)
        run, _ = prepared(setup, due_us)
        run = run._replace(tally=tally.made(case.end_s // 60 + 2, recorded=True))
        pacer, play = Pacer(run, setup), ready(night.play)
        looks = [_Look.of(run, 0)]
        now_us = 0
        for second in range(1, case.end_s + 1):
            last = second == case.end_s
            while now_us < second * _US and run.world["ended"][0] < len(due_us):
                now_us = pacer.play(play, run, second * _US, last)
            looks.append(_Look.of(run, second))
        played = Result(run.rows, run.begins_us, run.world, run.tally, case.end_s * _US, (), pacer.paced)
        if broken := invariants.violations(played):
            raise RuntimeError(f"the simulation broke a law: {'; '.join(broken)}")
        used = np.array([one.used_s for one in looks])
        idle = np.outer(np.arange(case.end_s + 1), [setup.costs.idle.get(role, 0.0) for role in ROLES])
        return Track(
            used={role: used[:, place] + idle[:, place] for place, role in enumerate(ROLES)},
            good=np.array([one.good for one in looks], dtype=np.float64),
            edges=np.append(run.tally.edges_us / 1e6, np.inf),
            times=np.array([one.times for one in looks], dtype=np.float64),
            oldest=np.array([one.oldest_s for one in looks]),
        )

    def figures(self, case: Case, counts: BoolArray) -> Figures:
        return figures(self.track(case), counts, case.warm_s, case.end_s)

    def with_fitted(self, pause_s: float, pause_sigma: float, turns: float) -> "Model":
        return replace(self, pause_s=pause_s, pause_sigma=pause_sigma, turns=turns)

    def _setup(self, case: Case) -> Setup:
        order, costs = case.order, self.costs(case.share)
        ends_s = order.last_arrival_s + order.drain_limit_s
        own = habits(order.night, order.factors.pace, order.factors.speed, ends_s)
        resources = Resources(web=1, database=1, inspectors=1, workers=1, shared_core=True)
        return Setup(order.night, order.partners, resources, costs, own, order.seed, order.factors, order.steps)


class _Look(NamedTuple):
    """What was counted up to a second."""

    used_s: Any
    good: int
    times: Any
    oldest_s: float

    @classmethod
    def of(cls, run: night.Run, second: int) -> "_Look":
        world, answered = run.world.view(np.recarray)[0], run.tally.answered
        catch_up(world, second * _US)
        good = int(answered[:, :, Told.OK].sum() - answered[:, Action.PLACE, Told.OK].sum())
        good += int(answered[:, Action.TICKET, Told.WAIT].sum())  # whoever is told a place was served
        times = run.tally.times.sum(axis=0)
        timed = np.delete(times, [Action.PLACE, Action.PHOTO_CREATE, Action.PHOTO_SEND, Action.PHOTO_HEAD], axis=0)
        # What is left of the line has been given to its roles already; whoever has not had it yet, nobody can say.
        given = float(world["role_us"].sum())
        had = 1.0 - float(world["front_us"] + world["behind_us"]) / given if given else 0.0
        oldest = oldest_ms(world, run.rings, IDENTITY, second * _US) / 1e3
        return cls(world["role_us"] * had / 1e6, good, np.cumsum(timed.sum(axis=0)), oldest)


def of_calibration(found: Calibration, learned: Sequence[tuple[Case, Run]]) -> Model:
    """The model before anything is fitted to answers' times."""
    sizes = photo_bytes(learned[0][0].order.night.population.photos)
    cuts = [(case.share, windows.cut(run, found.window_s).all) for case, run in learned]
    busy = [float(np.mean([each.load for each in cut])) for _, cut in cuts]
    slope, none = np.polyfit([share for share, _ in cuts], busy, 1)
    return Model(found, sum(sizes) / len(sizes) / 1e6, (float(none), float(none + slope)))


def fitted(model: Model, learned: Sequence[Lesson], tell: Callable[[str], None]) -> Model:
    """The model whose half and slow answers come nearest to those of the rehearsals that were learned from.

    Nelder and Mead's simplex over the squared logarithms of how far they are off; the people are the same each time.
    """

    def off(guess: Any) -> float:
        tried = model.with_fitted(*map(float, guess))
        told = [(tried.figures(each.case, each.counts), each.seen) for each in learned]
        ratios = [(one.p50_s / seen.p50_s, one.p95_s / seen.p95_s) for one, seen in told]
        return float(np.sum(np.log(ratios) ** 2))

    steps = [list(FIRST_GUESS) for _ in range(len(FIRST_GUESS) + 1)]
    for place, step in enumerate((0.003, -0.3, 0.6)):
        steps[place + 1][place] += step
    options = {"initial_simplex": steps, "maxfev": MOST_PLAYS, "xatol": 1e-4, "fatol": 1e-4}
    best = minimize(off, FIRST_GUESS, method="Nelder-Mead", bounds=BOUNDS, options=options)
    pause_s, spread, turns = map(float, best.x)
    tell(f"pause {pause_s * 1e3:.2f} ms, sigma {spread:.2f}, turns {turns:.2f}: off by {best.fun:.4f} in all")
    return model.with_fitted(pause_s, spread, turns)
