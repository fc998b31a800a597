"""Schema changes: `migrations/NNNN_what.sql`, applied once, in order, never edited afterwards.

All pending files run in one transaction that holds an advisory lock, so replicas that start together take turns and a
failing file leaves the schema as it was.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import asyncpg

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x6C61_756E_6368  # "launch": one number for everybody who migrates this database

_TABLE = """
create table if not exists schema_migration (
    number int primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
)
"""


class MigrationError(Exception):
    """The schema cannot be brought up to date; the text says which file and why."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    checksum: str
    sql: str


def migrations(folder: Path = MIGRATIONS) -> Sequence[Migration]:
    """The files of the folder in order. Raises MigrationError when they are not numbered 1, 2, 3..."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)", path.stem)
        if match is None or int(match[1]) != len(found) + 1:
            raise MigrationError(f"{path.name}: expected the name {len(found) + 1:04d}_what.sql")
        sql = path.read_text()
        found.append(Migration(int(match[1]), path.name, sha256(sql.encode()).hexdigest(), sql))
    return found


async def migrate(connection: asyncpg.Connection, folder: Path = MIGRATIONS) -> Sequence[str]:
    """Apply what is missing; returns the names of the files applied now.

    Raises MigrationError when a file that was applied has changed or is gone, or when a file fails.
    """
    wanted = migrations(folder)
    applied = []
    async with connection.transaction():
        await connection.execute("set local statement_timeout = 0; set local lock_timeout = '120s'")
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        await connection.execute(_TABLE)
        done = {row["number"]: row for row in await connection.fetch("select * from schema_migration")}
        for number in done.keys() - {migration.number for migration in wanted}:
            raise MigrationError(
                f"{done[number]['name']} was applied and is not here: this code is older than its data"
            )
        for migration in wanted:
            if migration.number in done:
                if done[migration.number]["checksum"] != migration.checksum:
                    raise MigrationError(
                        f"{migration.name} was changed after it was applied: restore it and add a new file instead"
                    )
                continue
            try:
                await connection.execute(migration.sql)
            except asyncpg.PostgresError as error:
                raise MigrationError(f"{migration.name}: {error}") from error
            await connection.execute(
                "insert into schema_migration (number, name, checksum) values ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
            applied.append(migration.name)
    return applied


async def migrate_url(url: str) -> Sequence[str]:
    """`migrate` on a connection of its own."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await migrate(connection)
    finally:
        await connection.close()
