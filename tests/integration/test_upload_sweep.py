"""Bytes that nobody needs any more are erased, whoever dies meanwhile, and never those that somebody needs."""

import asyncio
import os
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from service.actions import upload_sweep
from service.actions.upload_storing import UploadWriter
from service.actions.upload_sweep import KEPT, LEFT_ALONE, sweep
from service.domain.errors import DatabaseUnavailable, NotFound, UploadTaken
from service.domain.uploads import Append, Part, StorageFailed, UploadExpired
from service.metrics import Metrics
from service.queues import sweeping
from service.storage.pool import Database
from service.storage.sql import queries
from tests.integration.upload_desk import upload_desk
from tests.integration.upload_room import holds
from tests.integration.upload_stores import shelf

__all__ = ["shelf"]

DATA = os.urandom(3000)
MOMENT = timedelta(minutes=1)
"""Longer than a busy machine takes for whatever a test does between two jumps of the clock."""


@pytest.fixture
def play(run, module_database_url, shelf):
    """Run a coroutine function of a desk, and of what says which uploads have bytes."""

    def play(scene):
        async def at_desk():
            async with upload_desk(module_database_url, shelf.store) as desk:
                async with desk.database.connection() as connection:
                    await connection.execute("delete from upload")
                await scene(desk, lambda: {name[:32] for name in shelf.held()})

        run(at_desk())

    return play


async def begin(desk, *sizes):
    """An upload with a writer for each size."""
    upload_id, offset = await desk.begin(len(DATA)), 0
    for size in sizes:
        await desk.send(upload_id, offset, DATA[offset : offset + size])
        offset += size
    return upload_id


def lifetime(desk):
    return timedelta(seconds=desk.ports.policy.upload_lifetime_s)


def test_what_expired_is_erased_and_what_did_not_is_kept(play):
    """It is told as expired for a day, then nobody knows it. Whoever goes on sending keeps an upload alive."""

    async def scene(desk, stored):
        expired = [await begin(desk, 1000, 500), await begin(desk)]
        finished, alive = await begin(desk, 1000, 2000), await begin(desk, 1000)
        desk.clock.ahead += lifetime(desk) - MOMENT
        await desk.send(alive, 1000, DATA[1000:1001])
        assert (await sweep(desk.ports)).expired == 0 and expired[0] in stored()
        desk.clock.ahead += 2 * MOMENT
        swept = await sweep(desk.ports)
        assert (swept.expired, swept.given_up, swept.failed, swept.overdue_s) == (2, 0, 0, 0)
        assert stored() == {finished, alive}
        for upload_id in expired:
            with pytest.raises(UploadExpired):
                await desk.status(upload_id)
        assert (await sweep(desk.ports)).expired == 0
        desk.clock.ahead += KEPT + MOMENT
        assert (await sweep(desk.ports)).forgotten == 2
        for upload_id in expired:
            with pytest.raises(NotFound):
                await desk.status(upload_id)
        assert await desk.stored(finished) == DATA and finished in stored()

    play(scene)


def test_a_sweeper_that_dies_is_followed_by_another(play, monkeypatch):
    """What it had taken up is left to it for a minute; bytes are gone within the five minutes all the same."""

    async def scene(desk, stored):
        upload_id = await begin(desk, 1000)
        desk.clock.ahead += lifetime(desk) + MOMENT
        before, after = asyncio.Event(), asyncio.Event()
        for moment in (before, after):  # of its removal
            with monkeypatch.context() as patch:
                remove = desk.ports.photos.remove

                async def hang(*arguments, moment=moment, remove=remove):
                    if moment is after:
                        await remove(*arguments)
                    moment.set()
                    await asyncio.Event().wait()

                patch.setattr(desk.ports.photos, "remove", hang)
                dying = asyncio.create_task(sweep(desk.ports))
                await moment.wait()
                dying.cancel()
                await asyncio.wait([dying])
            assert (upload_id in stored()) == (moment is before)
            swept = await sweep(desk.ports)
            assert swept.expired == 0 and swept.overdue_s > 0
            desk.clock.ahead += LEFT_ALONE + MOMENT
        assert (await sweep(desk.ports)).expired == 1
        assert stored() == set()

    play(scene)


