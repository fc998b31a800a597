"""What operators do to the waiting room: done once, in effect within a second, on the record, and no place is lost."""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service import gatekeeping, waiting_room_command
from service.actions import operations
from service.actions.gatekeeper import Candidate
from service.actions.operations import Order
from service.domain.errors import IdempotencyKeyReused, OrderRefused
from service.metrics import Metrics
from service.web.operators import operator_app
from service.web.staff_orders import BODIES
from tests.integration.registration_room import Registration, code_of, registration, until

TOKEN = "t" * 40


async def order(service: Registration, verb: str, request: str | None = None, **arguments: Any) -> operations.Done:
    async with service.ports.begin() as tx:
        return await operations.carry_out(
            tx, service.ports.vault, service.ports.clock, Order("Sri", verb, arguments, request)
        )


@asynccontextmanager
async def gatekeeper(service: Registration) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(gatekeeping.run_gatekeeper(service.ports, Metrics(), stop))
    try:
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def api(service: Registration, token: str = TOKEN) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=operator_app(service.ports, TOKEN))
    headers = {"Authorization": f"Bearer {token}", "Operator": "Sri"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gate", headers=headers) as client:
        yield client


def test_every_verb_changes_what_it_says_once_and_is_on_the_record(run, database_url, tmp_path):
    """Applied again, nothing changes; sent again under its request, it says what it did then."""
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    orders: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("pause", {"message": "Sebentar"}, {"wanted": "paused", "message": "Sebentar"}),
        ("open", {}, {"wanted": "open"}),
        ("message", {"message": ""}, {"message": ""}),
        ("rate", {"people_per_s": 5.0}, {"fixed_rate_per_s": 5.0}),
        ("limit", {"people_per_s": 9.0}, {"hard_rate_per_s": 9.0}),
        ("inside", {"people": 70}, {"inside_limit": 70}),
        ("queue-all", {"on": True}, {"queue_all": True}),
        ("schedule", {"opens_at": later}, {"opens_at": later.isoformat()}),
        ("close", {}, {"wanted": "closed"}),
    ]

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            done = []
            for verb, arguments, _ in orders:
                first = await order(service, verb, f"once {verb}", **arguments)
                again = await order(service, verb, f"once {verb}", **arguments)
                anew = await order(service, verb, f"anew {verb}", **arguments)
                done.append((first, again, anew))
            with pytest.raises(IdempotencyKeyReused):
                await order(service, "open", "once pause")
            with pytest.raises(IdempotencyKeyReused):
                await order(service, "rate", "once rate", people_per_s=6.0)
            return done, await operations.events(service.ports.begin)

    done, events = run(scenario())
    for (verb, _, after), (first, again, anew) in zip(orders, done, strict=True):
        assert first.changed and first.after == after, verb
        assert again.repeated and again.after == after, verb
        assert not anew.changed, verb
    assert [event["verb"] for event in reversed(events)] == [verb for verb, _, _ in orders]
    assert all(event["who"] == "Sri" and event["at"] for event in events)
    assert events[-1]["detail"] == {
        "before": {"wanted": "open", "message": ""}, "after": {"wanted": "paused", "message": "Sebentar"},
        "asked": {"message": "Sebentar"},
    }  # fmt: skip


