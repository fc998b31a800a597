"""tus on a real socket, a real database and a real disk: the protocol."""

import asyncio
import json

import pytest

from service.web import incoming
from tests.integration.upload_room import CHUNK, MOST_BYTES, TUS, random_bytes, upload_room

PHOTO = random_bytes(250_000)
SMALL = random_bytes(5)


@pytest.fixture
def uploads(run, database_url, tmp_path):
    """Run a coroutine function of (room, person) against a fresh service."""

    def play(scene):
        async def in_room():
            async with upload_room(database_url, tmp_path / "photos") as room:
                return await scene(room, await room.person())

        return run(in_room())

    return play


def code(answer):
    return json.loads(answer.body)["type"].rpartition("/")[2]


def test_photo_costs_one_creation_and_one_chunk(uploads, monkeypatch):
    """201, 204, the same bytes on disk; two short visits to the database."""
    monkeypatch.setattr(incoming, "AT_ONCE", 30.0)  # on a busy machine, too

    async def scene(room, person):
        path = await person.begin(len(PHOTO))
        answer = await person.patch(path, 0, PHOTO)
        assert (answer.status, answer.offset) == (204, len(PHOTO))
        assert "content-length" not in answer.headers
        assert room.transactions == [True, True]  # one statement each; the last one asks for the inspection too
        assert await room.stored(path) == PHOTO
        assert room.metrics.registry.get_sample_value("registration_upload_bytes_total") == len(PHOTO)
        assert room.metrics.registry.get_sample_value("registration_uploads_open") == 0

    uploads(scene)


def test_head_tells_where_to_continue(uploads):
    """Offset, length and the metadata as the client wrote them; never from a cache."""

    async def scene(room, person):
        metadata = "is_confidential,slot c2VsZmll,filetype aW1hZ2UvanBlZw==,filename Zm90by5qcGc="
        path = await person.begin(len(PHOTO), Upload_Metadata=metadata)
        await person.patch(path, 0, PHOTO[:1000])
        answer = await room.ask("HEAD", path, TUS | person.session)
        assert answer.status == 200
        assert answer.headers["upload-offset"] == "1000"
        assert answer.headers["upload-length"] == str(len(PHOTO))
        assert answer.headers["upload-metadata"] == metadata
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["tus-resumable"] == "1.0.0"

    uploads(scene)


@pytest.mark.parametrize("path", ["/files", "/files/", "/files/" + "0" * 32])
def test_options_tells_what_is_spoken(uploads, path):
    """Needs neither version nor session."""

    async def scene(room, _):
        answer = await room.ask("OPTIONS", path)
        assert answer.status == 204
        assert answer.headers["tus-version"] == "1.0.0"
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert answer.headers["tus-extension"] == (
            "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination"
        )
        assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256,sha512,md5"
        assert answer.headers["tus-max-size"] == str(MOST_BYTES)

    uploads(scene)


def test_other_versions_are_refused_everywhere(uploads):
    """412 with the version that is spoken; the request is not processed."""

    async def scene(room, person):
        path = await person.begin(10)
        for method, where in (("POST", "/files/"), ("HEAD", path), ("PATCH", path)):
            for version in ({}, {"Tus-Resumable": "0.2.2"}):
                headers = {k: v for k, v in person.chunk(0).items() if k != "Tus-Resumable"} | version
                answer = await room.ask(method, where, headers, b"1234567890" if method == "PATCH" else b"")
                assert answer.status == 412
                assert answer.headers["tus-version"] == "1.0.0"
                assert answer.headers["tus-resumable"] == "1.0.0"
        assert (await room.row(path))["epoch"] == 0
        assert room.files_on_disk() == []

    uploads(scene)


