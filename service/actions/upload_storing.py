"""One writer of one upload: bytes become durable, then they are acknowledged.

The row names the bytes that count. What a writer stores beyond them, or after another took over, reaches nobody.
"""

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256

from service.actions.again import idempotent
from service.domain import photos
from service.domain import uploads as rules
from service.domain.deadline import ASKER_WAITS_UNTIL
from service.domain.errors import ChangedMeanwhile, DatabaseBusy, DatabaseFailure, QueueFull, StorageFull, UploadTaken
from service.domain.queues import retry_after_s
from service.domain.uploads import Part, StorageFailed
from service.photo_ports import Commit, CommittedUpload, Finish, Hash, Upload
from service.ports import Ports

IN_LINE = 10.0
"""Seconds that bytes which are stored stand in line for the database, again and again: who is told to come back has to
send them once more, over a bad network. Others are told after the pool's two seconds."""

TAKEN = "Another request continues this upload. Ask for its offset with HEAD."


class UploadWriter:
    """Writes from `upload.committed` on, as the writer `upload.epoch`."""

    def __init__(self, ports: Ports, upload: Upload, *, most_bytes: int | None = None) -> None:
        """most_bytes: of an upload whose length is not announced yet."""
        self._ports = ports
        self._most_bytes = most_bytes
        self.upload = upload
        self.stored = upload.committed
        """Bytes that are durable, acknowledged or not."""
        self._new: list[Part] = []
        self._digest: Hash | None = sha256() if upload.committed == 0 else None

    async def store(self, data: bytes, *, check: Hash | None = None) -> None:
        """Make bytes durable that follow those stored before. check: fed with them too.

        Raises PhotoTooLarge, UploadTaken, StorageFull or StorageFailed.
        """
        upload, photos = self.upload, self._ports.photos
        most = self._most_bytes if upload.length is None else upload.length
        rules.check_room(self.stored + len(data), length=most)
        parts = [*upload.parts, *self._new]
        part = rules.part_to_write(parts, upload.epoch, self.stored, grows=photos.grows)
        hashes = [one for one in (self._digest, check) if one is not None]
        try:
            await photos.write(upload.id, part, self.stored, data, hashes)
        except StorageFull:
            if part not in parts:
                await photos.remove_part(upload.id, part)  # half of it would only take up room
            raise
        except StorageFailed:
            if await _is_newest(self._ports, upload):
                raise
            raise UploadTaken(TAKEN) from None  # who took over has removed the part
        if not parts or part != parts[-1]:
            self._new.append(part)
        self.stored += len(data)

    async def acknowledge(self, *, ends: bool) -> int:
        """Commit what is stored, and at its length the whole upload; how many bytes were acknowledged by it.

        ends: this writer writes no more.
        Raises UploadTaken; QueueFull, when every byte but the last was acknowledged; ChangedMeanwhile.
        """
        before = self.upload.committed
        committed = await self._in_line(ends)
        if committed is None:
            await self.forget()
            raise UploadTaken(TAKEN)
        self.upload, self._new = committed, []
        if committed.committed < self.stored:
            raise full(self._ports)
        return self.stored - before

    async def forget(self) -> None:
        """Remove what was stored in parts of which nothing is acknowledged."""
        for part in self._new:
            await self._ports.photos.remove_part(self.upload.id, part)
        self._new, self.stored = [], self.upload.committed

    async def end(self) -> None:
        """Say that this writer writes no more, unless its last commit did."""
        if self.upload.finished_at is None and self.upload.writing is not None:
            with suppress(DatabaseFailure):  # whoever comes next waits a moment for us, then goes on
                async with self._ports.begin(single=True) as tx:
                    await tx.uploads.release(self.upload)

    async def _in_line(self, ends: bool) -> Upload | None:
        """The upload as it was acknowledged, also when it took a while until the database had room for it."""
        until = min(time.monotonic() + IN_LINE, ASKER_WAITS_UNTIL.get())
        while True:
            try:
                if self.upload.length == self.stored:
                    return await self._finish(ends=ends)
                return await self._commit(self._commit_of(self.stored, ends))
            except DatabaseBusy:
                if time.monotonic() >= until:
                    raise

    async def _commit(self, commit: Commit) -> Upload | None:
        async with self._ports.begin(single=True) as tx:
            return await tx.uploads.commit(self.upload, commit, expires_at=expires_at(self._ports))

    def _commit_of(self, offset: int, ends: bool, digest: bytes | None = None) -> Commit:
        parts = [part for part in self._new if part.start < offset]
        return Commit(offset, parts, ends, self.upload.length, digest)

    async def _finish(self, *, ends: bool) -> Upload | None:
        """Acknowledge the last bytes and ask for an inspection of a photo; None: another writer took over.

        When too many photos wait for theirs, all bytes but one are acknowledged: whoever comes back sends that one, and
        not the whole photo over a bad network again.
        """
        commit = self._commit_of(self.stored, ends, await self._whole_digest())
        if self.upload.slot is None:
            return await self._commit(commit)
        replaces = False
        try:
            try:
                result = await self._fill_slot(commit)
            except ChangedMeanwhile:  # the slot holds an older photo
                replaces = True
                result = await self._fill_slot(commit, replaces=True)
        except QueueFull:
            return await self._commit(self._commit_of(self.stored - 1, ends))
        if result is None:
            return None
        if not replaces and rules.completes_photos(self.upload.slot, result.filled):
            self._ports.reached("photos_uploaded")
        return result.upload

    async def _whole_digest(self) -> bytes:
        """SHA-256 of all bytes: as they were received when this writer has seen them all, else as they are stored."""
        if self._digest is not None:
            return self._digest.digest()
        digest = sha256()
        async for data in self._all_stored():
            digest.update(data)
        return digest.digest()

    def _all_stored(self) -> AsyncIterator[bytes]:
        return self._ports.photos.stream(self.upload.id, [*self.upload.parts, *self._new], self.stored)

    async def _fill_slot(self, commit: Commit, *, replaces: bool = False) -> CommittedUpload | None:
        last = Finish(self.upload, commit)
        if replaces:
            async with self._ports.begin() as tx:
                await tx.uploads.clear_slot(self.upload)
                limit = self._ports.policy.photo_queue_limit
                (found,) = await tx.uploads.finish([last], queue=photos.QUEUE, limit=limit)
                if not found.has_room:
                    raise full(self._ports)
        else:
            found = await self._ports.finishes(last)
            if not found.has_room:
                raise full(self._ports)
        return found.photo


def expires_at(ports: Ports) -> datetime:
    """When an upload whose last byte comes now is given up."""
    return ports.clock.now() + timedelta(seconds=ports.policy.upload_lifetime_s)


def full(ports: Ports) -> QueueFull:
    """Too many photos wait for their inspection."""
    wait = retry_after_s(ports.policy.photo_queue_limit, ports.policy.photo_rate_per_s, ports.chance())
    return QueueFull(queue=photos.QUEUE, retry_after_s=wait)


@idempotent
async def _is_newest(ports: Ports, upload: Upload) -> bool:
    async with ports.begin(single=True) as tx:
        return await tx.uploads.is_newest(upload)
