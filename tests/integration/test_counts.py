"""Counts per regency and stage: right in the end whatever comes between, small ones hidden, cheap to ask for."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from service import counts_command, gatekeeping
from service.actions import counts
from service.domain.counts import STAGE_WORDS, Stage, WaveStage, of_wave
from service.domain.errors import DatabaseFailure
from service.metrics import Metrics
from service.ports import Begin
from service.storage.pool import Database
from service.storage.sql import queries
from service.storage.transaction import begin_on
from service.storage.vault import KeyVault
from service.web.counts import KEPT, CountsCopy
from tests.integration.counted_people import People, by_place, true_counts
from tests.integration.queue_room import one
from tests.integration.registration_room import Person, code_of, registration, until
from tests.integration.test_queue_plans import scans

SOLO, SURABAYA, BIMA = 3372, 3578, 5272
VAULT = KeyVault(b"\x11" * 32)


@asynccontextmanager
async def begins(url: str, connections: int = 2) -> AsyncIterator[Begin]:
    database = await Database.open(url, connections=connections)
    try:
        yield begin_on(database, VAULT)
    finally:
        await database.close()


async def count_all(begin: Begin) -> None:
    while (counted := await counts.count(begin)) is None or counted.as_of is None:
        pass


async def told(begin: Begin) -> dict[tuple[int, int], int]:
    await count_all(begin)
    return dict(by_place(await counts.read(begin)))


async def add_wave(connection: asyncpg.Connection, wave_id: int) -> None:
    await connection.execute(
        "insert into wave (id, opens_at, closes_at) values ($1, now(), now() + interval '1 h')", wave_id
    )


async def rebuilt(begin: Begin) -> list[dict[str, object]]:
    parser = argparse.ArgumentParser()
    counts_command.add_arguments(parser)
    text, done = await counts_command.run(begin, VAULT, None, parser.parse_args(["rebuild", "--json"]))  # type: ignore[arg-type]
    assert done
    found: list[dict[str, object]] = json.loads(text)
    return found


def test_an_applicant_is_counted_at_each_stage_where_they_live(run, database_url, tmp_path):
    """From the account to the join, through the API; what is told is rounded, so one person is nobody."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            early = await service.get("/counts")
            person = await Person(service, 1).prepare()
            wave = (await person.me())["wave"]["id"]
            joined = await person.post(f"/waves/{wave}/join")
            assert joined.status_code == 201, joined.text
            await service.drained()  # identity and photos are judged
            await count_all(service.ports.begin)
            exact = await told(service.ports.begin)
            service.clock.ahead = timedelta(seconds=KEPT)
            answers = [
                await service.get(path) for path in ("/counts", "/counts/regencies", f"/counts/regencies/{SOLO}")
            ]
            nowhere = [await service.get(f"/counts/regencies/{code}") for code in (3399, 1, 99999)]
            return early, wave, exact, answers, nowhere

    early, wave, exact, (everybody, places, solo), nowhere = run(scenario())
    assert early.status_code == 503 and "retry-after" in early.headers
    assert exact == {(SOLO, stage): 1 for stage in (*Stage, of_wave(wave, WaveStage.JOINED))}
    assert everybody.json()["stages"] == dict.fromkeys(STAGE_WORDS.values(), 0)
    assert everybody.json()["waves"] == [{"id": wave, "joined": 0}]
    assert 0.0 <= everybody.json()["age_s"] < 60.0
    assert everybody.headers["cache-control"] == "public, max-age=10" and int(everybody.headers["age"]) < 10
    by_code = {place["code"]: place for place in places.json()["regencies"]}
    assert len(by_code) == 515 and by_code[SURABAYA]["stages"]["assessed"] == 0
    assert solo.json()["regency"] == by_code[SOLO]
    assert by_code[SOLO]["name"] == "Kota Surakarta" and set(by_code[SOLO]["stages"].values()) == {0}
    assert by_code[SOLO]["waves"] == [{"id": wave, "joined": 0}] and places.json()["rounded_to"] == 5
    assert person_free(places.text)
    assert [(each.status_code, code_of(each)) for each in nowhere] == [(404, "not-found")] * 3


