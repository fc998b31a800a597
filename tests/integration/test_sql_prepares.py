"""Every statement of `service/storage/queries` is accepted by the migrated database."""

from pathlib import Path

import asyncpg

from service.storage import sql


def test_every_statement_prepares(run, database_url):
    """A misspelled column or a type that cannot be inferred shows here, not on the night."""

    files = sorted(Path(sql.QUERIES).glob("*.sql"))

    async def prepare_all() -> int:
        connection = await asyncpg.connect(database_url)
        try:
            prepared = 0
            for path in files:
                for statement in sql.queries(path.stem).values():
                    await connection.prepare(statement)
                    prepared += 1
            return prepared
        finally:
            await connection.close()

    assert run(prepare_all()) >= 40
