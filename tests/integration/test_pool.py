"""Connections when the database is slow, full, restarted or gone."""

import asyncio
import os
import signal
from contextlib import suppress

import asyncpg
import pytest

from service.domain.errors import DatabaseBusy, DatabaseUnavailable, EffectUnknown
from service.storage import embedded, pool
from service.storage.pool import Database


def test_transactions_commit_or_roll_back(run, empty_database_url):
    """The end of the block commits; an exception leaves nothing."""

    async def scene():
        database = await Database.open(empty_database_url, connections=2)
        async with database.transaction() as connection:
            await connection.execute("create table t (id int)")
            await connection.execute("insert into t values (1)")
        with pytest.raises(KeyError):
            async with database.transaction() as connection:
                await connection.execute("insert into t values (2)")
                raise KeyError
        async with database.connection() as connection:
            found = await connection.fetchval("select array_agg(id) from t")
        assert database.used == 0
        await database.close()
        return found

    assert run(scene()) == [1]


def test_json_columns_are_python_values(run, empty_database_url):
    async def scene():
        database = await Database.open(empty_database_url, connections=1)
        async with database.connection() as connection:
            value = await connection.fetchval("select $1::jsonb", {"name": "Siti", "n": [1, None]})
        await database.close()
        return value

    assert run(scene()) == {"name": "Siti", "n": [1, None]}


def test_nobody_waits_long_for_a_connection(run, empty_database_url, monkeypatch):
    """All are taken: busy, with a time to come back, instead of a queue without end."""
    monkeypatch.setattr(pool, "WAIT_LIMIT", 0.05)

    async def scene():
        database = await Database.open(empty_database_url, connections=1)
        async with database.connection():
            assert (database.used, database.limit) == (1, 1)
            with pytest.raises(DatabaseBusy) as caught:
                async with database.connection():
                    pass
        async with database.connection() as connection:
            assert await connection.fetchval("select 1") == 1
        await database.close()
        return caught.value.retry_after_s

    assert run(scene()) > 0


def test_broken_connection_is_replaced(run, empty_database_url):
    """The transaction it broke under is undone and can be begun again; the next one gets a new connection."""

    async def scene():
        database = await Database.open(empty_database_url, connections=1)
        with pytest.raises(DatabaseUnavailable) as caught:
            async with database.transaction() as connection:
                await connection.execute("select pg_terminate_backend(pg_backend_pid())")
        async with database.connection() as connection:
            assert await connection.fetchval("select 1") == 1
        await database.close()
        return caught.value.again

    assert run(scene()) == "connection_lost"


def test_broken_statement_alone_has_an_unknown_effect(run, empty_database_url):
    """It commits in the moment in which it ends: nobody knows on which side of it the connection broke."""

    async def scene():
        database = await Database.open(empty_database_url, connections=1)
        with pytest.raises(EffectUnknown):
            async with database.connection() as connection:
                await connection.execute("select pg_terminate_backend(pg_backend_pid())")
        await database.close()

    run(scene())


def test_connection_that_dies_in_a_pause_is_no_unknown_commit(run, empty_database_url):
    """The server hung up before the commit was sent: certainly undone."""

    async def scene():
        database = await Database.open(empty_database_url, connections=1)
        with pytest.raises(DatabaseUnavailable):
            async with database.transaction() as connection:
                await connection.execute("create table t (id int)")
                await _hang_up(empty_database_url, connection)
        async with database.connection() as connection:
            left = await connection.fetchval("select to_regclass('t')")
        await database.close()
        return left

    assert run(scene()) is None


async def _hang_up(url: str, connection: asyncpg.Connection) -> None:
    """Have the server end `connection`, and wait until it knows."""
    other = await asyncpg.connect(url)
    await other.execute("select pg_terminate_backend($1)", connection.get_server_pid())
    await other.close()
    async with asyncio.timeout(10):
        while not connection.is_closed():  # noqa: ASYNC110 - the connection tells nobody
            await asyncio.sleep(0.005)


def test_swallowed_error_is_no_commit(run, empty_database_url):
    """PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error: nobody may take it for done."""

    async def scene():
        database = await Database.open(empty_database_url, connections=1)
        with pytest.raises(RuntimeError):
            async with database.transaction() as connection:
                await connection.execute("create table t (id int primary key)")
                with suppress(asyncpg.UniqueViolationError):
                    await connection.execute("insert into t values (1), (1)")
        await database.close()

    run(scene())


def test_cancelled_request_gives_its_connection_back(run, empty_database_url):
    """A client that leaves in mid-statement costs nobody a connection."""

    async def scene():
        database = await Database.open(empty_database_url, connections=1)

        async def sleep():
            async with database.transaction() as connection:
                await connection.execute("select pg_sleep(60)")

        for _ in range(3):
            task = asyncio.create_task(sleep())
            while database.used == 0:  # noqa: ASYNC110 - the pool tells nobody
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with database.connection() as connection:
            assert await connection.fetchval("select 1") == 1
        await database.close()

    run(scene())


def test_connection_that_cannot_be_prepared_is_not_left_open(run, empty_database_url, monkeypatch):
    """A server that falls silent between letting us in and the first statement: the place at it is given up too."""
    made = []

    async def fails(connection):
        made.append(connection)
        raise TimeoutError

    monkeypatch.setattr(pool, "_prepare", fails)
    with pytest.raises(DatabaseUnavailable):
        run(Database.open(empty_database_url, connections=1))
    assert [connection.is_closed() for connection in made] == [True]


def test_database_that_is_not_there_is_unavailable(run):
    with pytest.raises(DatabaseUnavailable):
        run(Database.open("postgresql://app@127.0.0.1:1/none", connections=1))


def test_pool_survives_a_killed_server(run, tmp_path_factory):
    """kill -9 of the postmaster: every request fails as unavailable; after the restart the same pool serves again."""
    data = tmp_path_factory.mktemp("killed") / "data"
    server = embedded.start(data, say=lambda _: None)
    again = None

    async def serve(database):
        async with database.transaction() as connection:
            return await connection.fetchval("select 1")

    async def scene():
        nonlocal again
        database = await Database.open(server.url, connections=4)
        assert await serve(database) == 1
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
        server.stop()
        for _ in range(5):
            with pytest.raises(DatabaseUnavailable):
                await serve(database)
        again = embedded.start(data, port=server.port, say=lambda _: None)
        async with asyncio.timeout(10):
            while True:
                try:
                    assert await serve(database) == 1
                    break
                except DatabaseUnavailable:
                    await asyncio.sleep(0.01)
        await database.close()

    try:
        run(scene())
    finally:
        (again or server).stop()
        embedded.discard(data)


def test_constraints_are_not_hidden(run, empty_database_url):
    """A store expects its violation; the pool passes it on."""

    async def scene():
        database = await Database.open(empty_database_url, connections=1)
        with pytest.raises(asyncpg.UniqueViolationError):
            async with database.transaction() as connection:
                await connection.execute("create table t (id int primary key); insert into t values (1), (1)")
        await database.close()

    run(scene())