def test_nobody_counts_who_was_selected_before_the_announcement(run, database_url, tmp_path):
    """Grants are written down before announce_at: neither the wave as a whole nor a place tells of them until then."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service, one(database_url) as connection:
            await add_wave(connection, 7)
            people = People(connection)
            await people.register(1, 9)
            await people.live_in(SOLO)
            await people.join(7)
            await people.be_selected(7)
            await count_all(service.ports.begin)
            seen = []

            async def look() -> None:
                service.clock.ahead += timedelta(seconds=2 * KEPT)
                everybody = (await service.get("/counts")).json()
                solo = (await service.get(f"/counts/regencies/{SOLO}")).json()["regency"]
                assert everybody["stages"] == solo["stages"] and everybody["stages"]["assessed"] == 10
                assert everybody["waves"] == solo["waves"]
                seen.append(everybody["waves"])

            await look()
            announce_at = service.clock.now() + timedelta(hours=1)
            await connection.execute(
                "update wave set frozen_at = now(), published_at = now(), announce_at = $1 where id = 7", announce_at
            )
            await look()
            service.clock.ahead += timedelta(hours=1)
            await look()
            return seen

    hidden = [{"id": 7, "joined": 10}]
    assert run(scenario()) == [hidden, hidden, [{"id": 7, "joined": 10, "selected": 10}]]


def person_free(text: str) -> bool:
    return not any(word in text for word in ("Siti", "+62", "@people", "account_id"))


def test_what_changes_back_is_counted_back(run, database_url):
    """Somebody moves, a number turns out wrong, a photo is refused and sent anew, a grant is withdrawn."""

    async def scenario():
        async with one(database_url) as connection, begins(database_url) as begin:
            await add_wave(connection, 1)
            people = People(connection)
            await people.register(1, 7)
            seen = [(await told(begin))]
            await people.live_in(SOLO)
            await people.identify(0)
            seen.append(await told(begin))
            await people.live_in(BIMA)
            await people.identify(1)
            seen.append(await told(begin))
            await people.identify(2)
            await connection.execute(
                "insert into upload (id, account_id, slot, length) select id::text || slot, id, slot, 1"
                " from account, unnest(array[1, 2]) as slot"
            )
            await connection.execute("update upload set finished_at = now()")
            seen.append(await told(begin))
            await connection.execute("update upload set verdict = 2 where slot = 1")
            seen.append(await told(begin))
            await people.join(1)
            await people.be_selected(1)
            seen.append(await told(begin))
            await people.withdraw()
            seen.append(await told(begin))
            return seen, await true_counts(connection)

    seen, true = run(scenario())
    assert seen[0] == {(0, 1): 7}
    assert seen[1] == {(SOLO, 1): 7, (SOLO, 4): 7}
    assert seen[2] == {(BIMA, 1): 7, (BIMA, 4): 7, (BIMA, 5): 7}
    assert seen[3] == {(BIMA, 1): 7, (BIMA, 4): 7, (BIMA, 7): 7}
    assert seen[4] == {(BIMA, 1): 7, (BIMA, 4): 7}
    assert seen[5] == {(BIMA, 1): 7, (BIMA, 4): 7, (BIMA, 8): 7, (BIMA, 101): 7, (BIMA, 102): 7}
    assert seen[6] == {place: 7 for place in seen[5] if place != (BIMA, 102)}
    assert {place: people for place, people in true.items() if place != (BIMA, 8)} == {
        place: people for place, people in seen[6].items() if place != (BIMA, 8)
    }  # whoever joined counts as assessed, also without handing the test in


def test_the_sums_are_those_of_the_rows_whoever_writes_meanwhile(run, database_url):
    """Six crowds go all the way at once while two replicas count; in the end every sum is that of the rows, once."""

    async def crowd(number: int) -> None:
        async with one(database_url) as connection:
            people = People(connection)
            await people.register(number * 100, number * 100 + 39)
            for step in (
                people.live_in(SOLO), people.identify(0), people.complete_profile(), people.identify(1 + number % 2),
                people.verify_phone(), people.live_in((SOLO, SURABAYA, BIMA)[number % 3]), people.do_test(),
                people.join(1), people.join(2),
            ):  # fmt: skip
                await step
            if number % 2:
                await people.be_selected(2)

    async def keep_counting(begin: Begin, over: asyncio.Event) -> int:
        times = 0
        while not over.is_set():
            times += await counts.count(begin) is not None
        return times

    async def scenario():
        async with one(database_url) as connection, begins(database_url, 3) as begin:
            for wave in (1, 2):
                await add_wave(connection, wave)
            over = asyncio.Event()
            counting = [asyncio.create_task(keep_counting(begin, over)) for _ in range(2)]
            await asyncio.gather(*(crowd(number) for number in range(1, 7)))
            over.set()
            times = sum(await asyncio.gather(*counting))
            found, true = await told(begin), await true_counts(connection)
            left = await connection.fetchval("select count(*) from changed_person")
            return times, found, true, left, await rebuilt(begin)

    times, found, true, left, wrong = run(scenario())
    assert times > 1 and left == 0
    assert found == true
    assert sum(people for (_, stage), people in found.items() if stage == 1) == 240
    assert wrong == []


def test_a_count_that_is_killed_loses_nobody_and_doubles_nobody(run, database_url):
    """The server ends the connection in mid-count: the notes are there again, and the sums as they were."""

    async def scenario():
        async with one(database_url) as connection, begins(database_url) as begin:
            people = People(connection)
            await people.register(1, 30)
            await count_all(begin)
            await people.live_in(SOLO)
            before = by_place(await counts.read(begin))
            with pytest.raises(DatabaseFailure):
                async with begin() as tx:
                    assert await tx.counts.hold(wait=False)
                    assert await counts.count(begin) is None  # nobody else counts meanwhile
                    moved = await tx.counts.recount(await tx.counts.take(100), settled=False)
                    assert {(each.regency, each.people) for each in moved} == {(0, -30), (SOLO, 30)}
                    await connection.execute(
                        "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
                        " where datname = current_database() and state = 'idle in transaction'"
                    )
                    await tx.counts.mark(await connection.fetchval("select now()"))
            after = by_place(await counts.read(begin))
            return before, after, await told(begin)

    before, after, counted = run(scenario())
    assert before == after == {(0, 1): 30}
    assert counted == {(SOLO, 1): 30}


def test_a_rebuild_says_what_was_wrong_and_mends_it(run, database_url):
    """Negative control: with the notes switched off the sums are not those of the rows. Sums and what people are
    counted as are both mended; whoever waits for being counted is no mistake."""

    async def scenario():
        async with one(database_url) as connection, begins(database_url) as begin:
            people = People(connection)
            await people.register(1, 10)
            await count_all(begin)
            await connection.execute("alter table profile disable trigger user")
            await people.live_in(SOLO)
            await connection.execute("alter table profile enable trigger user")
            unnoticed = await told(begin)
            await connection.execute("update regency_count set people = people + 5")
            await People(connection).register(11, 13)
            wrong = await rebuilt(begin)
            waiting = await connection.fetchval("select count(*) from changed_person")
            return unnoticed, wrong, waiting, await told(begin), await true_counts(connection), await rebuilt(begin)

    unnoticed, wrong, waiting, counted, true, again = run(scenario())
    assert unnoticed == {(0, 1): 10}
    assert wrong == [
        {"regency": 0, "stage": "account_created", "people": -15},
        {"regency": SOLO, "stage": "account_created", "people": 10},
    ]
    assert waiting == 3
    assert counted == true == {(0, 1): 3, (SOLO, 1): 10}
    assert again == []


def test_a_rebuild_forgets_whoever_is_gone(run, database_url):
    """Accounts that were deleted by hand stay in the sums until then."""

    async def scenario():
        async with one(database_url) as connection, begins(database_url) as begin:
            people = People(connection)
            await people.register(1, 10)
            await people.live_in(SOLO)
            before = await told(begin)
            await connection.execute("delete from profile where account_id = any ($1)", people.ids[:4])
            await connection.execute("delete from account where id = any ($1)", people.ids[:4])
            still = await told(begin)
            return before, still, await rebuilt(begin), await told(begin), await rebuilt(begin)

    before, still, wrong, counted, again = run(scenario())
    assert before == still == {(SOLO, 1): 10}
    assert wrong == [{"regency": SOLO, "stage": "account_created", "people": -4}]
    assert counted == {(SOLO, 1): 6}
    assert again == []


def test_an_interrupted_rebuild_is_on_the_record(run, database_url):
    """What it has mended by then stays mended, so that it began must be known."""

    def killed(people: int) -> None:
        raise InterruptedError

    async def scenario():
        async with one(database_url) as connection, begins(database_url) as begin:
            await People(connection).register(1, 3)
            with pytest.raises(InterruptedError):
                await counts.rebuild(begin, "Wati", killed)
            await counts.rebuild(begin, "Wati")
            rows = await connection.fetch("select who, verb, outcome from staff_audit order by id")
            return [tuple(row) for row in rows]

    of_rebuild = ("Wati", "counts-rebuild")
    assert run(scenario()) == [(*of_rebuild, outcome) for outcome in ("begun", "begun", "unchanged")]


def test_the_gatekeeper_counts_by_itself(run, database_url, tmp_path):
    """More people than one batch holds, and its metrics tell."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service, one(database_url) as connection:
            await People(connection).register(1, counts.BATCH + 1)
            metrics, stop = Metrics(), asyncio.Event()
            task = asyncio.create_task(gatekeeping.keep_counts(service.ports, metrics, stop))

            async def counted() -> bool:
                return Metrics.of(metrics.counts_as_of)[""] > 0

            await until(counted)
            stop.set()
            await task
            return Metrics.of(metrics.counted, part="_total")[""], await told(service.ports.begin)

    changes, sums = run(scenario())
    assert changes == counts.BATCH + 1
    assert sums == {(0, 1): counts.BATCH + 1}


