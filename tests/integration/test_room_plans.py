"""The waiting room's statements look people up one by one, also by a plan that was made while the tables were empty."""

import json

import pytest

from service.storage.sql import queries
from tests.conftest import Run
from tests.integration.queue_room import one
from tests.integration.test_queue_plans import scans

REQUESTS = r"array['\x01', '\x02']::bytea[], array['\x01', '\x02']::bytea[]"
STATEMENTS = {
    ("waiting_room", "join"): (REQUESTS, "ticket"),
    ("gate", "put"): ("array[1, 2], array[1, 2], array[5, 5]", "claim"),
    ("gate", "collect"): ("array[1, 2]", "claim"),
}


@pytest.mark.parametrize(("file", "name"), STATEMENTS)
def test_an_old_plan_reads_no_table_from_end_to_end(run: Run, database_url: str, file: str, name: str) -> None:
    """A connection keeps the plan of its first minutes for the night, and everybody comes after these."""
    arguments, table = STATEMENTS[file, name]

    async def explain() -> None:
        async with one(database_url) as connection:
            await connection.execute("set plan_cache_mode = force_generic_plan")
            await connection.execute(f"prepare planned as {queries(file)[name]}")
            (row,) = await connection.fetch(f"explain (format json) execute planned ({arguments})")
            read = scans(json.loads(row[0])[0]["Plan"])
            assert ("Seq Scan", table) not in read
            assert any(each == table for _, each in read)

    run(explain())
