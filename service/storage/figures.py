"""Rows of the stage figures."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from service.domain.stage_figures import StageFigure, StageTotal
from service.storage.sql import queries

_SQL = queries("figures")


class FigureRows:
    """Fulfils `ports.FigureStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def write(self, replica: UUID, figures: Sequence[StageFigure]) -> None:
        rows = [(each.stage, each.used, each.most, each.done_per_s, each.refused_per_s) for each in figures]
        columns = zip(*rows, strict=True)
        await self._connection.execute(_SQL["write"], replica, *map(list, columns))

    async def totals(self, *, within: float) -> Sequence[StageTotal]:
        return [StageTotal(**row) for row in await self._connection.fetch(_SQL["totals"], within)]