def test_without_a_mark_two_sweepers_do_the_same(play, monkeypatch):
    """Negative control: what one is removing, another one takes up as well."""
    monkeypatch.setattr(upload_sweep, "LEFT_ALONE", -timedelta(hours=1))

    async def scene(desk, stored):
        await begin(desk, 1000)
        desk.clock.ahead += lifetime(desk) + MOMENT
        with monkeypatch.context() as patch:
            begun, remove = asyncio.Event(), desk.ports.photos.remove

            async def hang(*arguments):
                patch.setattr(desk.ports.photos, "remove", remove)
                begun.set()
                await asyncio.Event().wait()

            patch.setattr(desk.ports.photos, "remove", hang)
            first = asyncio.create_task(sweep(desk.ports))
            await begun.wait()
            assert (await sweep(desk.ports)).expired == 1
            first.cancel()
            await asyncio.wait([first])

    play(scene)


def test_a_store_that_does_not_remove_is_asked_again(play, monkeypatch):
    """It is counted, what is overdue shows for how long, and others are erased meanwhile."""

    async def scene(desk, stored):
        stuck, other = await begin(desk, 1000), await begin(desk, 1000)
        desk.clock.ahead += lifetime(desk) + MOMENT
        remove = desk.ports.photos.remove

        async def refuse(upload_id, writers):
            if upload_id == stuck:
                raise StorageFailed(retry_after_s=30.0)
            await remove(upload_id, writers)

        with monkeypatch.context() as patch:
            patch.setattr(desk.ports.photos, "remove", refuse)
            swept = await sweep(desk.ports)
            assert (swept.expired, swept.failed, stored()) == (1, 1, {stuck})
            desk.clock.ahead += LEFT_ALONE + MOMENT
            assert (await sweep(desk.ports)).overdue_s > LEFT_ALONE.total_seconds()
        desk.clock.ahead += LEFT_ALONE + MOMENT
        swept = await sweep(desk.ports)
        assert (swept.expired, swept.overdue_s, stored()) == (1, 0, set())
        assert (await desk.row(other))["erased_at"] is not None

    play(scene)


def test_bytes_of_what_was_given_up_are_erased_when_its_request_died(play, monkeypatch):
    """The row remembers; without it nobody would ever find them."""

    async def scene(desk, stored):
        upload_id = await begin(desk, 1000)

        async def die(*_):
            raise asyncio.CancelledError

        with monkeypatch.context() as patch:
            patch.setattr(desk.ports.photos, "remove", die)
            with pytest.raises(asyncio.CancelledError):
                await desk.terminate(upload_id)
        assert upload_id in stored()
        swept = await sweep(desk.ports)
        assert (swept.given_up, swept.expired, stored()) == (1, 0, set())
        desk.clock.ahead += KEPT + MOMENT
        assert (await sweep(desk.ports)).forgotten == 1
        assert await desk.row(upload_id) is None

    play(scene)


async def _late_writer(desk, upload_id):
    async with desk.ports.begin(single=True) as tx:
        taken = await tx.uploads.take_over(upload_id, None, Append(0, None), replica="late", now=desk.clock.now())
    return UploadWriter(desk.ports, taken)


def test_a_writer_of_an_expired_upload_cannot_commit_and_leaves_nothing(play):
    """It had hung for longer than the upload lived. What it stores after the sweep is found when the row goes."""

    async def scene(desk, stored):
        upload_id = await begin(desk)
        late = await _late_writer(desk, upload_id)
        desk.clock.ahead += lifetime(desk) + MOMENT
        assert (await sweep(desk.ports)).expired == 1
        await late.store(DATA)
        with pytest.raises(UploadTaken):
            await late.acknowledge(ends=True)
        part = Part(late.upload.epoch, 0)
        await desk.ports.photos.write(upload_id, part, 0, DATA)  # its removal was not for this one: it came later still
        assert stored() == {upload_id}
        desk.clock.ahead += KEPT + MOMENT
        assert (await sweep(desk.ports)).forgotten == 1
        assert stored() == set() and await desk.row(upload_id) is None

    play(scene)


def test_a_finished_photo_keeps_its_row_when_its_late_writers_are_looked_after(play):
    """Its original was removed by the inspection; a writer that was cut off stored once more after that."""

    async def scene(desk, stored):
        upload_id = await begin(desk, 1000, 2000)
        await desk.ports.photos.remove(upload_id, 2)
        async with desk.ports.begin(single=True) as tx:
            await tx.leftovers.erased([upload_id], desk.clock.now())
        await desk.ports.photos.write(upload_id, Part(1, 0), 0, DATA)
        await desk.ports.photos.keep(upload_id, b"clean")
        desk.clock.ahead += KEPT + MOMENT
        for forgotten in (1, 0):
            assert (await sweep(desk.ports)).forgotten == forgotten
            assert await desk.ports.photos.size(upload_id, [Part(1, 0)], 1000) == 0
            assert await desk.ports.photos.copy(upload_id) == b"clean"
        assert (await desk.row(upload_id))["finished_at"] is not None
        assert (await desk.status(upload_id)).committed == len(DATA)

    play(scene)


