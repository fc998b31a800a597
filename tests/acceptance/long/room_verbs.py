"""G19, G22 and revoking (G13) on real processes: what operators order, when it holds, and that nobody loses a place.

Two web replicas and a gatekeeper with its operators' API. People keep claiming meanwhile. Each order is given twice
under one name and once more under another; at last the room is begun anew, and nothing of before may be told or taken.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from loadtests.harness.processes import free_ports, once, python
from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run
from tests.acceptance.long.room_phones import Held, Phone, Told
from tests.benchmarks.stack import Stack, stack
from tests.benchmarks.wire import Connection, Response, request

GOALS = ("G13", "G19", "G22")
SEEDS = QUICK = 1

REPLICAS = 2
RATE = 4.0
IN_LINE = 120
WITHIN = 1.0
THE_WAY = 0.25
"""Seconds more for the replica's look at the room, which comes once a second, and the looks of the proof."""
PATIENCE = 15.0
LOOK = 0.01
TOKEN = "an operator's token of the proof"

Board = dict[str, Any]
ORDERS: tuple[tuple[str, dict[str, Any], Callable[[Board], bool]], ...] = (
    ("message", {"message": "Sabar, ya"}, lambda board: board["reason"] == "Sabar, ya"),
    ("rate", {"people_per_s": 2.0}, lambda board: board["rate_per_s"] == 2.0),
    ("limit", {"people_per_s": 1.0}, lambda board: board["rate_per_s"] == 1.0),
    ("limit", {"people_per_s": None}, lambda board: board["rate_per_s"] == 2.0),
    ("rate", {"people_per_s": None}, lambda board: board["rate_per_s"] > 2.0),
    ("queue-all", {"on": True}, lambda board: board["state"] == "paused"),
    ("queue-all", {"on": False}, lambda board: board["state"] == "open"),
    ("pause", {"message": "Sebentar"}, lambda board: (board["state"], board["reason"]) == ("paused", "Sebentar")),
    ("open", {}, lambda board: board["state"] == "open"),
    ("rotate-keys", {}, lambda board: True),
)


