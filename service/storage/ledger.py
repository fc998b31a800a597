"""The database's ledger of a run: what it holds, for the audit against clients and partners."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from service.domain.queues import CODE_EXPIRY_S
from service.photo_ports import PhotoStore
from service.storage.sql import queries
from service.storage.uploads import parts_of

_SQL = queries("ledger")
_KINDS = ("accounts", "codes", "identity_checks", "photos", "joins")
_PARTNER_QUEUES = {"codes": ["email", "sms"], "identity_checks": ["identity"]}
_CLOCKS_APART_S = 10.0
"""Jobs expire by the database's clock, sends are noted by the web process's: more than these two can differ."""
_LOST_ARGUMENTS = {"codes": [CODE_EXPIRY_S - _CLOCKS_APART_S], "identity_checks": []}


async def read_ledger(connection: asyncpg.Connection, photos: PhotoStore) -> dict[str, dict[str, Any]]:
    """Ids and doubled effects of each kind, and photos whose bytes are not all there.

    Of what waits for a job also: what is lost because there is none; of what partners are asked for: calls attempted,
    and the most distinct ones that the rows account for. All kinds are read in one snapshot.
    """
    ledger: dict[str, dict[str, Any]] = {}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for kind in _KINDS:
            row = await connection.fetchrow(_SQL[kind])
            ledger[kind] = {"ids": row["ids"], "doubled": row["doubled"]}
            if kind == "photos":
                ledger[kind]["lost"] = await connection.fetchval(_SQL["photos_lost"])
                held = await connection.fetch(_SQL["photo_bytes"], None)
            if kind in _PARTNER_QUEUES:
                ledger[kind] |= {
                    "attempted": await connection.fetchval(_SQL["attempted"], _PARTNER_QUEUES[kind]),
                    "distinct_at_most": await connection.fetchval(_SQL[f"{kind}_distinct_at_most"]),
                    "lost": await connection.fetchval(_SQL[f"{kind}_lost"], *_LOST_ARGUMENTS[kind]),
                }
    missing = await _without_bytes(photos, held)
    if missing:  # unless they were inspected or replaced between our two looks, at the rows and at the disk
        missing = await _without_bytes(photos, await connection.fetch(_SQL["photo_bytes"], missing))
    ledger["photos"]["missing_bytes"] = missing
    return ledger


async def _without_bytes(photos: PhotoStore, held: Sequence[asyncpg.Record]) -> list[str]:
    """Those whose bytes are not all there."""
    missing = []
    for upload_id, parts, length, clean_bytes in held:
        inspected = clean_bytes is not None
        size = await (photos.copy_size(upload_id) if inspected else photos.size(upload_id, parts_of(parts), length))
        if size != (clean_bytes if inspected else length):
            missing.append(upload_id)
    return missing
