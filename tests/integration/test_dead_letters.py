"""What was given up is kept, is seen by operators, and gets all its tries again when they say so."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from service.metrics import QUEUES
from service.queues import command
from service.settings import load
from service.storage.pool import Database
from service.storage.queue import PostgresQueue
from service.storage.transaction import begin_on
from service.storage.vault import KeyVault
from tests.conftest import Run
from tests.integration.queue_room import QUEUE, claim, connections, depth, enqueue, names, one


async def bury(connection: asyncpg.Connection, *buried: str, error: str = "refused", **options: Any) -> None:
    """Jobs of these names that were given up after an answer."""
    await enqueue(connection, *buried, **options)
    for job in (await claim(connection)).jobs:
        assert await PostgresQueue(connection).bury(job, error=error, answered=True)


async def redrive(
    connection: asyncpg.Connection, *, error: str | None = None, ids: Sequence[int] | None = None, limit: int = -1
) -> int:
    async with connection.transaction():
        return await PostgresQueue(connection).redrive(QUEUE, error, ids, most=100, limit=limit)


def test_driven_again_a_job_has_all_its_tries_and_asks_anew(run: Run, database_url: str) -> None:
    """The partner's answer was certain, so the next call has another name; the age stays what it is."""

    async def drive() -> None:
        async with one(database_url) as connection:
            await enqueue(connection, "a")
            (first,) = (await claim(connection)).jobs
            assert await PostgresQueue(connection).bury(first, error="refused", answered=True)
            assert await depth(connection) == 0
            assert await redrive(connection) == 1
            assert await depth(connection) == 1
            (again,) = (await claim(connection)).jobs
            assert (again.id, again.attempts, again.call, again.created_at) == (first.id, 1, 2, first.created_at)
            assert await PostgresQueue(connection).finish(again)
            assert await depth(connection) == 0

    run(drive())


def test_what_is_in_doubt_is_repeated_under_its_name(run: Run, database_url: str) -> None:
    async def drive() -> None:
        async with one(database_url) as connection:
            await enqueue(connection, "a")
            (first,) = (await claim(connection)).jobs
            assert await PostgresQueue(connection).bury(first, error="TimeoutError", answered=False)
            assert await redrive(connection) == 1
            (again,) = (await claim(connection)).jobs
            assert again.idempotency_key == first.idempotency_key

    run(drive())


def test_only_what_has_room_is_driven_again(run: Run, database_url: str) -> None:
    """The bound holds for dead letters too: the oldest that fit; the others stay."""

    async def drive() -> None:
        async with one(database_url) as connection:
            await bury(connection, *(f"dead {n:02d}" for n in range(60)))
            await enqueue(connection, *(f"live {n}" for n in range(10)), limit=50)
            assert await redrive(connection, limit=50) == 40
            assert await depth(connection) == 50
            assert await enqueue(connection, "one more", limit=50) == [False]
            driven = [name for name in names((await claim(connection)).jobs) if str(name).startswith("dead")]
            assert driven == [f"dead {n:02d}" for n in range(40)]
            assert await redrive(connection) == 20

    run(drive())


def test_left_dead_is_what_waits_already_and_what_nobody_waits_for(run: Run, database_url: str) -> None:
    async def drive() -> None:
        async with one(database_url) as connection:
            await bury(connection, "asked again", "twice dead")
            await bury(connection, "twice dead")
            await bury(connection, "too late", expires_in=60.0)
            await connection.execute("update job set expires_at = now() where dedupe = 'too late'")
            await enqueue(connection, "asked again")
            assert await redrive(connection) == 1  # one of the two of the same name
            assert sorted(map(str, names((await claim(connection)).jobs))) == ["asked again", "twice dead"]

    run(drive())


