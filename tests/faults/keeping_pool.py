"""The service with a pool that keeps its dead connections and hands them out again: a negative control.

`python -m tests.faults.keeping_pool ROLE` instead of `python -m service ROLE`.
"""

import sys

import asyncpg

from service.__main__ import main
from service.storage.pool import Database


def idle(pool: Database) -> asyncpg.Connection | None:
    """Without a look whether it is dead."""
    return pool._idle.pop() if pool._idle else None


async def acquire(pool: Database) -> asyncpg.Connection:
    pool._open += 1
    return await pool._connect_in_place()


def keep(pool: Database, connection: asyncpg.Connection) -> None:
    """Whatever happened on it."""
    pool._idle.append(connection)


if __name__ == "__main__":
    for name, careless in {"_idle_nowait": idle, "_acquire": acquire, "_give_back": keep, "_drop": keep}.items():
        setattr(Database, name, careless)
    sys.exit(main())
