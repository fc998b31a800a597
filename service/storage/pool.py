"""Connections of one process. What fails on them comes out as a domain error (failures.py); everything else (a
constraint, a wrong statement) passes through to whoever expects it.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from types import TracebackType
from typing import Generic, TypeVar

import asyncpg

from service.domain.deadline import ASKER_WAITS_UNTIL
from service.domain.errors import DatabaseBusy, DatabaseUnavailable, LaunchnightError
from service.storage.failures import RETRY_AFTER, Moment, Trouble, failure_of, trouble_of

CONNECT_LIMIT = 5.0  # seconds, a stopped server accepts connections and says nothing
STATEMENT_LIMIT = 10.0  # ours take milliseconds; longer means a lock or a sick disk
COMMAND_LIMIT = 12.0  # a little longer, so that the server's own limit bites first; for a network that swallows packets
WAIT_LIMIT = 2.0  # for a free connection; a request that waited longer is better told to come back

T = TypeVar("T")


class Spent:
    """Time that went into one thing, and how often."""

    __slots__ = ("seconds", "times")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.times = 0

    def add(self, seconds: float) -> None:
        self.seconds += seconds
        self.times += 1


class Database:
    """A bounded set of connections, the last used first. `limit` and `used` are its gauges.

    asyncpg's own pool costs more than a statement does (140 us of CPU against 60 for a statement on two cores, most of
    it for a task and a proxy per use); this one only hands connections over.
    """

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], limit: int) -> None:
        self._connect = connect
        self.limit = limit
        self._open = 0  # places taken: idle, used or being connected
        self._idle: list[asyncpg.Connection] = []
        self._waiting: deque[asyncio.Future[asyncpg.Connection | None]] = deque()
        self._closed = False
        self.held = Spent()
        """Of connections, until they come back."""
        self.waited = Spent()
        """Of those who found none free."""
        self.round_trips = Spent()
        """Of statements that do nothing but begin a transaction: what the way to the server and back takes."""
        self.commits = Spent()

    @classmethod
    async def open(cls, url: str, *, connections: int, name: str = "launchnight") -> "Database":
        """Connect. Raises DatabaseUnavailable when the server does not answer.

        connections: the most that are open; they are kept, as a new one costs more than a hundred statements.
        """

        async def connect() -> asyncpg.Connection:
            connection = await asyncpg.connect(
                url,
                max_cached_statement_lifetime=0,  # statements stay prepared as long as the connection lives
                statement_cache_size=200,
                timeout=CONNECT_LIMIT,
                command_timeout=COMMAND_LIMIT,
                server_settings={
                    "application_name": name,
                    "statement_timeout": f"{STATEMENT_LIMIT:.0f}s",
                    "lock_timeout": "5s",
                    "idle_in_transaction_session_timeout": "10s",
                    "timezone": "UTC",
                    "jit": "off",
                    # Every statement here finds its rows by an index. A plan made while a table was empty would read
                    # it from end to end until the server next looks: some 60,000 rows later, on a night.
                    "enable_seqscan": "off",
                },
            )
            try:
                await _prepare(connection)
            except BaseException:
                connection.terminate()
                raise
            return connection

        database = cls(connect, connections)
        async with database.connection():
            return database

    def spent(self) -> dict[str, tuple[float, int]]:
        """Seconds and number of what the metrics tell of."""
        each = {"used": self.held, "waited": self.waited, "round_trip": self.round_trips, "commit": self.commits}
        return {what: (one.seconds, one.times) for what, one in each.items()}

    @property
    def used(self) -> int:
        """Connections handed out or being opened now."""
        return self._open - len(self._idle)

    def connection(self) -> "Visit[asyncpg.Connection]":
        """A connection on which each statement is its own transaction, as an asynchronous context manager.

        Raises DatabaseBusy when none is free in time or statements are in each other's way, DatabaseUnavailable when
        the server or the connection fails, EffectUnknown when it does so while a statement is under way.
        """
        return Visit(self, _itself)

    def transaction(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """A connection inside a transaction: committed at the end of the block, rolled back by an exception.

        Raises as `connection`; EffectUnknown only when the commit was sent and its answer never came.
        """
        return self.transaction_for(_itself)

    @asynccontextmanager
    async def transaction_for(self, use: Callable[[asyncpg.Connection], T]) -> AsyncIterator[T]:
        """See `transaction`; use: what the block is given of the connection."""
        visit = self.connection()
        async with visit as connection:
            visit.moment = Moment.WORKING
            sent = time.monotonic()
            await connection.execute("begin")
            self.round_trips.add(time.monotonic() - sent)
            try:
                yield use(connection)
            except BaseException as error:
                if not (connection.is_closed() or trouble_of(error) is Trouble.SILENCE):
                    await _roll_back(connection)
                raise
            if connection.is_closed():  # before the commit was sent: the server has undone everything
                raise asyncpg.ConnectionDoesNotExistError("the connection was lost before the commit")
            visit.moment = Moment.COMMITTING
            sent = time.monotonic()
            if await connection.execute("commit") != "COMMIT":
                raise RuntimeError("a statement failed, its error was swallowed, and the server rolled back")
            self.commits.add(time.monotonic() - sent)

    async def close(self) -> None:
        """Close all connections; those in use are cut when they come back."""
        self._closed = True
        idle, self._idle = self._idle, []
        self._open -= len(idle)
        for connection in idle:
            try:
                await connection.close(timeout=CONNECT_LIMIT)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                connection.terminate()

    def _idle_nowait(self) -> asyncpg.Connection | None:
        """The usual case, without a coroutine of its own."""
        while self._idle and not self._closed:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
        return None

    async def _acquire(self) -> asyncpg.Connection:
        """When none is idle."""
        if self._closed:
            raise DatabaseUnavailable("The database was closed.")
        if self._open < self.limit:
            self._open += 1
            return await self._connect_in_place()
        return await self._wait() or await self._connect_in_place()

    async def _connect_in_place(self) -> asyncpg.Connection:
        """Open a connection in a place that is already counted."""
        try:
            return await self._connect()
        except asyncpg.PostgresError as error:  # whatever keeps a server from letting us in, in its own words
            self._free_place()
            raise failure_of(error, Moment.CONNECTING) or DatabaseUnavailable(retry_after_s=RETRY_AFTER) from error
        except BaseException:
            self._free_place()
            raise

    async def _wait(self) -> asyncpg.Connection | None:
        """The next connection that comes back, or None: a place to open one in."""
        turn: asyncio.Future[asyncpg.Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        since = time.monotonic()
        asker_waits = ASKER_WAITS_UNTIL.get() - since
        try:
            async with asyncio.timeout(min(WAIT_LIMIT, asker_waits)):
                return await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it came in the moment we gave up
                connection = turn.result()
                if connection is None:
                    self._free_place()
                else:
                    self._give_back(connection)
            if isinstance(error, TimeoutError):
                raise DatabaseBusy(retry_after_s=RETRY_AFTER) from None
            raise
        finally:
            self.waited.add(time.monotonic() - since)

    def _give_back(self, connection: asyncpg.Connection) -> None:
        if self._closed or connection.is_closed() or connection.is_in_transaction():
            self._drop(connection)
        elif self._waiting and (turn := self._next_turn()):
            turn.set_result(connection)
        else:
            self._idle.append(connection)

    def _drop(self, connection: asyncpg.Connection) -> None:
        connection.terminate()
        self._free_place()

    def _free_place(self) -> None:
        if turn := self._next_turn():
            turn.set_result(None)
        else:
            self._open -= 1

    def _next_turn(self) -> "asyncio.Future[asyncpg.Connection | None] | None":
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # those who gave up are still in the line
                return turn
        return None


class Visit(Generic[T]):
    """See `Database.connection`; `moment`: how far it has come. A generator would cost three times as much.

    use: what the block is given of the connection.
    """

    __slots__ = ("_connection", "_database", "_since", "_use", "moment")

    def __init__(self, database: Database, use: Callable[[asyncpg.Connection], T]) -> None:
        self._database = database
        self._use = use
        self._connection: asyncpg.Connection = None
        self._since = 0.0
        self.moment = Moment.CONNECTING

    async def __aenter__(self) -> T:
        try:
            self._connection = self._database._idle_nowait() or await self._database._acquire()
        except Exception as error:
            self._tell(error)
            raise
        self._since = time.monotonic()
        self.moment = Moment.ALONE
        return self._use(self._connection)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.held.add(time.monotonic() - self._since)
        if error is None or isinstance(error, (asyncpg.PostgresError, LaunchnightError)):
            self._database._give_back(self._connection)
        else:
            self._database._drop(self._connection)  # cut in mid-statement, perhaps: out of step with the server
        if isinstance(error, Exception):
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        """Raise what of the domain it is, if anything."""
        failure = failure_of(error, self.moment)
        if failure is not None:
            raise failure from error


def _itself(connection: asyncpg.Connection) -> asyncpg.Connection:
    return connection


async def _roll_back(connection: asyncpg.Connection) -> None:
    """As well as it goes: what led to it matters more, and a connection that keeps its transaction is dropped."""
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        await connection.execute("rollback")


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=json.loads)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
