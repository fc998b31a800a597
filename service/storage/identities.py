"""The rows of identities and registry checks. Numbers and dates of birth are sealed here, and opened here."""

from datetime import date
from uuid import UUID

import asyncpg

from service.applicant_ports import Identity
from service.domain.errors import ChangedMeanwhile, IdentityNumberTaken
from service.ports import Vault
from service.storage.sql import queries

_SQL = queries("identities")


def _bound(account_id: UUID, column: str) -> bytes:
    """What a sealed value is bound to: it opens in its own row and column only."""
    return account_id.bytes + column.encode()


def open_nik(vault: Vault, account_id: UUID, sealed: bytes) -> str:
    return vault.open(sealed, _bound(account_id, "nik")).decode()


def open_birth_date(vault: Vault, account_id: UUID, sealed: bytes) -> date:
    return date.fromisoformat(vault.open(sealed, _bound(account_id, "birth_date")).decode())


class IdentityRows:
    """Fulfils `applicant_ports.IdentityStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    async def find(self, account_id: UUID) -> Identity | None:
        row = await self._connection.fetchrow(_SQL["find"], account_id)
        if row is None:
            return None
        vault = self._vault
        return Identity(
            account_id=account_id,
            nik=open_nik(vault, account_id, row["nik_sealed"]),
            family_card_number=vault.open(row["family_card_sealed"], _bound(account_id, "family_card")).decode(),
            birth_date=open_birth_date(vault, account_id, row["birth_date_sealed"]),
            status=row["status"],
            version=row["version"],
            check_id=row["check_id"],
        )

    async def put(self, identity: Identity) -> None:
        vault, account_id = self._vault, identity.account_id
        try:
            stored = await self._connection.fetchval(
                _SQL["put"],
                account_id,
                vault.index(identity.nik),
                vault.seal(identity.nik.encode(), _bound(account_id, "nik")),
                vault.seal(identity.family_card_number.encode(), _bound(account_id, "family_card")),
                vault.seal(identity.birth_date.isoformat().encode(), _bound(account_id, "birth_date")),
                identity.status,
                identity.version,
                identity.check_id,
            )
        except asyncpg.UniqueViolationError:
            raise IdentityNumberTaken from None
        if stored is None:
            raise ChangedMeanwhile

    async def answer_check(self, account_id: UUID, version: int, outcome: int) -> bool:
        return await self._connection.fetchval(_SQL["answer_check"], account_id, version, outcome) is not None

    async def reopen(self, account_id: UUID) -> bool:
        return await self._connection.fetchval(_SQL["reopen"], account_id) is not None
