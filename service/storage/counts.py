"""The rows of who changed, what each person is counted as, and the sums."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from service.count_ports import Cell, Counts
from service.storage.sql import queries

_SQL = queries("counts")
_PATIENCE = 300.0
"""Seconds for adding up everybody: six million take some ten."""


class CountRows:
    """Fulfils `count_ports.CountStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def hold(self, *, wait: bool) -> datetime | None:
        now: datetime | None = await self._connection.fetchval(_SQL["hold_in_turn" if wait else "hold"])
        return now

    async def take(self, most: int) -> Sequence[UUID]:
        return [row[0] for row in await self._connection.fetch(_SQL["take"], most)]

    async def recount(self, people: Sequence[UUID], *, settled: bool) -> Sequence[Cell]:
        each = list(set(people))  # a statement changes a row once
        return [Cell(*row) for row in await self._connection.fetch(_SQL["recount"], each, settled)]

    async def mark(self, at: datetime) -> None:
        await self._connection.execute(_SQL["mark"], at)

    async def read(self) -> Counts | None:
        state = await self._connection.fetchrow(_SQL["state"])
        if state is None:
            return None
        cells = [Cell(*row) for row in await self._connection.fetch(_SQL["cells"])]
        return Counts(state[0], state[1], cells)

    async def accounts(self, after: UUID, most: int) -> Sequence[UUID]:
        return [row[0] for row in await self._connection.fetch(_SQL["accounts"], after, most)]

    async def resum(self) -> Sequence[Cell]:
        await self._connection.execute(_SQL["take_time"])
        await self._connection.execute(_SQL["forget_gone"], timeout=_PATIENCE)
        return [Cell(*row) for row in await self._connection.fetch(_SQL["resum"], timeout=_PATIENCE)]
