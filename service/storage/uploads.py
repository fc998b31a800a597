"""Rows of uploads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from service.domain.errors import ChangedMeanwhile
from service.domain.photos import PhotoVerdict
from service.domain.uploads import Append, Creation, Part
from service.photo_ports import Commit, CommittedUpload, FinishedPhoto, Upload
from service.storage.sql import queries


class PostgresUploadStore:
    """Fulfils `photo_ports.UploadStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._sql = queries("uploads")

    async def add(
        self, upload_id: str, session: bytes | None, creation: Creation, *, expires_at: datetime, most: int
    ) -> Upload | None:
        length, metadata = creation.length, creation.metadata
        if session is None:
            row = await self._connection.fetchrow(self._sql["add_anonymous"], upload_id, length, metadata, expires_at)
        else:
            given = (upload_id, session, creation.slot, length, metadata, expires_at, most)
            row = await self._connection.fetchrow(self._sql["add"], *given)
        return _upload(row)

    async def find(self, upload_id: str, session: bytes | None) -> Upload | None:
        return _upload(await self._connection.fetchrow(self._sql["find"], upload_id, session))

    async def take_over(
        self, upload_id: str, session: bytes | None, chunk: Append, *, replica: str, now: datetime
    ) -> Upload | None:
        end = chunk.offset + (chunk.announced or 0)
        given = (upload_id, session, chunk.offset, end, replica, chunk.length, now)
        return _upload(await self._connection.fetchrow(self._sql["take_over"], *given))

    async def ask_to_let_go(self, upload: Upload) -> bool:
        row = await self._connection.fetchrow(self._sql["ask_to_let_go"], upload.writing, upload.id)
        return bool(row["heard"])

    async def fence(self, upload: Upload) -> bool:
        return await self._connection.fetchval(self._sql["fence"], upload.id, upload.epoch) is not None

    async def release(self, upload: Upload) -> None:
        await self._connection.execute(self._sql["release"], upload.id, upload.epoch)

    async def is_writing(self, upload: Upload) -> bool:
        return await self._connection.fetchval(self._sql["is_writing"], upload.id, upload.epoch) is not None

    async def is_newest(self, upload: Upload) -> bool:
        return await self._connection.fetchval(self._sql["is_newest"], upload.id, upload.epoch) is not None

    async def delete(self, upload_id: str, session: bytes | None, *, now: datetime) -> Upload | None:
        return _upload(await self._connection.fetchrow(self._sql["delete"], upload_id, session, now))

    async def clear_slot(self, upload: Upload) -> None:
        await self._connection.execute(self._sql["hold_slots"], upload.account_id)
        await self._connection.execute(self._sql["clear_slot"], upload.account_id, upload.slot, upload.id)

    async def commit(self, upload: Upload, commit: Commit, *, expires_at: datetime) -> Upload | None:
        writer = (upload.id, upload.epoch, upload.committed)
        given = (commit.offset, _flat(commit.parts), commit.ends, expires_at, commit.length, commit.sha256)
        return _upload(await self._connection.fetchrow(self._sql["commit"], *writer, *given))

    async def finish(
        self, upload: Upload, commit: Commit, *, queue: str, limit: int
    ) -> tuple[bool, CommittedUpload | None]:
        writer = (upload.id, upload.epoch, upload.committed)
        given = (commit.offset, _flat(commit.parts), commit.ends, commit.sha256, queue, limit)
        try:
            row = await self._connection.fetchrow(self._sql["finish"], *writer, *given)
        except asyncpg.UniqueViolationError:
            raise ChangedMeanwhile("Another photo fills this slot. Send the last chunk again.") from None
        has_room, *values, filled = row
        finished = None if filled is None else _upload(values)
        return has_room, None if finished is None else CommittedUpload(finished, frozenset(filled))

    async def finished(self, upload_id: str) -> FinishedPhoto | None:
        row = await self._connection.fetchrow(self._sql["finished"], upload_id)
        if row is None:
            return None
        id_, parts, epoch, length, sha256, replaced, verdict, outlived = row
        judged = None if verdict is None else PhotoVerdict(verdict)
        return FinishedPhoto(id_, parts_of(parts), epoch, length, sha256, replaced, judged, tuple(outlived))

    async def judge(self, upload_id: str, verdict: PhotoVerdict, *, sha256: bytes, clean_bytes: int) -> bool:
        judged = await self._connection.fetchval(self._sql["judge"], upload_id, verdict, sha256, clean_bytes or None)
        return judged is not None

    async def copies_removed(self, upload_ids: Sequence[str]) -> None:
        await self._connection.execute(self._sql["copies_removed"], upload_ids)


def parts_of(flat: Sequence[int]) -> tuple[Part, ...]:
    """As they stand in a row: writer, start, writer, start..."""
    return tuple(map(Part, flat[::2], flat[1::2]))


def _flat(parts: Sequence[Part]) -> list[int]:
    return [number for part in parts for number in part]


def _upload(row: Sequence[Any] | None) -> Upload | None:
    if row is None:
        return None
    id_, account_id, slot, length, metadata, committed, epoch, parts, *rest = row
    return Upload(id_, account_id, slot, length, metadata, committed, epoch, parts_of(parts), *rest)
