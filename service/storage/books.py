"""Rows of the books."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from service.domain.money import Entry, Kind, Ledger
from service.domain.payouts import payment_key
from service.money_ports import Book, Payment
from service.storage.sql import queries

_SQL = queries("books")


class BookRows:
    """Fulfils `money_ports.BookStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add(self, account_id: UUID, entry: Entry, at: datetime) -> bool:
        added = await self._connection.fetchval(
            _SQL["add"], account_id, entry.kind, entry.reference, entry.debit, entry.credit, entry.amount, at
        )
        return added is not None

    async def entries(self, account_id: UUID) -> Sequence[Entry]:
        return [_entry(*row) for row in await self._connection.fetch(_SQL["entries"], account_id)]

    async def page(self, after: UUID | None, *, most: int) -> Sequence[Book]:
        return [_book(row) for row in await self._connection.fetch(_SQL["page"], after, most)]

    async def payments(self, keys: Sequence[tuple[UUID, int]]) -> Sequence[Payment]:
        payouts, numbers = [each[0] for each in keys], [each[1] for each in keys]
        return [_payment(row) for row in await self._connection.fetch(_SQL["payments"], payouts, numbers)]

    async def paid(
        self, after: UUID | None, *, most: int, until: datetime | None = None
    ) -> Sequence[tuple[UUID, Payment]]:
        rows = await self._connection.fetch(_SQL["paid"], after, most, until)
        return [(row["payout_id"], _payment(row)) for row in rows]


def _entry(kind: str, reference: str, debit: str, credit: str, amount: int) -> Entry:
    return Entry(Kind(kind), reference, Ledger(debit), Ledger(credit), amount)


def _book(row: Mapping[str, Any]) -> Book:
    payouts = row["payouts"]
    return Book(
        account_id=row["account_id"],
        completed=row["completed"],
        entries=[_entry(*each) for each in row["entries"]],
        unpaid={reference: amount for reference, amount, method in payouts if method is None},
        paid={reference: (amount, method) for reference, amount, method in payouts if method is not None},
    )


def _payment(row: Mapping[str, Any]) -> Payment:
    return Payment(payment_key(row["payout_id"], row["number"]), row["method"], row["amount"], row["outcome"])