def test_pause_rate_and_message_hold_within_a_second_and_nobody_loses_a_place(run, database_url, tmp_path):
    """Seen on the room's row as the gatekeeper leaves it; of five orders the middle one is judged."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service, gatekeeper(service):
            drawn = [(await service.post("/tickets")).json()["number"] for _ in range(5)]
            took = []
            for verb, arguments, state, rate in (
                ("rate", {"people_per_s": 3.0}, "open", 3.0),
                ("pause", {}, "paused", 0.0),
                ("open", {}, "open", 3.0),
                ("queue-all", {"on": True}, "paused", 0.0),
                ("queue-all", {"on": False}, "open", 3.0),
            ):

                async def holds(state: str = state, rate: float = rate) -> bool:
                    async with service.ports.begin() as tx:
                        room = await tx.room.read()
                    return room.state == state and room.rate_per_s == rate

                began = time.monotonic()
                await order(service, verb, **arguments)
                await until(holds)
                took.append(time.monotonic() - began)
            numbers = [row["number"] for row in await service.sql("select number from ticket order by number")]
            return took, drawn, numbers

    took, drawn, numbers = run(scenario())
    assert sorted(took)[len(took) // 2] <= 1.0
    assert set(drawn) <= set(numbers)


def test_an_ended_session_is_out(run, database_url, tmp_path):
    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            drawn = (await service.post("/tickets")).json()
            headers = {"Waiting_Room_Ticket": drawn["ticket"], "Waiting_Room_Secret": drawn.get("secret", "")}
            claimed = await service.post("/claims", **headers)
            ended = await order(service, "end-session", ticket=drawn["number"])
            again = await order(service, "end-session", ticket=drawn["number"])

            async def refused() -> bool:
                return (await service.get("/place", **headers)).status_code == 401

            await until(refused)
            rows = await service.sql(f"select until_ms from claim where number = {drawn['number']}")
            with pytest.raises(OrderRefused):
                await order(service, "end-session", ticket=10**9)
            return claimed, ended, again, rows

    claimed, ended, again, rows = run(scenario())
    assert claimed.status_code == 201
    assert ended.changed and not again.changed
    assert [row["until_ms"] for row in rows] == [0]


def test_an_event_is_scheduled_with_a_promise_and_begins_anew_only_when_told(run, database_url, tmp_path):
    """The commitment to the draw stands there before the first early ticket; tickets are not ended by a slip."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await service.post("/tickets")
            hour = datetime.now(UTC) + timedelta(hours=1)
            with pytest.raises(OrderRefused, match="anew"):
                await order(service, "schedule", opens_at=hour)
            with pytest.raises(OrderRefused, match="past"):
                await order(service, "schedule", opens_at=hour - timedelta(hours=2), anew=True)
            before = await operations.status(service.ports.begin)
            done = await order(service, "schedule", opens_at=hour, anew=True)
            async with service.ports.begin() as tx:
                room = await tx.room.read()
            plan = await operations.preview(service.ports.begin, service.ports.clock, hour, 10.0)
            return before, done, room, plan

    before, done, room, plan = run(scenario())
    assert done.changed and room.epoch == before["epoch"] + 1
    assert room.base == room.last_ticket == before["tickets"] and room.opened_at is None
    assert room.commitment and room.committed_at
    assert plan["tickets_so_far"] == 0 and plan["rate_per_s"] == 10.0


def test_the_api_has_every_verb_and_answers_only_who_knows_the_token(run, database_url, tmp_path):
    assert set(BODIES) == set(operations.VERBS)
    bodies: dict[str, Any] = {
        "pause": {"message": "Sebentar"}, "message": {"message": "Halo"}, "rate": {"people_per_s": 2.5},
        "limit": {"people_per_s": None}, "inside": {"people": 70}, "queue-all": {"on": False},
        "schedule": {"opens_at": None}, "end-session": {"ticket": 1},
    }  # fmt: skip

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service, api(service) as client:
            await service.post("/tickets")
            answers = {}
            for verb in BODIES:
                key = {"Idempotency-Key": f"once {verb}"}
                answers[verb] = [
                    await client.post(f"/orders/{verb}", json=bodies.get(verb, {}), headers=key) for _ in range(2)
                ]
            events = await client.get("/events")
            status = await client.get("/status")
            wrong = [
                await client.post("/orders/pause", json={"massage": "x"}, headers={"Idempotency-Key": "a"}),
                await client.post("/orders/pause", json={}),
                await client.post("/orders/pause", json={}, headers={"Idempotency-Key": "b", "Operator": ""}),
                await client.post("/orders/rate", json={"people_per_s": -1}, headers={"Idempotency-Key": "c"}),
                await client.post("/orders/burn", json={}, headers={"Idempotency-Key": "d"}),
                await client.get("/preview?opens_at=tomorrow"),
                await client.get("/nowhere"),
            ]
            async with api(service, "x" * 40) as stranger:
                strange = [await stranger.get("/status"), await stranger.post("/orders/close", json={})]
            return answers, events, status, wrong, strange

    answers, events, status, wrong, strange = run(scenario())
    for verb, (first, again) in answers.items():
        assert first.status_code == again.status_code == 200, verb
        assert first.json()["changed"] == again.json()["changed"] and first.json()["after"] == again.json()["after"]
        assert again.json()["repeated"], verb
    changed = [verb for verb, (first, _) in answers.items() if first.json()["changed"]]
    assert [event["verb"] for event in reversed(events.json()["events"])] == changed
    assert {"pause", "close", "message", "rate", "end-session", "rotate-keys"} <= set(changed)
    assert status.json()["wanted"] == "closed" and status.json()["rate"] == "fixed"
    codes = ["invalid-fields", "idempotency-key-missing", "invalid-fields", "invalid-fields", "not-found"]
    assert [code_of(each) for each in wrong] == [*codes, "invalid-fields", "not-found"]
    assert [each.status_code for each in strange] == [401, 401]


