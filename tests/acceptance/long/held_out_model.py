"""The simulation of a rehearsal whose service and database are held to one core, and what is fitted to it.

Costs and what idles come from a calibration. Four figures are left that no counter tells, and they are fitted to what
answers took in the rehearsals that were learned from, by playing these in the model: what a request takes without any
core (`pause_s`), how far that differs (`pause_sigma`), how often it stands in the line (`turns`), and for how long a
program writes its metrics when it is asked for them (`told_s`).

The core is as fast as it was second by second (tests.acceptance.long.core_speed): all that is done there takes longer
while it is slow, alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from loadtests.harness.order import Order
from loadtests.harness.scraper import INTERVAL
from scenarios.behaviour import habits
from scenarios.calibration_file import ROLES, Calibration
from scenarios.counters import FloatArray
from scenarios.journey_state import Action
from scenarios.journey_state import Result as Told
from scenarios.record import Run, Samples, Selection
from scenarios.simulation import calibrated, invariants, night, shared_core, tally, windows
from scenarios.simulation.compiled import ready
from scenarios.simulation.costs import Costs, Resources
from scenarios.simulation.figures import IDENTITY, Setup, photo_bytes
from scenarios.simulation.mail import oldest_ms
from scenarios.simulation.pacing import Pacer
from scenarios.simulation.run import Result, prepared
from tests.acceptance.long.core_speed import PARTS, by_second
from tests.acceptance.long.held_out_figures import TIMES, BoolArray, Figures, Track, figures

_US = 1_000_000
_OTHER_SEED = 1_000_003
"""Apart from those of rehearsals, which follow one another."""
SIGMA = 0.3
"""Of the processor time of requests of one kind: they do the same, so it differs little."""
FIRST_GUESS = (0.004, 0.6, 1.0, 0.025)
"""pause_s, pause_sigma, turns, told_s."""
FIRST_STEPS = (0.003, -0.3, 0.6, 0.02)
BOUNDS = ((0.0, 0.2), (0.0, 1.5), (1.0, 5.0), (0.0, 0.06))
MOST_PLAYS = 140
DICE = 5
"""Plays of a rehearsal with other draws, whose mean is what is expected: near what a core can do the least thing
decides whether a storm of second tries begins in this second or in another."""
BEHIND_SHARE = 0.5
"""Of the core, for a program that writes its metrics, while requests want it too. The web process's requests do not get
on at all while that one writes (shared_core.hold_loop)."""
TOLD = (shared_core.WEB_ROLE, shared_core.WORKER_ROLE, shared_core.GATEKEEPER_ROLE)
"""The roles whose programs are asked for metrics, one after the other, every INTERVAL seconds. What they have to say is
the same, so it takes each of them as long."""
APART = PARTS // 3
"""Parts of a second between two programs that are asked; those of swarm and harness are on their own core."""


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
    slow: FloatArray
    """By part of a second, how many times as long as usual the core took for the same."""


class EvenSamples(Samples):
    """Those of a rehearsal on a core that is always as fast as usual: processor time of the service's roles is less
    where its core was slow."""

    def __init__(self, seen: Samples, slow: FloatArray) -> None:
        self._seen, self._slow = seen, slow

    @property
    def names(self) -> list[str]:
        return self._seen.names

    def select(self, name: str, **labels: str) -> Selection:
        found = self._seen.select(name, **labels)
        if name not in ("rehearsal_cpu_seconds_total", "rehearsal_main_thread_seconds_total"):
            return found
        return [
            (own, times, self._even(times, values) if own["role"] in ROLES else values) for own, times, values in found
        ]

    def _even(self, times: FloatArray, values: FloatArray) -> FloatArray:
        """A counter of processor time; the first sample is of before the doors opened."""
        between = 0.5 * (times[1:] + times[:-1])
        slow = np.interp(between, np.arange(len(self._slow)) + 0.5, self._slow)
        return np.cumsum(np.concatenate((values[:1], np.diff(values) / slow)))


def at_even_speed(run: Run, slow: FloatArray) -> Run:
    """The rehearsal as it would be told on a core that is always as fast as usual. slow: as a Lesson has it."""
    return replace(run, samples=EvenSamples(run.samples, by_second(slow)))


@dataclass(frozen=True)
class Model:
    """What the service is taken to be. busy: share of the machine's cores at no load, and at the knee."""

    found: Calibration
    photo_mb: float
    busy: tuple[float, float]
    pause_s: float = FIRST_GUESS[0]
    pause_sigma: float = FIRST_GUESS[1]
    turns: float = FIRST_GUESS[2]
    told_s: float = FIRST_GUESS[3]

    def costs(self, share: float) -> Costs:
        """At a share of the knee."""
        none, knee = self.busy
        load = min(none + (knee - none) * share, 1.0)
        known = calibrated.costs(self.found, self.photo_mb, load)
        return replace(
            known, sigma=SIGMA, pause_s=self.pause_s, pause_sigma=self.pause_sigma, turns=self.turns,
            behind_share=BEHIND_SHARE,
        )  # fmt: skip

    def track(self, case: Case, slow: FloatArray, die: int = 0) -> Track:
        """The rehearsal, second by second, on a core that is slow like that (as a Lesson has it).

        die: another one draws otherwise what requests cost and who is kept out. Raises RuntimeError when a law of the
        simulation is broken.
        """
        setup, due_us = self._setup(case, die), np.rint(case.order.plan.due * 1e6).astype(np.int64)
        run, _ = prepared(setup, due_us)
        run = run._replace(tally=tally.made(case.end_s // 60 + 2, recorded=True))
        pacer, play = Pacer(run, setup), ready(night.play)
        evenly = self._idles_evenly(setup.costs)
        looks = [_Look.of(run, 0)]
        now_us = 0
        for step in range(case.end_s * PARTS):
            second, part = divmod(step, PARTS)
            self._go_on(run, step, 1.0 / slow[step] - sum(evenly))
            until_us = (step + 1) * _US // PARTS
            while now_us < until_us and run.world["ended"][0] < len(due_us):
                now_us = pacer.play(play, run, until_us, until_us == case.end_s * _US)
            if part == PARTS - 1:
                looks.append(_Look.of(run, second + 1))
        played = Result(run.rows, run.begins_us, run.world, run.tally, case.end_s * _US, (), pacer.paced)
        if broken := invariants.violations(played):
            raise RuntimeError(f"the simulation broke a law: {'; '.join(broken)}")
        work = np.diff([one.used_s for one in looks], axis=0) + evenly
        used = np.vstack((np.zeros(len(ROLES)), np.cumsum(work * by_second(slow)[:, np.newaxis], axis=0)))
        return Track(
            used={role: used[:, place] for place, role in enumerate(ROLES)},
            good=np.array([one.good for one in looks], dtype=np.float64),
            edges=np.append(run.tally.edges_us / 1e6, np.inf),
            times=np.array([one.times for one in looks], dtype=np.float64),
            oldest=np.array([one.oldest_s for one in looks]),
        )

    def _idles_evenly(self, costs: Costs) -> FloatArray:
        """Cores that each role uses when nobody asks, but for metrics: these it writes at one go."""
        evenly: FloatArray = np.array([costs.idle.get(role, 0.0) for role in ROLES])
        evenly[list(TOLD)] -= self.told_s / INTERVAL
        return evenly.clip(min=0.0)

    def _go_on(self, run: night.Run, step: int, left: float) -> None:
        """One more part of a second begins, in which so much of the core is left, and maybe metrics are asked for."""
        world, now_us = run.world.view(np.recarray)[0], step * _US // PARTS
        shared_core.go_on(world, now_us, left)
        turn, early = divmod(step % round(INTERVAL * PARTS), APART)
        if early or turn >= len(TOLD):
            return
        if TOLD[turn] == shared_core.WEB_ROLE:
            shared_core.hold_loop(world, now_us, self.told_s * _US)
        else:
            shared_core.work_behind(world, TOLD[turn], now_us, self.told_s * _US)

    def tracks(self, case: Case, slow: FloatArray) -> list[Track]:
        return [self.track(case, slow, die) for die in range(DICE)]

    def figures(self, case: Case, counts: BoolArray, slow: FloatArray) -> Figures:
        """Of one play."""
        return figures(self.track(case, slow), counts, case.warm_s, case.end_s)

    def with_fitted(self, pause_s: float, pause_sigma: float, turns: float, told_s: float) -> "Model":
        return replace(self, pause_s=pause_s, pause_sigma=pause_sigma, turns=turns, told_s=told_s)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, without the calibration; `of_dict` is the way back."""
        return {name: getattr(self, name) for name in _TOLD_IN_FILE}

    @classmethod
    def of_dict(cls, found: Calibration, document: dict[str, Any]) -> "Model":
        return cls(found, **{name: document[name] for name in _TOLD_IN_FILE})

    def _setup(self, case: Case, die: int) -> Setup:
        order, costs = case.order, self.costs(case.share)
        ends_s = order.last_arrival_s + order.drain_limit_s
        own = habits(order.night, order.factors.pace, order.factors.speed, ends_s)
        resources = Resources(web=1, database=1, inspectors=1, workers=1, shared_core=True)
        seed = order.seed + die * _OTHER_SEED
        return Setup(order.night, order.partners, resources, costs, own, seed, order.factors, order.steps)


_TOLD_IN_FILE = ("photo_mb", "busy", "pause_s", "pause_sigma", "turns", "told_s")


class _Look(NamedTuple):
    """What was counted up to a second."""

    used_s: Any
    good: int
    times: Any
    oldest_s: float

    @classmethod
    def of(cls, run: night.Run, second: int) -> "_Look":
        world, answered = run.world.view(np.recarray)[0], run.tally.answered
        shared_core.catch_up(world, second * _US)
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
    """The model before anything is fitted to answers' times. learned: at even speed."""
    sizes = photo_bytes(learned[0][0].order.night.population.photos)
    cuts = [(case.share, windows.cut(run, found.window_s).all) for case, run in learned]
    busy = [float(np.mean([each.load for each in cut])) for _, cut in cuts]
    slope, none = np.polyfit([share for share, _ in cuts], busy, 1)
    return Model(found, sum(sizes) / len(sizes) / 1e6, (float(none), float(none + slope)))


def fitted(model: Model, learned: Sequence[Lesson], tell: Callable[[str], None]) -> Model:
    """The model whose answers take what they took in the rehearsals that were learned from, as nearly as can be.

    Nelder and Mead's simplex over the squared logarithms of how far each of TIMES is off; the people are the same each
    time.
    """

    def off(guess: Any) -> float:
        tried = model.with_fitted(*map(float, guess))
        told = [(tried.figures(each.case, each.counts, each.slow), each.seen) for each in learned]
        ratios = [getattr(one, name) / getattr(seen, name) for one, seen in told for name in TIMES]
        return float(np.sum(np.log(ratios) ** 2))

    steps = [list(FIRST_GUESS) for _ in range(len(FIRST_GUESS) + 1)]
    for place, step in enumerate(FIRST_STEPS):
        steps[place + 1][place] += step
    options = {"initial_simplex": steps, "maxfev": MOST_PLAYS, "xatol": 1e-4, "fatol": 1e-4}
    best = minimize(off, FIRST_GUESS, method="Nelder-Mead", bounds=BOUNDS, options=options)
    pause_s, spread, turns, told_s = map(float, best.x)
    tell(
        f"pause {pause_s * 1e3:.2f} ms, sigma {spread:.2f}, turns {turns:.2f}, metrics in {told_s * 1e3:.1f} ms: "
        f"off by {best.fun:.4f} in all"
    )
    return model.with_fitted(pause_s, spread, turns, told_s)
