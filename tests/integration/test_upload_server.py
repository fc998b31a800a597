"""The upload server alone on a real socket, a real database and a real disk: any file from anybody, by tus."""

import json
import os
from base64 import b64encode
from hashlib import sha1
from urllib.parse import urljoin

import pytest

from service.web.files import Terms
from tests.integration.upload_room import CHUNK, TUS, holds, upload_room

FILE = os.urandom(200_000)
MOST = 1_000_000


@pytest.fixture
def server(run, database_url, tmp_path):
    """Run a coroutine function of (room) against a fresh server that takes anything up to MOST bytes."""

    def play(scene, terms=None):
        async def in_room():
            terms_of_it = terms or Terms(MOST, for_everybody=True)
            async with upload_room(database_url, tmp_path / "files", terms=terms_of_it) as room:
                return await scene(room)

        return run(in_room())

    return play


def code(answer):
    return json.loads(answer.body)["type"].rpartition("/")[2]


def metadata(**pairs):
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in pairs.items())


def checksum(data, algorithm="sha1"):
    return {"Upload-Checksum": f"{algorithm} {b64encode(sha1(data).digest()).decode()}"}


async def begin(room, length, **headers):
    """The address of a new upload; length None: it is told later."""
    announced = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    answer = await room.ask("POST", "/files/", TUS | announced, **headers)
    assert answer.status == 201, answer
    return answer.headers["location"]


async def patch(room, path, offset, body, **headers):
    return await room.ask("PATCH", path, CHUNK | {"Upload-Offset": str(offset)}, body, **headers)


async def offset(room, path):
    answer = await room.ask("HEAD", path, TUS)
    assert answer.status == 200, answer
    return answer.offset


async def rows(room):
    async with room.database.connection() as connection:
        return await connection.fetchval("select count(*) from upload where deleted_at is null")


def test_any_file_comes_in_and_is_given_out(server):
    """Nobody signs in; type and name are those that the sender gave."""

    async def scene(room):
        path = await begin(room, len(FILE), Upload_Metadata=metadata(filename="klip vidéo.mp4", filetype="video/mp4"))
        assert (await room.ask("GET", path)).status == 404
        assert (await patch(room, path, 0, FILE)).offset == len(FILE)
        answer = await room.ask("GET", path)
        assert (answer.status, answer.body) == (200, FILE)
        assert answer.headers["content-type"] == "video/mp4"
        assert answer.headers["content-disposition"] == (
            "inline; filename=\"klip vid_o.mp4\"; filename*=UTF-8''klip%20vid%C3%A9o.mp4"
        )
        part = await room.ask("GET", path, Range="bytes=1000-1999")
        assert (part.status, part.body) == (206, FILE[1000:2000])
        assert part.headers["content-range"] == f"bytes 1000-1999/{len(FILE)}"

    server(scene)


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/javascript", "x\r\nSet-Cookie: a=b", ""])
def test_nothing_that_a_browser_would_run_is_given_out_as_such(server, kind):
    """Bytes of an unknown kind, to be saved; whatever the sender says of them."""

    async def scene(room):
        path = await begin(room, 5, Upload_Metadata=metadata(filetype=kind, filename='../"a\r\nb.html'))
        await patch(room, path, 0, b"<svg>")
        answer = await room.ask("GET", path)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith('attachment; filename=".._')
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers

    server(scene)


def test_empty_file_is_finished_when_it_is_begun(server):
    async def scene(room):
        path = await begin(room, 0)
        assert await offset(room, path) == 0
        answer = await room.ask("GET", path)
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")

    server(scene)


def test_who_looks_for_the_file_leaves_its_sender_alone(server):
    """GET of a file that is still coming is answered 404, and the sender goes on; only HEAD means to take over."""

    async def scene(room):
        path = await begin(room, len(FILE))
        async with room.connected() as sender:
            await sender.head("PATCH", path, CHUNK | {"Upload-Offset": "0", "Content-Length": str(len(FILE))})
            await sender.send(FILE[:1000])

            async def is_writing():
                async with room.database.connection() as connection:
                    return await connection.fetchval("select writing from upload")

            await holds(is_writing)
            assert (await room.ask("GET", path)).status == 404
            await sender.send(FILE[1000:])
            assert (await sender.answer()).status == 204

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


def test_without_a_limit_none_is_announced(server):
    async def scene(room):
        assert "tus-max-size" not in (await room.ask("OPTIONS", "/files/")).headers
        await begin(room, 10**15)

    server(scene, Terms(None, for_everybody=True))


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


