"""What becomes of uploads below any protocol: unknown lengths, empty ones, checksums, expiry, giving up, owners."""

import asyncio
import errno
import os
from hashlib import sha1, sha256

import pytest

from service.actions.upload_storing import UploadWriter
from service.domain.errors import (
    NotFound,
    NotSignedIn,
    PhotoTooLarge,
    StorageFull,
    UploadOffsetMismatch,
    UploadTaken,
)
from service.domain.uploads import (
    Append,
    Checksum,
    Slot,
    UploadChecksumMismatch,
    UploadExpired,
    UploadHeadersInvalid,
    UploadKept,
)
from service.storage.uploads import parts_of
from tests.integration.upload_desk import Body, upload_desk
from tests.integration.upload_stores import shelf

__all__ = ["shelf"]

DATA = os.urandom(5000)
PHOTO = b"\xff\xd8\xff" + DATA


@pytest.fixture
def desk(run, module_database_url, shelf):
    """Run a coroutine function of a desk of the anonymous."""

    def play(scene):
        async def at_desk():
            async with upload_desk(module_database_url, shelf.store) as found:
                return await scene(found)

        return run(at_desk())

    return play


def test_a_length_may_be_told_with_any_chunk(desk):
    """Until then nothing is finished; told at the end without a byte, it finishes the upload."""

    async def scene(desk):
        for tells_at in (0, 2000, 5000):
            upload_id = await desk.begin(None)
            assert (await desk.status(upload_id)).length is None
            offset = 0
            for end in (2000, 5000, 5000):
                told = 5000 if offset == tells_at else None
                upload = await desk.send(upload_id, offset, DATA[offset:end], length=told)
                offset = upload.committed
                assert (offset, upload.length) == (end, 5000 if end > tells_at or told else None)
                if upload.finished_at is not None:
                    break
            assert upload.finished_at is not None and await desk.stored(upload_id) == DATA

    desk(scene)


def test_a_length_is_told_once_and_has_room_for_what_came(desk):
    async def scene(desk):
        upload_id = await desk.begin(None)
        await desk.send(upload_id, 0, DATA[:1000])
        with pytest.raises(PhotoTooLarge):
            await desk.send(upload_id, 1000, DATA[1000:], announced=4000, length=4999)
        with pytest.raises(PhotoTooLarge):
            await desk.send(upload_id, 1000, DATA[1000:], most_bytes=4999)
        assert (await desk.status(upload_id)).length is None
        await desk.send(upload_id, 1000, DATA[1000:2000], length=5000)
        with pytest.raises(UploadHeadersInvalid):
            await desk.send(upload_id, 2000, b"", length=6000)
        await desk.send(upload_id, 2000, DATA[2000:], length=5000)
        assert await desk.stored(upload_id) == DATA

    desk(scene)


def test_an_empty_upload_is_finished_when_it_is_begun(desk, shelf):
    async def scene(desk):
        upload_id = await desk.begin(0)
        upload = await desk.status(upload_id)
        assert (upload.committed, upload.finished_at is not None, upload.expires_at) == (0, True, None)
        assert await desk.stored(upload_id) == b"" and shelf.held() == []

    desk(scene)


CHECKSUMS = [Checksum("sha1", sha1(DATA).digest()), Checksum("sha256", sha256(DATA).digest())]


@pytest.mark.parametrize("checksum", CHECKSUMS, ids=["sha1", "sha256"])
def test_a_chunk_counts_when_it_matches_its_checksum(desk, shelf, checksum):
    """Changed or broken off it leaves the offset where it was, and no byte on the disk."""

    async def scene(desk):
        upload_id = await desk.begin(6000)
        await desk.send(upload_id, 0, bytes(1000))
        with pytest.raises(UploadChecksumMismatch):
            await desk.send(upload_id, 1000, bytes([DATA[0] ^ 1]) + DATA[1:], checksum=checksum)
        cut = await desk.send(upload_id, 1000, Body(DATA[:3000], complete=False), checksum=checksum)
        assert cut.committed == (await desk.status(upload_id)).committed == 1000
        assert shelf.held() == [f"{upload_id}.1"]
        seen: list[int] = []
        body = Body(*(DATA[start : start + 700] for start in range(0, 5000, 700)))
        upload = await desk.send(upload_id, 1000, body, checksum=checksum, acknowledged=seen.append)
        assert (upload.committed, seen) == (6000, [5000])
        assert await desk.stored(upload_id) == bytes(1000) + DATA

    desk(scene)


def test_an_upload_expires_a_lifetime_after_its_last_byte(desk):
    """Then it is gone for everybody; a finished one stays."""

    async def scene(desk):
        lifetime = desk.ports.policy.upload_lifetime_s
        upload_id, finished = await desk.begin(5000), await desk.begin(1)
        await desk.send(finished, 0, b"x")
        for offset in range(3):
            desk.clock.ahead += desk.clock.ahead.resolution * int(lifetime * 0.9e6)
            upload = await desk.send(upload_id, offset, DATA[offset : offset + 1])
            assert abs((upload.expires_at - desk.clock.now()).total_seconds() - lifetime) < 60
        desk.clock.ahead += desk.clock.ahead.resolution * int(lifetime * 1e6)
        for ask in (desk.status(upload_id), desk.send(upload_id, 3, DATA[3:]), desk.terminate(upload_id)):
            with pytest.raises(UploadExpired):
                await ask
        assert (await desk.row(upload_id))["committed"] == 3
        assert (await desk.status(finished)).expires_at is None

    desk(scene)


