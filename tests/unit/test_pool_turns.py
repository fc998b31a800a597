"""Who gets a connection, when everybody wants one and anything can break."""

import asyncio
import random

import pytest

from service.domain.errors import DatabaseBusy, DatabaseFailure, DatabaseUnavailable
from service.storage import pool
from service.storage.pool import Database


class Server:
    """Makes connections that only know whether they are open, and counts them."""

    def __init__(self) -> None:
        self.open = 0
        self.most = 0
        self.made = 0
        self.fails = lambda: False

    async def connect(self) -> "FakeConnection":
        self.open += 1  # a connection being made counts at the server too
        self.most = max(self.most, self.open)
        try:
            await asyncio.sleep(0)
            if self.fails():
                raise ConnectionRefusedError
        except BaseException:
            self.open -= 1
            raise
        self.made += 1
        return FakeConnection(self)


class FakeConnection:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._closed = False
        self.in_transaction = False

    def is_closed(self) -> bool:
        return self._closed

    def is_in_transaction(self) -> bool:
        return self.in_transaction

    def terminate(self) -> None:
        if not self._closed:
            self._closed = True
            self._server.open -= 1

    async def close(self, timeout: float) -> None:
        self.terminate()


def test_connection_used_last_is_used_first():
    """One person after the other needs one connection, with all its prepared statements."""
    server = Server()

    async def scene():
        database = Database(server.connect, 3)
        for _ in range(10):
            async with database.connection():
                assert database.used == 1
        assert (server.made, database.used) == (1, 0)

    asyncio.run(scene())


@pytest.mark.parametrize("harm", ["cancelled", "broken", "left in a transaction", "closed by the server"])
def test_doubtful_connection_is_not_used_again(harm):
    """Whoever comes next gets a new one, in the place of the old."""
    server = Server()

    async def scene():
        database = Database(server.connect, 1)
        try:
            async with database.connection() as connection:
                if harm == "cancelled":
                    raise asyncio.CancelledError
                if harm == "broken":
                    raise OSError
                if harm == "closed by the server":
                    connection.terminate()
                connection.in_transaction = harm == "left in a transaction"
        except (asyncio.CancelledError, DatabaseFailure):
            pass
        async with database.connection() as other:
            assert other is not connection
        assert (server.open, database.used) == (1, 0)

    asyncio.run(scene())


def test_refusal_of_a_store_keeps_the_connection():
    """A domain error says nothing about the connection."""
    server = Server()

    async def scene():
        database = Database(server.connect, 1)
        with pytest.raises(DatabaseBusy):
            async with database.connection() as connection:
                raise DatabaseBusy
        async with database.connection() as again:
            assert again is connection

    asyncio.run(scene())


def test_waiting_has_an_end(monkeypatch):
    """The line is left with an honest answer, and nobody is served who has left it."""
    monkeypatch.setattr(pool, "WAIT_LIMIT", 0.01)
    server = Server()

    async def scene():
        database = Database(server.connect, 1)
        async with database.connection():
            with pytest.raises(DatabaseBusy) as caught:
                async with database.connection():
                    pass
            assert caught.value.retry_after_s
        async with database.connection():
            assert server.made == 1

    asyncio.run(scene())


def test_pool_tells_how_long_connections_were_held_and_waited_for():
    """Two want the only one: the second waits for as long as the first holds it, and that is told."""

    async def scene() -> dict[str, tuple[float, int]]:
        database = Database(Server().connect, 1)
        taken = asyncio.Event()

        async def hold() -> None:
            async with database.connection():
                taken.set()
                await asyncio.sleep(0.05)

        first = asyncio.create_task(hold())
        await taken.wait()
        async with database.connection():
            await first
        return database.spent()

    spent = asyncio.run(scene())
    used, visits = spent["used"]
    waited, waits = spent["waited"]
    assert (visits, waits) == (2, 1)
    assert used >= 0.045 and waited > 0  # a timer may be a hair early, a busy machine late by anything
    assert spent["round_trip"] == spent["commit"] == (0.0, 0)


def test_closed_pool_keeps_nothing():
    server = Server()

    async def scene():
        database = Database(server.connect, 2)
        async with database.connection():
            async with database.connection():
                pass
            await database.close()
        assert server.open == 0
        with pytest.raises(DatabaseUnavailable):
            async with database.connection():
                pass

    asyncio.run(scene())


@pytest.mark.parametrize("seed", range(60))
def test_places_are_never_lost_nor_made(seed):
    """Whatever happens to tasks and connections: never more than the limit, and afterwards all places are free."""
    draw = random.Random(seed)
    server = Server()
    server.fails = lambda: draw.random() < 0.1
    limit = draw.randint(1, 4)

    async def pause():
        for _ in range(draw.randrange(4)):
            await asyncio.sleep(0)

    async def person(database):
        await pause()
        try:
            async with database.connection() as connection:
                assert not connection.is_closed()
                await pause()
                harm = draw.random()
                if harm < 0.1:
                    raise OSError
                if harm < 0.2:
                    connection.terminate()
        except DatabaseFailure:
            pass

    async def scene():
        database = Database(server.connect, limit)
        tasks = [asyncio.create_task(person(database)) for _ in range(30)]
        for task in draw.sample(tasks, 10):
            await pause()
            task.cancel()
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks, return_exceptions=True)
        assert [task.exception() for task in tasks if not task.cancelled()].count(None) >= 1
        assert all(task.cancelled() or task.exception() is None for task in tasks)
        assert server.most <= limit
        assert database.used == 0
        server.fails = lambda: False
        async with asyncio.timeout(10), database.connection():
            pass
        await database.close()
        assert server.open == 0

    asyncio.run(scene())
