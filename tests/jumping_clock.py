"""A database whose clock the test sets, and nobody else's: the service's own statements find another clock.

They name `statement_timestamp()` without its schema; one that stands earlier in the search path is taken instead. It
holds for connections that are opened afterwards.
"""

import asyncpg

INSTALL = """
create schema jumping;
create table jumping.clock (ahead interval not null);
insert into jumping.clock values (interval '0');
create function jumping.statement_timestamp() returns timestamptz language sql stable
    as 'select pg_catalog.statement_timestamp() + ahead from jumping.clock';
"""


async def install(connection: asyncpg.Connection) -> None:
    """Let all later connections to the database of `connection` go by a clock that can be set."""
    await connection.execute(INSTALL)
    name = await connection.fetchval("select current_database()")
    await connection.execute(f"alter database {name} set search_path = jumping, pg_catalog, public")


async def jump(connection: asyncpg.Connection, seconds: float) -> None:
    """Set the clock forward, or back."""
    await connection.execute("update jumping.clock set ahead = ahead + make_interval(secs => $1)", seconds)
