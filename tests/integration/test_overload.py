"""When there is more to do than can be done: an honest 503 in time, and everything goes on afterwards."""

import asyncio
from contextlib import AsyncExitStack

from service.storage import pool
from tests.integration.registration_room import code_of, registration


def test_no_connection_in_time_is_an_honest_503(run, database_url, tmp_path, monkeypatch):
    """All connections taken: 503 busy with Retry-After, nothing half done; the same key succeeds when one is free.

    Meanwhile the resources that need no database answer. The door is left open: it would turn most of them away before.
    """
    monkeypatch.setattr(pool, "WAIT_LIMIT", 0.2)
    few = {"DATABASE_CONNECTIONS": "2", "OVERLOAD_LIMIT": "off"}

    async def scenario():
        async with registration(database_url, tmp_path, working=False, **few) as service:
            drawn = (await service.post("/tickets")).json()
            async with AsyncExitStack() as stack:
                for _ in range(2):
                    await stack.enter_async_context(service.ports.begin(single=True))
                crowd = [service.post("/tickets", key=f"crowd {number}") for number in range(20)]
                refused = await asyncio.gather(*crowd)
                live, board = await service.get("/health/live"), await service.get("/board")
                place = await service.get("/place", Waiting_Room_Ticket=drawn["ticket"])
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


def test_a_request_that_breaks_in_the_middle_leaves_nothing(run, database_url, tmp_path, monkeypatch):
    """The answer cannot be stored: neither is the effect, and the repetition has it once."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await service.sql("alter table idempotent_answer add constraint broken check (false) not valid")
            drawn = await service.post("/tickets", key="a")
            before = await service.sql("select count(*) as number from ticket")
            await service.sql("alter table idempotent_answer drop constraint broken")
            again = [await service.post("/tickets", key="a") for _ in range(2)]
            after = await service.sql("select count(*) as number from ticket")
            return drawn, before[0]["number"], again, after[0]["number"]

    drawn, before, again, after = run(scenario())
    assert (drawn.status_code, code_of(drawn)) == (500, "internal-error")
    assert (before, after) == (0, 1)
    assert again[0].content == again[1].content
