"""Trouble of the database, in short: the service comes back by itself, answers all the time, and forgets nothing.

`make acceptance NAME=database_trouble` is the long proof, with figures.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.faults import database_troubles as troubles
from tests.faults.database_load import Asked, Load, differences, indefinite
from tests.faults.database_room import House, house, until

RATE = 20.0
IN_A_ROW = 20
"""Requests with an answer of use, one after the other: it is back."""
ANSWERED_WITHIN = 15.0


def back(load: Load, since: float) -> bool:
    """Whether the last ones who asked since then have been served."""
    asked = [each for each in load.within(since, time.time()) if each.at][-IN_A_ROW:]
    return len(asked) == IN_A_ROW and all(each.useful for each in asked)


async def comes_back(rooms: House, load: Load, trouble: troubles.Trouble) -> None:
    """Requests, codes and readiness, by themselves."""
    load.phones += await rooms.invite(200)
    await trouble(rooms, load)
    ended = time.time()
    await until(lambda: back(load, ended), f"nobody is served after {trouble.__name__}")
    await until(lambda: any(at > ended for came in load.delivered.values() for at in came), "no code came afterwards")
    await until(rooms.is_ready, "the service did not become ready")
    assert rooms.ended() == []


@pytest.mark.timeout(300)  # seven processes start, which a busy machine takes its time for
def test_the_service_comes_back_by_itself(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed and stopped; each asker is told something definite; what was promised comes once.

    Negative control: beside it a web process whose pool keeps its dead connections, which the same kill ends for good.
    """
    monkeypatch.setattr(troubles, "LONG", 1.0)
    monkeypatch.setattr(troubles, "DOWN", 0.5)
    monkeypatch.setattr(troubles, "DEADLOCKS", 1)

    async def scenario() -> None:
        async with house(tmp_path / "house") as rooms:
            await asyncio.to_thread(rooms.start, "web", name="careless", module="tests.faults.keeping_pool")
            load = Load(rooms.url, rooms.partners, RATE)
            careless = Load(rooms.children["careless"].url, rooms.partners, RATE, settles=0.0)
            careless.phones += await rooms.invite(200)
            load.phones += await rooms.invite(200)
            async with load.playing():
                async with careless.playing():
                    await until(lambda: back(load, 0.0) and back(careless, 0.0), "nobody was served before")
                    await comes_back(rooms, load, troubles.kill_nine)
                    assert not any(each.useful for each in careless.asked[-IN_A_ROW:])
                await asyncio.to_thread(rooms.dismiss, "careless", grace=0.0)
                for trouble in (troubles.backend_kill, troubles.stopped_backend, troubles.deadlocks):
                    await comes_back(rooms, load, trouble)
            operator = await rooms.operator()
            tickets = {row["number"] for row in await operator.fetch("select number from ticket")}
            requests = {str(row["id"]) for row in await operator.fetch("select id from code_request")}
            assert differences(load, tickets, requests) == []
            assert indefinite(load.asked, ANSWERED_WITHIN) == []
            await starts_when_there_is_room(rooms)

    run(scenario())


async def starts_when_there_is_room(rooms: House) -> None:
    """Who is started while the server is full waits: ending would have a supervisor start it again and again."""
    async with AsyncExitStack() as holders:
        assert await troubles.hold_the_rest(rooms, holders) > 0
        starting = asyncio.create_task(asyncio.to_thread(rooms.start, "worker", name="newcomer"))
        await until(lambda: "waiting for the database" in rooms.log("newcomer"), "it does not wait")
        assert not starting.done()
    await starting
    assert rooms.ended() == []


def test_the_audit_finds_what_was_lost_or_done_twice() -> None:
    def asked(phone: str = "", **told: object) -> Asked:
        return Asked(0.0, phone, status=201, at=0.1, **told)  # type: ignore[arg-type]

    load = Load("", "", RATE)
    load.asked = [asked(ticket=1), asked("+1", request="a"), asked("+2", request="b"), Asked(0.0, "+3", status=503)]
    load.delivered |= {"+1": [0.2], "+2": [0.2], "+3": [0.2]}
    assert differences(load, {1}, {"a", "b"}) == []
    assert differences(load, {1}, {"a"}) == ["the request of +2 is lost"]
    assert differences(load, set(), {"a", "b"}) == ["ticket 1 is lost"]
    load.delivered |= {"+1": [], "+3": [0.2, 0.3]}
    assert differences(load, {1}, {"a", "b"}) == ["the code of +1 is lost", "+3 got 2 codes"]
    load.asked.append(asked(ticket=1))
    assert "ticket 1 was given twice" in differences(load, {1}, {"a", "b"})


def test_a_definite_answer_is_a_success_or_tells_when_to_come_back() -> None:
    good = [Asked(0.0, "", status=201, at=1.0), Asked(0.0, "", status=503, at=1.0, retry_after=True)]
    assert indefinite(good, 2.0) == []
    assert len(indefinite(good, 0.5)) == 2
    bad = [Asked(0.0, "", status=status, at=1.0) for status in (503, 500, 0)]
    assert len(indefinite(bad, 2.0)) == 3
