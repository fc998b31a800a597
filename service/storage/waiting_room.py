"""The waiting room's rows."""

from collections.abc import Sequence

import asyncpg

from service.room_ports import Join, Joined, Room
from service.storage.sql import queries

_SQL = queries("waiting_room")


class WaitingRoomRows:
    """Fulfils `room_ports.WaitingRoomStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def read(self) -> Room:
        row = dict(await self._connection.fetchrow(_SQL["read"]))
        return Room(**{**row, "revoked": frozenset(row["revoked"])})

    async def hold(self) -> Room:
        await self._connection.execute(_SQL["lock"])
        return await self.read()

    async def join(self, joins: Sequence[Join]) -> Sequence[Joined]:
        requests, bindings = [each.request for each in joins], [each.binding for each in joins]
        return [
            Joined(number, first) for number, first in await self._connection.fetch(_SQL["join"], requests, bindings)
        ]

    async def revoke(self, number: int) -> bool:
        return await self._connection.fetchval(_SQL["revoke"], number) is not None

    async def move(self, *, frontier: float, rate_per_s: float, state: str, reason: str) -> None:
        await self._connection.execute(_SQL["move"], frontier, rate_per_s, state, reason)
