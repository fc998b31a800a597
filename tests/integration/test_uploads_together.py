"""Uploads that begin or finish in one moment: one statement writes them, and each hears what it would hear alone."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from service.actions import uploads as actions
from service.actions.upload_rows import finishes_on
from service.domain import photos
from service.domain.errors import QueueFull
from service.domain.uploads import UPLOADS_PER_ACCOUNT, Creation, Slot, TooManyUploads
from service.photo_ports import Commit, Finish, Upload
from service.storage.photos import LocalPhotoStore
from service.storage.sql import queries
from service.storage.transaction import begin_on
from tests.integration.upload_desk import Desk, upload_desk
from tests.integration.upload_room import random_bytes

PHOTO = b"\xff\xd8\xff" + random_bytes(5_000)


@pytest.fixture
def desk(run, database_url, tmp_path):
    """Runs a scene with a replica."""

    def play(scene):
        async def with_desk():
            async with upload_desk(database_url, LocalPhotoStore(tmp_path)) as desk:
                await scene(desk)

        run(with_desk())

    return play


async def finish_together(desk: Desk, uploads: Sequence[Upload]) -> list[Any]:
    """The last commits of photos, without the requests around them."""
    last = [Finish(each, Commit(len(PHOTO), (), True, len(PHOTO), bytes(32))) for each in uploads]
    return await asyncio.gather(*map(desk.ports.finishes, last), return_exceptions=True)


async def begun(desk: Desk, slot: Slot):
    new = await desk.begin(len(PHOTO), slot)
    return await actions.find(desk.ports, desk.session, new)


def scans(plan: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and table of each node that reads a table."""
    found = [(plan["Node Type"], plan["Relation Name"])] if "Relation Name" in plan else []
    return found + [each for child in plan.get("Plans", []) for each in scans(child)]


PLANNED = {
    "add": "array['a'], array[null]::bytea[], array[null]::smallint[], array[1], array[''], array[now()], 40",
    "finish": "array['a'], array[0], array[0], array[1], array['{}'], array[true], array[null]::bytea[], 'x', -1, 1",
}


@pytest.mark.parametrize("name", PLANNED)
def test_a_plan_of_an_empty_table_does_not_read_a_full_one(desk, name):
    """Made before the doors open, it serves until the server looks at the table again."""

    async def scene(desk):
        async with desk.database.connection() as connection:
            await connection.execute("set plan_cache_mode = force_generic_plan")
            await connection.execute(f"prepare planned as {queries('uploads')[name]}")
            explain = f"explain (format json) execute planned ({PLANNED[name]})"
            # The second is the control; a new upload is written so that no plan could be so bad.
            for seqscan, reads in (("off", False), ("on", name == "finish")):
                await connection.execute(f"set enable_seqscan = {seqscan}; discard plans")
                plan = json.loads((await connection.fetch(explain))[0][0])[0]["Plan"]
                big = {table for kind, table in scans(plan) if kind == "Seq Scan"} & {"upload", "session"}
                assert bool(big) == reads, plan
            await connection.execute("deallocate planned; reset enable_seqscan; reset plan_cache_mode")

    desk(scene)


async def depth(desk: Desk) -> int:
    async with desk.database.connection() as connection:
        return int(await connection.fetchval("select sum(depth) from queue_counter where queue = $1", photos.QUEUE))


def test_many_begin_together_and_each_is_its_own(desk):
    async def scene(desk):
        people = [await desk.signed_in() for _ in range(5)]
        ids = await asyncio.gather(*(one.begin(1000 + i, Slot.SELFIE) for i, one in enumerate(people)), desk.begin(7))
        for i, one in enumerate(people):
            found = await actions.find(one.ports, one.session, ids[i])
            assert (found.length, found.slot, found.committed) == (1000 + i, Slot.SELFIE, 0)
        assert (await actions.find(desk.ports, None, ids[5])).account_id is None

    desk(scene)


