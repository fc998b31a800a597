"""What each replica does, stage by stage: written by itself once a second, read together by whoever steers.

Rates are taken in the replica, between two readings of its own counters by a clock that never jumps; the database only
keeps the newest. A replica that falls silent is not counted any more after five of its beats.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from service.domain.queues import smoothed
from service.ports import StageFigure, StageTotal, Transaction

FRESH = 5.0
"""Seconds: five missed beats, as for the gatekeeper's own lease."""
MEMORY = 10.0
"""Seconds over which rates are smoothed: a quota window of one second would make a slow stage jump between 0 and 2."""


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
    """Seconds over which the rates are smoothed: less where whoever steers must see a change within seconds."""


@dataclass(slots=True)
class _Stage:
    before: Count
    done_per_s: float = 0.0
    refused_per_s: float = 0.0
    measured: float = 0.0
    """Seconds that the rates tell of."""
    began: bool = True
    """Something was done since the backlog began. Up to the reading that sees it the pipe fills: what is
    done in that time is less than what can be done."""

    def update(self, count: Count, elapsed: float) -> None:
        before, self.before = self.before, count
        if count.backlog and not before.backlog:
            self.began = False
        if not self.began:
            self.began = count.done > before.done or not count.backlog
            self.measured = self.done_per_s = 0.0
            return
        memory = min(self.measured, count.memory)
        self.done_per_s = smoothed(self.done_per_s, (count.done - before.done) / elapsed, elapsed, memory)
        self.refused_per_s = smoothed(self.refused_per_s, (count.refused - before.refused) / elapsed, elapsed, memory)
        self.measured += elapsed


class Replica:
    """Takes and writes the figures of this process; `count` reads every stage."""

    def __init__(self, count: Callable[[], Mapping[str, Count]], now: float) -> None:
        self._id: UUID = uuid4()
        self._count = count
        self._at = now
        self._stages = {stage: _Stage(replace(each, backlog=False)) for stage, each in count().items()}

    def take(self, now: float) -> list[StageFigure]:
        """The figures at `now`, which is later than the time before. A rate of 0 under a backlog: not known yet."""
        elapsed, self._at = now - self._at, now
        figures = []
        for name, count in self._count().items():
            stage = self._stages[name]
            stage.update(count, elapsed)
            figures.append(StageFigure(name, count.used, count.most, stage.done_per_s, stage.refused_per_s))
        return figures

    async def write(self, tx: Transaction, now: float) -> None:
        await tx.figures.write(self._id, self.take(now))


async def totals(tx: Transaction) -> Mapping[str, StageTotal]:
    """Every stage that a replica has told of in the last seconds."""
    return {each.stage: each for each in await tx.figures.totals(within=FRESH)}
