"""The rows of assessments."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from service.applicant_ports import Assessment
from service.storage.sql import queries

_SQL = queries("assessments")


def _assessment(row: Mapping[str, Any]) -> Assessment:
    return Assessment(
        row["account_id"],
        row["started_at"],
        row["deadline"],
        tuple(row["answers"]),
        row["submitted_at"],
        row["score"],
    )


class AssessmentRows:
    """Fulfils `applicant_ports.AssessmentStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def start(self, account_id: UUID, *, now: datetime, deadline: datetime, items: int) -> Assessment:
        row = await self._connection.fetchrow(_SQL["start"], account_id, now, deadline, items)
        if row is None:
            row = await self._connection.fetchrow(_SQL["find"], account_id)
        return _assessment(row)

    async def find(self, account_id: UUID) -> Assessment | None:
        row = await self._connection.fetchrow(_SQL["find"], account_id)
        return None if row is None else _assessment(row)

    async def hold(self, account_id: UUID) -> Assessment | None:
        row = await self._connection.fetchrow(_SQL["hold"], account_id)
        return None if row is None else _assessment(row)

    async def answer(self, token_hash: bytes, number: int, choice: int, *, now: datetime) -> bool:
        return await self._connection.fetchval(_SQL["answer"], token_hash, number, choice, now) is not None

    async def submit(self, account_id: UUID, *, score: int, submitted_at: datetime) -> bool:
        return await self._connection.fetchval(_SQL["submit"], account_id, submitted_at, score) is not None
