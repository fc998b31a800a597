"""The waiting room's rows."""

from datetime import datetime
from uuid import UUID

import asyncpg

from service.ports import ClaimedTicket, Room
from service.storage.sql import queries

_SQL = queries("waiting_room")


class WaitingRoomRows:
    """Fulfils `ports.WaitingRoomStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def read(self) -> Room:
        return Room(**await self._connection.fetchrow(_SQL["read"]))

    async def hold(self) -> Room:
        return Room(**await self._connection.fetchrow(_SQL["hold"]))

    async def issue_ticket(self) -> tuple[int, datetime]:
        row = await self._connection.fetchrow(_SQL["issue_ticket"])
        return row["number"], row["issued_at"]

    async def claim(self, number: int, *, life: float) -> ClaimedTicket | None:
        row = await self._connection.fetchrow(_SQL["claim"], number, life)
        return None if row is None else ClaimedTicket(**row)

    async def lead(self, holder: UUID, *, seconds: float) -> bool:
        return await self._connection.fetchval(_SQL["lead"], holder, seconds) is not None

    async def move(self, *, frontier: float, rate_per_s: float, state: str, reason: str) -> None:
        await self._connection.execute(_SQL["move"], frontier, rate_per_s, state, reason)
