"""The rows of accounts, and the look at all steps of one applicant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from service.applicant_ports import Account, Assessment, Standing
from service.domain.codes import Channel
from service.domain.errors import AddressTaken, PassInvalid, PassUsed
from service.domain.photos import PhotoVerdict
from service.photo_ports import HeldPhoto
from service.ports import Vault
from service.storage.identities import open_birth_date, open_nik
from service.storage.sql import queries
from service.wave_ports import LatestJoin, Wave

_SQL = queries("accounts")


def _account(row: Mapping[str, Any]) -> Account:
    return Account(
        row["id"], row["name"], row["phone"], row["email"], row["phone_verified_at"], row["email_verified_at"]
    )


class AccountRows:
    """Fulfils `applicant_ports.AccountStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    async def add(self, account: Account, *, ticket_number: int) -> None:
        try:
            await self._connection.execute(
                _SQL["add"], account.id, ticket_number, account.name, account.phone, account.email
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == "account_ticket_number_key":
                raise PassUsed from None
            raise AddressTaken from None
        except asyncpg.ForeignKeyViolationError:
            raise PassInvalid from None

    async def of_ticket(self, number: int) -> Account | None:
        row = await self._connection.fetchrow(_SQL["of_ticket"], number)
        return None if row is None else _account(row)

    async def correct(self, account: Account) -> bool:
        try:
            corrected = await self._connection.fetchval(
                _SQL["correct"], account.id, account.name, account.phone, account.email
            )
        except asyncpg.UniqueViolationError:
            raise AddressTaken from None
        return corrected is not None

    async def find(self, account_id: UUID) -> Account | None:
        row = await self._connection.fetchrow(_SQL["find"], account_id)
        return None if row is None else _account(row)

    async def hold_address(self, address: str) -> Account | None:
        row = await self._connection.fetchrow(_SQL["hold_email" if "@" in address else "hold_phone"], address)
        return None if row["id"] is None else _account(row)

    async def correct_phone(self, account_id: UUID, phone: str) -> None:
        try:
            await self._connection.execute(_SQL["correct_phone"], account_id, phone)
        except asyncpg.UniqueViolationError:
            raise AddressTaken from None

    async def mark_verified(self, account_id: UUID, channel: int, at: datetime) -> bool:
        query = _SQL["verify_email"] if channel == Channel.EMAIL else _SQL["verify_phone"]
        return await self._connection.fetchval(query, account_id, at) is not None

    async def standing(self, account_id: UUID, wave_id: int | None, now: datetime) -> Standing | None:
        row = await self._connection.fetchrow(_SQL["standing"], account_id, wave_id, now)
        if row is None:
            return None
        has_identity = row["identity_version"] is not None
        return Standing(
            account=_account(row),
            nik=open_nik(self._vault, account_id, row["nik_sealed"]) if has_identity else None,
            identity_status=row["identity_status"] if has_identity else -1,
            identity_version=row["identity_version"] if has_identity else 0,
            profile_steps=tuple(row["profile_steps"]),
            photos=tuple(
                HeldPhoto(slot, None if verdict < 0 else PhotoVerdict(verdict)) for slot, verdict in row["photos"]
            ),
            assessment=None
            if row["started_at"] is None
            else Assessment(
                account_id,
                row["started_at"],
                row["deadline"],
                tuple(row["answers"]),
                row["submitted_at"],
                row["score"],
            ),
            wave=None
            if row["wave_id"] is None
            else Wave(row["wave_id"], row["opens_at"], row["closes_at"], row["age_on"]),
            join_id=row["join_id"],
            joined_at=row["joined_at"],
            birth_date=open_birth_date(self._vault, account_id, row["birth_date_sealed"]) if has_identity else None,
            employment=row["employment"],
            granted=row["granted"],
            latest=_latest(row),
        )


def _latest(row: Mapping[str, Any]) -> LatestJoin | None:
    if row["latest_id"] is None:
        return None
    return LatestJoin(
        row["latest_id"],
        row["latest_wave_id"],
        row["latest_joined_at"],
        row["outcome"],
        row["rank"],
        row["published_at"],
        row["announce_at"],
    )
