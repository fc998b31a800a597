"""The benchmark's own parts work on today's schema and server, so that `make bench` does not rot unseen."""

import hashlib
import json
import uuid
from pathlib import Path

import asyncpg
import pytest

from loadtests.harness.processes import Child, python
from tests.benchmarks import floor
from tests.benchmarks.growth import FILL, add_accounts
from tests.benchmarks.rows import alone, paired
from tests.benchmarks.wire import Connection, Response, request
from tests.conftest import Run


def test_accounts_in_bulk_are_whole_registrations(database_url: str, run: Run) -> None:
    """Each table that a registration fills has rows for each account."""

    async def scenario() -> None:
        connection = await asyncpg.connect(database_url)
        try:
            await connection.execute("insert into wave values (1, now(), now() + interval '5 days')")
            await add_accounts(database_url, 20)
            for table in ("ticket", "account", *(statement.split()[2] for statement in FILL)):
                assert await connection.fetchval(f"select count(*) from {table}") >= 20, table
        finally:
            await connection.close()

    run(scenario())


def test_the_floor_reads_one_session_and_writes_one_row_for_each_step(
    empty_database_url: str, tmp_path: Path, run: Run
) -> None:
    """And the photo's bytes are on disk."""
    photos = tmp_path / "photos"
    photos.mkdir()

    async def ask(server: Child) -> list[Response]:
        connection = await asyncpg.connect(empty_database_url)
        try:
            await connection.execute(floor.SCHEMA)
            await connection.execute(floor.WRITE_SESSION, hashlib.sha256(b"t").digest(), uuid.uuid4())
            server.wait_ready(30)
            async with Connection(server.url) as wire:
                steps = [("POST", "/tickets", b"{}"), ("PUT", "/assessment/answers/7", b"{}"), ("GET", "/me", b"")]
                answers = [
                    await wire.exchange(request(wire.host, method, path, {}, body)) for method, path, body in steps
                ]
                photo = request(wire.host, "PATCH", "/files/x", {"Authorization": "Bearer t"}, b"photo" * 50_000)
                answers.append(await wire.exchange(photo))
            assert await connection.fetchval("select count(*) from floor_ticket") == 1
            rows = await connection.fetch("select step, data from floor_step order by step")
            assert [row["step"] for row in rows] == [floor.ROUTES["PATCH /files"].step, floor.FIRST_ANSWER + 7]
            assert rows[0]["data"] == b"250000"
        finally:
            await connection.close()
        return answers

    options = ["--database", empty_database_url, "--folder", str(photos), "--lifeline"]
    server = Child("floor", python("-m", "tests.benchmarks.floor", *options), settings={}, logs=tmp_path)
    try:
        answers = run(ask(server))
    finally:
        assert server.stop(grace=10) == 0
    assert [answer.status for answer in answers] == [201, 204, 200, 204]
    assert len(answers[0].body) == floor.ROUTES["POST /tickets"].answer_bytes
    [file] = photos.iterdir()
    assert file.read_bytes() == b"photo" * 50_000


def test_a_row_tells_the_median_of_paired_ratios() -> None:
    """Paired, because what disturbs one measurement disturbs its neighbour too."""
    row = paired("a.b", "s", [2.0, 4.0, 6.0, 8.0, 30.0], [1.0, 2.0, 2.0, 2.0, 3.0])
    assert (row.value, row.reference, row.ratio) == (6.0, 2.0, 3.0)
    assert json.loads(row.line())["runs"] == [2.0, 2.0, 3.0, 4.0, 10.0]
    assert json.loads(alone("a.c", "requests", [43, 43, 44]).line()) == {
        "name": "a.c", "value": 43.0, "unit": "requests", "reference": None, "ratio": None, "runs": [43.0, 43.0, 44.0],
    }  # fmt: skip
    with pytest.raises(ValueError, match="needs 5 pairs"):
        paired("a.b", "s", [1.0], [1.0])
