"""One replica asks another to let go of an upload, over the database."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg

from service.photo_ports import Upload
from service.storage.pool import Database
from service.storage.upload_releases import channel_of, hear_releases
from service.storage.uploads import PostgresUploadStore
from tests.integration.upload_room import holds

REPLICA = "0123456789abcdef"
UPLOAD = Upload("f" * 32, None, None, 10, "", writing=REPLICA)


@asynccontextmanager
async def ear(url, let_go, replica=REPLICA):
    """It listens while the block runs."""
    task = asyncio.create_task(hear_releases(url, replica, let_go))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def ask(database):
    async with database.connection() as connection:
        return await PostgresUploadStore(connection).ask_to_let_go(UPLOAD)


def scene(run, url, play):
    async def in_room():
        database = await Database.open(url, connections=2)
        try:
            await play(database)
        finally:
            await database.close()

    run(in_room())


def test_only_the_replica_that_is_meant_hears(run, database_url):
    """And who asks is told whether anybody does."""

    async def play(database):
        mine: list[str] = []
        others: list[str] = []
        assert not await ask(database)
        async with ear(database_url, mine.append), ear(database_url, others.append, "fedcba9876543210"):

            async def heard():
                return await ask(database) and mine

            await holds(heard)
        assert set(mine) == {UPLOAD.id}
        assert others == []

        async def deaf():
            return not await ask(database)

        await holds(deaf)

    scene(run, database_url, play)


def test_an_ear_that_was_cut_off_listens_again(run, database_url):
    """The database ends its connection: the ear comes back by itself."""

    async def play(database):
        heard: list[str] = []

        async def listens():
            return await ask(database) and heard

        async with ear(database_url, heard.append):
            await holds(listens)
            own = await asyncpg.connect(database_url)
            try:
                cut = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1"
                assert await own.fetch(cut, channel_of(REPLICA))
            finally:
                await own.close()
            heard.clear()
            await holds(listens)

    scene(run, database_url, play)
