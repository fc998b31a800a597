"""Papers are looked up one by one, also by a plan that was made while the tables were empty."""

import json
import re
from uuid import uuid4

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
    "invitable": (f"{OFFICE}, now(), 500, 5, 3, 0", ("paper_person", "identity")),
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


PLAIN = "select * from unnest($2::bytea[]) as n (nik_index) join paper_person using (nik_index) where office_id = $1"
FILL = """
    with office as (
        insert into labor_office (id, name, handle, secret_index)
        values ($1, $1::uuid::text, $1::uuid::text, '') returning id
    ), file as (
        insert into paper_file (office_id, digest, name) select id, '', 'x' from office returning id
    )
    insert into paper_person (office_id, file_id, row_number, nik_index, phone_index, content_index, sealed)
    select $1, file.id, n, sha256(n::text::bytea), sha256(n::text::bytea), '', ''
    from file, generate_series(1, 20000) as n
"""


def test_a_part_of_a_table_never_reads_a_whole_office(run: Run, database_url: str) -> None:
    """Also of an office that statistics do not know of, half of whose people were rolled back: each number is looked up
    by itself. Control: joined plainly, all of them are read for each part."""
    indexes = [n.to_bytes(32, "big") for n in range(2000)]

    async def explain() -> list[str]:
        async with one(database_url) as connection:
            await connection.execute("set enable_seqscan = off")
            counted, office = uuid4(), uuid4()
            await connection.execute(FILL, counted)
            await connection.execute("analyze paper_person")
            undone = connection.transaction()
            await undone.start()
            await connection.execute(FILL, office)
            await undone.rollback()

            async def plan(sql: str, *values: object) -> str:
                rows = await connection.fetch(f"explain {sql}", office, *values)
                return "\n".join(row[0] for row in rows)

            known, of_phones = queries("paper")["known"], queries("paper")["of_phones"]
            return [await plan(known, indexes), await plan(of_phones, indexes, indexes), await plan(PLAIN, indexes)]

    known, of_phones, plain = run(explain())
    assert all("nik_index = n.nik_index" in each for each in conditions(known))
    assert all("phone_index = n.phone_index" in each for each in conditions(of_phones))
    assert not [word for word in ("Hash", "Merge") if word in known or word in of_phones]
    assert "Hash" in plain or "Merge" in plain


def conditions(plan: str) -> list[str]:
    """By what indexes find the people of papers."""
    lines = plan.splitlines()
    found = [lines[i + 1] for i, line in enumerate(lines) if re.search("Scan using paper_person", line)]
    assert found
    return found
