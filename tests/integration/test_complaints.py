"""Complaints: filed by anybody, followed with a secret, forwarded with a number, answered; and no flood of them."""

import argparse
import asyncio
import json
from datetime import timedelta

import pytest

from service import complaints_command, gatekeeping
from service.actions import complaints as actions
from service.domain import complaints as rules
from service.domain.complaint_errors import ComplaintSettled
from service.domain.errors import NotFound
from service.metrics import Metrics
from tests.integration.registration_room import Person, code_of, registration, standing_service, until

TEXT = "Foto KTP gagal terkirim lima kali.\nSaya dari Solo."
BODY = {"category": "photo_upload", "regency": 3372, "text": TEXT}


async def ask(service, *words):
    """What operators type, and what is printed."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    complaints_command.add_arguments(parser)
    options = parser.parse_args(words)
    text, done = await complaints_command.run(service.ports.begin, service.ports.vault, service.settings, options)
    assert done
    return text


async def follow(service, filed):
    return await service.get(f"/complaints/{filed['number']}", Complaint_Secret=filed["secret"])


def test_a_complaint_goes_from_the_person_to_the_office_and_back(run, database_url, tmp_path):
    """Nobody signs in; each step is seen by whoever has the secret, and by nobody else."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            filed = (await service.post("/complaints", BODY)).json()
            other = (await service.post("/complaints", {**BODY, "regency": 5207, "category": "paper"})).json()
            seen = [await follow(service, filed)]
            waiting = json.loads(await ask(service, "list", "--state", "filed", "--json"))
            forwarded = await ask(service, "forward", str(filed["number"]))
            seen.append(await follow(service, filed))
            with pytest.raises(ComplaintSettled):
                await ask(service, "forward", str(filed["number"]))
            await ask(service, "answer", str(filed["number"]), "Unggahan sudah diperbaiki. Silakan coba lagi.")
            seen.append(await follow(service, filed))
            for words in (("answer", str(filed["number"]), "Lagi"), ("forward", str(filed["number"]))):
                with pytest.raises(ComplaintSettled):
                    await ask(service, *words)
            with pytest.raises(NotFound):
                await ask(service, "forward", "4711")
            await ask(service, "answer", str(other["number"]), "Tidak perlu lewat kantor.")
            strangers = [
                await service.get(f"/complaints/{filed['number']}"),
                await follow(service, {**other, "number": filed["number"]}),
                await follow(service, {**filed, "number": 4711}),
            ]
            rows = [row[0] for row in await service.sql("select c::text from complaint as c")]
            record = [row[0] for row in await service.sql("select verb from staff_audit order by id")]
            assert record == ["complaint-forward", "complaint-answer", "complaint-answer"]
            listed = json.loads(await ask(service, "list", "--regency", "5207", "--json"))
            return filed, seen, waiting, forwarded, strangers, rows, listed

    filed, seen, waiting, forwarded, strangers, rows, listed = run(scenario())
    first, second, third = (answer.json() for answer in seen)
    assert (first["state"], first["text"], first["regency_name"]) == ("filed", TEXT, "Kota Surakarta")
    assert (first["letter_number"], first["answer"]) == (None, None)
    assert [each["number"] for each in waiting] == [filed["number"], filed["number"] + 1]
    assert "3372/000001" in forwarded and second["state"] == "forwarded"
    assert (second["letter_number"], second["forwarded_at"] is None) == ("3372/000001", False)
    assert (third["state"], third["answer"]) == ("answered", "Unggahan sudah diperbaiki. Silakan coba lagi.")
    assert third["letter_number"] == "3372/000001"
    assert [(each.status_code, code_of(each)) for each in strangers] == [(404, "not-found")] * 3
    assert not any(word in row for row in rows for word in ("Foto", "Unggahan", filed["secret"]))
    assert [(each["state"], each["category"], each["letter_number"]) for each in listed] == [
        ("answered", "paper", None)
    ]


def test_letters_of_each_office_are_numbered_without_a_gap(run, database_url, tmp_path):
    """Two operators who forward at once give two numbers; each office has its own."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            numbers = [
                (await service.post("/complaints", {**BODY, "regency": regency})).json()["number"]
                for regency in (3372, 3372, 3372, 3578)
            ]
            begin, clock = service.ports.begin, service.clock
            done = await asyncio.gather(
                *(actions.forward_complaint(begin, clock, "Root", number) for number in numbers)
            )
            return sorted(each.letter_number for each in done)

    assert run(scenario()) == ["3372/000001", "3372/000002", "3372/000003", "3578/000001"]


def test_the_same_request_files_one_complaint(run, database_url, tmp_path):
    """Sent again under its key, it is told the same number and secret; the hour's budget counts it once."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            answers = [await service.post("/complaints", BODY, key="sent-again-and-again") for _ in range(3)]
            taken = await service.sql("select taken from complaint_budget")
            return [answer.json() for answer in answers], [row[0] for row in taken]

    answers, taken = run(scenario())
    assert answers[0] == answers[1] == answers[2]
    assert taken == [1, 1]


