"""Rows of uploads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from service.domain.errors import ChangedMeanwhile
from service.domain.photos import PhotoVerdict
from service.domain.uploads import Append, Part
from service.photo_ports import Commit, CommittedUpload, Finish, Finished, FinishedPhoto, NewUpload, Upload
from service.storage.sql import queries


class PostgresUploadStore:
    """Fulfils `photo_ports.UploadStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._sql = queries("uploads")

    async def add(self, new: Sequence[NewUpload], *, most: int) -> Sequence[Upload | None]:
        columns = zip(
            *(
                (
                    each.id,
                    each.session,
                    each.creation.slot,
                    each.creation.length,
                    each.creation.metadata,
                    each.expires_at,
                )
                for each in new
            ),
            strict=True,
        )
        rows = await self._connection.fetch(self._sql["add"], *columns, most)
        owners: dict[str, UUID | None] = dict(rows)
        return [_begun(each, owners[each.id]) if each.id in owners else None for each in new]

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

    async def finish(self, last: Sequence[Finish], *, queue: str, limit: int) -> Sequence[Finished]:
        columns = zip(*(_finish_columns(upload, commit) for upload, commit in last), strict=True)
        try:
            rows = await self._connection.fetch(self._sql["finish"], *columns, queue, limit, len(last))
        except asyncpg.UniqueViolationError:
            raise ChangedMeanwhile("Another photo fills this slot. Send the last chunk again.") from None
        has_room = rows[0]["has_room"]
        done = {id_: (finished_at, filled) for _, id_, finished_at, filled in rows}
        return [
            Finished(has_room, _finished(*each, *done[each.upload.id]) if each.upload.id in done else None)
            for each in last
        ]

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


def _begun(new: NewUpload, account_id: UUID | None) -> Upload:
    creation = new.creation
    return Upload(new.id, account_id, creation.slot, creation.length, creation.metadata, expires_at=new.expires_at)


def _finish_columns(upload: Upload, commit: Commit) -> tuple[object, ...]:
    parts = f"{{{','.join(map(str, _flat(commit.parts)))}}}"  # arrays of an array would have to be equally long
    return upload.id, upload.epoch, upload.committed, commit.offset, parts, commit.ends, commit.sha256


def _finished(upload: Upload, commit: Commit, finished_at: datetime, filled: Sequence[int]) -> CommittedUpload:
    whole = upload._replace(
        committed=commit.offset,
        parts=(*upload.parts, *commit.parts),
        writing=None if commit.ends else upload.writing,
        expires_at=None,
        finished_at=finished_at,
    )
    return CommittedUpload(whole, frozenset(filled))


def _upload(row: Sequence[Any] | None) -> Upload | None:
    if row is None:
        return None
    id_, account_id, slot, length, metadata, committed, epoch, parts, *rest = row
    return Upload(id_, account_id, slot, length, metadata, committed, epoch, parts_of(parts), *rest)
