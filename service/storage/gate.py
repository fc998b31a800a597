"""The gate's rows."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from service.room_ports import FoundPass, Gate, HeldGate, Pending, Takeover
from service.storage.sql import queries

_SQL = queries("gate")
_TICKED = ("holder", "at_ms", "granted", "admitted", "version")


class GateRows:
    """Fulfils `room_ports.GateStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def look(self) -> Gate:
        return Gate(**await self._connection.fetchrow(_SQL["look"]))

    async def lead(self, holder: UUID, seen: Gate) -> Takeover | None:
        row = await self._connection.fetchrow(_SQL["lead"], holder, seen.holder, seen.at_ms)
        if row is None:
            return None
        reached = await self._connection.fetch(_SQL["reached"])
        return Takeover(row["at_ms"], row["admitted"], [(each["at_ms"], each["admitted"]) for each in reached])

    async def resign(self, holder: UUID) -> None:
        await self._connection.execute(_SQL["resign"], holder)

    async def tick(
        self, holder: UUID, *, at_ms: int, ceiling: int, reached: tuple[int, int] | None, keep_from_ms: int
    ) -> Gate | None:
        by, count = (None, None) if reached is None else reached
        row = await self._connection.fetchrow(_SQL["tick"], holder, at_ms, ceiling, by, count, keep_from_ms)
        return None if row is None else Gate(**{name: row[name] for name in _TICKED})

    async def hold(self) -> HeldGate:
        return HeldGate(**await self._connection.fetchrow(_SQL["hold"]))

    async def put(self, numbers: Sequence[int], places: Sequence[int], until_ms: Sequence[int]) -> None:
        await self._connection.execute(_SQL["put"], numbers, places, until_ms)

    async def admit(self, *, at_ms: int, admitted: int, free: int, life_s: float, lease_ms: int) -> int:
        count: int = await self._connection.fetchval(_SQL["admit"], at_ms, admitted, free, life_s, lease_ms)
        return count

    async def collect(self, numbers: Sequence[int]) -> Sequence[FoundPass]:
        return [FoundPass(**row) for row in await self._connection.fetch(_SQL["collect"], numbers)]

    async def stand(self, holder: UUID) -> Pending | None:
        at_ms = await self._connection.fetchval(_SQL["leads"], holder)
        if at_ms is None:
            return None
        await self._connection.execute(_SQL["forget"], at_ms)
        return Pending(**await self._connection.fetchrow(_SQL["count"]))
