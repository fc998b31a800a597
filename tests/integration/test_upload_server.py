"""The upload server alone on a real socket, a real database and a real disk: any file from anybody, by tus."""

from urllib.parse import urljoin

import pytest

from service.web.files import Terms
from tests.integration.upload_room import CHUNK, TUS, holds
from tests.integration.upload_server_room import (
    FILE,
    MOST,
    begin,
    fresh_server,
    metadata,
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


def test_what_breaks_inside_is_told_in_the_protocol_s_manner(fresh):
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

    fresh(scene)


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


def test_base_path_is_where_everything_is(fresh):
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

    fresh(scene, Terms(None, for_everybody=True, base="/up/here/"))
