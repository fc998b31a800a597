"""tus on a real socket when the network, a phone or a replica misbehaves: nothing acknowledged is lost or changed."""

import random

import pytest

from service.storage.uploads import parts_of
from service.web import incoming
from tests.full_disk import smallest_files
from tests.integration.test_uploads import code, uploads
from tests.integration.upload_room import holds, random_bytes, upload_room

__all__ = ["uploads"]

PHOTO = random_bytes(300_000)


async def begin_chunk(connection, person, path, offset, data, announced):
    """Send the head of a PATCH and `data`, fewer bytes than it announces."""
    await connection.head("PATCH", path, person.chunk(offset) | {"Content-Length": str(announced)})
    await connection.send(data)


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_what_arrived_before_the_cut_is_kept(uploads, ending):
    """The phone goes on where the cut was, and sends no byte twice."""

    async def scene(room, person):
        path = await person.begin(len(PHOTO))
        async with room.connected() as connection:
            await begin_chunk(connection, person, path, 0, PHOTO[:200_000], len(PHOTO))
            # A reset throws away what the kernel has not handed over yet: wait until it has.
            await holds(lambda: arrived(room, path), limit=60)
            if ending == "reset":
                connection.reset()
        # A phone that asks before the writer has ended shortens the time that a busy machine has for it.
        await holds(lambda: ended(room, path), limit=60)
        assert await person.offset(path) == 200_000
        assert (await person.patch(path, 200_000, PHOTO[200_000:])).status == 204
        assert await room.stored(path) == PHOTO
        assert len(room.files_on_disk()) == 2  # one of each writer

    async def arrived(room, path):
        """What has waited for long on a busy machine is acknowledged already."""
        waiting = sum(body.waiting for body in bodies)
        return waiting + (await room.row(path))["committed"] >= 200_000

    async def ended(room, path):
        row = await room.row(path)
        return row["epoch"] == 1 and row["writing"] is None

    bodies = []
    original = incoming.IncomingBody.__init__

    def remembering(self, *arguments, **named):
        original(self, *arguments, **named)
        bodies.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(incoming.IncomingBody, "__init__", remembering)
        uploads(scene)


def test_photo_arrives_through_any_number_of_cuts(uploads):
    """The acknowledged offset never falls and never runs ahead of what was sent; the bytes are the ones sent."""
    draw = random.Random(20200411)

    async def scene(room, person):
        for _ in range(4):
            photo = random_bytes(draw.randrange(1, 150_000))
            path = await person.begin(len(photo))
            offset, tries = 0, 0
            while offset < len(photo):
                tries += 1
                end = len(photo) if tries > 6 else draw.randint(offset, len(photo))
                async with room.connected() as connection:
                    await begin_chunk(connection, person, path, offset, photo[offset:end], len(photo) - offset)
                    if end == len(photo):
                        await connection.answer()
                now = await person.offset(path)
                assert offset <= now <= end
                offset = now
            assert await room.stored(path) == photo
            stored = {f"{path[7:]}.{part.writer}" for part in parts_of((await room.row(path))["parts"])}

            await holds(lambda of=path[7:], stored=stored: lies_there(room, of, stored))

    async def lies_there(room, upload_id, names):
        """And nothing else: a writer that was cut off cleans up in its own time."""
        return {name for name in room.files_on_disk() if name.startswith(upload_id)} == names

    uploads(scene)


def test_reconnecting_phone_takes_over_at_once(uploads, monkeypatch):
    """The old connection is half-open: it is told to let go, its bytes count, and nobody waits for a timeout."""
    monkeypatch.setattr(incoming, "READ_LIMIT", 600.0)

    async def scene(room, person):
        path = await person.begin(len(PHOTO))
        async with room.connected() as old:
            await begin_chunk(old, person, path, 0, PHOTO[:100_000], len(PHOTO))
            await holds(lambda: taken_over(room, path))
            assert room.database.used == 0  # nothing is held while bytes are awaited
            offset = await person.offset(path)  # in a phone's time: the silent old one would have minutes
            assert 0 <= offset <= 100_000
            answer = await old.answer()
            assert (answer.status, code(answer)) == (409, "upload-taken-over")
            assert answer.headers["connection"] == "close"
            assert (await person.patch(path, offset, PHOTO[offset:])).status == 204
        assert await room.stored(path) == PHOTO

    uploads(scene)


async def taken_over(room, path, epoch=1):
    return (await room.row(path))["epoch"] >= epoch