def test_refused_chunks_store_nothing(uploads):
    """Each fault has its status, its problem type and the protocol's version; the upload stays as it was."""

    async def scene(room, person):
        path = await person.begin(100)
        assert (await person.patch(path, 0, PHOTO[:40])).offset == 40
        before = await room.row(path)
        stranger = await room.person()
        faults = [
            (415, "upload-type-unsupported", path, person.chunk(40) | {"Content-Type": "image/jpeg"}),
            (400, "upload-headers-invalid", path, CHUNK | person.session),
            (400, "upload-headers-invalid", path, person.chunk(40) | {"Upload-Offset": "-1"}),
            (401, "not-signed-in", path, CHUNK | {"Upload-Offset": "40"}),
            (401, "not-signed-in", path, CHUNK | {"Upload-Offset": "40", "Authorization": "Bearer no"}),
            (404, "not-found", path, stranger.chunk(40)),
            (404, "not-found", "/files/" + "0" * 32, person.chunk(40)),
            (409, "upload-offset-mismatch", path, person.chunk(39)),
            (409, "upload-offset-mismatch", path, person.chunk(41)),
            (413, "photo-too-large", path, person.chunk(40)),
        ]
        for status, kind, where, headers in faults:
            answer = await room.ask("PATCH", where, headers, b"y" * (61 if status == 413 else 10))
            assert (answer.status, code(answer)) == (status, kind)
            assert answer.headers["tus-resumable"] == "1.0.0"
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers.get("upload-offset") == ("40" if status == 409 else None)
        assert await room.row(path) == before
        assert (await person.patch(path, 40, b"z" * 60)).offset == 100
        assert await room.stored(path) == PHOTO[:40] + b"z" * 60

    uploads(scene)


def test_refused_creations_store_nothing(uploads):
    """All faults of the headers at once; too large a photo with the limit, before a byte of it is sent."""

    async def scene(room, person):
        answer = await room.ask("POST", "/files/", TUS | person.session)
        assert (answer.status, code(answer)) == (400, "upload-headers-invalid")
        assert len(json.loads(answer.body)["errors"]) == 2
        headers = TUS | {"Upload-Length": str(MOST_BYTES + 1), "Upload-Metadata": "slot c2VsZmll"}
        answer = await room.ask("POST", "/files/", headers | person.session)
        assert (answer.status, code(answer)) == (413, "photo-too-large")
        assert json.loads(answer.body)["limit"] == MOST_BYTES
        answer = await room.ask("POST", "/files/", headers | {"Upload-Length": "5"})
        assert (answer.status, code(answer)) == (401, "not-signed-in")
        async with room.database.connection() as connection:
            assert await connection.fetchval("select count(*) from upload") == 0

    uploads(scene)


def test_creation_sent_again_is_the_same_upload(uploads):
    """Idempotency-Key: the phone that lost the answer finds its upload; another photo needs another key."""

    async def scene(room, person):
        key = {"Idempotency_Key": '"photo-1"'}
        paths = [await person.begin(100, **key) for _ in range(3)]
        paths += await asyncio.gather(*(person.begin(200, Idempotency_Key="at once") for _ in range(5)))
        assert len(set(paths)) == 2
        metadata = {"Upload-Metadata": "slot c2VsZmll"}
        answer = await room.ask(
            "POST", "/files/", TUS | person.session | metadata | {"Upload-Length": "101"}, Idempotency_Key='"photo-1"'
        )
        assert (answer.status, code(answer)) == (422, "idempotency-key-reused")
        other = await room.person()
        assert await other.begin(100, **key) not in paths

    uploads(scene)


def test_account_cannot_begin_uploads_without_end(uploads):
    """The bound is told, and a key seen before still finds its upload."""

    async def scene(room, person):
        first = await person.begin(100, Idempotency_Key="first")
        async with room.database.connection() as connection:
            await connection.execute(
                "insert into upload (id, account_id, slot, length) select md5(n::text), $1, 1, 5"
                " from generate_series(1, 39) n",
                person.account_id,
            )
        metadata = {"Upload-Metadata": "slot c2VsZmll", "Upload-Length": "100"}
        answer = await room.ask("POST", "/files/", TUS | person.session | metadata)
        assert (answer.status, code(answer)) == (403, "too-many-uploads")
        assert await person.begin(100, Idempotency_Key="first") == first

    uploads(scene)


