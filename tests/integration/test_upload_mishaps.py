"""What goes wrong around an upload leaves no bytes behind, hides no other error, and takes no more memory."""

import asyncio
import errno
import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from hashlib import sha1
from pathlib import Path

import obstore
import pytest

from service.actions import upload_storing, upload_writers
from service.actions.upload_writers import Writers
from service.domain import uploads as rules
from service.domain.errors import DatabaseBusy, DatabaseUnavailable, NotFound, PhotoTooLarge
from service.domain.uploads import Checksum, PhotoTypeUnsupported, Slot, UploadHeadersInvalid
from service.storage import pool
from service.storage.uploads import PostgresUploadStore
from tests.integration.test_upload_actions import DATA, desk
from tests.integration.upload_desk import Body, DeafBody
from tests.integration.upload_room import holds
from tests.integration.upload_stores import shelf

__all__ = ["desk", "shelf"]

FOLDER = pytest.mark.parametrize("shelf", ["folder"], indirect=True)
BUCKET = pytest.mark.parametrize("shelf", ["bucket"], indirect=True)


class AskedBody(Body):
    """Remembers how many bytes at a time were asked for."""

    most = 0

    async def take(self, most):
        self.most = max(self.most, most)
        return await super().take(most)


def checksum(data):
    return Checksum("sha1", sha1(data).digest())


@FOLDER
def test_upload_is_given_up_though_its_bytes_cannot_be_removed(desk, monkeypatch):
    """Whoever gave it up is told so; the sweeper is left with the bytes."""

    def fail(path, missing_ok=False):
        raise OSError(errno.EIO, "broken disk", str(path))

    async def scene(desk):
        upload_id = await desk.begin(5000)
        await desk.send(upload_id, 0, DATA[:1000])
        monkeypatch.setattr(Path, "unlink", fail)
        await desk.terminate(upload_id)
        with pytest.raises(NotFound):
            await desk.status(upload_id)
        row = await desk.row(upload_id)
        assert row["deleted_at"] is not None and row["erased_at"] is None

    desk(scene)


@FOLDER
def test_broken_disk_does_not_hide_that_a_file_is_no_photo(desk, monkeypatch):
    def fail(path, missing_ok=False):
        raise OSError(errno.EIO, "broken disk", str(path))

    async def scene(desk):
        desk = await desk.signed_in()
        upload_id = await desk.begin(5000, Slot.SELFIE)
        monkeypatch.setattr(Path, "unlink", fail)
        with pytest.raises(PhotoTypeUnsupported):
            await desk.send(upload_id, 0, b"%PDF" + bytes(4996))

    desk(scene)


def test_checked_chunk_that_grows_too_long_leaves_nothing(desk, shelf):
    """Of what came before its first byte too many, too."""

    async def scene(desk):
        upload_id = await desk.begin(None)
        chunk = Body(DATA[:2000], DATA[2000:4000])
        with pytest.raises(PhotoTooLarge):
            await desk.send(upload_id, 0, chunk, checksum=checksum(DATA[:4000]), most_bytes=3000)
        assert chunk.taken == 4000
        assert shelf.held() == []
        await desk.send(upload_id, 0, DATA[:3000], checksum=checksum(DATA[:3000]), length=3000, most_bytes=3000)
        assert await desk.stored(upload_id) == DATA[:3000]

    desk(scene)


@pytest.mark.parametrize("check", [None, checksum(DATA)], ids=["plain", "checked"])
def test_pieces_shrink_when_many_send(desk, shelf, monkeypatch, check):
    """A chunk with a checksum holds no more in memory than one without."""

    async def scene(desk):
        alone, crowded = AskedBody(DATA), AskedBody(DATA)
        await desk.send(await desk.begin(5000), 0, alone, checksum=check)
        monkeypatch.setattr(rules, "PIECES_TOGETHER", rules.LEAST_PIECE)  # as if so many were sending
        await desk.send(await desk.begin(5000), 0, crowded, checksum=check)
        assert (alone.most, crowded.most) == (shelf.store.pieces.most_bytes, rules.LEAST_PIECE)

    monkeypatch.setattr(rules, "PIECES_TOGETHER", shelf.store.pieces.most_bytes)
    desk(scene)


