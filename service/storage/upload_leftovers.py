"""Rows of uploads whose bytes nobody needs any more."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from service.photo_ports import Leftover
from service.storage.sql import queries


class PostgresUploadLeftovers:
    """Fulfils `photo_ports.UploadLeftovers` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._sql = queries("upload_leftovers")

    async def overdue(self, now: datetime) -> float | None:
        seconds: float | None = await self._connection.fetchval(self._sql["overdue"], now)
        return seconds

    async def take_up(self, now: datetime, *, marked_before: datetime, most: int) -> Sequence[Leftover]:
        rows = await self._connection.fetch(self._sql["take_up"], now, marked_before, most)
        return [Leftover(*row) for row in rows]

    async def erased(self, upload_ids: Sequence[str], now: datetime) -> None:
        await self._connection.execute(self._sql["erased"], upload_ids, now)

    async def take_up_again(
        self, now: datetime, *, marked_before: datetime, erased_before: datetime, most: int
    ) -> Sequence[Leftover]:
        rows = await self._connection.fetch(self._sql["take_up_again"], now, marked_before, erased_before, most)
        return [Leftover(*row) for row in rows]

    async def forget(self, upload_ids: Sequence[str]) -> None:
        await self._connection.execute(self._sql["forget"], upload_ids)
        await self._connection.execute(self._sql["settle"], upload_ids)
