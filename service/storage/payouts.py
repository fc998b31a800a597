"""Rows of payouts, of their attempts, and of the accounts that they go to. Numbers are sealed here, and opened here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from service.domain.payouts import AccountStatus, Method, PayoutState
from service.money_ports import Attempt, Payout, PayoutAccount
from service.ports import Vault
from service.storage.sql import queries

_SQL = queries("payouts")


def _bound(owner: UUID, method: str) -> bytes:
    """What a sealed number is bound to: a person's or an attempt's, with one partner."""
    return owner.bytes + b"payout" + method.encode()


def _payout(row: Mapping[str, Any]) -> Payout:
    return Payout(**{**row, "state": PayoutState(row["state"])})


class PayoutRows:
    """Fulfils `money_ports.PayoutStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    async def accounts(self, account_id: UUID) -> Sequence[PayoutAccount]:
        rows = await self._connection.fetch(_SQL["accounts"], account_id)
        return [
            PayoutAccount(
                method=Method(row["method"]),
                number=self._vault.open(row["number_sealed"], _bound(account_id, row["method"])).decode(),
                version=row["version"],
                status=AccountStatus(row["status"]),
                reason=row["reason"],
                put_at=row["put_at"],
            )
            for row in rows
        ]

    async def put_account(self, account_id: UUID, account: PayoutAccount) -> None:
        await self._connection.execute(
            _SQL["put_account"],
            account_id,
            account.method,
            self._vault.seal(account.number.encode(), _bound(account_id, account.method)),
            account.version,
            int(account.status),
            account.reason,
            account.put_at,
        )

    async def judge_account(
        self, account_id: UUID, method: Method, version: int, status: AccountStatus, reason: str | None
    ) -> bool:
        judged = await self._connection.fetchval(
            _SQL["judge_account"], account_id, method, version, int(status), reason
        )
        return judged is not None

    async def add(self, payout: Payout) -> None:
        await self._connection.execute(
            _SQL["add"],
            payout.id,
            payout.account_id,
            payout.reference,
            payout.amount,
            int(payout.state),
            payout.since,
        )

    async def of_person(self, account_id: UUID) -> Sequence[Payout]:
        return [_payout(row) for row in await self._connection.fetch(_SQL["of_person"], account_id)]

    async def wake(self, account_id: UUID) -> int:
        woken: int = await self._connection.fetchval(_SQL["wake"], account_id)
        return woken

    async def ready(self, *, most: int) -> Sequence[Payout]:
        return [_payout(row) for row in await self._connection.fetch(_SQL["ready"], most)]

    async def queued(self, payout_id: UUID) -> None:
        await self._connection.execute(_SQL["queued"], payout_id)

    async def find(self, payout_id: UUID) -> Payout | None:
        row = await self._connection.fetchrow(_SQL["find"], payout_id)
        return None if row is None else _payout(row)

    async def set_state(self, payout_id: UUID, state: PayoutState, paid_at: datetime | None = None) -> None:
        await self._connection.execute(_SQL["set_state"], payout_id, int(state), paid_at)

    async def open_attempt(self, payout_id: UUID) -> Attempt | None:
        row = await self._connection.fetchrow(_SQL["open_attempt"], payout_id)
        if row is None:
            return None
        number = self._vault.open(row["number_sealed"], _bound(payout_id, row["method"])).decode()
        return Attempt(payout_id, row["number"], Method(row["method"]), row["account_version"], number)

    async def begin_attempt(self, payout_id: UUID, account: PayoutAccount, at: datetime) -> Attempt:
        sealed = self._vault.seal(account.number.encode(), _bound(payout_id, account.method))
        number: int = await self._connection.fetchval(
            _SQL["begin_attempt"], payout_id, account.method, account.version, sealed, at
        )
        return Attempt(payout_id, number, account.method, account.version, account.number)

    async def end_attempt(self, attempt: Attempt, outcome: str, at: datetime) -> bool:
        ended = await self._connection.fetchval(_SQL["end_attempt"], attempt.payout_id, attempt.number, outcome, at)
        return ended is not None