@FOLDER
def test_photo_is_not_said_to_be_empty_later(desk):
    """As at its creation; the upload waits on for a length."""

    async def scene(desk):
        desk = await desk.signed_in()
        upload_id = await desk.begin(None, Slot.SELFIE)
        with pytest.raises(UploadHeadersInvalid):
            await desk.send(upload_id, 0, b"", length=0)
        row = await desk.row(upload_id)
        assert (row["length"], row["finished_at"]) == (None, None)

    desk(scene)


@FOLDER
def test_empty_file_is_begun_and_finished_or_neither(desk, monkeypatch):
    """Else the answer kept for its Idempotency-Key would lead to an upload that nobody finishes."""

    async def fail(*arguments, **named):
        raise DatabaseUnavailable(retry_after_s=1)

    async def count(desk):
        async with desk.database.connection() as connection:
            return await connection.fetchval("select count(*) from upload")

    async def scene(desk):
        before = await count(desk)
        with monkeypatch.context() as patch:
            patch.setattr(PostgresUploadStore, "commit", fail)
            with pytest.raises(DatabaseUnavailable):
                await desk.begin(0)
        assert await count(desk) == before
        assert (await desk.status(await desk.begin(0))).finished_at is not None

    desk(scene)


def test_of_two_who_wait_for_a_stuck_writer_the_later_one_wins(run, monkeypatch):
    """The earlier one is told to let go, not forgotten: it would hold on to its phone when the process ends."""
    monkeypatch.setattr(upload_writers, "LET_GO_LIMIT", 0.05)

    async def scene():
        writers = Writers()
        bodies = [Body(open_end=True), Body(open_end=True)]
        leave = asyncio.Event()

        async def come(body):
            async with writers.turn("a" * 32, body):
                await leave.wait()

        async with AsyncExitStack() as stack:
            await stack.enter_async_context(writers.turn("a" * 32, DeafBody()))
            async with asyncio.timeout(20), asyncio.TaskGroup() as group:
                for body in bodies:
                    group.create_task(come(body))
                while not any(body.exhausted for body in bodies):  # noqa: ASYNC110 - as `holds` waits
                    await asyncio.sleep(0.01)
                leave.set()
        assert [body.exhausted for body in bodies] == [True, False]

    run(scene())


@BUCKET
def test_what_is_not_ours_in_a_bucket_stops_no_removal(desk, shelf):
    """It stays, and so does the clean copy."""

    async def scene(desk):
        upload_id = secrets.token_hex(16)
        await shelf.store.write(upload_id, rules.Part(1, 0), 0, b"bytes")
        await shelf.store.keep(upload_id, b"copy")
        await obstore.put_async(shelf.store._store, f"{upload_id}/.notes", b"of somebody else")
        await shelf.store.remove(upload_id, 1)
        assert shelf.held() == [f"{upload_id}.", f"{upload_id}.clean"]

    desk(scene)


@FOLDER
@pytest.mark.parametrize("patience", [30.0, 0.0], ids=["in line", "told at once"])
def test_stored_bytes_stand_in_line_for_the_database(desk, monkeypatch, patience):
    """Whoever has sent them need not send them again; without patience (negative control) they must."""
    monkeypatch.setattr(pool, "WAIT_LIMIT", 0.05)
    monkeypatch.setattr(upload_storing, "IN_LINE", patience)

    async def scene(desk):
        tries = []
        begin = desk.ports.begin

        def begun(**how):
            tries.append(how)
            return begin(**how)

        desk.ports = replace(desk.ports, begin=begun)
        upload_id = await desk.begin(5000)
        body = Body(open_end=True)
        sending = asyncio.create_task(desk.send(upload_id, 0, body))

        async def waits():
            return body.waits

        async def told():
            return len(tries) >= 3 or sending.done()

        await holds(waits, limit=30)
        async with AsyncExitStack() as others:
            for _ in range(desk.database.limit):
                await others.enter_async_context(desk.database.connection())
            tries.clear()
            body.give(DATA[:5000], ends=True)
            await holds(told, limit=30)
        if patience:
            assert (await sending).finished_at is not None
            assert await desk.stored(upload_id) == DATA[:5000]
        else:
            with pytest.raises(DatabaseBusy):
                await sending

    desk(scene)
