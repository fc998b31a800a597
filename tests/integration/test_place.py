"""Place and board over HTTP: honest words, pauses that the service keeps, and looks that change nothing."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from service.actions import presence
from service.domain import promises
from service.domain.lookout import Lookout
from service.domain.presence import LIVE
from service.metrics import Metrics
from service.web import board as board_resource
from service.web.board import BoardCopy
from tests.integration.registration_room import Registration, code_of, held, registration, until

Scenario = Callable[[], Awaitable[Any]]


async def room(service: Registration, frontier: float, rate: float, state: str = "open", reason: str = "") -> None:
    """Set the room, and wait until the board's copy shows it."""
    async with service.ports.begin() as tx:
        await tx.room.move(frontier=frontier, rate_per_s=rate, state=state, reason=reason)

    async def shown() -> bool:
        board = (await service.get("/board")).json()
        return bool((board["rate_per_s"], board["state"]) == (rate, state))

    await until(shown)


async def count_people(service: Registration) -> None:
    """What the replica and the gatekeeper do every few seconds."""
    copy = BoardCopy()
    await service.sql("update waiting_room set live_ms = null")
    await copy.refresh(service.ports)
    replica, lookout = uuid4(), service.ports.lookout
    await presence.tell(service.ports.begin, lookout, replica, copy.room, time.monotonic())
    assert await presence.unite(service.ports.begin)
    await presence.tell(service.ports.begin, lookout, replica, copy.room, time.monotonic())


def test_only_people_who_are_there_stand_ahead(run, database_url, tmp_path):
    """Of 60 tickets 20 were drawn at this replica, and nobody asks for the others: they are not counted."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await room(service, 0.0, 0.5)
            await service.sql("select setval('ticket_number', 40)")
            drawn = [(await service.post("/tickets")).json() for _ in range(20)]
            before = await service.get("/place", **held(drawn[-1]))
            await count_people(service)
            token = {"Waiting_Room_Place": before.json()["place_token"]}
            service.clock.ahead = timedelta(seconds=promises.POLL_MOST * 2)
            after = await service.get("/place", **held(drawn[-1]), **token)
            return before.json(), after.json(), service.ports.lookout.live_people

    before, after, live = run(scenario())
    assert before["ahead"] == 59  # nothing was counted yet: every ticket stands for somebody
    assert (after["ahead"], live) == (19, 20)
    assert after["wait_s"][1] < before["wait_s"][0]
    assert after["computed_at"] > before["computed_at"]


def test_nobody_is_gone_while_nobody_leads_the_gate(run, database_url, tmp_path):
    """What two replicas saw is united; it ages by the gate's clock alone, and what is too old is forgotten."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            begin, copy, reader = service.ports.begin, BoardCopy(), Lookout()
            await copy.refresh(service.ports)
            for first in (1, 11):
                replica = Lookout()
                for place in range(first, first + 10):
                    replica.note(place, 0, True)
                await presence.tell(begin, replica, uuid4(), copy.room, 0.0)
            reader.note(30, 0, True)
            counts = []
            for passed_ms in (0, 0, int(LIVE * 1000) - 1000, 5_000):
                await service.sql(f"update gate set at_ms = at_ms + {passed_ms}")
                await service.sql("update waiting_room set live_ms = null")
                assert await presence.unite(begin)
                await presence.tell(begin, reader, uuid4(), copy.room, 0.0)
                counts.append(reader.live_people)
            assert not await presence.unite(begin)  # just done: one process of all does it
            return counts, (await service.sql("select count(*) as rows from presence"))[0]["rows"]

    counts, rows = run(scenario())
    assert counts == [20, 21, 21, 0]  # the reader's own place is known from the second time on
    assert rows == 0


def test_a_look_without_the_last_answer_is_answered_once(run, database_url, tmp_path):
    """A closed page is back at once, but leaving the token away is no way to ask more often; tabs ask with theirs."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await room(service, 0.0, 0.01)
            await service.post("/tickets")
            drawn = (await service.post("/tickets")).json()
            first = await service.get("/place", **held(drawn))
            second = await service.get("/place", **held(drawn))
            service.clock.ahead = timedelta(seconds=promises.POLL_MOST * 2)
            tabs = [
                await service.get("/place", **held(drawn), Waiting_Room_Place=token)
                for token in (drawn["place"]["place_token"], first.json()["place_token"])
            ]
            return first, second, tabs

    first, second, tabs = run(scenario())
    assert first.status_code == 200
    assert (second.status_code, code_of(second)) == (429, "too-early")
    assert 1 <= int(second.headers["retry-after"]) <= 10
    assert [(tab.status_code, tab.json()["place"]) for tab in tabs] == [(200, 2), (200, 2)]


def test_a_pause_is_called_a_pause(run, database_url, tmp_path):
    """No range while paused; afterwards again one, and a wait that more than doubled says why."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await room(service, 0.0, 10.0)
            drawn = [(await service.post("/tickets")).json() for _ in range(60)][-1]
            await room(service, 0.0, 0.0, "paused", "Sebentar lagi")
            service.clock.ahead = timedelta(minutes=2)
            paused = await service.get("/place", **held(drawn), Waiting_Room_Place=drawn["place"]["place_token"])
            board = await service.get("/board")
            await room(service, 0.0, 0.5)
            service.clock.ahead = timedelta(minutes=4)
            slower = await service.get("/place", **held(drawn), Waiting_Room_Place=paused.json()["place_token"])
            return drawn["place"], paused.json(), board.json(), slower.json()

    first, paused, board, slower = run(scenario())
    assert first["state"] == "waiting" and first["wait_s"] is not None
    assert (paused["state"], paused["wait_s"], paused["ahead"]) == ("paused", None, 59)
    assert (board["state"], board["reason"]) == ("paused", "Sebentar lagi")
    assert slower["wait_s"][1] > 2 * first["wait_s"][1]
    assert slower["reason"] == "fewer-enter"


