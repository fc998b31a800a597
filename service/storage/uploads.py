"""Rows of uploads."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from service.domain.errors import ChangedMeanwhile
from service.domain.photos import PhotoVerdict
from service.photo_ports import CommittedUpload, FinishedPhoto, Upload
from service.storage.sql import queries


class PostgresUploadStore:
    """Fulfils `photo_ports.UploadStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._sql = queries("uploads")

    async def add(self, upload: Upload, *, most: int) -> bool:
        status = await self._connection.execute(
            self._sql["add"], upload.id, upload.account_id, upload.slot, upload.length, upload.metadata, most
        )
        return bool(status == "INSERT 0 1")

    async def find(self, upload_id: str, account_id: UUID) -> Upload | None:
        return _upload(await self._connection.fetchrow(self._sql["find"], upload_id, account_id))

    async def take_over(self, upload_id: str, account_id: UUID, *, offset: int, end: int) -> Upload | None:
        return _upload(await self._connection.fetchrow(self._sql["take_over"], upload_id, account_id, offset, end))

    async def discard(self, upload_id: str, account_id: UUID) -> Upload | None:
        return _upload(await self._connection.fetchrow(self._sql["discard"], upload_id, account_id))

    async def clear_slot(self, upload: Upload) -> None:
        await self._connection.execute(self._sql["hold_slots"], upload.account_id)
        await self._connection.execute(self._sql["clear_slot"], upload.account_id, upload.slot, upload.id)

    async def commit(self, upload: Upload, *, new: int, file: int, ends: bool) -> CommittedUpload | None:
        try:
            row = await self._connection.fetchrow(
                self._sql["commit"], upload.id, upload.epoch, upload.committed, new, file, ends
            )
        except asyncpg.UniqueViolationError:
            raise ChangedMeanwhile("Another photo fills this slot. Send the last chunk again.") from None
        if row is None:
            return None
        *values, filled = row
        return CommittedUpload(Upload(*values), frozenset(filled or ()))

    async def finished(self, upload_id: str) -> FinishedPhoto | None:
        row = await self._connection.fetchrow(self._sql["finished"], upload_id)
        if row is None:
            return None
        id_, stored_epoch, epoch, length, replaced, verdict, outlived = row
        judged = None if verdict is None else PhotoVerdict(verdict)
        return FinishedPhoto(id_, stored_epoch, epoch, length, replaced, judged, tuple(outlived))

    async def judge(self, upload_id: str, verdict: PhotoVerdict, *, original_sha256: bytes, clean_bytes: int) -> bool:
        judged = await self._connection.fetchval(
            self._sql["judge"], upload_id, verdict, original_sha256, clean_bytes or None
        )
        return judged is not None

    async def copies_removed(self, upload_ids: Sequence[str]) -> None:
        await self._connection.execute(self._sql["copies_removed"], upload_ids)


def _upload(row: asyncpg.Record | None) -> Upload | None:
    return None if row is None else Upload(*row)
