"""The rows of requests for one-time codes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from service.applicant_ports import CodeRequest
from service.storage.sql import queries

_SQL = queries("codes")


class CodeRows:
    """Fulfils `applicant_ports.CodeStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add(self, request: CodeRequest) -> None:
        await self._connection.execute(
            _SQL["add"],
            request.id,
            request.account_id,
            request.address_index,
            request.channel,
            request.generation,
            request.sends,
            request.sent_at,
            request.created_at,
        )

    async def find(self, request_id: UUID) -> CodeRequest | None:
        row = await self._connection.fetchrow(_SQL["find"], request_id)
        return None if row is None else CodeRequest(**row)

    async def recent(self, address_index: bytes, *, since: datetime, most: int) -> Sequence[datetime]:
        return [row[0] for row in await self._connection.fetch(_SQL["recent"], address_index, since, most)]

    async def count_send(self, request_id: UUID, at: datetime) -> None:
        await self._connection.execute(_SQL["count_send"], request_id, at)

    async def hand_over(self, request_id: UUID, *, generation: int, handed_at: datetime) -> None:
        await self._connection.execute(_SQL["hand_over"], request_id, generation, handed_at)

    async def count_failure(self, request_id: UUID) -> None:
        await self._connection.execute(_SQL["count_failure"], request_id)

    async def void(self, account_id: UUID, address_indexes: Sequence[bytes], at: datetime) -> None:
        await self._connection.execute(_SQL["void"], account_id, address_indexes, at)

    async def use(self, request_id: UUID, used_at: datetime) -> None:
        await self._connection.execute(_SQL["use"], request_id, used_at)
