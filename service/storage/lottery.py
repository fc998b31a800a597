"""The rows that a draw reads and writes."""

from collections.abc import AsyncIterator, Sequence

import asyncpg

from service.domain.lottery import ShuffleKey
from service.storage.sql import queries

_SQL = queries("lottery")
PAGE = 5_000
"""Tickets of one read: it holds the event loop for some milliseconds, and no statement runs into its time limit."""


class LotteryRows:
    """Fulfils `room_ports.LotteryStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def commit(self, epoch: int, commitment: bytes) -> None:
        await self._connection.execute(_SQL["commit"], epoch, commitment)

    async def freeze(self) -> int:
        await self._connection.execute(_SQL["freeze"])
        number: int = await self._connection.fetchval(_SQL["last"])
        return number

    async def members(self, after: int, until: int) -> AsyncIterator[Sequence[tuple[int, bytes]]]:
        while page := await self._connection.fetch(_SQL["members"], after, until, PAGE):
            yield [(number, binding) for number, binding in page]
            after = page[-1]["number"]

    async def open(self, epoch: int, cohort: int, digest: bytes, key: ShuffleKey) -> bool:
        return await self._connection.fetchval(_SQL["open"], epoch, cohort, digest, *key) is not None
