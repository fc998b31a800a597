"""Rows of paper applications. What was typed is sealed here, and opened here."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from service.domain.paper import Person
from service.domain.paper_states import PaperState
from service.paper_ports import (
    HeldClaim,
    Invitee,
    Known,
    PaperCount,
    PaperFileLine,
    PaperLine,
    PaperOffice,
    SamePhone,
    TypedRow,
)
from service.ports import Vault
from service.storage.sql import queries

_SQL = queries("paper")


class PaperRows:
    """Fulfils `paper_ports.PaperStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    async def hold_office(self, name: str) -> PaperOffice | None:
        row = await self._connection.fetchrow(_SQL["hold_office"], name)
        return None if row is None else PaperOffice(row["id"], row["name"])

    async def find_office(self, name: str) -> PaperOffice | None:
        row = await self._connection.fetchrow(_SQL["find_office"], name)
        return None if row is None else PaperOffice(**row)

    async def offices(self) -> Sequence[PaperOffice]:
        return [PaperOffice(**row) for row in await self._connection.fetch(_SQL["offices"])]

    async def begin_file(self, office_id: UUID, digest: bytes, name: str) -> int | None:
        file_id: int | None = await self._connection.fetchval(_SQL["begin_file"], office_id, digest, name)
        return file_id

    async def end_file(self, file_id: int, outcomes: Mapping[str, int]) -> None:
        await self._connection.execute(_SQL["end_file"], file_id, outcomes)

    async def known(self, office_id: UUID, nik_indexes: Sequence[bytes]) -> Sequence[Known]:
        rows = await self._connection.fetch(_SQL["known"], office_id, nik_indexes)
        return [Known(row["content_index"], row["phone_index"], row["step"], row["has_account"]) for row in rows]

    async def of_phones(
        self, office_id: UUID, phone_indexes: Sequence[bytes], but: Sequence[bytes]
    ) -> Sequence[SamePhone]:
        rows = await self._connection.fetch(_SQL["of_phones"], office_id, phone_indexes, but)
        return [
            SamePhone(row["nik_index"], row["phone_index"], self._open(office_id, row), row["step"]) for row in rows
        ]

    async def put(self, office_id: UUID, file_id: int, rows: Sequence[TypedRow]) -> None:
        columns = zip(
            *(
                (row.number, row.nik_index, row.phone_index, row.content_index, self._seal(office_id, row))
                for row in rows
            ),
            strict=True,
        )
        await self._connection.execute(_SQL["put"], office_id, file_id, *columns)

    async def renumber(self, office_id: UUID, file_id: int, before: bytes, row: TypedRow) -> None:
        sealed = self._seal(office_id, row)
        values = (office_id, file_id, before, row.number, row.nik_index, row.content_index, sealed)
        await self._connection.execute(_SQL["renumber"], *values)

    async def move(self, office_id: UUID, before: int, after: int, *, most: int) -> int:
        moved: int = await self._connection.fetchval(_SQL["move"], office_id, before, after, most)
        return moved

    async def invitable(
        self, office_id: UUID, step: int, after: int, now: datetime, *, most: int, failures: int
    ) -> Sequence[tuple[int, int]]:
        rows = await self._connection.fetch(_SQL["invitable"], office_id, now, most, failures, step, after)
        return [(row["id"], row["generation"]) for row in rows]

    async def ask(self, ids: Sequence[int], now: datetime, until: datetime) -> None:
        await self._connection.execute(_SQL["ask"], ids, now, until)

    async def invitee(self, person: int) -> Invitee | None:
        row = await self._connection.fetchrow(_SQL["invitee"], person)
        if row is None:
            return None
        phone = self._open(row["office_id"], row).phone
        return Invitee(phone, row["generation"], row["is_asked"], row["claim_until"], row["has_account"])

    async def hand_over(self, person: int, generation: int, claim_index: bytes) -> None:
        await self._connection.execute(_SQL["hand_over"], person, generation, claim_index)

    async def invited(self, person: int, generation: int, at: datetime) -> bool:
        return await self._connection.fetchval(_SQL["invited"], person, generation, at) is not None

    async def hold_claim(self, claim_index: bytes) -> HeldClaim | None:
        row = await self._connection.fetchrow(_SQL["hold_claim"], claim_index)
        if row is None:
            return None
        person = self._open(row["office_id"], row)
        return HeldClaim(row["id"], person, row["claim_until"], row["failures"], row["account_id"])

    async def count_failure(self, person: int) -> None:
        await self._connection.execute(_SQL["count_failure"], person)

    async def claim(self, person: int, account_id: UUID, at: datetime) -> None:
        await self._connection.execute(_SQL["claim"], person, account_id, at)

    async def counts(self, office_id: UUID) -> Sequence[PaperCount]:
        rows = await self._connection.fetch(_SQL["counts"], office_id)
        return [
            PaperCount(PaperState(row["state"]), row["is_claimed"], row["is_invited"], row["people"]) for row in rows
        ]

    async def files(self, office_id: UUID) -> Sequence[PaperFileLine]:
        return [PaperFileLine(**row) for row in await self._connection.fetch(_SQL["files"], office_id)]

    async def helped(self, office_id: UUID) -> int:
        helped: int = await self._connection.fetchval(_SQL["helped"], office_id)
        return helped

    async def lines(self, office_id: UUID, *, after: int, most: int) -> Sequence[PaperLine]:
        rows = await self._connection.fetch(_SQL["lines"], office_id, after, most)
        return [
            PaperLine(row["id"], row["file"], row["row_number"], self._open(office_id, row), PaperState(row["state"]))
            for row in rows
        ]

    def _seal(self, office_id: UUID, row: TypedRow) -> bytes:
        return self._vault.seal(json.dumps(row.person.texts).encode(), _bound(office_id, row.nik_index))

    def _open(self, office_id: UUID, row: Mapping[str, bytes]) -> Person:
        return Person.of_texts(json.loads(self._vault.open(row["sealed"], _bound(office_id, row["nik_index"]))))


def _bound(office_id: UUID, nik_index: bytes) -> bytes:
    """What a sealed row is bound to: it opens as this office's person of this number only."""
    return b"paper" + office_id.bytes + nik_index