def test_stranger_cannot_end_the_request_of_another(uploads):
    """Knowing the address is not enough to make the holder let go."""

    async def scene(room, person):
        path = await person.begin(len(PHOTO))
        stranger = await room.person()
        async with room.connected() as old:
            await begin_chunk(old, person, path, 0, PHOTO[:1000], len(PHOTO))
            await holds(lambda: taken_over(room, path))
            assert (await stranger.patch(path, 0, b"x")).status == 404
            assert (await room.ask("HEAD", path, stranger.chunk(0))).status == 404
            await old.send(PHOTO[1000:])
            assert (await old.answer()).status == 204
        assert await room.stored(path) == PHOTO

    uploads(scene)


def test_late_writer_of_another_replica_is_fenced(run, database_url, tmp_path):
    """A second replica goes on from the acknowledged bytes; what the first one still writes reaches nobody."""
    first_half, other_half = PHOTO[:150_000], random_bytes(150_000)

    async def scene():
        folder = tmp_path / "photos"
        async with upload_room(database_url, folder) as one, upload_room(database_url, folder) as two:
            person = await one.person()
            path = await person.begin(len(PHOTO))
            assert (await person.patch(path, 0, first_half)).status == 204
            async with one.connected() as late:
                await begin_chunk(late, person, path, 150_000, PHOTO[150_000:200_000], 150_000)
                await holds(lambda: taken_over(one, path, 2))
                elsewhere = type(person)(two, person.account_id, person.session)
                answer = await elsewhere.patch(path, 150_000, other_half)
                assert (answer.status, answer.offset) == (204, 300_000)
                await late.send(PHOTO[200_000:])
                answer = await late.answer()
                assert (answer.status, code(answer)) == (409, "upload-taken-over")
            assert await one.stored(path) == first_half + other_half

    run(scene())


def test_silent_phone_is_given_up_and_its_bytes_are_kept(uploads, monkeypatch):
    """After the read deadline: the offset so far, and a closed connection."""

    async def scene(room, person):
        path = await person.begin(len(PHOTO))
        with monkeypatch.context() as patch:
            patch.setattr(incoming, "READ_LIMIT", 0.2)
            async with room.connected() as connection:
                await begin_chunk(connection, person, path, 0, PHOTO[:1000], len(PHOTO))
                answer = await connection.answer()
        assert (answer.status, answer.offset, answer.headers["connection"]) == (204, 1000, "close")
        assert (await person.patch(path, 1000, PHOTO[1000:])).status == 204
        assert await room.stored(path) == PHOTO

    uploads(scene)


def test_large_photo_is_acknowledged_piece_by_piece(uploads):
    """Of three megabytes two are safe before the last one has come."""
    photo = random_bytes(3_000_000)

    async def scene(room, person):
        path = await person.begin(len(photo))
        async with room.connected() as connection:
            await begin_chunk(connection, person, path, 0, photo[:2_500_000], len(photo))
            await holds(lambda: committed(room, path, 2 << 20))
            await connection.send(photo[2_500_000:])
            assert (await connection.answer()).offset == len(photo)
        assert await room.stored(path) == photo

    uploads(scene)


async def committed(room, path, size):
    return (await room.row(path))["committed"] == size


def test_full_disk_is_told_and_passes(uploads):
    """503 with a time to come back; the upload is as it was and goes on when there is room."""

    async def scene(room, person):
        path = await person.begin(len(PHOTO))
        assert (await person.patch(path, 0, PHOTO[:50_000])).status == 204
        with smallest_files(100_000):
            answer = await person.patch(path, 50_000, PHOTO[50_000:])
        assert (answer.status, code(answer)) == (503, "storage-full")
        assert int(answer.headers["retry-after"]) >= 1
        assert await person.offset(path) == 50_000
        assert (await person.patch(path, 50_000, PHOTO[50_000:])).status == 204
        assert await room.stored(path) == PHOTO

    uploads(scene)


def test_database_that_fails_in_mid_upload_costs_only_what_was_not_acknowledged(uploads):
    """All sessions are cut while a chunk is on its way: a definite answer, and the upload goes on."""

    async def scene(room, person):
        path = await person.begin(len(PHOTO))
        async with room.connected() as connection:
            await begin_chunk(connection, person, path, 0, PHOTO[:1000], len(PHOTO))
            await holds(lambda: taken_over(room, path))
            async with room.database.connection() as own:
                await own.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )
            await connection.send(PHOTO[1000:])
            answer = await connection.answer()
        assert answer.status in (204, 503)
        assert ("retry-after" in answer.headers) == (answer.status == 503)
        offset = await person.offset(path)
        if offset < len(PHOTO):
            assert (await person.patch(path, offset, PHOTO[offset:])).status == 204
        assert await room.stored(path) == PHOTO

    uploads(scene)
