"""The rows of the ministry's list of people who come first."""

from collections.abc import Sequence

import asyncpg

from service.storage.sql import queries

_SQL = queries("priority")
_COUNT_LIMIT = 60.0


class PriorityRows:
    """Fulfils `wave_ports.PriorityStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add(self, indexes: Sequence[bytes]) -> int:
        done: str = await self._connection.execute(_SQL["add"], indexes)
        return int(done.rpartition(" ")[2])

    async def count(self) -> int:
        number: int = await self._connection.fetchval(_SQL["count"], timeout=_COUNT_LIMIT)
        return number
