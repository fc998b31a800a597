"""The rows of sessions."""

from datetime import datetime
from uuid import UUID

import asyncpg

from service.storage.sql import queries

_SQL = queries("sessions")


class SessionRows:
    """Fulfils `applicant_ports.SessionStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add(self, token_hash: bytes, account_id: UUID, expires_at: datetime) -> None:
        await self._connection.execute(_SQL["add"], token_hash, account_id, expires_at)

    async def account_of(self, token_hash: bytes) -> UUID | None:
        account_id: UUID | None = await self._connection.fetchval(_SQL["account_of"], token_hash)
        return account_id

    async def end(self, token_hash: bytes) -> None:
        await self._connection.execute(_SQL["end"], token_hash)
