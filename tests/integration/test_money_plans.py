"""What feeds the queues, and what everybody polls, finds its rows by an index however many there are."""

import json

import pytest

from service.storage.sql import queries
from tests.conftest import Run
from tests.integration.queue_room import one
from tests.integration.test_queue_plans import scans

ID = "'00000000-0000-0000-0000-000000000001'"
NOW = "now()"
STATEMENTS = {
    ("announcements", "place"): (f"1, {ID}", "draw_place"),
    ("announcements", "write_next"): ("1, array[1, 2]::smallint[], 5, 50", "draw_place"),
    ("announcements", "message"): (f"{ID}, 1", "announcement_message"),
    ("announcements", "sent"): (f"{ID}, 1, {NOW}", "announcement_message"),
    ("training", "grant"): (f"{ID}, {NOW}", "wave_grant"),
    ("training", "due"): (f"{NOW}, 50", "participant"),
    ("books", "entries"): (ID, "ledger_entry"),
    ("books", "page"): (f"{ID}, 1000", "ledger_entry"),
    ("books", "payments"): (f"array[{ID}]::uuid[], array[1]::smallint[]", "payout_attempt"),
    ("books", "paid"): (f"{ID}, 1000, {NOW}", "payout_attempt"),
    ("payouts", "ready"): ("50", "payout"),
    ("payouts", "of_person"): (ID, "payout"),
    ("payouts", "wake"): (ID, "payout"),
    ("payouts", "open_attempt"): (ID, "payout_attempt"),
}


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_no_statement_reads_a_table_from_end_to_end(run: Run, database_url: str, mode: str) -> None:
    """As the service's connections plan them, also while the tables are empty."""

    async def explain() -> None:
        async with one(database_url) as connection:
            await connection.execute(f"set plan_cache_mode = {mode}; set enable_seqscan = off")
            for (file, name), (arguments, table) in STATEMENTS.items():
                await connection.execute(f"prepare planned as {queries(file)[name]}")
                (row,) = await connection.fetch(f"explain (format json) execute planned ({arguments})")
                read = scans(json.loads(row[0])[0]["Plan"])
                await connection.execute("deallocate planned")
                assert "Seq Scan" not in {kind for kind, _ in read}, (name, read)
                assert any(each == table for _, each in read), (name, read)

    run(explain())
