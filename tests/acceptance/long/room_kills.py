"""G14 on real processes: `kill -9` at 200 random points, of web replicas, gatekeepers and the database's backends.

People take tickets and claim passes at three replicas meanwhile. Every place that an answer acknowledged must be in the
database, one for each key; no limit may be passed in any window of the log of admissions.
"""

import asyncio
import math
import os
import random
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np

from loadtests.harness.processes import Child, free_ports, once, python
from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run
from tests.acceptance.long.room_phones import Phone, Told
from tests.acceptance.long.room_windows import most_in_window
from tests.benchmarks.stack import READY_WITHIN, Stack, stack

GOALS = ("G14",)
SEEDS = QUICK = 1

KILLS, QUICK_KILLS = 200, 20
BACKENDS = 0.1
"""Share of the kills that hit a backend of the database: the whole server then throws everybody out and recovers."""
PAUSE = (0.1, 0.9)
"""Seconds between two kills."""
REPLICAS, GATEKEEPERS = 3, 2
RATE = 12.0
"""People a second: some wait at any time, and a window that is passed shows."""
SECOND = 1.1
"""How much of a second's share may come in within any one."""
JOINS = 14.0
AWAY = 0.2
"""Share of the people who take a ticket and never claim."""
LAST = 60.0
"""Seconds after the last kill in which those who wait are let in."""


@dataclass
class Place:
    """A process that is started again whenever it is killed."""

    role: str
    number: int
    port: int
    child: Child | None = None
    kills: int = 0
    returning: "asyncio.Task[None] | None" = None


