"""What several pages of a report need to know about a run: factors, moments, fault windows, counts."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reports.faults import Injected, injected
from reports.names import MANNERS, READINGS, named
from reports.statistics import BoolArray, FloatArray, ascending
from reports.wording import Said, count, listed, percent, say
from scenarios.record import COMPLETE_ENDS, Fate, Run

ADMITTED_GRACE_S = 300.0
"""Someone admitted this long before the end has real time for deliveries, uploads and retries."""
ADMITTED_THINKING_S = 2400.0
"""Think times and the 25-minute test of a healthy journey, divided by the pace."""

T = TypeVar("T")
_OWN_STACK: dict[str, Any] = {"started": True, "replicas": 1, "proxy": None, "ledger": True, "remarks": []}


@dataclass(frozen=True)
class Facts:
    """A run and what follows from it by simple arithmetic."""

    run: Run

    @property
    def config(self) -> dict[str, Any]:
        return self.run.config

    @property
    def people(self) -> dict[str, NDArray[Any]]:
        return self.run.people

    def moments(self, column: str) -> FloatArray:
        """When people did what a column of times says, ascending, without those who did not; sorted once."""
        return self.once(("moments", column), lambda: ascending(self.people[column]))

    def once(self, key: Hashable, reckon: Callable[[], T]) -> T:
        """What `reckon` gives, from now on without asking it again under the same key."""
        if key not in self._reckoned:
            self._reckoned[key] = reckon()
        found: T = self._reckoned[key]
        return found

    @cached_property
    def _reckoned(self) -> dict[Hashable, Any]:
        return {}

    @cached_property
    def share(self) -> Fraction:
        """The people factor, 1/N."""
        return Fraction(str(self.config["factors"]["people"]))

    @property
    def full(self) -> float:
        """How many real people one applicant of this run stands for."""
        return float(1 / self.share)

    @property
    def speed(self) -> float:
        return float(self.config["factors"]["speed"])

    @property
    def pace(self) -> float:
        return float(self.config["factors"]["pace"])

    @property
    def manners(self) -> Said:
        """How clients took refusals: "naive", or shares; of a record that does not say it, as all did then."""
        kinds = ((named(name, MANNERS), share) for name, share in self._manners.items() if share)
        return listed(kind if share == 1.0 else listed((kind, percent(share)), " ") for kind, share in kinds)

    @property
    def all_punctual(self) -> bool:
        """Nobody took refusals in another way than by coming back when told."""
        return {name for name, share in self._manners.items() if share} == {"punctual"}

    @property
    def _manners(self) -> dict[str, float]:
        shares: dict[str, float] = self.config["night"].get("manners", {"punctual": 1.0})
        return shares

    @property
    def arrivals(self) -> Said:
        """What people came by: a reading of the curve, or what was named instead; and whether they left early."""
        kind, steps = self.config.get("arrivals", ""), self.config.get("steps", 0)
        came = say("arrivals {kind}", kind=kind) if kind else named(self.config["reading"], READINGS)
        if not steps:
            return came
        if steps == 1:
            return say("{came}, leaving after 1 answer", came=came)
        return say("{came}, leaving after {steps} answers", came=came, steps=count(steps, source="config:steps"))

    @property
    def stack(self) -> dict[str, Any]:
        """What was played against; of a record that does not say it, a stack started for the run."""
        return {**_OWN_STACK, **self.config.get("stack", {})}

    @property
    def is_simulated(self) -> bool:
        """The night was played in virtual time (docs/simulation.md): nothing of it was measured."""
        return bool(self.config.get("simulated", False))

    @property
    def simulation(self) -> dict[str, Any]:
        """What a simulated night was played with; empty of a rehearsal."""
        return dict(self.config.get("simulation", {}))

    @property
    def is_sampled_late(self) -> bool:
        """Counters may have grown before they were first seen: programs run before they are scraped."""
        return not self.is_simulated

    @property
    def step_s(self) -> float:
        """Between two samples, at most; 0 of a rehearsal, whose scrapes are about a second apart."""
        return float(self.simulation.get("step_s", 0.0))

    @property
    def planned(self) -> int:
        return int(self.config["planned"])

    @cached_property
    def fates(self) -> dict[Fate, int]:
        """People by fate; who has no row, because the run was cut short, counts as cut. Sums to `planned`."""
        counted = np.bincount(self.people["fate"], minlength=256)
        counts = {fate: int(counted[fate]) for fate in Fate}
        counts[Fate.CUT] += max(0, self.planned - sum(counts.values()))
        return counts

    @property
    def joined(self) -> int:
        return self.fates[Fate.JOINED]

    @cached_property
    def faults(self) -> list[Injected]:
        """Every fault that was to be injected, in the order of the starts."""
        return injected(self.run.events)

    @property
    def fault_windows(self) -> list[tuple[float, float, str]]:
        """(start, end, name) of every fault that held; one that was never ended lasts to infinity."""
        return [(fault.start_s, fault.end_s, fault.name) for fault in self.faults if fault.began]

    @property
    def windows(self) -> list[tuple[float, float]]:
        """The fault windows without their names."""
        return [(start, end) for start, end, _ in self.fault_windows]

    @cached_property
    def calm(self) -> BoolArray:
        """Who was never present during an injected fault; shape (people,)."""
        started, ended = self.people["started"], self.people["ended"]
        until = np.where(np.isnan(ended), np.inf, ended)
        calm: BoolArray = np.isfinite(started)
        for start, end in self.windows:
            calm = calm & ((started >= end) | (until < start))
        return calm

    @property
    def close_s(self) -> float:
        """The wave's close in real seconds since the doors opened."""
        night = self.config["night"]
        opens, closes = (datetime.fromisoformat(str(night[name])) for name in ("opens_at", "closes_at"))
        return (closes - opens).total_seconds() / self.speed

    @property
    def admitted_in_time_s(self) -> float:
        """Until when an admitted person has time enough to join before the drain limit or the wave's close."""
        end = min(float(self.config["last_arrival_s"]) + float(self.config["drain_limit_s"]), self.close_s)
        return end - ADMITTED_GRACE_S - ADMITTED_THINKING_S / self.pace

    @cached_property
    def lateness(self) -> FloatArray:
        """Seconds by which each started applicant was started late; shape (started,).

        Without those taken over from a lost worker: they are late because of that, and counted apart.
        """
        late: FloatArray = (self.people["started"] - self.people["due"])[~self.people["taken_over"]]
        return late[np.isfinite(late)]

    @property
    def never_started(self) -> int:
        """Planned applicants who were due and never started, although no death of a program cut the run short."""
        died = any(event["kind"] == "note" and event["name"] == "exit" for event in self.run.events)
        if died or self.config["ended"] not in COMPLETE_ENDS or "people.npz" in self.run.absent:
            return 0
        return max(0, self.planned - int(np.isfinite(self.people["started"]).sum()))

    @cached_property
    def unread(self) -> list[tuple[str, str]]:
        """(job, instance) of every process whose metrics could never be read."""
        seen = self.run.samples.select("up")
        return sorted((own.get("job", ""), own.get("instance", "")) for own, _, values in seen if not values.any())

    @cached_property
    def end_s(self) -> float:
        """The last moment anything was recorded, in real seconds since the doors opened."""
        moments = [self.people[name] for name in ("started", "ended")]
        latest = max((float(np.nanmax(m)) for m in moments if np.isfinite(m).any()), default=0.0)
        return max(latest, float(self.config["last_arrival_s"] or 0.0), 1.0)
