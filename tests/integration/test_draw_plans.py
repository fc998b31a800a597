"""Places, grants and the priority list are looked up one by one, also by a plan made while the tables were empty."""

import json

import pytest

from service.storage.sql import queries
from tests.conftest import Run
from tests.integration.queue_room import one
from tests.integration.test_queue_plans import scans

IDS = "array['00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002']::uuid[]"
ID = "'00000000-0000-0000-0000-000000000001'"
LARGE = {
    "account", "assessment", "complaint", "draw_left_out", "draw_place", "identity", "priority_person", "profile",
    "upload", "wave_grant", "wave_join",
}  # fmt: skip
STATEMENTS = {
    ("draws", "leave_out"): (f"{ID}, array['age']", "draw_left_out"),
    ("draws", "left_out"): (ID, "draw_left_out"),
    ("draws", "place"): (f"1, {IDS}, array[1, 2]::smallint[], array[1, 2]", "draw_place"),
    ("draws", "grant"): (IDS, "wave_join"),
    ("draws", "ungranted"): (IDS, "wave_grant"),
    ("draws", "strike"): (IDS, "draw_place"),
    ("draws", "withdraw"): (f"{IDS}, now()", "wave_grant"),
    ("draws", "raise_waiting"): (IDS, "draw_place"),
    ("priority", "add"): (r"array['\x01', '\x02']::bytea[]", "priority_person"),
    ("accounts", "standing"): (f"{ID}, null, now()", "wave_join"),
    ("waves", "joined_age_on"): (ID, "wave_join"),
    ("complaints", "unanswered"): ("now(), 600", "complaint"),
    ("waves", "join"): (f"{ID}, 1, {ID}, now(), ''", "wave"),
}


@pytest.mark.parametrize(("file", "name"), STATEMENTS)
def test_an_old_plan_reads_no_table_from_end_to_end(run: Run, database_url: str, file: str, name: str) -> None:
    arguments, table = STATEMENTS[file, name]

    async def explain() -> None:
        async with one(database_url) as connection:
            await connection.execute("set plan_cache_mode = force_generic_plan; set enable_seqscan = off")
            await connection.execute(f"prepare planned as {queries(file)[name]}")
            (row,) = await connection.fetch(f"explain (format json) execute planned ({arguments})")
            plan = json.loads(row[0])[0]["Plan"]
            read = scans(plan)
            assert not {each for kind, each in read if kind == "Seq Scan"} & LARGE
            assert any(each == table for _, each in read)

    run(explain())