def test_however_many_ask_the_database_is_asked_once(run, database_url, tmp_path):
    """And while it is away the last answer stays, and tells its age."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            copy = CountsCopy(service.ports)
            await count_all(service.ports.begin)
            first = await asyncio.gather(*(copy.told() for _ in range(200)))
            readings = [copy.readings]
            service.clock.ahead = timedelta(seconds=KEPT)
            second = await copy.told()
            readings.append(copy.readings)
            await service.sql("alter table regency_count rename to elsewhere")
            service.clock.ahead = timedelta(seconds=2 * KEPT)
            third = await copy.told()
            return first, readings, second, third, copy.rendered(third, third.headline())

    first, readings, second, third, rendered = run(scenario())
    assert len(set(map(id, first))) == 1 and readings == [1, 2]
    assert second is not first[0] and third is second
    assert int(dict(rendered.headers)[b"age"]) >= KEPT


PLANS = {
    "state": "",
    "cells": "",
    "take": "(5000)",
    "recount": "(array[gen_random_uuid(), gen_random_uuid(), gen_random_uuid()], true)",
    "accounts": "(gen_random_uuid(), 2000)",
}
PEOPLE_TABLES = {
    "account", "identity", "profile", "upload", "assessment", "wave_join", "wave_grant", "counted_person", "ticket",
}  # fmt: skip


@pytest.mark.parametrize("name", PLANS)
def test_no_person_is_read_for_an_answer_and_none_from_end_to_end_for_a_count(run, database_url, name):
    """By a plan that was made while the tables were empty, as by one made when they are full."""

    async def plan(connection: asyncpg.Connection) -> list[tuple[str, str]]:
        (row,) = await connection.fetch(f"explain (format json) execute planned {PLANS[name]}")
        return scans(json.loads(row[0])[0]["Plan"])

    async def plans() -> list[list[tuple[str, str]]]:
        async with one(database_url) as connection, begins(database_url) as begin:
            await connection.execute("set enable_seqscan = off; set plan_cache_mode = force_generic_plan")
            await connection.execute(f"prepare planned as {queries('counts')[name]}")
            empty = await plan(connection)
            await People(connection).register(1, 3000)
            await count_all(begin)
            await connection.execute("analyze")
            return [empty, await plan(connection)]

    for read in run(plans()):
        tables = {table for kind, table in read if kind == "Seq Scan"}
        assert not tables & PEOPLE_TABLES, read
        if name in ("state", "cells"):
            assert {table for _, table in read} <= {"regency_count", "count_state"}
