"""The process is told to end while photos arrive: what has come is kept, phones are told, and none holds it up."""

import asyncio
from base64 import b64encode
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from service import app as composition
from service.actions.upload_writers import Writers
from service.running import UsageError, listen
from service.storage.photos import LocalPhotoStore
from service.storage.pool import Database
from service.web import tus_resource
from tests.integration.registration_room import registration
from tests.integration.test_uploads import code
from tests.integration.test_uploads_broken import begin_chunk
from tests.integration.upload_room import TUS, UploadRoom, holds, random_bytes

PHOTO = random_bytes(300_000)
ARRIVED = 100_000
GRACE = "60"
"""Seconds: whoever needs them has waited for a phone."""


@asynccontextmanager
async def served(database_url, folder, grace=GRACE):
    """A replica, what ends it, and the task that has ended then."""
    async with registration(database_url, folder, working=False, STOP_GRACE=grace) as service:
        listener = listen("127.0.0.1", 0, "REGISTRATION_PORT")
        stop, ready, writers = asyncio.Event(), asyncio.Event(), Writers()
        application = composition.build_app(service.ports, service.settings, service.metrics, writers=writers)
        serving = asyncio.create_task(
            composition.serve(application, writers, service.settings, stop, listener, ready.set)
        )
        database = await Database.open(database_url, connections=2)
        photos = LocalPhotoStore(folder)
        try:
            async with asyncio.timeout(30):
                await ready.wait()
            yield (
                UploadRoom(
                    listener.getsockname()[1], database, folder, photos, service.metrics, Counter(), writers=writers
                ),
                stop,
                serving,
            )
        finally:
            stop.set()
            await serving
            await database.close()
            photos.close()


async def arrived(room):
    bodies = [turn.incoming for turn in room.writers._turns.values()]
    return sum(body.waiting for body in bodies) >= ARRIVED - 12  # the first were looked at


def test_a_chunk_on_its_way_is_kept(run, database_url, tmp_path, monkeypatch):
    """503, when to come back and where to go on; the process waits for no phone that says nothing."""
    monkeypatch.setattr(tus_resource, "LINGER", 60.0)

    async def scene():
        async with served(database_url, tmp_path) as (room, stop, serving):
            person = await room.person()
            path = await person.begin(len(PHOTO))
            async with room.connected() as phone:
                await begin_chunk(phone, person, path, 0, PHOTO[:ARRIVED], len(PHOTO))
                await holds(lambda: arrived(room))
                stop.set()
                answer = await phone.answer()
                async with asyncio.timeout(30):
                    await asyncio.wait([serving])
            assert (answer.status, code(answer), answer.offset) == (503, "service-stopping", ARRIVED)
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.headers["connection"] == "close"
            row = await room.row(path)
            assert (row["committed"], row["writing"]) == (ARRIVED, None)

    run(scene())


def test_a_creation_with_its_first_chunk_is_kept(run, database_url, tmp_path):
    """The phone does not know the address yet: it is told."""

    async def scene():
        async with served(database_url, tmp_path) as (room, stop, _):
            person = await room.person()
            photo = {"Upload-Length": str(len(PHOTO)), "Upload-Metadata": f"slot {b64encode(b'selfie').decode()}"}
            async with room.connected() as phone:
                size = {"Content-Length": str(len(PHOTO)), "Content-Type": "application/offset+octet-stream"}
                await phone.head("POST", "/files/", TUS | person.session | photo | size)
                await phone.send(PHOTO[:ARRIVED])
                await holds(lambda: arrived(room))
                stop.set()
                answer = await phone.answer()
            assert (answer.status, code(answer), answer.offset) == (503, "service-stopping", ARRIVED)
            assert (await room.row(answer.headers["location"]))["committed"] == ARRIVED

    run(scene())


def test_without_being_told_a_writer_loses_what_has_come(run, database_url, tmp_path, monkeypatch):
    """Negative control: the process waits for its grace, and cuts the phone off."""
    monkeypatch.setattr(Writers, "stop", lambda _: None)

    async def scene():
        async with served(database_url, tmp_path, "1") as (room, stop, serving):
            person = await room.person()
            path = await person.begin(len(PHOTO))
            async with room.connected() as phone:
                await begin_chunk(phone, person, path, 0, PHOTO[:ARRIVED], len(PHOTO))
                await holds(lambda: arrived(room))
                stop.set()
                assert (await phone.answer()).status == 500
                await asyncio.wait([serving])
            assert (await room.row(path))["committed"] == 0

    run(scene())


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_told(port):
    with pytest.raises(UsageError, match="--port is a port"):
        listen("127.0.0.1", port, "--port")


def test_a_head_without_an_end_is_cut_off(run, database_url, tmp_path):
    """The parser would gather it for ever; one that is only long and comes in pieces is served."""

    async def scene():
        async with served(database_url, tmp_path) as (room, _, _):
            for start in (b"OPTIONS /files/ HTTP/1.1\r\nHost: x\r\nX-Long: ", b"OPTIONS /files/"):
                async with room.connected() as endless:
                    await endless.send(start)
                    with pytest.raises(ConnectionError):
                        for _ in range(20_000):
                            await endless.send(b"a" * 1000)
                            await asyncio.sleep(0)
                        raise AssertionError("20 MB were taken")
            async with room.connected() as patient:
                await patient.send(b"OPTIONS /files/ HTTP/1.1\r\nHost: x\r\nX-Long: ")
                for _ in range(30):
                    await patient.send(b"a" * 1000)
                await patient.send(b"\r\n\r\n")
                assert (await patient.answer()).status == 204

    run(scene())


def test_nobody_begins_when_the_process_ends(run, database_url, tmp_path):
    """A request that comes in the last moment is told to come back."""

    async def scene():
        async with served(database_url, tmp_path) as (room, _, _):
            person = await room.person()
            path = await person.begin(len(PHOTO))
            room.writers.stop()
            answer = await person.patch(path, 0, PHOTO)
            assert (answer.status, code(answer)) == (503, "service-stopping")
            assert (await room.row(path))["committed"] == 0

    run(scene())
