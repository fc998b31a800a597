"""Papers are looked up one by one, also by a plan that was made while the tables were empty."""

import json

import pytest

from service.storage.sql import queries
from tests.conftest import Run
from tests.integration.queue_room import one
from tests.integration.test_queue_plans import scans

OFFICE = "gen_random_uuid()"
INDEXES = r"array['\x01', '\x02']::bytea[]"
STATEMENTS = {
    "known": (f"{OFFICE}, {INDEXES}", ("paper_person", "identity")),
    "of_phones": (f"{OFFICE}, {INDEXES}, {INDEXES}", ("paper_person", "identity")),
    "invitable": (f"{OFFICE}, now(), 500, 5", ("paper_person", "identity")),
    "move": (f"{OFFICE}, 1, 2, 500", ("paper_person",)),
    "hold_claim": (r"'\x01'", ("paper_person",)),
    "counts": (OFFICE, ("paper_person", "identity")),
    "lines": (f"{OFFICE}, 0, 500", ("paper_person", "identity")),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_old_plan_reads_no_table_from_end_to_end(run: Run, database_url: str, name: str) -> None:
    arguments, tables = STATEMENTS[name]

    async def explain() -> None:
        async with one(database_url) as connection:
            await connection.execute("set plan_cache_mode = force_generic_plan")
            await connection.execute("set enable_seqscan = off")  # as every connection of the service has it
            await connection.execute(f"prepare planned as {queries('paper')[name]}")
            (row,) = await connection.fetch(f"explain (format json) execute planned ({arguments})")
            read = scans(json.loads(row[0])[0]["Plan"])
            for table in tables:
                assert ("Seq Scan", table) not in read
                assert any(each == table for _, each in read)

    run(explain())