def test_method_can_be_overridden(uploads):
    """Some networks let only GET and POST pass."""

    async def scene(room, person):
        path = await person.begin(5)
        answer = await room.ask("POST", path, person.chunk(0), SMALL, X_HTTP_Method_Override="PATCH")
        assert (answer.status, answer.offset) == (204, 5)
        answer = await room.ask("PATCH", path, TUS | person.session, X_HTTP_Method_Override="GET")
        assert (answer.status, code(answer)) == (405, "method-not-allowed")
        assert answer.headers["allow"] == "OPTIONS, HEAD, PATCH, DELETE"
        answer = await room.ask("LOCK", path, TUS | person.session, X_HTTP_Method_Override="HEAD")
        assert (answer.status, answer.offset) == (200, 5)
        answer = await room.ask("DELETE", path, TUS | person.session)
        assert (answer.status, code(answer)) == (403, "upload-kept")

    uploads(scene)


def test_refusal_comes_before_100_continue(uploads):
    """A phone that asks first does not send a photo in vain; a welcome one is told to go on."""

    async def scene(room, person):
        path = await person.begin(5)
        expecting = {"Content-Length": "5", "Expect": "100-continue"}
        async with room.connected() as connection:
            await connection.head("PATCH", path, person.chunk(3) | expecting)
            assert (await connection.answer()).status == 409
        async with room.connected() as connection:
            await connection.head("PATCH", path, person.chunk(0) | expecting)
            assert (await connection.answer()).status == 100
            await connection.send(SMALL)
            assert (await connection.answer()).status == 204
        assert await room.stored(path) == SMALL

    uploads(scene)


def test_large_refused_body_closes_the_connection(uploads):
    """Megabytes for a refused chunk are not read; a small rest is, and the connection lives on."""

    async def scene(room, person):
        path = await person.begin(5)
        async with room.connected() as connection:
            await connection.head("PATCH", path, person.chunk(1) | {"Content-Length": "10"})
            await connection.send(b"0123456789")
            assert (await connection.answer()).status == 409
            await connection.head("PATCH", path, person.chunk(1) | {"Content-Length": "3000000"})
            answer = await connection.answer()
            assert (answer.status, answer.headers["connection"]) == (409, "close")

    uploads(scene)


def test_chunk_without_a_length_is_counted(uploads):
    """Transfer-Encoding: chunked is as good; more than the announced photo is refused and changes nothing."""

    async def scene(room, person):
        path = await person.begin(10)
        for data, expected in ((PHOTO[:11], (413, "photo-too-large")), (PHOTO[:10], (204, ""))):
            async with room.connected() as connection:
                await connection.head("PATCH", path, person.chunk(0) | {"Transfer-Encoding": "chunked"})
                await connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))
                answer = await connection.answer()
                assert (answer.status, code(answer) if answer.body else "") == expected
        assert await room.stored(path) == PHOTO[:10]

    uploads(scene)


def test_finished_upload_takes_an_empty_chunk_and_no_byte_more(uploads):
    """A phone that lost the last answer learns that it is done."""

    async def scene(room, person):
        path = await person.begin(5)
        await person.patch(path, 0, SMALL)
        answer = await person.patch(path, 5, b"")
        assert (answer.status, answer.offset) == (204, 5)
        assert (await person.patch(path, 5, b"!")).status == 413
        async with room.connected() as connection:
            await connection.head("PATCH", path, person.chunk(5) | {"Transfer-Encoding": "chunked"})
            await connection.send(b"1\r\n!\r\n0\r\n\r\n")
            assert (await connection.answer()).status == 413
        assert (await person.patch(path, 0, SMALL)).status == 409
        assert await room.stored(path) == SMALL

    uploads(scene)


def test_newer_photo_replaces_the_older_one(uploads):
    """One photo fills a slot; the stage is reached once, when the last slot is filled."""

    async def scene(room, person):
        for slot, reached in (("selfie", 0), ("selfie", 0), ("identity_card", 1), ("identity_card", 1), ("selfie", 1)):
            path = await person.begin(5, slot)
            assert (await person.patch(path, 0, SMALL)).status == 204
            assert room.stages["photos_uploaded"] == reached
        async with room.database.connection() as connection:
            rows = await connection.fetch(
                "select slot, count(*) as photos, count(*) filter (where replaced_at is null) as current"
                " from upload where finished_at is not null group by slot order by slot"
            )
        assert [tuple(row) for row in rows] == [(1, 2, 1), (2, 3, 1)]

    uploads(scene)


