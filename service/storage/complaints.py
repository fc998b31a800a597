"""The rows of complaints. What people wrote and what they were answered is sealed here, and opened here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from service.count_ports import Complaint, OpenComplaints
from service.ports import Vault
from service.storage.sql import queries

_SQL = queries("complaints")


class ComplaintRows:
    """Fulfils `count_ports.ComplaintStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    async def take_budget(self, caller: bytes, hour: datetime, most: int) -> int:
        taken: int | None = await self._connection.fetchval(_SQL["take_budget"], hour, caller, most)
        return taken or 0

    async def forget_budgets(self, before: datetime) -> None:
        await self._connection.execute(_SQL["forget_budgets"], before)

    async def add(self, secret_hash: bytes, category: int, regency: int, text: str, now: datetime) -> int:
        sealed = self._vault.seal(text.encode(), _bound(secret_hash, "text"))
        number: int = await self._connection.fetchval(_SQL["add"], secret_hash, category, regency, sealed, now)
        return number

    async def follow(self, number: int, secret_hash: bytes) -> Complaint | None:
        row = await self._connection.fetchrow(_SQL["follow"], number, secret_hash)
        return None if row is None else self._opened(row)

    async def hold(self, number: int) -> Complaint | None:
        row = await self._connection.fetchrow(_SQL["hold"], number)
        return None if row is None else self._opened(row)

    async def unanswered(self, now: datetime, promise: float) -> OpenComplaints:
        return OpenComplaints(**await self._connection.fetchrow(_SQL["unanswered"], now, promise))

    async def lines(self, state: int | None, regency: int | None, after: int, most: int) -> Sequence[Complaint]:
        rows = await self._connection.fetch(_SQL["lines"], state, regency, after, most)
        return [self._opened(row) for row in rows]

    async def forward(self, number: int, regency: int, now: datetime) -> int:
        letter: int = await self._connection.fetchval(_SQL["forward"], number, regency, now)
        return letter

    async def answer(self, complaint: Complaint, text: str, now: datetime) -> None:
        sealed = self._vault.seal(text.encode(), _bound(complaint.secret_hash, "answer"))
        await self._connection.execute(_SQL["answer"], complaint.number, sealed, now)

    def _opened(self, row: Mapping[str, Any]) -> Complaint:
        columns = dict(row)
        text, answer = columns.pop("text_sealed"), columns.pop("answer_sealed")
        secret_hash = columns["secret_hash"]
        return Complaint(
            **columns,
            text=self._vault.open(text, _bound(secret_hash, "text")).decode(),
            answer=None if answer is None else self._vault.open(answer, _bound(secret_hash, "answer")).decode(),
        )


def _bound(secret_hash: bytes, column: str) -> bytes:
    """What a sealed value is bound to: it opens in its own row and column only."""
    return secret_hash + column.encode()
