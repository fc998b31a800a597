"""The whole service with its photos in a bucket: what a photo costs there, and what remains of it."""

import secrets
import socket

import pytest

from service.queues.lane import Handler
from service.queues.worker import HANDLERS
from service.storage.photos import LocalPhotoStore
from tests.integration.registration_room import Person, code_of, registration
from tests.integration.test_photo_inspection import Held, inspected, ledger
from tests.integration.worker_room import running_worker
from tests.photos import jpeg
from tests.s3_server import CREDENTIALS

PHOTO = jpeg(1600, 1200)


@pytest.fixture
def registered(run, database_url, tmp_path, s3, monkeypatch):
    """Run a coroutine function of (service, person, held) on the bucket of `prefix`, or on that of another address.

    No photo is inspected before `held.go`.
    """
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)

    def play(scene, prefix="", address=None):
        async def in_room():
            url = address or s3.url(prefix)
            held, folder = Held(), tmp_path / "unused"
            async with registration(database_url, folder, working=False, PHOTO_S3=url) as service:
                handlers: dict[str, Handler] = {**HANDLERS, "photo": held}
                async with running_worker(service.ports, service.settings, service.metrics, handlers):
                    try:
                        await scene(service, await (await Person(service, 1).sign_up()).sign_in(), held)
                    finally:
                        held.go.set()
            assert not folder.exists()

        return run(in_room())

    return play


@pytest.mark.parametrize("cuts", [0, 1, 2])
def test_a_photo_costs_a_request_and_with_an_interruption_four(registered, s3, cuts):
    """Nothing is listed, looked at or copied. Who has not seen the photo from its first byte on reads it to hash it.

    The inspection reads each piece, keeps the copy and removes the rest.
    """
    prefix = secrets.token_hex(4)
    ends = [len(PHOTO) * number // (cuts + 1) for number in range(1, cuts + 2)]

    async def scene(service, person, held):
        before, offset = len(s3.requests()), 0
        path = await person.begin_upload("selfie", len(PHOTO))
        for end in ends:
            assert (await person.send_bytes(path, PHOTO[offset:end], offset=offset)).status_code == 204
            offset = end
        methods = [method for method, _, _ in s3.requests()[before:]]
        assert methods == ["PUT"] * (cuts + 1) + ["GET"] * (cuts + 1 if cuts else 0)
        upload_id = path.rpartition("/")[2]
        assert (await ledger(service))["missing_bytes"] == []
        before = len(s3.requests())
        held.go.set()
        assert (await inspected(person))["status"] == "accepted"
        await service.drained()
        methods = sorted(method for method, _, _ in s3.requests()[before:])
        assert methods == sorted(["GET"] * (cuts + 1) + ["PUT", "GET", "POST"])  # pieces; copy, list, removal
        assert s3.names(prefix) == [f"{upload_id}/clean"]
        assert (await ledger(service))["missing_bytes"] == []

    registered(scene, prefix)


def test_a_raw_photo_costs_one_request_too(registered, s3):
    """In a folder it is more than one piece."""
    photo = jpeg(3000, 2200)
    assert len(photo) > LocalPhotoStore.pieces.most_bytes

    async def scene(service, person, held):
        before = len(s3.requests())
        path = await person.begin_upload("selfie", len(photo))
        assert (await person.send_bytes(path, photo)).status_code == 204
        assert [method for method, _, _ in s3.requests()[before:]] == ["PUT"]

    registered(scene, secrets.token_hex(4))


def test_a_lost_object_is_a_difference_of_the_audit(registered, s3):
    """Negative control: of the original, and of the clean copy."""

    async def scene(service, person, held):
        path = await person.upload("selfie", PHOTO)
        await service.ports.photos.remove(path.rpartition("/")[2], 1)
        other = await person.upload("identity_card", PHOTO)
        assert (await ledger(service))["missing_bytes"] == [path.rpartition("/")[2]]
        await service.ports.photos.remove(other.rpartition("/")[2], 1)
        assert len((await ledger(service))["missing_bytes"]) == 2

    registered(scene, secrets.token_hex(4))


def test_a_bucket_that_is_away_delays_photos_alone(registered):
    """Who sends one is told when to come back and keeps what was acknowledged; everybody else goes on."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and nobody listens

        async def scene(service, person, held):
            path = await person.begin_upload("selfie", len(PHOTO))
            refused = await person.send_bytes(path, PHOTO)
            assert (refused.status_code, code_of(refused)) == (503, "storage-failed")
            assert int(refused.headers["retry-after"]) > 0
            assert (await service.http.head(path, headers=person.session | {"Tus-Resumable": "1.0.0"})).headers[
                "upload-offset"
            ] == "0"
            assert (await service.post("/tickets")).status_code == 201

        registered(scene, address=f"s3://photos?endpoint=http://127.0.0.1:{nobody.getsockname()[1]}")
