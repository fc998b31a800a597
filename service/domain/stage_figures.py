"""What a replica does, stage by stage: readings of its counters become smoothed rates, and those of replicas add up.

Rates are taken where the counters are, between two readings by a clock that never jumps. A simulated night takes them
from its own counters by the same code.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from service.domain.queues import smoothed

MEMORY = 10.0
"""Seconds over which rates are smoothed: a quota window of one second would make a slow stage jump between 0 and 2."""
SHORT_MEMORY = 3.0
"""The same where whoever steers must see a change within seconds: answers, and queues with many jobs in a window."""
MEMORY_OF_PHOTOS = 30.0
"""The same of photos, which take half a minute anyway."""
MANY_PER_S = 5.0
"""So many jobs in a quota window of a second tell within SHORT_MEMORY what ends."""


@dataclass(frozen=True, slots=True)
class StageFigure:
    """What one replica does at one stage: a queue it works, its database connections, steps of people."""

    stage: str
    used: float
    """Of its own `most`: jobs in hand, connections. 0 of 0 where a replica has no bound of its own."""
    most: float
    done_per_s: float
    refused_per_s: float


@dataclass(frozen=True, slots=True)
class StageTotal:
    """One stage over all replicas that are heard of."""

    stage: str
    replicas: int
    used: float
    most: float
    done_per_s: float
    refused_per_s: float


@dataclass(frozen=True, slots=True)
class Count:
    """What a stage of this replica has in hand now, and what it did since the start."""

    used: float = 0.0
    most: float = 0.0
    """0: this stage has no bound of its own in a replica."""
    done: float = 0.0
    refused: float = 0.0
    backlog: bool = False
    """More waits than is in hand: what is done now is what can be done."""
    memory: float = MEMORY
    """Seconds over which the rates are smoothed."""


def memory_of_jobs(rate_per_s: float) -> float:
    """Seconds over which the rate of a queue's jobs is smoothed. rate_per_s: its quota; negative: none."""
    return SHORT_MEMORY if rate_per_s < 0.0 or rate_per_s >= MANY_PER_S else MEMORY


@dataclass(slots=True)
class _Stage:
    before: Count
    done_per_s: float = 0.0
    refused_per_s: float = 0.0
    measured: float = 0.0
    """Seconds that the rates tell of."""
    began: bool = True
    """Something was done since the backlog began. Up to the reading that sees it the pipe fills: what is done in that
    time is less than what can be done. The rate of before stands until the next reading: a stage that is nearly full
    has a backlog every few seconds, and is not one in which nothing ends."""

    def update(self, count: Count, elapsed: float) -> None:
        before, self.before = self.before, count
        if count.backlog and not before.backlog:
            self.began = False
        if not self.began:
            self.began = count.done > before.done or not count.backlog
            self.measured = 0.0
            return
        memory = min(self.measured, count.memory)
        self.done_per_s = smoothed(self.done_per_s, (count.done - before.done) / elapsed, elapsed, memory)
        self.refused_per_s = smoothed(self.refused_per_s, (count.refused - before.refused) / elapsed, elapsed, memory)
        self.measured += elapsed


class Stages:
    """The stages of one replica; `count` reads all of them."""

    def __init__(self, count: Callable[[], Mapping[str, Count]], now: float) -> None:
        self._count = count
        self._at = now
        self._stages = {stage: _Stage(replace(each, backlog=False)) for stage, each in count().items()}

    def take(self, now: float) -> list[StageFigure]:
        """The figures at `now`, which is later than the time before."""
        elapsed, self._at = now - self._at, now
        figures = []
        for name, count in self._count().items():
            stage = self._stages[name]
            stage.update(count, elapsed)
            figures.append(StageFigure(name, count.used, count.most, stage.done_per_s, stage.refused_per_s))
        return figures
