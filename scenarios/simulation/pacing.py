"""The slow loop in virtual time: the service's own object looks at the simulated stages and chooses the gate's rate.

The kernel counts what each stage does, second by second (scenarios.simulation.stage_counts), and stops when a look is
due. Here the counters become rates as in the service's replicas (service.domain.stage_figures), and the rates become a
choice as in its gatekeeper (service.domain.slow_loop), which holds from the gate's next beat on.

While hardly anybody uses the rate and every stage is calm, a look chooses what holds already. Then the loop rests: the
kernel does not stop. It calls again at the first look at which that is not so, and all looks of the last ten minutes
are made up for, as far back as the loop remembers what came. What is lost is how much photo intake was seen to keep up
with longer ago, so that it may be trusted with less once it binds.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scenarios.simulation.figures import ANSWER, QUEUES, STEP, UPLOAD, Setup
from scenarios.simulation.night import Run
from service.domain import admission as rules
from service.domain.slow_loop import WAITED_AT, Chosen, Seen, SlowLoop, first_rate_per_s, full
from service.domain.stage_figures import (
    MEMORY_OF_PHOTOS,
    SHORT_MEMORY,
    Count,
    StageFigure,
    Stages,
    StageTotal,
    memory_of_jobs,
)

_US = 1e6
Play = Callable[[Run, int, bool], int]
"""scenarios.simulation.night.play, compiled or not."""


@dataclass
class Paced:
    """What the loop did. lowest_per_s: of the rates it chose; the limit, if it never looked; 0: there is no gate."""

    lowest_per_s: float
    looks: int = 0
    bound_s: dict[str, float] = field(default_factory=dict)
    """Seconds for which each stage bound the rate."""

    def to_dict(self) -> dict[str, Any]:
        return {"looks": self.looks, "lowest_per_s": self.lowest_per_s, "bound_s": dict(self.bound_s)}


class Pacer:
    """Of one run, whose gate follows its stages or does not."""

    def __init__(self, run: Run, setup: Setup) -> None:
        self._world, self._seconds, self._parts = run.world, run.seconds, run.parts
        self._resources, self._closes_s = setup.resources, setup.habits.closes_s
        self._most = float(run.figures["hard_rate_per_s"][0])
        self._planned = setup.resources.planned_per_s if run.figures["follows"][0] else None
        self._row: Any = self._seconds[0]
        self._read = 0
        self._stages = Stages(self._counts, 0.0)
        self._leaders = 0
        self._begin(0.0)
        self._world["loop_rests"] = self._may_rest(0.0)
        self._world["rate_per_s"] = self._world["chosen_per_s"] = self._chosen.rate_per_s
        self.paced = Paced(max(self._most, 0.0))

    def play(self, play: Play, run: Run, until_us: int, last: bool) -> int:
        """As `scenarios.simulation.night.play`, looking whenever the kernel calls."""
        while True:
            now_us = play(run, until_us, last)
            if not self._world["loop_called"][0]:
                return now_us
            self._world["loop_called"] = 0
            self._look()

    def _begin(self, now: float, binding: str = "") -> None:
        """A leader comes to the gate."""
        start = first_rate_per_s(self._most, self._planned, binding, float(self._world["rate_per_s"][0]))
        self._loop = SlowLoop(start, now, binding)
        self._chosen = Chosen(start, binding, {}, blind=False)
        self._looked_at, self._known = now, int(self._row["admitted"])

    def _look(self) -> None:
        """Read every second since the last call, and look as often as the gatekeeper would have."""
        world = self._world[0]
        used_per_s = 0.0
        for at, figures in self._read_on():
            if world["leaders"] > self._leaders:
                self._leaders = int(world["leaders"])
                self._begin(at, self._chosen.binding)
            elif at // rules.EVERY > self._looked_at // rules.EVERY:
                elapsed, admitted = at - self._looked_at, int(self._row["admitted"])
                used_per_s = (admitted - self._known) / elapsed
                self._looked_at, self._known = at, admitted
                self._chosen = self._loop.look(at, self._seen(figures, at), used_per_s, self._most)
                self._note(elapsed)
        chosen, rests = self._chosen, self._may_rest(used_per_s)
        world["chosen_per_s"] = chosen.rate_per_s
        world["bound"] = WAITED_AT.index(chosen.binding) + 1 if chosen.binding else 0
        world["strain"] = [0.0 if rests else chosen.strains.get(stage, 0.0) for stage in WAITED_AT]
        world["loop_rests"] = rests

    def _read_on(self) -> Iterator[tuple[float, list[StageFigure]]]:
        """What every stage did, at each second that was not read yet and is still kept."""
        told = int(self._world["told"][0])
        for number in range(max(self._read, told - len(self._seconds)), told):
            self._row = self._seconds[number % len(self._seconds)]
            at = float(self._row["at_us"]) / _US
            yield at, self._stages.take(at)
        self._read = told

    def _counts(self) -> Mapping[str, Count]:
        """The counters of the row that is being read."""
        row = self._row
        done, late, refused = (row[name].tolist() for name in ("done", "late", "refused"))
        sending, uploaded = int(row["sending"]), int(row["uploaded"])
        return {
            "steps": Count(done=done[STEP], refused=refused[STEP], memory=SHORT_MEMORY),
            "steps_late": Count(done=late[STEP], memory=SHORT_MEMORY),
            "assessment": Count(done=done[ANSWER], refused=refused[ANSWER], memory=SHORT_MEMORY),
            "assessment_late": Count(done=late[ANSWER], memory=SHORT_MEMORY),
            "photo_intake": Count(sending, done=uploaded, refused=refused[UPLOAD], memory=MEMORY_OF_PHOTOS),
            **dict(zip(QUEUES, self._jobs(), strict=True)),
            **{
                full(queue): Count(refused=turned_away, memory=SHORT_MEMORY)
                for queue, turned_away in zip(QUEUES, row["full"].tolist(), strict=True)
            },
        }

    def _jobs(self) -> Iterator[Count]:
        """By queue. Where more waits than was taken, what ends is what can be done."""
        quotas, ended_by, waiting_in = self._part["rate_per_s"], self._row["ended"], self._row["waiting"]
        for quota, ended, waiting in zip(quotas.tolist(), ended_by.tolist(), waiting_in.tolist(), strict=True):
            memory = memory_of_jobs(quota if self._resources.partner_pacing else -1.0)
            yield Count(done=ended, backlog=waiting > 0, memory=memory)

    @property
    def _part(self) -> Any:
        """Of the night's timeline, the one that has begun; before the first tick the first."""
        return self._parts[max(int(self._world["part"][0]), 0)]

    def _seen(self, figures: list[StageFigure], at: float) -> Seen | None:
        """What the gatekeeper finds in the database; None where that is away."""
        part = self._part
        if part["database_gone"]:
            return None
        web = self._resources.web - int(part["web_gone"])
        workers = self._resources.workers - int(part["workers_down"])
        totals = {
            each.stage: StageTotal(each.stage, replicas, each.used, each.most, each.done_per_s, each.refused_per_s)
            for each in figures
            if (replicas := workers if each.stage in QUEUES else web) > 0
        }
        depths = dict(zip(QUEUES, map(float, self._row["waiting"]), strict=True))
        return Seen(totals, depths, self._closes_s - at)

    def _note(self, elapsed: float) -> None:
        self.paced.looks += 1
        self.paced.lowest_per_s = min(self.paced.lowest_per_s, self._chosen.rate_per_s)
        if stage := self._chosen.binding:
            self.paced.bound_s[stage] = self.paced.bound_s.get(stage, 0.0) + elapsed

    def _may_rest(self, used_per_s: float) -> bool:
        """Whether the next looks change nothing as long as all stays calm and the rate hardly used."""
        chosen = self._chosen
        calm = all(strain < rules.CALM for strain in chosen.strains.values())
        return calm and not chosen.blind and used_per_s < rules.IN_USE * chosen.rate_per_s
