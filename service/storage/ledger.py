"""The database's ledger of a run: what it holds, for the audit against clients and partners."""

from typing import Any

import asyncpg

from service.domain.queues import CODE_EXPIRY_S
from service.ports import PhotoStore
from service.storage.sql import queries

_SQL = queries("ledger")
_KINDS = ("accounts", "codes", "identity_checks", "photos", "joins")
_PARTNER_QUEUES = {"codes": ["email", "sms"], "identity_checks": ["identity"]}
_CLOCKS_APART_S = 10.0
"""Jobs expire by the database's clock, sends are noted by the web process's: more than these two can differ."""
_LOST_ARGUMENTS = {"codes": [CODE_EXPIRY_S - _CLOCKS_APART_S], "identity_checks": []}


async def read_ledger(connection: asyncpg.Connection, photos: PhotoStore) -> dict[str, dict[str, Any]]:
    """Ids and doubled effects of each kind, and photos whose bytes are not all there.

    Of what partners are asked for also: calls attempted, the most distinct ones that the rows account for, and what is
    lost because it waits for a job that does not exist. All kinds are read in one snapshot.
    """
    ledger: dict[str, dict[str, Any]] = {}
    lengths: list[int] = []
    epochs: list[int] = []
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for kind in _KINDS:
            row = await connection.fetchrow(_SQL[kind])
            ledger[kind] = {"ids": row["ids"], "doubled": row["doubled"]}
            if kind == "photos":
                lengths, epochs = row["lengths"], row["epochs"]
            if kind in _PARTNER_QUEUES:
                ledger[kind] |= {
                    "attempted": await connection.fetchval(_SQL["attempted"], _PARTNER_QUEUES[kind]),
                    "distinct_at_most": await connection.fetchval(_SQL[f"{kind}_distinct_at_most"]),
                    "lost": await connection.fetchval(_SQL[f"{kind}_lost"], *_LOST_ARGUMENTS[kind]),
                }
    ids = ledger["photos"]["ids"]
    sizes = [await photos.size(upload_id, epoch) for upload_id, epoch in zip(ids, epochs, strict=True)]
    ledger["photos"]["missing_bytes"] = [
        upload_id for upload_id, length, size in zip(ids, lengths, sizes, strict=True) if size != length
    ]
    return ledger
