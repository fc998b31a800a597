"""The extensions of tus at the upload server alone: creation in all its ways, expiration, checksums, termination."""

import pytest

from service.web.files import Terms
from tests.integration.upload_room import CHUNK, TUS, holds
from tests.integration.upload_server_room import (
    FILE,
    MOST,
    begin,
    checksum,
    code,
    fresh_server,
    offset,
    patch,
    rows,
    standing_server,
)


@pytest.fixture(scope="module")
def server(module_database_url, tmp_path_factory):
    with standing_server(module_database_url, tmp_path_factory.mktemp("files")) as play:
        yield play


@pytest.fixture
def fresh(run, database_url, tmp_path):
    return fresh_server(run, database_url, tmp_path / "files")


def test_empty_file_is_finished_when_it_is_begun(server):
    async def scene(room):
        path = await begin(room, 0)
        assert await offset(room, path) == 0
        answer = await room.ask("GET", path)
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")

    server(scene)


def test_length_may_be_told_later_and_then_stays(server):
    async def scene(room):
        path = await begin(room, None)
        assert (await patch(room, path, 0, FILE[:1000])).status == 204
        answer = await room.ask("HEAD", path, TUS)
        assert (answer.headers["upload-defer-length"], answer.offset) == ("1", 1000)
        assert "upload-length" not in answer.headers
        assert (await patch(room, path, 1000, FILE[1000:2000], Upload_Length="1999")).status == 413
        assert (await patch(room, path, 1000, FILE[1000:2000], Upload_Length="3000")).offset == 2000
        answer = await room.ask("HEAD", path, TUS)
        assert answer.headers["upload-length"] == "3000"
        assert "upload-defer-length" not in answer.headers
        assert (await patch(room, path, 2000, FILE[2000:3000], Upload_Length="4000")).status == 400
        assert await offset(room, path) == 2000
        assert (await patch(room, path, 2000, FILE[2000:3000], Upload_Length="3000")).offset == 3000
        assert (await room.ask("GET", path)).body == FILE[:3000]

    server(scene)


def test_length_may_come_after_the_last_byte(server):
    """With an empty chunk: then the upload is finished."""

    async def scene(room):
        path = await begin(room, None)
        await patch(room, path, 0, FILE)
        assert (await room.ask("GET", path)).status == 404
        answer = await patch(room, path, len(FILE), b"", Upload_Length=str(len(FILE)))
        assert (answer.status, answer.offset) == (204, len(FILE))
        assert (await room.ask("GET", path)).body == FILE

    server(scene)


def test_no_upload_grows_beyond_the_limit(server):
    """Neither as announced, nor by its length told later, nor byte by byte."""

    async def scene(room):
        assert (await room.ask("OPTIONS", "/files/")).headers["tus-max-size"] == str(MOST)
        answer = await room.ask("POST", "/files/", TUS, Upload_Length=str(MOST + 1))
        assert (answer.status, code(answer)) == (413, "photo-too-large")
        path = await begin(room, None)
        assert (await patch(room, path, 0, b"", Upload_Length=str(MOST + 1))).status == 413
        assert (await patch(room, path, 0, bytes(MOST + 1))).status == 413
        assert room.files_on_disk() == []
        async with room.connected() as connection:
            await connection.head("PATCH", path, CHUNK | {"Upload-Offset": "0", "Transfer-Encoding": "chunked"})
            piece = b"%x\r\n%s\r\n" % (MOST, bytes(MOST))
            await connection.send(piece + piece + b"0\r\n\r\n")
            assert (await connection.answer()).status == 413
        assert await offset(room, path) <= MOST

    server(scene)


def test_without_a_limit_none_is_announced(fresh):
    async def scene(room):
        assert "tus-max-size" not in (await room.ask("OPTIONS", "/files/")).headers
        await begin(room, 10**15)

    fresh(scene, Terms(None, for_everybody=True))


def test_first_chunk_may_come_with_the_creation(server):
    async def scene(room):
        answer = await room.ask("POST", "/files/", CHUNK, FILE[:1000], Upload_Length=str(len(FILE)))
        assert (answer.status, answer.offset) == (201, 1000)
        assert "upload-expires" in answer.headers
        path = answer.headers["location"]
        assert (await patch(room, path, 1000, FILE[1000:])).offset == len(FILE)
        assert (await room.ask("GET", path)).body == FILE
        whole = await room.ask("POST", "/files/", CHUNK, FILE, Upload_Length=str(len(FILE)))
        assert (whole.status, whole.offset) == (201, len(FILE))
        assert "upload-expires" not in whole.headers
        assert (await room.ask("GET", whole.headers["location"])).body == FILE
        deferred = await room.ask("POST", "/files/", CHUNK, FILE[:10], Upload_Defer_Length="1")
        assert (deferred.status, deferred.offset) == (201, 10)

    server(scene)


