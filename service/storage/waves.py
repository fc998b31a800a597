"""The rows of waves and joins."""

from datetime import date, datetime
from uuid import UUID

import asyncpg

from service.storage.sql import queries
from service.wave_ports import Wave

_SQL = queries("waves")


class WaveRows:
    """Fulfils `wave_ports.WaveStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def find(self, wave_id: int) -> Wave | None:
        row = await self._connection.fetchrow(_SQL["find"], wave_id)
        return None if row is None else Wave(**row)

    async def following(self, now: datetime) -> Wave | None:
        row = await self._connection.fetchrow(_SQL["following"], now)
        return None if row is None else Wave(**row)

    async def put(self, wave: Wave) -> None:
        await self._connection.execute(_SQL["put"], wave.id, wave.opens_at, wave.closes_at)

    async def join(
        self, join_id: UUID, wave_id: int, account_id: UUID, at: datetime, device: str
    ) -> tuple[UUID, datetime] | None:
        row = await self._connection.fetchrow(_SQL["join"], join_id, wave_id, account_id, at, device)
        return None if row is None else (row["id"], row["joined_at"])

    async def joined_age_on(self, account_id: UUID) -> date | None:
        day: date | None = await self._connection.fetchval(_SQL["joined_age_on"], account_id)
        return day

    async def joined(self, account_id: UUID, wave_id: int) -> tuple[UUID, datetime] | None:
        row = await self._connection.fetchrow(_SQL["joined"], account_id, wave_id)
        return None if row is None else (row["id"], row["joined_at"])