def test_before_the_opening_nothing_is_promised(run, database_url, tmp_path):
    """A number, but no place, nobody ahead and no range: the lots are drawn at the opening."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await service.sql("update waiting_room set opens_at = now() + interval '1 hour', state = 'before'")
            await room(service, 0.0, 0.0, "before")
            return (await service.post("/tickets")).json()

    drawn = run(scenario())
    place = drawn["place"]
    assert (place["state"], place["place"], place["ahead"], place["wait_s"]) == ("before", None, None, None)
    assert place["poll_after_s"] >= promises.POLL_AT_ONCE


def test_each_promise_is_counted_once(run, database_url, tmp_path):
    """The first range that was shown, judged when its holder comes in, however often the claim is sent."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await room(service, 0.0, 1.0)
            outcomes: list[int] = []
            drawn = [(await service.post("/tickets")).json() for _ in range(4)]
            await room(service, 4.0, 1.5)
            tokens = {}
            for one, waited in ((drawn[1], 60.0), (drawn[2], 4.0), (drawn[3], 0.0)):
                service.clock.ahead = timedelta(seconds=waited + promises.POLL_MOST)
                told = await service.get("/place", **held(one), Waiting_Room_Place=one["place"]["place_token"])
                tokens[one["number"]] = told.json()
            before = Metrics.of(service.metrics.promises, "outcome")
            for one in drawn[1:]:
                for _ in range(2):
                    token = tokens[one["number"]]["place_token"]
                    outcomes.append((await service.post("/claims", **held(one), Waiting_Room_Place=token)).status_code)
            await service.post("/claims", **held(drawn[0]))
            return outcomes, before, Metrics.of(service.metrics.promises, "outcome")

    statuses, before, after = run(scenario())
    assert statuses == [201] * 6
    counted = {outcome: after[outcome] - before[outcome] for outcome in after}
    assert counted == {"early": 0.0, "inside": 0.0, "late": 3.0}


READS = (
    "/board", "/place", "/me", "/health/live", "/health/ready", "/openapi.json", "/daftar/", "/daftar/antrean",
    "/daftar/en/antrean", "/daftar/masuk", "/daftar/akun", "/tickets", "/claims",
)  # fmt: skip
LINE = (
    "select (select json_agg(waiting_room) from waiting_room)::text || (select json_agg(gate) from gate)::text"
    " || coalesce((select json_agg(ticket order by number) from ticket)::text, '')"
    " || coalesce((select json_agg(claim order by number) from claim)::text, '')"
    " || (select last_value from ticket_number)::text as line"
)


def test_no_look_changes_the_line(run, database_url, tmp_path):
    """Every address that is read, with and without ticket and token, early and late: the same rows before and after."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            drawn = [(await service.post("/tickets")).json() for _ in range(3)]
            await service.post("/claims", **held(drawn[0]))
            before = await service.sql(LINE)
            for path in READS:
                for headers in ({}, held(drawn[1]), {**held(drawn[2]), "Waiting_Room_Place": "1.2.3"}):
                    await service.get(path, **headers)
                    await service.http.head(path)
            return before, await service.sql(LINE)

    before, after = run(scenario())
    assert before == after


def test_the_board_says_paused_from_memory(run, database_url, tmp_path, monkeypatch):
    """Without the database: nobody is let in, so it says that, and why; places are told, and tickets stay valid."""
    monkeypatch.setattr(board_resource, "PAUSED_AFTER", 1.5)

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await room(service, 0.0, 0.5)
            drawn = (await service.post("/tickets")).json()
            (name,) = await service.sql("select current_database() as name")
            closed = f"alter database {name['name']} allow_connections"
            await service.sql(f"{closed} false", elsewhere=True)
            await service.sql(
                f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name['name']}'",
                elsewhere=True,
            )

            async def is_paused() -> bool:
                return bool((await service.get("/board")).json()["state"] == "paused")

            await until(is_paused)
            board, place = await service.get("/board"), await service.get("/place", **held(drawn))
            await service.sql(f"{closed} true", elsewhere=True)

            async def is_open() -> bool:
                return bool((await service.get("/board")).json()["state"] == "open")

            await until(is_open)
            return board, place

    board, place = run(scenario())
    assert (board.json()["reason"], board.json()["rate_per_s"]) == (board_resource.AWAY, 0.0)
    assert len(board.content) <= 300
    assert (place.status_code, place.json()["state"], place.json()["place"]) == (200, "paused", 1)


@pytest.mark.parametrize("looks", [10, 3_000])
def test_the_board_is_made_once_a_second_whatever_the_crowd(run, database_url, tmp_path, looks):
    """It is the same answer for everybody until the next copy is there."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            copy = BoardCopy()
            await copy.refresh(service.ports)
            answers = {id(copy.answer) for _ in range(looks)}
            return len(answers), copy.made

    assert run(scenario()) == (1, 1)
