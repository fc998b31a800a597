"""When there is more to do than can be done: an honest 503 in time, and everything goes on afterwards."""

import asyncio
from contextlib import AsyncExitStack

from service.storage import pool
from tests.integration.registration_room import Person, code_of, held, registration, until


def test_no_connection_in_time_is_an_honest_503(run, database_url, tmp_path, monkeypatch):
    """All connections taken: 503 busy with Retry-After, nothing half done; the same key succeeds when one is free.

    Meanwhile the resources that need no database answer.
    """
    monkeypatch.setattr(pool, "WAIT_LIMIT", 0.2)

    async def scenario():
        async with registration(database_url, tmp_path, working=False, DATABASE_CONNECTIONS="2") as service:
            drawn = (await service.post("/tickets")).json()
            async with AsyncExitStack() as stack:
                for _ in range(2):
                    await stack.enter_async_context(service.ports.begin(single=True))
                crowd = [service.post("/tickets", key=f"crowd {number}") for number in range(20)]
                refused = await asyncio.gather(*crowd)
                live, board = await service.get("/health/live"), await service.get("/board")
                place = await service.get("/place", **held(drawn))
            again = [await service.post("/tickets", key=f"crowd {number}") for number in range(20)]
            tickets = await service.sql("select count(*) as number from ticket")
            return refused, live, board, place, again, tickets[0]["number"], service.metrics.registry

    refused, live, board, place, again, tickets, registry = run(scenario())
    assert {(answer.status_code, code_of(answer)) for answer in refused} == {(503, "busy")}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert [answer.status_code for answer in (live, board, place)] == [200] * 3
    assert [answer.status_code for answer in again] == [201] * 20
    assert tickets == 21
    labels = {"route_class": "ticket", "status_class": "503"}
    assert registry.get_sample_value("registration_http_requests_total", labels) == 20


def test_with_the_door_most_are_told_at_once_and_the_whole_way_stays_open(run, database_url, tmp_path, monkeypatch):
    """The same crowd before the door: those beyond its limit are told within its patience; a page says it in words.

    Those within are served when there is room. Afterwards one person walks the way to the session through it, and
    nobody is turned away.
    """
    monkeypatch.setattr(pool, "WAIT_LIMIT", 60.0)

    async def scenario():
        room = registration(database_url, tmp_path, DATABASE_CONNECTIONS="2", OVERLOAD_LIMIT="on")
        async with room as service:
            async with AsyncExitStack() as stack:
                for _ in range(2):
                    await stack.enter_async_context(service.ports.begin(single=True))
                crowd = [asyncio.ensure_future(service.post("/tickets", key=f"crowd {number}")) for number in range(20)]
                await until(lambda: _most_are_told(crowd))
                page = await service.get("/daftar/en/antrean")
            answers = await asyncio.gather(*crowd)
            person = await (await Person(service, 1).sign_up()).sign_in()
            me = await service.get("/me", **person.session)
            return answers, page, me

    answers, page, me = run(scenario())
    refused = [answer for answer in answers if answer.status_code != 201]
    assert [code_of(answer) for answer in refused] == ["temporary-reduced-capacity"] * 16
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert page.status_code == 503 and int(page.headers["retry-after"]) >= 1
    assert "The service is very busy. Load this page again in a moment." in page.text
    assert me.status_code == 200


async def _most_are_told(crowd):
    return sum(each.done() for each in crowd) >= 16


def test_a_request_that_breaks_in_the_middle_leaves_nothing(run, database_url, tmp_path, monkeypatch):
    """The answer cannot be stored: neither is the effect, and the repetition has it once."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await service.sql("alter table idempotent_answer add constraint broken check (false) not valid")
            asked = {"address": "+6280000000001"}
            broken = await service.post("/codes", asked, key="a")
            before = await service.sql("select count(*) as number from code_request")
            await service.sql("alter table idempotent_answer drop constraint broken")
            again = [await service.post("/codes", asked, key="a") for _ in range(2)]
            after = await service.sql("select count(*) as number from code_request")
            return broken, before[0]["number"], again, after[0]["number"]

    broken, before, again, after = run(scenario())
    assert (broken.status_code, code_of(broken)) == (500, "internal-error")
    assert (before, after) == (0, 1)
    assert again[0].content == again[1].content