def test_an_upload_that_is_given_up_is_gone_with_its_bytes(desk, shelf):
    """Finished or not, when it is nobody's; whoever is sending ends, and cannot store anything any more."""

    async def scene(desk):
        for size in (1000, 5000):
            upload_id = await desk.begin(5000)
            await desk.send(upload_id, 0, DATA[:size])
            await desk.terminate(upload_id)
            for ask in (desk.status(upload_id), desk.send(upload_id, size, b""), desk.terminate(upload_id)):
                with pytest.raises(NotFound):
                    await ask
        upload_id, body = await desk.begin(5000), Body(DATA[:1000], open_end=True)
        sending = asyncio.create_task(desk.send(upload_id, 0, body))
        async with asyncio.timeout(10):
            while body.taken < 1000:  # noqa: ASYNC110 - the other task goes on meanwhile
                await asyncio.sleep(0.001)
        await desk.terminate(upload_id)
        body.give(DATA[1000:], ends=True)
        await asyncio.wait([sending])
        assert shelf.held() == []

    desk(scene)


def test_a_finished_photo_cannot_be_given_up(desk):
    async def scene(desk):
        desk = await desk.signed_in()
        upload_id = await desk.begin(len(PHOTO), Slot.SELFIE)
        await desk.send(upload_id, 0, PHOTO)
        with pytest.raises(UploadKept):
            await desk.terminate(upload_id)
        assert await desk.stored(upload_id) == PHOTO
        unfinished = await desk.begin(len(PHOTO), Slot.SELFIE)
        await desk.terminate(unfinished)
        assert (await desk.row(unfinished))["deleted_at"] is not None

    desk(scene)


def test_nobody_reaches_what_belongs_to_another(desk):
    """The anonymous, people, people without a session: each only their own, and a dead session is told as such."""

    async def scene(desk):
        one, other = await desk.signed_in(), await desk.signed_in()
        strange = desk.another()
        strange.session = bytes(32)
        photo, file = await one.begin(5000, Slot.SELFIE), await desk.begin(5000)
        for asker, upload_id, error in (
            (desk, photo, NotFound),
            (other, photo, NotFound),
            (strange, photo, NotSignedIn),
            (one, file, NotFound),
            (strange, file, NotSignedIn),
        ):
            for ask in (asker.status(upload_id), asker.send(upload_id, 0, b"x"), asker.terminate(upload_id)):
                with pytest.raises(error):
                    await ask
        with pytest.raises(NotSignedIn):
            await strange.begin(5000, Slot.SELFIE)
        assert (await one.status(photo)).committed == (await desk.status(file)).committed == 0

    desk(scene)


def test_a_late_writer_leaves_nothing_behind(desk, shelf):
    """Fenced before its first acknowledgment, it removes what it stored; after one, its file holds bytes that count."""

    async def scene(desk):
        upload_id = await desk.begin(5000)
        for acknowledges in (False, True):
            offset = (await desk.status(upload_id)).committed
            async with desk.ports.begin(single=True) as tx:
                taken = await tx.uploads.take_over(
                    upload_id, None, Append(offset, None), replica="another", now=desk.clock.now()
                )
            late = UploadWriter(desk.ports, taken)
            if acknowledges:
                await late.store(DATA[offset : offset + 1000])
                await late.acknowledge(ends=False)
            await late.store(b"late")
            offset = late.upload.committed
            await desk.send(upload_id, offset, DATA[offset : offset + 1000])
            with pytest.raises(UploadTaken):
                await late.acknowledge(ends=True)
            parts = parts_of((await desk.row(upload_id))["parts"])
            assert shelf.held() == sorted({f"{upload_id}.{part.writer}" for part in parts})
        assert len(parts) == 3
        await desk.send(upload_id, 3000, DATA[3000:])
        assert await desk.stored(upload_id) == DATA

    desk(scene)


@pytest.mark.parametrize("shelf", ["folder"], indirect=True)
def test_bytes_are_durable_before_they_are_acknowledged(desk, monkeypatch):
    """In this order for each piece: written, synced, told to the row. A sync that fails acknowledges nothing."""
    events = []
    synced = os.fdatasync

    def note_sync(descriptor):
        synced(descriptor)
        events.append("synced")

    def fail_to_sync(descriptor):
        raise OSError(errno.ENOSPC, "no room")

    async def scene(desk):
        upload_id = await desk.begin(5000)
        monkeypatch.setattr(os, "fdatasync", note_sync)
        body = Body(DATA[:2000], DATA[2000:4000], complete=False)
        await desk.send(upload_id, 0, body, acknowledged=lambda count: events.append(count))
        assert events == ["synced", 2000, "synced", 2000]
        monkeypatch.setattr(os, "fdatasync", fail_to_sync)
        with pytest.raises(StorageFull):
            await desk.send(upload_id, 4000, DATA[4000:])
        assert (await desk.status(upload_id)).committed == 4000

    desk(scene)


def test_a_chunk_that_does_not_continue_costs_no_turn(desk):
    """Who is sending is not disturbed by somebody who is wrong about the offset."""

    async def scene(desk):
        upload_id = await desk.begin(5000)
        await desk.send(upload_id, 0, DATA[:1000])
        before = await desk.row(upload_id)
        for offset in (999, 1001):
            with pytest.raises(UploadOffsetMismatch):
                await desk.send(upload_id, offset, DATA[offset:])
        assert await desk.row(upload_id) == before

    desk(scene)
