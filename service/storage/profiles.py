"""The rows of profile drafts."""

from collections.abc import Mapping
from uuid import UUID

import asyncpg

from service.domain.profile import STEPS
from service.storage.sql import queries

_SQL = queries("profiles")


class ProfileRows:
    """Fulfils `applicant_ports.ProfileStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def put(self, account_id: UUID, step: str, data: Mapping[str, object]) -> bool:
        complete: bool = await self._connection.fetchval(_SQL["put"], account_id, step, data, len(STEPS))
        return complete

    async def steps(self, account_id: UUID) -> frozenset[str]:
        return frozenset(row[0] for row in await self._connection.fetch(_SQL["steps"], account_id))

    async def read(self, account_id: UUID, step: str) -> Mapping[str, object] | None:
        data: Mapping[str, object] | None = await self._connection.fetchval(_SQL["read"], account_id, step)
        return data
