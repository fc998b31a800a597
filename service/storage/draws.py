"""Rows of draws: the list of a wave, places and grants."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from service.domain.eligibility import Facts
from service.domain.profile import IN_EDUCATION
from service.domain.regions import PROVINCES
from service.ports import Vault
from service.storage.identities import open_birth_date
from service.storage.sql import queries
from service.wave_ports import ListedJoin, Place

_SQL = queries("draws")
AT_ONCE = 5_000
"""Rows of the list: 2 MB, and a tenth of a second of work between two questions to the server."""
LIST_LIMIT = 600.0
"""Seconds for the first rows: two million joins are put beside the tables that say who may take part."""


class DrawRows:
    """Fulfils `wave_ports.DrawStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    async def freeze(self, wave_id: int, at: datetime) -> bool:
        return await self._connection.fetchval(_SQL["freeze"], wave_id, at) is not None

    async def commit_to(self, wave_id: int, commitment: bytes) -> bool:
        return await self._connection.fetchval(_SQL["commit_to"], wave_id, commitment) is not None

    async def hold(self, wave_id: int) -> bool:
        return bool(await self._connection.fetchval(_SQL["hold"], wave_id))

    async def hold_drawn(self, wave_id: int) -> tuple[bytes | None, Sequence[bytes]]:
        row = await self._connection.fetchrow(_SQL["hold_drawn"], wave_id)
        return (None, ()) if row is None else (row["seed"], row["withdrawn"])

    async def keep_drawn(self, wave_id: int, seed: bytes, withdrawn: bytes) -> None:
        await self._connection.execute(_SQL["keep_drawn"], wave_id, seed, withdrawn)

    async def joins(self, wave_id: int) -> AsyncIterator[Sequence[ListedJoin]]:
        # Here every row is wanted, and reading tables from end to end is the quick way. For this transaction only.
        await self._connection.execute(
            "set local statement_timeout = 0; set local enable_seqscan = on; set local work_mem = '128MB'"
        )
        cursor = await self._connection.cursor(_SQL["joins"], wave_id, timeout=LIST_LIMIT)
        while rows := await cursor.fetch(AT_ONCE, timeout=LIST_LIMIT):
            yield [self._listed(row) for row in rows]

    async def leave_out(self, rules: Mapping[UUID, Sequence[str]]) -> None:
        await self._connection.executemany(_SQL["leave_out"], list(rules.items()))

    async def left_out(self, join_id: UUID) -> Sequence[str]:
        return await self._connection.fetchval(_SQL["left_out"], join_id) or ()

    async def place(self, wave_id: int, places: Sequence[Place]) -> None:
        ids = [place.join_id for place in places]
        outcomes, ranks = [place.outcome for place in places], [place.rank for place in places]
        await self._connection.execute(_SQL["place"], wave_id, ids, outcomes, ranks)

    async def grant(self, join_ids: Sequence[UUID]) -> Sequence[UUID]:
        await self._connection.execute(_SQL["grant"], join_ids)
        return [row[0] for row in await self._connection.fetch(_SQL["ungranted"], join_ids)]

    async def strike(self, join_ids: Sequence[UUID], at: datetime) -> Sequence[UUID]:
        places = await self._connection.fetch(_SQL["strike"], join_ids)
        grants = await self._connection.fetch(_SQL["withdraw"], join_ids, at)
        return sorted({row[0] for row in (*places, *grants)})

    async def raise_waiting(self, join_ids: Sequence[UUID]) -> Sequence[UUID]:
        return [row[0] for row in await self._connection.fetch(_SQL["raise_waiting"], join_ids)]

    async def publish(self, wave_id: int, at: datetime) -> None:
        await self._connection.execute(_SQL["publish"], wave_id, at)

    def _listed(self, row: Mapping[str, Any]) -> ListedJoin:
        sealed = row["birth_date_sealed"]
        return ListedJoin(
            id=row["id"],
            joined_at=row["joined_at"],
            assessed_at=row["assessed_at"],
            device=row["device"],
            province=row["province"] or 0,
            priority=row["priority"],
            facts=Facts(
                identity=row["identity_status"],
                confirmed=row["confirmed"],
                birth_date=None if sealed is None else open_birth_date(self._vault, row["account_id"], sealed),
                in_education=row["employment"] == IN_EDUCATION,
                assessed=row["assessed"],
                granted=row["granted"],
                resident=row["province"] in PROVINCES,
            ),
        )
