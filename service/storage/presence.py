"""The rows of who is still there."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from service.domain.lookout import Slot
from service.domain.presence import Bitmap
from service.room_ports import Census
from service.storage.sql import queries

_SQL = queries("presence")


class PresenceRows:
    """Fulfils `room_ports.PresenceStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def note(self, replica: UUID, slot: Slot) -> None:
        base, bits = slot.seen
        await self._connection.execute(_SQL["note"], replica, slot.number, slot.drawn, base, bits)

    async def due(self, *, every_ms: int) -> Census:
        return Census(**await self._connection.fetchrow(_SQL["due"], every_ms))

    async def seen(self, *, within_ms: int, drawn: bool) -> Sequence[Bitmap]:
        return [Bitmap(**row) for row in await self._connection.fetch(_SQL["seen"], within_ms, drawn)]

    async def forget(self, *, older_ms: int) -> None:
        await self._connection.execute(_SQL["forget"], older_ms)

    async def publish(self, live: Bitmap, drawn: bool, count: int) -> None:
        await self._connection.execute(_SQL["publish"], live.bits, live.base, drawn, count)

    async def live(self) -> tuple[Bitmap, bool] | None:
        row = await self._connection.fetchrow(_SQL["live"])
        return None if row is None else (Bitmap(row["base"], row["bits"]), row["drawn"])
