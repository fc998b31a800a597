"""Connections of one process, and what their failures mean.

asyncpg tells of a lost or overloaded database in five unrelated families of exceptions. `failure_of` maps them to
domain errors in one place; everything else (a constraint, a wrong statement) passes through to whoever expects it.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

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
    """The pool. `limit` and `used` are its gauges."""

    def __init__(self, pool: asyncpg.Pool, limit: int) -> None:
        self._pool = pool
        self.limit = limit

    @classmethod
    async def open(cls, url: str, *, connections: int, name: str = "launchnight") -> "Database":
        """Connect. Raises DatabaseUnavailable when the server does not answer.

        connections: the most the pool opens; it keeps them, as a new one costs more than a hundred statements.
        """
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=connections,
                max_inactive_connection_lifetime=0,
                max_cached_statement_lifetime=0,  # statements stay prepared as long as the connection lives
                statement_cache_size=200,
                timeout=CONNECT_LIMIT,
                command_timeout=COMMAND_LIMIT,
                init=_prepare,
                reset=_nothing,
                server_settings={
                    "application_name": name,
                    "statement_timeout": f"{STATEMENT_LIMIT:.0f}s",
                    "lock_timeout": "5s",
                    "idle_in_transaction_session_timeout": "10s",
                    "timezone": "UTC",
                    "jit": "off",
                },
            )
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            raise failure from error
        return cls(pool, connections)

    @property
    def used(self) -> int:
        """Connections handed out now."""
        return int(self._pool.get_size() - self._pool.get_idle_size())

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection on which each statement is its own transaction.

        Raises DatabaseBusy when none is free in time, DatabaseUnavailable when the server or the connection fails.
        """
        try:
            connection = await self._pool.acquire(timeout=WAIT_LIMIT)
        except TimeoutError as error:
            busy = self.used >= self.limit
            kind = DatabaseBusy if busy else DatabaseUnavailable
            raise kind(retry_after_s=RETRY_AFTER) from error
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            raise failure from error
        try:
            yield connection
        except asyncpg.InternalClientError as error:
            connection.terminate()  # out of step with the server: of no use to anyone
            raise DatabaseUnavailable(retry_after_s=RETRY_AFTER) from error
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            raise failure from error
        finally:
            await self._release(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection inside a transaction: committed at the end of the block, rolled back by an exception.

        An error from the commit itself leaves the effect unknown: the same Idempotency-Key sent again settles it.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def close(self) -> None:
        """Close all connections, waiting a moment for those in use."""
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _release(self, connection: Any) -> None:
        try:
            await self._pool.release(connection, timeout=CONNECT_LIMIT)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            pass  # asyncpg has thrown the connection away; the error that broke it is on its way already


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=json.loads)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def _nothing(_: asyncpg.Connection) -> None:
    """No reset query: sessions keep no state of ours (settings are `set local`), and it would cost a round trip."""
