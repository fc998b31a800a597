"""A phone comes back to another replica while its old request hangs: what had arrived counts, and nothing else does."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from service.actions import upload_writers
from service.storage.upload_releases import channel_of
from tests.integration.test_upload_releases import ear
from tests.integration.test_uploads import code
from tests.integration.test_uploads_broken import begin_chunk
from tests.integration.upload_room import Person, holds, random_bytes, upload_room

PHOTO = random_bytes(300_000)
ARRIVED = 100_000
PATIENCE = 600.0
"""Seconds: whoever lets go does so in time, however busy the machine is."""
LISTENS = "select true from pg_stat_activity where application_name = $1 and query ilike 'listen%'"


@asynccontextmanager
async def two_replicas(url, folder, *, hears):
    """hears: what the first one does when it is asked to let go; None: it cannot be asked."""
    async with upload_room(url, folder) as one, upload_room(url, folder) as two:
        if hears is None:
            yield one, two
            return
        async with ear(url, lambda upload_id: hears(one, upload_id), one.writers.replica):

            async def heard():
                async with one.database.connection() as connection:
                    return await connection.fetchval(LISTENS, channel_of(one.writers.replica))

            await holds(heard)
            yield one, two


@asynccontextmanager
async def hanging(room, person, path):
    """A request of which the first part has arrived, and from which nothing more comes."""
    async with room.connected() as old:
        await begin_chunk(old, person, path, 0, PHOTO[:ARRIVED], len(PHOTO))

        async def arrived():
            bodies = [turn.incoming for turn in room.writers._turns.values()]
            return sum(body.waiting for body in bodies) >= ARRIVED - 12  # the first were looked at

        await holds(arrived)
        yield old


def taken_over(room):
    return {
        how: room.metrics.registry.get_sample_value("registration_upload_takeovers_total", {"how": how})
        for how in ("same_process", "released", "fenced")
    }


@pytest.mark.parametrize(
    ("hears", "limit", "how", "kept"),
    [
        (lambda room, upload_id: room.writers.let_go(upload_id), PATIENCE, "released", ARRIVED),
        (lambda room, upload_id: None, 0.1, "fenced", 0),  # control: as if it were stopped
        (None, PATIENCE, "fenced", 0),  # control: as if it were dead; nobody waits for it
    ],
    ids=["lets go", "does not let go", "is not there"],
)
def test_phone_goes_on_at_another_replica(run, database_url, tmp_path, monkeypatch, hears, limit, how, kept):
    """The holder is asked, acknowledges what has arrived, and ends; or it is fenced, and whatever it still does is
    harmless."""
    monkeypatch.setattr(upload_writers, "LET_GO_LIMIT", limit)

    async def scene():
        async with two_replicas(database_url, tmp_path / "photos", hears=hears) as (one, two):
            person = await one.person()
            path = await person.begin(len(PHOTO))
            async with hanging(one, person, path) as old:
                back = Person(two, person.account_id, person.session)
                assert await back.offset(path) == kept
                assert taken_over(two) == {"same_process": 0, "released": 0, "fenced": 0} | {how: 1}
                assert (await back.patch(path, kept, PHOTO[kept:])).status == 204
                if how == "fenced":
                    await old.send(bytes(len(PHOTO) - ARRIVED))  # it wakes up, with something else
                answer = await old.answer()
                assert (answer.status, code(answer)) == (409, "upload-taken-over")
            assert await two.stored(path) == PHOTO

    run(scene())


def test_patch_alone_takes_over_too(run, database_url, tmp_path, monkeypatch):
    """A phone that knows where it was needs no HEAD; one that is behind is told the settled offset."""
    monkeypatch.setattr(upload_writers, "LET_GO_LIMIT", PATIENCE)

    async def scene():
        lets_go = lambda room, upload_id: room.writers.let_go(upload_id)  # noqa: E731
        async with two_replicas(database_url, tmp_path / "photos", hears=lets_go) as (one, two):
            person = await one.person()
            path = await person.begin(len(PHOTO))
            back = Person(two, person.account_id, person.session)
            async with hanging(one, person, path):
                answer = await back.patch(path, 0, PHOTO)
            assert (answer.status, code(answer)) == (409, "upload-offset-mismatch")
            assert answer.offset == ARRIVED
            async with one.connected() as old:
                await begin_chunk(old, person, path, ARRIVED, b"", len(PHOTO) - ARRIVED)
                await holds(lambda: writes(one, path))
                assert (await back.patch(path, ARRIVED, PHOTO[ARRIVED:])).status == 204
            assert await two.stored(path) == PHOTO

    run(scene())


async def writes(room, path):
    return (await room.row(path))["writing"] == room.writers.replica


def test_stuck_holder_in_the_same_process_is_fenced(run, database_url, tmp_path, monkeypatch):
    """A disk that does not come back holds nobody up: after a moment its writer cannot commit any more."""
    monkeypatch.setattr(upload_writers, "LET_GO_LIMIT", 0.05)
    stuck = asyncio.Event()

    async def scene():
        async with upload_room(database_url, tmp_path / "photos") as room:
            person = await room.person()
            path = await person.begin(len(PHOTO))
            write = room.photos.write

            async def hangs(*arguments, **named):
                await write(*arguments, **named)
                await stuck.wait()

            monkeypatch.setattr(room.photos, "write", hangs)
            async with hanging(room, person, path) as old:
                assert await person.offset(path) == 0
                assert taken_over(room) == {"same_process": 0, "released": 0, "fenced": 1}
                monkeypatch.setattr(room.photos, "write", write)
                assert (await person.patch(path, 0, PHOTO)).status == 204
                stuck.set()
                answer = await old.answer()
                assert (answer.status, code(answer)) == (409, "upload-taken-over")
            assert await room.stored(path) == PHOTO

    run(scene())


def test_what_a_dead_request_left_is_no_obstacle(run, database_url, tmp_path):
    """A row says that this process writes, and it does not: nobody waits."""

    async def scene():
        async with upload_room(database_url, tmp_path / "photos") as room:
            person = await room.person()
            path = await person.begin(len(PHOTO))
            async with room.database.connection() as connection:
                await connection.execute("update upload set writing = $1", room.writers.replica)
            assert await person.offset(path) == 0
            assert (await person.patch(path, 0, PHOTO)).status == 204

    run(scene())