def test_some_are_chosen_by_class_or_number(run: Run, database_url: str) -> None:
    async def drive() -> None:
        async with one(database_url) as connection:
            await bury(connection, "a", error="one")
            await bury(connection, "b", "c", error="other")
            letters = await PostgresQueue(connection).dead_letters(QUEUE, "other", most=10)
            assert [(letter.error, letter.attempts) for letter in letters] == [("other", 1)] * 2
            assert letters[0].id > letters[1].id
            assert await PostgresQueue(connection).dead_letters("sms", None, most=10) == []
            assert await redrive(connection, error="one") == 1
            assert await redrive(connection, ids=[letters[1].id]) == 1
            assert sorted(map(str, names((await claim(connection)).jobs))) == ["a", "b"]

    run(drive())


def test_two_operators_drive_each_once(run: Run, database_url: str) -> None:
    async def drive() -> None:
        async with connections(database_url, 2) as (one_operator, other):
            await bury(one_operator, *(str(n) for n in range(50)))
            assert sum(await asyncio.gather(redrive(one_operator), redrive(other))) == 50
            assert await depth(other) == 50

    run(drive())


def ask(run: Run, url: str, *words: str) -> tuple[str, bool]:
    """What `launchnight queues` prints to these words, and whether it could be done."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    settings = load({"DATABASE_URL": url, "REGISTRATION_SECRET_KEY": "07" * 32, "REGISTRATION_EMAIL_QUEUE_LIMIT": "70"})

    async def asked() -> tuple[str, bool]:
        database = await Database.open(url, connections=1)
        try:
            vault = KeyVault(settings.secret_key)
            return await command.run(begin_on(database, vault), vault, settings, parser.parse_args(words))
        finally:
            await database.close()

    answer: tuple[str, bool] = run(asked())
    return answer


def of_email(listed: str) -> dict[str, Any]:
    (row,) = [each for each in json.loads(listed) if each["queue"] == "email"]
    return dict(row)


def test_operators_see_and_drive(run: Run, database_url: str) -> None:
    """The four words, as text and as JSON."""

    async def prepare() -> None:
        async with one(database_url) as connection:
            await bury(connection, "a", "b", error="invalid-fields")
            await enqueue(connection, *(str(n) for n in range(10)))

    run(prepare())
    listed = {row["queue"]: row for row in json.loads(ask(run, database_url, "list", "--json")[0])}
    email = listed["email"]
    assert set(listed) == set(QUEUES)
    assert (email["queue"], email["used"], email["limit"], email["dead"]) == ("email", 10, 70, 2)
    assert (email["drains_in_s"], email["quota_per_s"], email["quota_by_hand"]) == (0.0, 500.0, False)
    assert {row["used"] for name, row in listed.items() if name != "email"} == {0}
    text, _ = ask(run, database_url)
    (line,) = [each for each in text.splitlines() if each.startswith("email")]
    assert line.split()[:3] == ["email", "10", "70"]
    assert "invalid-fields" in ask(run, database_url, "dead")[0]
    assert ask(run, database_url, "dead", "--queue", "sms")[0] == "none"
    answer, done = ask(run, database_url, "redrive", "email", "--json")
    assert (json.loads(answer), done) == ([{"queue": "email", "redriven": 2, "left_dead": 0}], True)

    async def recorded() -> Any:
        async with one(database_url) as connection:
            return await connection.fetchval("select detail from staff_audit where verb = 'queue-redrive'")

    assert '"redriven": 2' in str(run(recorded())).replace("'", '"')
    assert ask(run, database_url, "redrive", "letters")[0].startswith("there is no queue letters: email, sms")
    ask(run, database_url, "quota", "email", "2.5")
    email = of_email(ask(run, database_url, "list", "--json")[0])
    assert (email["quota_per_s"], email["quota_by_hand"], email["drains_in_s"]) == (2.5, True, 4.8)
    ask(run, database_url, "quota", "email", "settings")
    assert of_email(ask(run, database_url, "list", "--json")[0])["quota_per_s"] == 500.0
    with pytest.raises(SystemExit):
        ask(run, database_url, "quota", "email", "-1")