@dataclass
class House:
    """The processes of one service on one database."""

    server: Stack
    url: str
    places: list[Place]
    settings: dict[str, str]
    busy_kills: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    slow_returns: list[float] = field(default_factory=list)

    def route(self, draw: random.Random) -> str:
        up = [one for one in self.places if one.role == "web" and one.child is not None]
        ports = [one.port for one in up or self.places if one.role == "web"]
        return f"http://127.0.0.1:{draw.choice(ports)}"

    async def start(self, place: Place) -> None:
        began = time.monotonic()
        command = python("-m", "service", place.role, "--lifeline")
        settings = {**self.settings, "REGISTRATION_PORT": str(place.port)}
        logs = self.server.folder
        while True:
            child = Child(f"{place.role}-{place.number}", command, settings=settings, logs=logs)
            try:
                await asyncio.to_thread(child.wait_ready, READY_WITHIN)
            except BaseException as why:
                child.kill()
                if not isinstance(why, Exception) or time.monotonic() - began > READY_WITHIN:
                    raise
                continue  # the database is recovering: a supervisor tries again
            place.child = child
            self.slow_returns.append(time.monotonic() - began)
            return

    async def kill(self, place: Place) -> None:
        """Returns when it is dead; it comes back meanwhile."""
        child, place.child = place.child, None
        assert child is not None, "it is down already"
        os.killpg(child.pid, signal.SIGKILL)
        await asyncio.to_thread(child.kill)
        if child.code != -signal.SIGKILL:
            raise Invalid(f"{place.role} {place.number} had ended by itself: {child.code}, see {child.log}")
        place.kills += 1
        place.returning = asyncio.create_task(self.start(place))

    async def kill_backend(self, draw: random.Random) -> bool:
        """Whether one was there to be killed."""
        connection = await asyncpg.connect(self.url)
        try:
            rows = await connection.fetch(
                "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            )
        finally:
            await connection.close()
        if rows:
            os.kill(int(draw.choice(rows)["pid"]), signal.SIGKILL)
        return bool(rows)

    def end(self) -> None:
        for place in self.places:
            if place.returning is not None:
                place.returning.cancel()
            if place.child is not None:
                place.child.kill()


def house(server: Stack, name: str, **more: str) -> House:
    """Nothing of it runs yet."""
    url = server.database(name)
    settings = server.settings(name, url, "http://127.0.0.1:9")
    settings |= {"REGISTRATION_GATE_RATE": f"{RATE:g}", **more}
    once(f"migrate-{name}", python("-m", "service", "migrate"), settings=settings, logs=server.folder, within=60)
    first = free_ports(REPLICAS)
    places = [Place("web", number, first + number) for number in range(REPLICAS)]
    places += [Place("gatekeeper", number, 0) for number in range(GATEKEEPERS)]
    return House(server, url, places, settings)


async def killing(place: House, told: Told, draw: random.Random, kills: int) -> None:
    """One after the other, each at a random moment; somebody of a role is killed only while it is up."""
    done = 0
    while done < kills:
        await asyncio.sleep(draw.uniform(*PAUSE))
        if draw.random() < BACKENDS:
            try:
                role = "database" if await place.kill_backend(draw) else ""
            except (OSError, asyncpg.PostgresError):
                role = ""  # it is still recovering from the last one
        else:
            up = [one for one in place.places if one.child is not None]
            role = ""
            if len(up) > 1:
                victim = draw.choice(up)
                place.busy_kills += told.busy > 0
                await place.kill(victim)
                role = victim.role
        if role:
            done += 1
            place.kills[role] = place.kills.get(role, 0) + 1


async def crowd(place: House, told: Told, draw: random.Random, killed: asyncio.Event) -> None:
    """People come one after the other until the kills are over; then those who wait have a while to get in."""
    deadline = [float("inf")]

    def patience() -> bool:
        return time.monotonic() < deadline[0]

    async def person(number: int) -> None:
        own = random.Random(f"{draw.random()}/{number}")
        phone = Phone(lambda: place.route(own), own, told, f"kills-{number}")
        await phone.join()
        if own.random() >= AWAY:
            await phone.enter(patience)

    number = 0
    async with asyncio.TaskGroup() as group:
        while not killed.is_set():
            group.create_task(person(number))
            number += 1
            await asyncio.sleep(draw.expovariate(JOINS))
        deadline[0] = time.monotonic() + LAST


async def played(server: Stack, seed: int, kills: int) -> tuple[House, Told]:
    draw, told, killed = random.Random(seed), Told(), asyncio.Event()
    place = await asyncio.to_thread(house, server, "kills")
    try:
        async with asyncio.TaskGroup() as group:
            for one in place.places:
                group.create_task(place.start(one))
        async with asyncio.TaskGroup() as group:
            group.create_task(crowd(place, told, draw, killed))
            await killing(place, told, random.Random(seed + 1), kills)
            killed.set()
    finally:
        place.end()
    return place, told


async def audited(url: str, told: Told, folder: Path) -> Figures:
    """What the database holds beside what people were told."""
    connection = await asyncpg.connect(url)
    try:
        tickets = await connection.fetch("select number, binding from ticket")
        claims = await connection.fetch(
            "select number, admission, admitted_at from claim where admission is not null order by admission"
        )
    finally:
        await connection.close()
    holder_of = {row["number"]: row["binding"] for row in tickets}
    lost = [
        one.key
        for one in told.holders
        if any(holder_of.get(number) != sha256(one.secret.encode()).digest()[:16] for number in one.numbers)
    ]
    numbers = [number for one in told.holders for number in one.numbers]
    inside = {row["number"] for row in claims}
    let_in = [one for one in told.holders if one.passes]
    at = np.array([row["admitted_at"].timestamp() for row in claims])
    np.save(folder / "kills-admissions.npy", at)
    return {
        "holders": len(told.holders),
        "lost": len(lost),
        "lost_keys": lost[:20],
        "doubled": len(numbers) - len(set(numbers)),
        "two_numbers": sum(len(one.numbers) > 1 for one in told.holders),
        "passes": len(let_in),
        "passes_lost": sum(not one.numbers <= inside for one in let_in),
        "passes_doubled": sum(len(one.passes) > 1 for one in let_in),
        "admissions": len(claims),
        "admissions_doubled": len(claims) - len({row["admission"] for row in claims}),
        "limit_1s": math.ceil(SECOND * RATE),
        "limit_60s": math.floor(60.0 * RATE),
        "most_in_1s": most_in_window(at, 1.0),
        "most_in_60s": most_in_window(at, 60.0),
        "answers": dict(told.answers),
        "unanswered": told.unanswered,
        "refused": told.refused,
    }


def measure(seed: int, run: Run) -> Figures:
    kills = QUICK_KILLS if run.quick else KILLS
    with ExitStack() as everything:
        server = everything.enter_context(stack())
        place, told = asyncio.run(played(server, seed, kills))
        found: dict[str, Any] = asyncio.run(audited(place.url, told, run.folder))
    bitten = found["unanswered"]
    if bitten < kills / 10:
        raise Invalid(f"{kills} kills left {bitten} requests without an answer only")
    return found | {"kills": place.kills, "busy_kills": place.busy_kills, "slowest_return_s": max(place.slow_returns)}


def judge(figures: list[Figures]) -> list[Finding]:
    found = []
    for one in figures:
        kills = ", ".join(f"{count} {role}" for role, count in sorted(one["kills"].items()))
        lost = one["lost"] + one["passes_lost"]
        doubled = one["doubled"] + one["two_numbers"] + one["passes_doubled"] + one["admissions_doubled"]
        text = f"{sum(one['kills'].values())} kills ({kills}): {lost} of {one['holders']} acknowledged places and "
        text += f"{one['passes']} passes lost, {doubled} doubled (0)"
        found.append(Finding("G14", lost == doubled == 0, text))
        within = one["most_in_1s"] <= one["limit_1s"] and one["most_in_60s"] <= one["limit_60s"]
        text = f"across them at most {one['most_in_1s']} came in within a second ({one['limit_1s']}), "
        text += f"{one['most_in_60s']} within a minute ({one['limit_60s']})"
        found.append(Finding("G14", within, text))
    return found
