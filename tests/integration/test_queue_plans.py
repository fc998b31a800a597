"""The queue's statements stay cheap when the queue is long: no plan reads the table of jobs from end to end."""

import json
from typing import Any

import asyncpg
import pytest

from service.storage.sql import queries
from tests.conftest import Run
from tests.integration.queue_room import one

WAITING = 20_000
STATEMENTS = {
    "enqueue": "'email', 'new', '{}', 500000, 300",
    "claim": "'email', 25, 500, 1.03, 30, 0.01, true, null",
    "finish": "1, gen_random_uuid()",
    "finish_all": "array[1, 2], array[gen_random_uuid(), gen_random_uuid()]",
    "retry": "1, gen_random_uuid(), 1, 'Test', true, false, true",
    "bury": "1, gen_random_uuid(), 'Test', true",
    "renew": "array[1, 2], array[gen_random_uuid(), gen_random_uuid()], 10",
    "dead_letters": "null, null, 100",
    "redrive": "'email', null, null, 1000, 500000",
    "reap": "'email', 64, 30",
    "expire": "'email', 1000",
}


async def fill(connection: asyncpg.Connection) -> None:
    await connection.execute(
        """insert into job (queue, dedupe, payload, shard, expires_at)
        select 'email', number::text, '{}', number % 32, now() + interval '1 hour'
        from generate_series(1, $1::int) as number""",
        WAITING,
    )
    await connection.execute("update queue_counter set depth = $1 / 32 where queue = 'email'", WAITING)
    await connection.execute("analyze job")


def scans(plan: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and table of each node that reads a table."""
    found = [(plan["Node Type"], plan["Relation Name"])] if "Relation Name" in plan else []
    return found + [each for child in plan.get("Plans", []) for each in scans(child)]


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_no_statement_reads_all_jobs(run: Run, database_url: str, mode: str) -> None:
    async def explain() -> None:
        async with one(database_url) as connection:
            await fill(connection)
            await connection.execute(f"set plan_cache_mode = {mode}")
            for name, arguments in STATEMENTS.items():
                await connection.execute(f"prepare {name} as {queries('queue')[name]}")
                (row,) = await connection.fetch(f"explain (format json) execute {name} ({arguments})")
                read = scans(json.loads(row[0])[0]["Plan"])
                assert ("Seq Scan", "job") not in read, name
                assert any(table in ("job", "queue_counter") for _, table in read), name

    run(explain())
