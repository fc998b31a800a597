"""What each replica does, stage by stage: written by itself once a second, read together by whoever steers.

The database only keeps the newest. A replica that falls silent is not counted any more after five of its beats.
"""

from collections.abc import Callable, Mapping
from uuid import UUID, uuid4

from service.domain.stage_figures import Count, Stages, StageTotal
from service.ports import Transaction

FRESH = 5.0
"""Seconds: five missed beats, as for the gatekeeper's own lease."""


class Replica:
    """Takes and writes the figures of this process; `count` reads every stage."""

    def __init__(self, count: Callable[[], Mapping[str, Count]], now: float) -> None:
        self._id: UUID = uuid4()
        self._stages = Stages(count, now)

    async def write(self, tx: Transaction, now: float) -> None:
        await tx.figures.write(self._id, self._stages.take(now))


async def totals(tx: Transaction) -> Mapping[str, StageTotal]:
    """Every stage that a replica has told of in the last seconds."""
    return {each.stage: each for each in await tx.figures.totals(within=FRESH)}
