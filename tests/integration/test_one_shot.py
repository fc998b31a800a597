"""Photos without resuming: one request each, all of it or nothing."""

import json

import pytest

from service.web import incoming
from tests.integration.pages_room import site
from tests.integration.pages_walk import send_photo, signed_in
from tests.integration.upload_room import MOST_BYTES, TUS, holds, random_bytes, upload_room

PHOTO = random_bytes(2_500_000)
SELFIE = "/files/selfie"
JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture
def one_shot(run, database_url, tmp_path):
    """Run a coroutine function of (room, person) against a service without resumable uploads."""

    def play(scene):
        async def in_room():
            async with upload_room(database_url, tmp_path / "photos", RESUMABLE_UPLOADS="off") as room:
                return await scene(room, await room.person())

        return run(in_room())

    return play


async def rows(room):
    async with room.database.connection() as connection:
        return await connection.fetch(
            "select id, slot, replaced_at from upload where deleted_at is null order by created_at"
        )


async def nothing_is_left(room):
    async def is_empty():
        return not await rows(room) and not room.files_on_disk()

    await holds(is_empty)


def code(answer):
    return json.loads(answer.body)["type"].rpartition("/")[2]


def test_a_photo_is_one_request(one_shot):
    """204, the same bytes on disk, its inspection asked for; a photo sent again replaces the one there is."""

    async def scene(room, person):
        for path in (SELFIE, "/files/identity_card", SELFIE):
            sent = await room.ask("PUT", path, person.session | JPEG, PHOTO)
            assert (sent.status, sent.body) == (204, b"")
        found = await rows(room)
        assert [(row["slot"], row["replaced_at"] is None) for row in found] == [(2, False), (1, True), (2, True)]
        assert await room.stored(f"/files/{found[2]['id']}") == PHOTO
        assert room.stages["photos_uploaded"] == 1
        async with room.database.connection() as connection:
            assert await connection.fetchval("select count(*) from job where queue = 'photo'") == 3

    one_shot(scene)


def test_nothing_is_kept_of_a_photo_that_breaks_off(one_shot):
    """Two of two and a half megabytes had arrived; the next try begins anew."""

    async def scene(room, person):
        async with room.connected() as connection:
            await connection.head("PUT", SELFIE, person.session | JPEG | {"Content-Length": str(len(PHOTO))})
            await connection.send(PHOTO[:2_000_000])

            async def has_arrived():
                return room.metrics.registry.get_sample_value("registration_upload_bytes_total") > 1_000_000

            await holds(has_arrived)
            connection.reset()
        await nothing_is_left(room)
        assert (await room.ask("PUT", SELFIE, person.session | JPEG, PHOTO)).status == 204

    one_shot(scene)


def test_a_silent_phone_is_told(one_shot, monkeypatch):
    """408, and nothing is kept of what it had sent."""
    monkeypatch.setattr(incoming, "READ_LIMIT", 0.2)

    async def scene(room, person):
        async with room.connected() as connection:
            await connection.head("PUT", SELFIE, person.session | JPEG | {"Content-Length": "1000"})
            await connection.send(PHOTO[:500])
            answer = await connection.answer()
        assert (answer.status, code(answer), answer.headers["connection"]) == (408, "body-too-slow", "close")
        await nothing_is_left(room)

    one_shot(scene)


def test_refusals_come_before_the_photo(one_shot):
    """Each by its headers alone; only what a photo is takes its first bytes."""

    async def scene(room, person):
        stated = {"Content-Length": str(len(PHOTO)), "Expect": "100-continue", **JPEG}
        refusals = [
            (404, "not-found", "/files/passport", person.session | stated),
            (401, "not-signed-in", SELFIE, stated),
            (411, "length-required", SELFIE, person.session | JPEG | {"Transfer-Encoding": "chunked"}),
            (413, "photo-too-large", SELFIE, person.session | stated | {"Content-Length": str(MOST_BYTES + 1)}),
            (422, "invalid-fields", SELFIE, person.session | stated | {"Content-Length": "0"}),
        ]
        for status, kind, path, headers in refusals:
            async with room.connected() as connection:
                await connection.head("PUT", path, headers)
                answer = await connection.answer()
                assert (answer.status, code(answer)) == (status, kind)
        other = await room.ask("PUT", SELFIE, person.session | JPEG, b"GIF89a" + bytes(500))
        assert (other.status, code(other)) == (415, "photo-type-unsupported")
        await nothing_is_left(room)

    one_shot(scene)


def test_no_tus_is_spoken(one_shot):
    """Neither a creation nor a chunk nor a question for an offset; nothing is announced."""

    async def scene(room, person):
        photo = {"Upload-Length": "10", "Upload-Metadata": "slot c2VsZmll"}
        for method, path, status in (
            ("POST", "/files/", 404),
            ("PATCH", "/files/" + "0" * 32, 405),
            ("HEAD", "/files/" + "0" * 32, 405),
            ("OPTIONS", "/files/" + "0" * 32, 405),
        ):
            answer = await room.ask(method, path, TUS | person.session | photo)
            assert answer.status == status
            assert not [name for name in answer.headers if name.startswith(("tus-", "upload-"))]
        await nothing_is_left(room)

    one_shot(scene)


def test_the_pages_take_photos_as_before(run, database_url, tmp_path):
    async def scenario():
        async with site(database_url, tmp_path, working=False, RESUMABLE_UPLOADS="off") as found:
            browser, _ = await signed_in(found)
            page = await send_photo(browser, "/daftar/foto/swafoto", PHOTO)
            return page.status, await found.service.sql("select slot, length, finished_at from upload")

    status, (row,) = run(scenario())
    assert status == 200
    assert (row["slot"], row["length"], row["finished_at"] is not None) == (2, len(PHOTO), True)