def test_creation_whose_chunk_is_refused_leaves_nothing(server):
    """Nobody would know its address: no row that counts, no byte on disk."""

    async def scene(room):
        length = {"Upload-Length": "10"}
        refused = [
            (415, TUS | length | {"Content-Type": "image/jpeg"}, b"1234567890"),
            (413, CHUNK | length, b"12345678901"),
            (400, CHUNK | length | {"Upload-Checksum": "crc32 YQ=="}, b"1234567890"),
            (460, CHUNK | length | checksum(b"123456789o"), b"1234567890"),
            (400, CHUNK, b"1234567890"),
        ]
        for status, headers, body in refused:
            assert (await room.ask("POST", "/files/", headers, body)).status == status
        async with room.connected() as connection:
            await connection.head("POST", "/files/", CHUNK | length | {"Transfer-Encoding": "chunked"})
            await connection.send(b"b\r\n12345678901\r\n0\r\n\r\n")
            assert (await connection.answer()).status == 413
        assert await rows(room) == 0
        assert room.files_on_disk() == []

    server(scene)


def test_creation_sent_again_under_its_key_is_the_same_upload(server):
    """Its first chunk is not stored twice: the answer says how far the upload is."""

    async def scene(room):
        ask = ("POST", "/files/", CHUNK | {"Upload-Length": str(len(FILE)), "Idempotency-Key": "one"}, FILE[:500])
        first, again = await room.ask(*ask), await room.ask(*ask)
        assert (first.status, again.status) == (201, 201)
        assert first.headers["location"] == again.headers["location"]
        assert (first.offset, again.offset) == (500, 500)
        assert await rows(room) == 1

    server(scene)


def test_chunk_with_a_checksum_is_kept_whole_or_not_at_all(server):
    async def scene(room):
        path = await begin(room, len(FILE))
        await patch(room, path, 0, FILE[:1000])
        answer = await room.ask("PATCH", path, CHUNK | checksum(FILE), FILE[1000:2000], Upload_Offset="1000")
        assert (answer.status, code(answer)) == (460, "upload-checksum-mismatch")
        assert await offset(room, path) == 1000
        async with room.connected() as connection:
            headers = CHUNK | checksum(FILE[1000:]) | {"Upload-Offset": "1000"}
            await connection.head("PATCH", path, headers | {"Content-Length": str(len(FILE) - 1000)})
            await connection.send(FILE[1000:150_000])
            connection.reset()

        async def let_go():
            return (await room.row(path))["writing"] is None

        await holds(let_go)
        assert await offset(room, path) == 1000
        answer = await room.ask("PATCH", path, CHUNK | checksum(FILE[1000:]), FILE[1000:], Upload_Offset="1000")
        assert (answer.status, answer.offset) == (204, len(FILE))
        assert (await room.ask("GET", path)).body == FILE

    server(scene)


def test_upload_that_is_not_continued_expires(server):
    """Until when it may be continued is said with each answer; afterwards it is gone, and known to have been there."""

    async def scene(room):
        created = await room.ask("POST", "/files/", TUS, Upload_Length="10")
        path = created.headers["location"]
        answers = [created, await patch(room, path, 0, b"12345"), await room.ask("HEAD", path, TUS)]
        for answer in answers:
            assert answer.headers["upload-expires"].endswith(" GMT")
        async with room.database.connection() as connection:
            await connection.execute("update upload set expires_at = now() - interval '1 second'")
        for answer in (
            await room.ask("HEAD", path, TUS),
            await patch(room, path, 5, b"67890"),
            await room.ask("GET", path),
        ):
            assert answer.status == 410
            assert "upload-offset" not in answer.headers
        finished = await room.ask("POST", "/files/", CHUNK, b"12345", Upload_Length="5")
        assert "upload-expires" not in (await room.ask("HEAD", finished.headers["location"], TUS)).headers

    server(scene)


@pytest.mark.parametrize("sent", [0, 1000, len(FILE)])
def test_upload_can_be_given_up(server, sent):
    """Begun, under way or finished: its address leads nowhere any more, and its bytes are gone."""

    async def scene(room):
        path = await begin(room, len(FILE))
        if sent:
            await patch(room, path, 0, FILE[:sent])
        answer = await room.ask("DELETE", path, TUS)
        assert (answer.status, answer.body) == (204, b"")
        for method in ("HEAD", "DELETE", "GET"):
            assert (await room.ask(method, path, TUS)).status == 404
        assert (await patch(room, path, sent, FILE[sent:])).status == 404
        assert room.files_on_disk() == []

    server(scene)


@pytest.mark.parametrize("twice", ["Upload-Length", "UPLOAD-Offset"])
def test_no_header_of_the_protocol_comes_twice(server, twice):
    """Nobody guesses which one counts; other headers may."""

    async def scene(room):
        path = await begin(room, None)
        for extra, status in ((f"{twice}: 0\r\n{twice}: 3", 400), ("X-Own: 0\r\nX-Own: 3", 204)):
            async with room.connected() as connection:
                known = "" if status == 400 else "Upload-Offset: 0\r\n"
                common = "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 3"
                head = f"PATCH {path} HTTP/1.1\r\nHost: x\r\n{common}\r\n{known}{extra}\r\n\r\n"
                await connection.send(head.encode() + b"abc")
                answer = await connection.answer()
            assert answer.status == status
            assert status == 204 or "Came twice" in answer.body.decode()

    server(scene)