def test_a_key_that_somebody_else_may_choose_is_refused(run, database_url, tmp_path):
    """All who file share one space of keys: with a short one the second person would be told the first one's secret."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            answers = [await service.post("/complaints", BODY, key=key) for key in ("first-1", '"' + 14 * "x" + '"')]
            answers.append(await service.post("/complaints", BODY, key=16 * "x"))
            return [(each.status_code, code_of(each)) for each in answers[:2]], answers[2].status_code

    refused, taken = run(scenario())
    assert refused == [(400, "idempotency-key-invalid")] * 2
    assert taken == 201


def test_a_flood_is_held_back_where_it_comes_from(run, database_url, tmp_path, monkeypatch):
    """One address, one account and everybody together have their bounds; another caller goes on, and so does the next
    hour. Nothing of what was refused is kept."""
    monkeypatch.setattr(rules, "MOST_OF_ADDRESS", 3)
    monkeypatch.setattr(rules, "MOST_OF_ACCOUNT", 2)
    monkeypatch.setattr(rules, "MOST_OF_ALL", 12)

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            service.clock.ahead = timedelta(minutes=30 - service.clock.now().minute)  # no hour ends meanwhile
            person = await (await Person(service, 1).sign_up()).sign_in()

            async def file(address: str = "", **headers: str) -> tuple[int, bool]:
                given = {"Caller_Address": address, **headers} if address else headers
                answer = await service.post("/complaints", BODY, **given)
                return answer.status_code, "retry-after" in answer.headers

            found = {
                "one address": [await file("203.0.113.7") for _ in range(5)],
                "another": [await file("203.0.113.8")],
                "one network": [await file(f"2001:db8:7:7:{last}::1") for last in range(4)],
                "an account there": [await file("203.0.113.7", **person.session) for _ in range(3)],
                "nobody knows whence": [await file() for _ in range(3)],
                "everybody": [await file("203.0.113.9"), await file("203.0.113.8")],
            }
            kept = (await service.sql("select count(*) from complaint"))[0][0]
            service.clock.ahead += timedelta(hours=1)
            found["the next hour"] = [await file("203.0.113.7")]
            hours = (await service.sql("select count(distinct hour) from complaint_budget"))[0][0]
            callers = await service.sql("select caller::text from complaint_budget")
            return found, kept, hours, [row[0] for row in callers]

    found, kept, hours, callers = run(scenario())
    filed, refused, full = (201, False), (429, True), (503, True)
    assert found == {
        "one address": [filed] * 3 + [refused] * 2,
        "another": [filed],
        "one network": [filed] * 3 + [refused],
        "an account there": [filed] * 2 + [refused],
        "nobody knows whence": [filed] * 3,
        "everybody": [full, full],
        "the next hour": [filed],
    }
    assert kept == 12 and hours == 1
    assert not any(b"203.0".hex() in caller for caller in callers)


def test_open_complaints_are_shown_by_the_promise(run, database_url, tmp_path):
    """Those without an answer, forwarded or not; with its answer the oldest is shown no more."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False, COMPLAINT_PROMISE="36000") as service:
            metrics, stop = Metrics(), asyncio.Event()
            filed = []
            for hours in (0, 4, 7, 12):
                service.clock.ahead = timedelta(hours=hours)
                filed.append((await service.post("/complaints", BODY)).json()["number"])
            await ask(service, "forward", str(filed[0]))
            seen = []
            for answered in (None, filed[0]):
                if answered is not None:
                    await ask(service, "answer", str(answered), "Sudah diperbaiki.")
                watching = asyncio.create_task(gatekeeping.watch_complaints(service.ports, metrics, stop))
                expected = 12 if answered is None else 8

                async def shown(age=expected) -> bool:
                    return bool(round(metrics.of(metrics.complaints_oldest)[""] / 3600) == age)

                await until(shown)
                stop.set()
                await watching
                stop.clear()
                seen.append(metrics.of(metrics.complaints_open, "age"))
            return seen, metrics.of(metrics.complaints_promise)[""]

    (before, after), promise = run(scenario())
    assert before == {"fresh": 1, "due": 2, "late": 1} and after == {"fresh": 1, "due": 2, "late": 0}
    assert promise == 36000


def test_callers_are_forgotten_when_the_hour_is_over_though_nobody_complains_any_more(run, database_url, tmp_path):
    """Those of the hour that goes on are not."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            service.clock.ahead = timedelta(minutes=30 - service.clock.now().minute)  # no hour ends meanwhile
            await service.post("/complaints", BODY)
            stop = asyncio.Event()
            metrics = Metrics()
            keeping = asyncio.create_task(gatekeeping.keep_counts(service.ports, metrics, stop))

            async def left() -> int:
                return int((await service.sql("select count(*) from complaint_budget"))[0][0])

            async def counted() -> bool:
                return Metrics.of(metrics.counts_as_of)[""] > 0

            async def forgotten() -> bool:
                return await left() == 0

            await until(counted)
            during = await left()
            service.clock.ahead += timedelta(hours=1)
            await until(forgotten)
            stop.set()
            await keeping
            return during

    assert run(scenario()) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"category": "weather"}, {"regency": 3399}, {"regency": 33}, {"text": ""}, {"text": "   "}, {"text": "a\x00b"},
        {"text": "x" * 2001}, {"text": 7}, {"more": "x"},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_used_is_told_by_field(standing, change):
    answer = standing.run(standing.service.post("/complaints", {**BODY, **change}))
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == list(change)


@pytest.fixture(scope="module")
def standing(server_url, template, tmp_path_factory):
    with standing_service(server_url, template, tmp_path_factory.mktemp("photos"), "complaints") as service:
        yield service