class Desk:
    """An operator, the replicas that people ask, and the database that the proof looks into."""

    def __init__(self, operators: str, webs: list[str], database: asyncpg.Connection) -> None:
        self._operators = operators
        self.webs = webs
        self.database = database
        self._given = 0

    async def order(self, verb: str, body: dict[str, Any], name: str = "") -> dict[str, Any]:
        self._given += 1
        headers = {
            "Authorization": f"Bearer {TOKEN}",
            "Operator": "proof",
            "Idempotency-Key": name or f"order-{self._given}",
            "Content-Type": "application/json",
        }
        answer = await self._ask(self._operators, "POST", f"/orders/{verb}", headers, json.dumps(body).encode())
        if answer.status != 200:
            raise Invalid(f"{verb}: {answer.status} {answer.body[:200]!r}")
        done: dict[str, Any] = json.loads(answer.body)
        return done

    async def _ask(self, url: str, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Response:
        async with Connection(url) as line:
            return await line.exchange(request(line.host, method, path, headers, body))

    async def board(self, web: str) -> Board:
        found: Board = json.loads((await self._ask(web, "GET", "/board", {})).body)
        return found

    async def place(self, web: str, held: Held) -> Response:
        headers = {"Waiting-Room-Ticket": held.ticket, "Waiting-Room-Secret": held.secret}
        return await self._ask(web, "GET", "/place", headers)

    async def until_all(self, holds: Callable[[str], Any], what: str) -> float:
        """Seconds until it holds at every replica."""
        began = time.monotonic()
        for web in self.webs:
            while not await holds(web):
                if time.monotonic() - began > PATIENCE:
                    raise Invalid(f"never seen at {web}: {what}")
                await asyncio.sleep(LOOK)
        return time.monotonic() - began

    async def places(self) -> dict[int, bytes]:
        rows = await self.database.fetch("select number, binding from ticket")
        return {row["number"]: row["binding"] for row in rows}


async def ordered(desk: Desk) -> dict[str, Any]:
    """How long each order took to be told, and whether giving it again changed anything."""
    told: dict[str, float] = {}
    again = 0
    for number, (verb, body, shown) in enumerate(ORDERS):
        first = await desk.order(verb, body, f"proof-{number}")

        async def holds(web: str, shown: Callable[[Board], bool] = shown) -> bool:
            return shown(await desk.board(web))

        took = await desk.until_all(holds, verb)
        told[f"{verb} {number}"] = took
        same = await desk.order(verb, body, f"proof-{number}")
        again += not first["changed"] or not same["repeated"]
        if verb != "rotate-keys":  # each of these is another change
            again += (await desk.order(verb, body))["changed"]
    events = await desk.database.fetchval("select count(*) from room_event where request like 'proof-%'")
    return {"told": told, "again": again, "events": int(events)}


async def stopped(desk: Desk) -> float:
    """Seconds from the answer to `pause` until the last admission. It is ordered while people come in."""
    recent = "select count(*) > 0 from claim where admitted_at > now() - interval '1 s'"
    await desk.until_all(lambda _: desk.database.fetchval(recent), "people coming in")
    await desk.order("pause", {})
    ordered_at = time.time()
    await asyncio.sleep(4.0)  # whoever would come in although the room is paused, has done so by now
    last = await desk.database.fetchval("select max(admitted_at) from claim")
    await desk.order("open", {})
    return max(float(last.timestamp()) - ordered_at, 0.0)


async def revoked(desk: Desk, phones: list[Phone]) -> float:
    """Seconds until a ticket that an operator ended is refused everywhere."""
    slowest = 0.0
    for phone in phones:
        (number,) = phone.held.numbers
        await desk.order("end-session", {"ticket": number})

        async def refused(web: str, held: Held = phone.held) -> bool:
            return (await desk.place(web, held)).status == 401

        slowest = max(slowest, await desk.until_all(refused, "a revoked ticket"))
    return slowest


async def begun_anew(desk: Desk, old: list[Phone], passes: list[str]) -> dict[str, Any]:
    """What is left of the start before, once every replica knows of the new one."""
    epoch = (await desk.board(desk.webs[0]))["epoch"]
    opens_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await desk.order("schedule", {"opens_at": opens_at, "anew": True})

    async def is_new(web: str) -> bool:
        return bool((await desk.board(web))["epoch"] > epoch)

    took = await desk.until_all(is_new, "the new start")
    stale = taken = 0
    for web in desk.webs:
        for _ in range(100):
            stale += not await is_new(web)
        for phone in old:
            taken += (await desk.place(web, phone.held)).status == 200
        for value in passes:
            headers = {"Content-Type": "application/json", "Idempotency-Key": value[-20:], "Waiting-Room-Pass": value}
            body = b'{"name": "Siti Rahma", "phone": "+6280%09d"}' % random.Random(value).randrange(10**9)
            taken += (await desk._ask(web, "POST", "/accounts", headers, body)).status == 201
    newest = Phone(lambda: desk.webs[0], random.Random(1), Told(), old[0].held.key)
    await newest.join()
    return {"took_s": took, "stale": stale, "taken": taken, "same_number": newest.held.numbers == old[0].held.numbers}


async def played(operators: str, webs: list[str], database: str) -> Figures:
    told, draw = Told(), random.Random(1)
    phones = [Phone(lambda: draw.choice(webs), draw, told, f"verbs-{number}") for number in range(IN_LINE)]
    connection = await asyncpg.connect(database)
    desk = Desk(operators, webs, connection)
    over = False
    try:
        for phone in phones:
            await phone.join()
        before = await desk.places()
        async with asyncio.TaskGroup() as group:
            for phone in phones:
                group.create_task(phone.enter(lambda: not over))
            stop = await stopped(desk)
            found = await ordered(desk)
            over = True
        after = await desk.places()
        places_lost = sum(after.get(number) != holder for number, holder in before.items())
        entered = [phone for phone in phones if phone.held.passes]
        waiting = [phone for phone in phones if not phone.held.passes]
        if not entered or len(waiting) < 8:
            raise Invalid(f"{len(entered)} came in and {len(waiting)} still wait")
        revoke = await revoked(desk, waiting[:5])
        passes = [next(iter(phone.held.passes)) for phone in entered[:10]]
        anew = await begun_anew(desk, waiting[5:] + entered[:5], passes)
    finally:
        await connection.close()
    return {**found, "stopped_s": stop, "lost": places_lost, "revoke_s": revoke, "anew": anew, "entered": len(entered)}


def started(server: Stack) -> tuple[str, list[str], str]:
    """The operators' API, the replicas, and the database."""
    database = server.database("verbs")
    port = free_ports(1)
    settings = server.settings("verbs", database, "http://127.0.0.1:9")
    settings |= {
        "REGISTRATION_GATE_RATE": f"{RATE:g}",
        "REGISTRATION_OPERATOR_TOKEN": TOKEN,
        "REGISTRATION_OPERATOR_PORT": str(port),
    }
    once("migrate-verbs", python("-m", "service", "migrate"), settings=settings, logs=server.folder, within=60)
    server.start("gatekeeper-verbs", python("-m", "service", "gatekeeper", "--lifeline"), settings)
    command = python("-m", "service", "web", "--lifeline")
    webs = [server.start(f"web-verbs-{number}", command, settings).url for number in range(REPLICAS)]
    return f"http://127.0.0.1:{port}", webs, database


def measure(seed: int, run: Run) -> Figures:
    with stack() as server:
        return asyncio.run(played(*started(server)))


def judge(figures: list[Figures]) -> list[Finding]:
    (one,) = figures
    anew = one["anew"]
    slowest = max(one["told"].values())
    soon, stop = one["revoke_s"], one["stopped_s"]
    kept = one["again"] == 0 and one["events"] == len(ORDERS)
    right = anew["stale"] == anew["taken"] == 0 and not anew["same_number"]
    again = f"given again {one['again']} changed anything (0), {one['events']} are on the record"
    old = f"{anew['stale']} stale answers, {anew['taken']} tickets or passes of before taken (0)"
    return [
        Finding(
            "G13", soon <= WITHIN + THE_WAY, f"a revoked ticket is refused everywhere within {soon:.2f} s ({WITHIN:g})"
        ),
        Finding("G19", stop <= WITHIN, f"the last one came in {stop:.2f} s after a pause was ordered ({WITHIN:g})"),
        Finding("G19", slowest <= WITHIN + THE_WAY, f"every board tells of each order within {slowest:.2f} s (1)"),
        Finding("G19", kept, f"of {len(ORDERS)} orders {again}"),
        Finding("G19", one["lost"] == 0, f"{one['lost']} places lost (0)"),
        Finding("G22", right, f"begun anew: from {anew['took_s']:.2f} s later on {old}"),
    ]