def test_photos_that_finish_together_share_a_slot_in_turn(uploads):
    """Two tabs, one slot: both are told the truth, one photo fills the slot."""

    async def scene(room, person):
        paths = [await person.begin(5) for _ in range(8)]
        answers = await asyncio.gather(*(person.patch(path, 0, SMALL) for path in paths))
        for path, answer in zip(paths, answers, strict=True):
            assert answer.status in (204, 409)
            if answer.status == 409:
                assert code(answer) == "changed-meanwhile"
                assert (await person.patch(path, 0, SMALL)).status == 204
        async with room.database.connection() as connection:
            current = "select count(*) from upload where finished_at is not null and replaced_at is null"
            assert await connection.fetchval(current) == 1
            assert await connection.fetchval("select count(*) from upload where finished_at is not null") == 8

    uploads(scene)


@pytest.mark.parametrize("name", ["%00", "x" * 32, "..", "a" * 31])
def test_an_address_we_never_gave_out_is_not_found(uploads, name):
    """Whatever stands in its place: never an error of ours."""

    async def scene(room, person):
        asked = await room.ask("HEAD", f"/files/{name}", TUS | person.session)
        sent = await person.patch(f"/files/{name}", 0, b"x")
        assert (asked.status, sent.status) == (404, 404)

    uploads(scene)


def test_photo_may_come_with_its_creation(uploads):
    """One request for the whole photo; it is inspected like every other."""

    async def scene(room, person):
        announced = {"Upload-Length": str(len(PHOTO)), "Upload-Metadata": "slot c2VsZmll"}
        answer = await room.ask("POST", "/files/", CHUNK | person.session | announced, PHOTO)
        assert (answer.status, answer.offset) == (201, len(PHOTO))
        assert await room.stored(answer.headers["location"]) == PHOTO
        async with room.database.connection() as connection:
            assert await connection.fetchval("select count(*) from job") == 1

    uploads(scene)


def test_file_that_is_no_photo_leaves_nothing_though_it_came_with_its_creation(uploads):
    async def scene(room, person):
        announced = {"Upload-Length": "100", "Upload-Metadata": "slot c2VsZmll"}
        answer = await room.ask("POST", "/files/", CHUNK | person.session | announced, b"GIF89a" + bytes(94))
        assert (answer.status, code(answer)) == (415, "photo-type-unsupported")
        async with room.database.connection() as connection:
            assert await connection.fetchval("select count(*) from upload where deleted_at is null") == 0
        assert room.files_on_disk() == []

    uploads(scene)


def test_photo_of_unknown_length_keeps_to_the_limit(uploads):
    """Refused by what is announced, before its bytes."""

    async def scene(room, person):
        later = {"Upload-Defer-Length": "1", "Upload-Metadata": "slot c2VsZmll"}
        path = (await room.ask("POST", "/files/", TUS | person.session | later)).headers["location"]
        answer = await room.ask("PATCH", path, person.chunk(0), Content_Length=str(MOST_BYTES + 1))
        assert (answer.status, code(answer)) == (413, "photo-too-large")
        assert (await person.patch(path, 0, PHOTO)).offset == len(PHOTO)
        answer = await room.ask("PATCH", path, person.chunk(len(PHOTO)), Upload_Length=str(len(PHOTO)))
        assert (answer.status, answer.offset) == (204, len(PHOTO))
        assert await room.stored(path) == PHOTO

    uploads(scene)


def test_photo_that_fills_a_slot_stays_until_another_comes(uploads):
    """One that was only begun can be given up; a stranger can do neither."""

    async def scene(room, person):
        begun, finished = await person.begin(len(PHOTO)), await person.begin(5)
        await person.patch(begun, 0, PHOTO[:1000])
        await person.patch(finished, 0, SMALL)
        stranger = await room.person()
        assert (await room.ask("DELETE", begun, TUS | stranger.session)).status == 404
        assert (await room.ask("DELETE", begun, TUS | person.session)).status == 204
        assert (await room.ask("HEAD", begun, TUS | person.session)).status == 404
        answer = await room.ask("DELETE", finished, TUS | person.session)
        assert (answer.status, code(answer)) == (403, "upload-kept")
        assert await room.stored(finished) == SMALL

    uploads(scene)