def test_sweepers_share_the_work_and_meet_senders_without_harm(play, monkeypatch):
    """Several at once, while uploads are sent and given up: none takes what another has, none takes what is alive."""
    draw = random.Random(20200411)
    monkeypatch.setattr(upload_sweep, "AT_A_TIME", 7)

    async def scene(desk, stored):
        old = [await begin(desk, 100) for _ in range(30)]
        desk.clock.ahead += lifetime(desk) + MOMENT
        removed = []
        remove = desk.ports.photos.remove

        async def count(upload_id, writers):
            removed.append(upload_id)
            await remove(upload_id, writers)

        async def send():
            upload_id, offset = await desk.begin(len(DATA)), 0
            while offset < len(DATA):
                size = draw.randint(1, len(DATA))
                offset = (await desk.send(upload_id, offset, DATA[offset : offset + size])).committed
            return upload_id

        async def sweep_all():
            found = 0
            while (swept := await sweep(desk.ports)).full:
                found += swept.expired
            return found + swept.expired

        with monkeypatch.context() as patch:
            patch.setattr(desk.ports.photos, "remove", count)
            work = await asyncio.gather(*(sweep_all() for _ in range(3)), *(send() for _ in range(10)))
        assert sum(work[:3]) == 30
        assert sorted(removed) == sorted(old)
        for upload_id in work[3:]:
            assert await desk.stored(upload_id) == DATA

    play(scene)


def test_a_look_costs_the_same_however_many_uploads_are_finished(run, database_url):
    """Every worker looks every five seconds: each statement goes by an index, whatever plan is kept for it."""
    arguments = {
        "overdue": "now()",
        "take_up": "now(), now(), 200",
        "erased": "array['1'], now()",
        "take_up_again": "now(), now(), now(), 200",
        "forget": "array['1']",
        "settle": "array['1']",
    }
    statements = queries("upload_leftovers")
    assert arguments.keys() == statements.keys()

    async def explain():
        database = await Database.open(database_url, connections=1)
        async with database.connection() as connection:
            await connection.execute(
                "insert into upload (id, length, metadata, finished_at) "
                "select number, 5, '', now() from generate_series(1, 20000) number"
            )
            await connection.execute(
                "insert into upload (id, length, metadata, expires_at) "
                "select 'x' || number, 5, '', now() + number * interval '1 s' from generate_series(1, 2000) number"
            )
            await connection.execute("analyze upload")
            for mode in ("force_generic_plan", "force_custom_plan"):
                await connection.execute(f"set plan_cache_mode = {mode}")
                for name, statement in statements.items():
                    await connection.execute(f"prepare {name}_{mode} as {statement}")
                    plan = await connection.fetch(f"explain execute {name}_{mode} ({arguments[name]})")
                    text = "\n".join(line for (line,) in plan)
                    assert "Seq Scan" not in text and "Index" in text, text
        await database.close()

    run(explain())


def test_the_loop_shows_what_it_did_and_outlives_a_database_that_is_away(play, monkeypatch):
    monkeypatch.setattr(upload_sweep, "AT_A_TIME", 2)
    monkeypatch.setattr(sweeping, "EVERY", 0.05)

    async def scene(desk, stored):
        for _ in range(5):
            await begin(desk, 1000)
        await desk.terminate(await begin(desk, 1000))
        desk.clock.ahead += lifetime(desk) + MOMENT
        metrics, stop, tries = Metrics(), asyncio.Event(), []

        def away_at_first(**how):
            tries.append(how)
            if len(tries) == 1:
                raise DatabaseUnavailable
            return desk.ports.begin(**how)

        def figure(name, **labels):
            return metrics.registry.get_sample_value(f"registration_{name}", labels)

        async def erased():
            return figure("uploads_erased_total", why="expired") == 5

        sweeper = asyncio.create_task(sweeping.run_sweeper(replace(desk.ports, begin=away_at_first), metrics, stop))
        try:
            await holds(erased, limit=30)
        finally:
            stop.set()
            await sweeper
        assert figure("uploads_erased_total", why="given_up") == 1
        assert figure("upload_erasure_overdue_seconds") == figure("upload_erasures_failed_total") == 0
        assert stored() == set()

    play(scene)
