"""The waiting room's rows."""

from datetime import datetime

import asyncpg

from service.room_ports import Room
from service.storage.sql import queries

_SQL = queries("waiting_room")


class WaitingRoomRows:
    """Fulfils `room_ports.WaitingRoomStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def read(self) -> Room:
        return Room(**await self._connection.fetchrow(_SQL["read"]))

    async def hold(self) -> Room:
        await self._connection.execute(_SQL["lock"])
        return await self.read()

    async def issue_ticket(self) -> tuple[int, datetime]:
        row = await self._connection.fetchrow(_SQL["issue_ticket"])
        return row["number"], row["issued_at"]

    async def move(self, *, frontier: float, rate_per_s: float, state: str, reason: str) -> None:
        await self._connection.execute(_SQL["move"], frontier, rate_per_s, state, reason)