def test_the_command_says_what_it_did(run, database_url, tmp_path):
    parser = argparse.ArgumentParser()
    waiting_room_command.add_arguments(parser)

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:

            async def ask(*words: str) -> tuple[str, bool]:
                options = parser.parse_args(words)
                begin, vault = service.ports.begin, service.ports.vault
                return await waiting_room_command.run(begin, vault, service.settings, options)

            return [
                await ask("status"),
                await ask("rate", "2.5", "--who", "Sri", "--request", "r1"),
                await ask("rate", "2.5", "--who", "Sri", "--request", "r1", "--json"),
                await ask("rate", "automatic", "--who", "Sri"),
                await ask("schedule", "2090-01-01T19:00:00+07:00", "--preview"),
                await ask("audit"),
                await ask("audit", "--json"),
                await ask("publish"),
            ]

    status, rate, again, _, plan, audit, events, publish = run(scenario())
    assert status[1] and "no worker is heard of" in status[0]
    assert "fixed_rate_per_s 2.5" in rate[0]
    assert json.loads(again[0])["repeated"] is True
    assert plan[1] and "by lot" in plan[0]
    assert [line.split("  ")[1] for line in audit[0].splitlines()] == ["Sri", "Sri"]
    assert [event["verb"] for event in json.loads(events[0])] == ["rate", "rate"]
    assert not publish[1]


@pytest.mark.parametrize(
    "words",
    [
        ("rate", "-1"),
        ("rate", "inf"),
        ("inside", "-1"),
        ("schedule", "2090-01-01T19:00:00"),
        ("queue-all", "maybe"),
        ("burn",),
    ],
)
def test_what_cannot_be_meant_is_refused(words, capsys):
    parser = argparse.ArgumentParser()
    waiting_room_command.add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(words)


def test_a_draw_is_checked_without_a_database(tmp_path):
    record = tmp_path / "record"
    record.write_text("{}\n")
    said = waiting_room_command.run_here(argparse.Namespace(what="verify", record=record))
    assert said is not None and not said[1] and "refused" in said[0]


def test_an_hour_with_early_comers_is_moved_but_not_taken_away(run, database_url, tmp_path):
    """Their places are promised by lot; without the hour they would stand as they came."""

    async def scenario():
        hour = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        async with registration(database_url, tmp_path, working=False) as service:
            empty = [await order(service, "schedule", opens_at=each) for each in (hour, None, hour)]
            await service.post("/tickets")
            moved = await order(service, "schedule", opens_at=hour + timedelta(hours=1))
            with pytest.raises(OrderRefused, match="anew"):
                await order(service, "schedule", opens_at=None)
            return empty, moved, await order(service, "schedule", opens_at=None, anew=True)

    empty, moved, anew = run(scenario())
    assert all(done.changed for done in (*empty, moved, anew))
    assert anew.after["opens_at"] is None and anew.after["epoch"] == 2


def test_an_order_and_a_beat_do_not_wait_for_each_other(run, database_url, tmp_path):
    """The order has the room, and then forgets who waits; the beat has begun meanwhile and forgets them too."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await service.sql("update gate set holder = null, at_ms = 5000")
            await service.sql("insert into claim (number, place, until_ms) values (1, 1, 0)")
            leader = await Candidate(uuid4()).look(service.ports, time.monotonic)
            assert leader is not None
            async with service.ports.begin() as tx:
                await tx.room.hold()
                beat = asyncio.create_task(leader.beat(service.ports, time.monotonic))

                async def waits() -> bool:
                    held = "datname = current_database() and wait_event_type = 'Lock'"
                    return bool(await service.sql(f"select from pg_stat_activity where {held}"))

                await until(waits)
                await tx.operations.start_anew()
            return await beat, await service.sql("select epoch from waiting_room")

    figures, ((epoch,),) = run(scenario())
    assert figures is not None and figures.room.epoch == epoch == 2
