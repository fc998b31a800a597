"""Connections of one process, and what their failures mean.

asyncpg tells of a lost or overloaded database in five unrelated families of exceptions. `failure_of` maps them to
domain errors in one place; everything else (a constraint, a wrong statement) passes through to whoever expects it.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from service.domain.deadline import ASKER_WAITS_UNTIL
from service.domain.errors import DatabaseBusy, DatabaseUnavailable, LaunchnightError

CONNECT_LIMIT = 5.0  # seconds, a stopped server accepts connections and says nothing
STATEMENT_LIMIT = 10.0  # ours take milliseconds; longer means a lock or a sick disk
COMMAND_LIMIT = 12.0  # a little longer, so that the server's own limit bites first; for a network that swallows packets
WAIT_LIMIT = 2.0  # for a free connection; a request that waited longer is better told to come back
RETRY_AFTER = 2.0  # seconds; clients add their own jitter

_TRY_AGAIN = frozenset({"40001", "40P01", "55P03"})  # serialization failure, deadlock, lock timeout
_BROKEN = frozenset({"08", "53", "57", "58"})  # connection, resources, operator intervention (and timeouts), system
_ENDED_TRANSACTION = frozenset({"25P03", "25P04"})  # idle or long in transaction: the server cut the connection


def failure_of(error: BaseException) -> LaunchnightError | None:
    """What a failed statement, connect or wait means to the caller; None: it says nothing about the database."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        if state in _TRY_AGAIN:
            return DatabaseBusy(retry_after_s=RETRY_AFTER)
        if state[:2] in _BROKEN or state in _ENDED_TRANSACTION:
            return DatabaseUnavailable(retry_after_s=RETRY_AFTER)
        return None
    if isinstance(error, ValueError):  # an argument that asyncpg itself refused to send
        return None
    # Connection closed or in use; protocol out of step after a kill; refused, reset, unreachable or timed out.
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError):
        return DatabaseUnavailable(retry_after_s=RETRY_AFTER)
    return None


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
                },
            )
            await _prepare(connection)
            return connection

        database = cls(connect, connections)
        async with database.connection():
            return database

    @property
    def used(self) -> int:
        """Connections handed out or being opened now."""
        return self._open - len(self._idle)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection on which each statement is its own transaction.

        Raises DatabaseBusy when none is free in time, DatabaseUnavailable when the server or the connection fails.
        """
        try:
            connection = await self._acquire()
            try:
                yield connection
            except (asyncpg.PostgresError, LaunchnightError):
                self._give_back(connection)
                raise
            except BaseException:
                self._drop(connection)  # cut in mid-statement, perhaps: out of step with the server
                raise
            self._give_back(connection)
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            raise failure from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection inside a transaction: committed at the end of the block, rolled back by an exception.

        An error from the commit itself leaves the effect unknown: the same Idempotency-Key sent again settles it.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

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

    async def _acquire(self) -> asyncpg.Connection:
        if self._closed:
            raise DatabaseUnavailable("The database was closed.")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
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
            raise failure_of(error) or DatabaseUnavailable(retry_after_s=RETRY_AFTER) from error
        except BaseException:
            self._free_place()
            raise

    async def _wait(self) -> asyncpg.Connection | None:
        """The next connection that comes back, or None: a place to open one in."""
        turn: asyncio.Future[asyncpg.Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        asker_waits = ASKER_WAITS_UNTIL.get() - time.monotonic()
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

    def _give_back(self, connection: asyncpg.Connection) -> None:
        if self._closed or connection.is_closed() or connection.is_in_transaction():
            self._drop(connection)
        elif turn := self._next_turn():
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


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=json.loads)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
