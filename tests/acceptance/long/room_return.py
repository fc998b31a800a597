"""G14 once more: 1.4 million people in line, everything is killed at once, and every place is told again in 5 seconds.

Killed are the web process, the gatekeeper and the database's backends, which makes the database recover from its log.
From the moment at which the processes are started again until two hundred tickets, drawn from all, are told their
number and their place.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import asyncpg

from loadtests.harness.errors import HarnessError
from loadtests.harness.processes import Child, free_ports, once, python
from service.actions.tickets import sign_ticket
from service.domain import lottery, tickets
from service.room_ports import Room
from service.storage.vault import KeyVault
from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run
from tests.acceptance.long.room_phones import LOST
from tests.benchmarks.stack import READY_WITHIN, Stack, stack
from tests.benchmarks.wire import Connection, request

GOALS = ("G14",)
SEEDS = QUICK = 1

WAITING, QUICK_WAITING = 1_400_000, 50_000
ASKED = 200
WITHIN = 5.0
ROLES = ("web", "gatekeeper")
KEY = (2**62 + 12345, 2**61 + 54321)

FILL = """
insert into ticket (number, binding)
select number, substring(sha256(convert_to('secret ' || lpad(number::text, 36, '0'), 'UTF8')) for 16)
from generate_series(1, $1::bigint) as given (number)
"""


def secret_of(number: int) -> str:
    return f"secret {number:036d}"


async def filled(url: str, count: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("set statement_timeout = 0")
        await connection.execute(FILL, count)
        await connection.execute("select setval('ticket_number', $1)", count)
        await connection.execute(
            "update waiting_room set cohort = $1, shuffle_high = $2, shuffle_low = $3, wanted = 'paused',"
            " opens_at = now(), opened_at = now()",
            count,
            *KEY,
        )
        await connection.execute("analyze ticket")
        # People come over hours: the database has long written down all but the last minutes of them.
        await connection.execute("checkpoint")
    finally:
        await connection.close()


async def kill_backends(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
        for row in rows:
            with contextlib.suppress(ProcessLookupError):  # the first one's end is the end of them all
                os.kill(int(row["pid"]), signal.SIGKILL)
        return len(rows)
    finally:
        connection.terminate()


async def told(url: str, signed: dict[int, str], count: int) -> int:
    """How many were told wrong. Returns when everybody was told something."""
    wrong = 0
    async with Connection(url) as line:
        for number, ticket in signed.items():
            headers = {"Waiting-Room-Ticket": ticket, "Waiting-Room-Secret": secret_of(number)}
            while True:
                try:
                    answer = await line.exchange(request(line.host, "GET", "/place", headers))
                except LOST:
                    await asyncio.sleep(0.02)
                    continue
                if answer.status == 200:
                    break
                await asyncio.sleep(0.02)
            said: dict[str, Any] = json.loads(answer.body)
            right = lottery.place_of(number, count, *KEY)
            wrong += (said["number"], said["place"]) != (number, right)
    return wrong


def start(server: Stack, settings: dict[str, str], role: str) -> Child:
    """The role, at work; started again when it gives up because the database is not back yet, as a supervisor would."""
    command = python("-m", "service", role, "--lifeline")
    for _ in range(20):
        child = Child(f"{role}-return", command, settings=settings, logs=server.folder)
        try:
            child.wait_ready(READY_WITHIN)
        except HarnessError:
            child.kill()
        else:
            return child
    raise Invalid(f"the {role} does not come up again: {server.folder}")


def measure(seed: int, run: Run) -> Figures:
    count = QUICK_WAITING if run.quick else WAITING
    draw = random.Random(seed)
    with stack() as server:
        database = server.database("return")
        settings = server.settings("return", database, "http://127.0.0.1:9")
        settings["REGISTRATION_PORT"] = str(free_ports(1))
        once("migrate-return", python("-m", "service", "migrate"), settings=settings, logs=server.folder, within=60)
        asyncio.run(filled(database, count))
        vault = KeyVault(bytes.fromhex(settings["REGISTRATION_SECRET_KEY"]))
        room = cast(Room, SimpleNamespace(key_id=1, epoch=1))
        signed = {
            number: sign_ticket(vault, room, number, tickets.binding_of(secret_of(number)))
            for number in draw.sample(range(1, count + 1), ASKED)
        }
        children = [start(server, settings, role) for role in ROLES]
        try:
            if wrong := asyncio.run(told(children[0].url, signed, count)):
                raise Invalid(f"{wrong} of {ASKED} places were told wrong before anything was killed")
            killed = asyncio.run(kill_backends(database))
            for child in children:
                child.kill()
            children.clear()
            began = time.monotonic()
            with ThreadPoolExecutor() as threads:
                others = threads.submit(start, server, settings, ROLES[1])
                children.append(start(server, settings, ROLES[0]))
                wrong = asyncio.run(told(children[0].url, signed, count))
                took = time.monotonic() - began
                children.append(others.result())
        finally:
            for child in children:
                child.kill()
    return {"waiting": count, "asked": ASKED, "wrong": wrong, "took_s": took, "backends": killed}


def judge(figures: list[Figures]) -> list[Finding]:
    (one,) = figures
    text = (
        f"{one['waiting']:,} places back {one['took_s']:.1f} s after web, gatekeeper and {one['backends']} backends of "
    )
    text += f"the database were killed ({WITHIN:.0f} s), {one['wrong']} of {one['asked']} told wrong (0)"
    return [Finding("G14", one["wrong"] == 0 and one["took_s"] <= WITHIN, text)]