def test_an_account_begins_no_more_than_it_may_though_all_come_at_once(desk):
    """Each alone would look at the count of before."""

    async def scene(desk):
        one = await desk.signed_in()
        tries = (one.begin(5, Slot.SELFIE) for _ in range(UPLOADS_PER_ACCOUNT + 10))
        found = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(each, str) for each in found) == UPLOADS_PER_ACCOUNT
        assert sum(isinstance(each, TooManyUploads) for each in found) == 10

    desk(scene)


def test_one_who_is_refused_spoils_nothing_for_the_others(desk):
    async def scene(desk):
        one = await desk.signed_in()
        stranger = replace(desk, session=bytes(32))
        odd = one.begin(5)  # without a slot: the table refuses the row
        tries = stranger.begin(5, Slot.SELFIE), odd, one.begin(5, Slot.SELFIE)
        found = await asyncio.gather(*tries, return_exceptions=True)
        assert type(found[0]).__name__ == "NotSignedIn"
        assert type(found[1]).__name__ == "CheckViolationError"
        assert isinstance(found[2], str)

    desk(scene)


def test_of_both_photos_of_a_person_that_finish_together_one_is_the_second(desk):
    """Who has sent both is counted once; one statement does not see what it does itself."""

    async def scene(desk):
        one = await desk.signed_in()
        both = [await begun(one, slot) for slot in Slot]
        found = await finish_together(one, both)
        assert sorted(len(each.photo.filled) for each in found) == [0, 1]
        assert await depth(one) == 2

    desk(scene)


def test_whoever_lost_it_hears_so_and_the_others_are_finished(desk):
    async def scene(desk):
        people = [await desk.signed_in() for _ in range(3)]
        uploads = [await begun(one, Slot.SELFIE) for one in people]
        await people[1].another().send(uploads[1].id, 0, PHOTO[:100])
        found = await finish_together(desk, uploads)
        assert [each.photo is None for each in found] == [False, True, False]
        assert all(each.has_room for each in found)
        assert await depth(desk) == 2

    desk(scene)


def test_one_that_replaces_a_photo_does_it_alone(desk):
    """Its slot is filled: the statement fails for all, and each is tried for itself."""

    async def scene(desk):
        first, second = await desk.signed_in(), await desk.signed_in()
        old = await begun(first, Slot.SELFIE)
        await finish_together(desk, [old])
        new, other = await begun(first, Slot.SELFIE), await begun(second, Slot.SELFIE)
        found = await finish_together(desk, [new, other])
        assert type(found[0]).__name__ == "ChangedMeanwhile"
        assert found[1].photo.upload.finished_at is not None
        await first.send(new.id, 0, PHOTO)  # a whole request replaces the old one
        assert (await first.row(old.id))["replaced_at"] is not None

    desk(scene)


def test_with_room_for_fewer_than_come_some_are_finished(desk):
    """The queue has room for one a shard: three together do not fit into one, each alone finds its own."""

    async def scene(desk):
        ports = replace(desk.ports, finishes=finishes_on(begin_on(desk.database, desk.ports.vault), limit=32))
        people = [await replace(desk, ports=ports).signed_in() for _ in range(33)]
        uploads = [await begun(one, Slot.SELFIE) for one in people]
        found = await finish_together(people[0], uploads)
        assert sum(each.has_room for each in found) == 32
        assert await depth(desk) == 32
        with pytest.raises(QueueFull):
            await people[0].send((await begun(people[0], Slot.IDENTITY_CARD)).id, 0, PHOTO)

    desk(scene)


def test_an_empty_creation_is_finished_at_once(desk):
    async def scene(desk):
        begun_empty = await actions.create(desk.ports, None, None, Creation(None, 0, ""))
        assert isinstance(begun_empty, actions.BegunUpload)
        row = await desk.row(begun_empty.upload_id)
        assert row["finished_at"] is not None

    desk(scene)