def test_pages_of_other_sites_may_upload(server):
    """The browser's question is answered, and the page can read every answer, also of what failed."""

    async def scene(room):
        asked = {
            "Origin": "https://page.example",
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "content-type,tus-resumable,upload-offset,x-of-the-page",
        }
        answer = await room.ask("OPTIONS", "/files/" + "0" * 32, asked)
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "PATCH" in answer.headers["access-control-allow-methods"]
        assert answer.headers["access-control-allow-headers"] == asked["Access-Control-Request-Headers"]
        path = await begin(room, 10)
        answers = {
            200: await room.ask("HEAD", path, TUS),
            404: await room.ask("HEAD", "/files/" + "0" * 32, TUS),
            409: await patch(room, path, 5, b"1"),
            412: await room.ask("HEAD", path),
        }
        for status, answer in answers.items():
            assert answer.status == status
            assert answer.headers["access-control-allow-origin"] == "*"
            exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
            assert {name for name in answer.headers if name.startswith(("upload-", "tus-"))} <= set(exposed)
        assert (await room.ask("GET", "/elsewhere")).headers["access-control-allow-origin"] == "*"

    server(scene)


def test_what_breaks_inside_is_told_in_the_protocol_s_manner(server):
    """500 with the version, readable by the page; what broke stays inside."""

    async def scene(room):
        path = await begin(room, 10)
        async with room.database.connection() as connection:
            await connection.execute("alter table upload rename to elsewhere")
        for answer in (await room.ask("HEAD", path, TUS), await patch(room, path, 0, b"12345")):
            assert answer.status == 500
            assert answer.headers["tus-resumable"] == "1.0.0"
            assert answer.headers["access-control-allow-origin"] == "*"
            assert b"elsewhere" not in answer.body and b"upload" not in answer.body

    server(scene)


def test_everything_is_judged_before_the_body(server):
    """Who waits for 100 Continue is refused without having sent a byte; nothing is stored of any of them."""

    async def scene(room):
        path = await begin(room, 10)
        await patch(room, path, 0, b"12345")
        at_5 = {"Upload-Offset": "5"}
        refused = [
            (412, "PATCH", path, {"Content-Type": CHUNK["Content-Type"]} | at_5),
            (415, "PATCH", path, TUS | at_5),
            (400, "PATCH", path, CHUNK),
            (400, "PATCH", path, CHUNK | at_5 | {"Upload-Checksum": "sha0 YQ=="}),
            (404, "PATCH", "/files/" + "0" * 32, CHUNK | at_5),
            (409, "PATCH", path, CHUNK | {"Upload-Offset": "4"}),
            (413, "PATCH", path, CHUNK | at_5 | {"Content-Length": "6"}),
            (405, "PUT", path, CHUNK | at_5),
            (412, "POST", "/files/", {"Upload-Length": "5"}),
            (415, "POST", "/files/", TUS | {"Upload-Length": "5"}),
            (400, "POST", "/files/", CHUNK),
            (400, "POST", "/files/", CHUNK | {"Upload-Defer-Length": "2"}),
            (413, "POST", "/files/", CHUNK | {"Upload-Length": "4"}),
            (413, "POST", "/files/", CHUNK | {"Upload-Length": str(MOST + 1)}),
        ]
        for status, method, where, headers in refused:
            async with room.connected() as connection:
                await connection.head(method, where, {"Content-Length": "5", "Expect": "100-continue", **headers})
                answer = await connection.answer()
                assert answer.status == status, (method, headers, answer)
                assert answer.headers["tus-resumable"] == "1.0.0"
        assert (await room.row(path))["epoch"] == 1, "none of them became a writer"
        assert await offset(room, path) == 5
        assert await rows(room) == 1
        async with room.connected() as connection:
            await connection.head("PATCH", path, CHUNK | at_5 | {"Content-Length": "5", "Expect": "100-continue"})
            assert (await connection.answer()).status == 100
            await connection.send(b"67890")
            assert (await connection.answer()).offset == 10

    server(scene)


def test_base_path_is_where_everything_is(server):
    """The address is whole, except where a proxy passed the request on: where it is there, we do not know."""

    async def scene(room):
        for collection in ("/up/here/", "/up/here"):
            answer = await room.ask("POST", collection, TUS, Upload_Length="1")
            assert answer.headers["location"].startswith("http://127.0.0.1/up/here/")
            for unknown in ({"X-Forwarded-Proto": "https"}, {"Host": "a<b"}):
                told = await room.ask("POST", collection, TUS | unknown, Upload_Length="1")
                asked_at = f"https://proxy.example/photos{collection}"
                assert urljoin(asked_at, told.headers["location"]).startswith(
                    "https://proxy.example/photos/up/here/" if collection.endswith("/") else "https://proxy.example/up/"
                )
        assert (await patch(room, answer.headers["location"], 0, b"x")).status == 204
        assert (await room.ask("POST", "/files/", TUS, Upload_Length="1")).status == 404

    server(scene, Terms(None, for_everybody=True, base="/up/here/"))
