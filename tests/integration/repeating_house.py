"""Whole services as processes between lines that lose answers and a database that is cut off at its commits."""

import asyncio
import json
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import aiohttp
import asyncpg

from loadtests.harness.http_json import ask
from loadtests.harness.processes import Child, environment, python
from tests.benchmarks.stack import NO_LIMIT, PARTNERS
from tests.integration.commit_cutter import CommitCutter
from tests.integration.effects import effects
from tests.integration.repeating_crowd import Lines, Seen, play

READY_WITHIN = 90.0
GRACE = 20.0
DRAINED_WITHIN = 120.0
LOST_ANSWERS = 0.8
"""Of what is sent over the bad line; the others come through, and are compared too."""
KEPT = 8
"""Answers kept for a person: account, code, session, two uploads, start and end of the test, join. Ticket and claim say
the same again without one."""


@dataclass(frozen=True)
class House:
    lines: Lines
    cutter: CommitCutter
    services: list[Child]
    settings: dict[str, str]
    _faults: Child
    _connection: asyncpg.Connection
    """Past the cutter."""

    async def play(self, people: int, *, seed: int, share: float, at_once: int) -> Seen:
        """share: of the commits that are cut meanwhile."""
        self.cutter.share = share
        try:
            return await play(self.lines, people, seed=seed, at_once=at_once)
        finally:
            self.cutter.share = 0.0

    async def drained(self) -> None:
        """Wait until no job is left."""
        async with asyncio.timeout(DRAINED_WITHIN):
            while await self._connection.fetchval("select sum(depth) from queue_counter"):  # noqa: ASYNC110 - a row
                await asyncio.sleep(0.05)

    async def effects(self) -> dict[str, int]:
        """What is in the database, and answers kept beside it."""
        kept = await self._connection.fetchval("select count(*) from idempotent_answer")
        return await effects(self._connection) | {"kept answers": kept}

    async def at_partners(self) -> dict[str, int]:
        """Messages and checks that partners accepted, each key once."""
        found = await asyncio.to_thread(ask, "GET", f"{self.lines.partners}/ledger")
        return {"messages": found["sms"]["distinct"], "checks": found["civil_registry"]["distinct"]}

    async def ledger(self) -> dict[str, Any]:
        """The service's own audit of its database."""
        command = python("-m", "service", "ledger", "--json")
        run = await asyncio.to_thread(
            subprocess.run, command, env=environment(self.settings), capture_output=True, check=True, timeout=60
        )
        found: dict[str, Any] = json.loads(run.stdout)
        return found

    async def bites(self) -> int:
        """Answers that the bad line has swallowed."""
        control = f"http://127.0.0.1:{self._faults.ready['control_port']}/toxics"
        (toxic,) = (await asyncio.to_thread(ask, "GET", control))["toxics"]
        return int(toxic["bit"]["connections"])

    async def told(self, metric: str, label: str) -> Counter[str]:
        """A counter of the services by one of its labels."""
        found: Counter[str] = Counter()
        for service in self.services:
            for line in (await asyncio.to_thread(_metrics, service)).splitlines():
                if line.startswith(metric + "{"):
                    value = line.partition(f'{label}="')[2].partition('"')[0]
                    found[value] += int(float(line.rpartition(" ")[2]))
        return found


def _metrics(service: Child) -> str:
    with urlopen(f"http://127.0.0.1:{service.ready['metrics_port']}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


@asynccontextmanager
async def house(
    database_url: str, folder: Path, *, seed: int, workers_too: bool, **settings: str
) -> AsyncIterator[House]:
    """Two web processes, one of them in one with a worker and the gatekeeper.

    workers_too: both have their database behind the cutter; a claim whose answer is lost waits for its lease's end.
    database_url: of an empty database, or a migrated one. settings: of the services, without the prefix.
    """
    async with AsyncExitStack() as stack:

        async def child(role: str, command: list[str], variables: dict[str, str]) -> Child:
            # In threads: what starts here connects to what runs on this loop.
            made = Child(role, command, settings=variables, logs=folder)
            stack.push_async_callback(asyncio.to_thread, made.stop, grace=GRACE)
            await asyncio.to_thread(made.wait_ready, READY_WITHIN)
            return made

        cutter = await stack.enter_async_context(CommitCutter(database_url, seed=seed))
        partners = await child("partners", python("-m", "scenarios.partners", "--lifeline"), {})
        await asyncio.to_thread(ask, "PATCH", f"{partners.url}/settings", PARTNERS)
        given = {
            "SECRET_KEY": "33" * 32,
            "PORT": "0",
            "PHOTO_DIR": str(folder / "photos"),
            "PARTNERS_URL": partners.url,
            "GATE_RATE": NO_LIMIT,
            "PARTNER_PACING": "off",  # a call that missed its turn would only make people wait
            "SYNTHETIC_PEOPLE": "on",
            "OVERLOAD_LIMIT": "off",  # a race of one person against itself is no overload to be turned away
            **settings,
        }
        past = {f"REGISTRATION_{name}": value for name, value in given.items()} | {"DATABASE_URL": database_url}
        through = past | {"DATABASE_URL": cutter.url}
        data = ["--lifeline", "--data", str(folder / "data")]
        services = [
            await child("all", python("-m", "service", "all", *data), through if workers_too else past),
            await child("web", python("-m", "service", "web", "--lifeline"), through),
        ]
        bad = ["--listen", "127.0.0.1:0", "--to", services[1].url.removeprefix("http://"), "--seed", str(seed)]
        faults = await child("faults", python("-m", "loadtests.faults", "--lifeline", *bad), {})
        toxic = {"kind": "reset", "direction": "downstream", "after_bytes": 1, "toxicity": LOST_ANSWERS}
        await asyncio.to_thread(ask, "POST", f"http://127.0.0.1:{faults.ready['control_port']}/toxics", toxic)
        session, bad_session = [
            await stack.enter_async_context(
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=force_close))
            )
            for force_close in (False, True)
        ]
        connection = await asyncpg.connect(database_url)
        stack.push_async_callback(connection.close)
        lines = Lines(session, bad_session, [service.url for service in services], faults.url, partners.url)
        yield House(lines, cutter, services, past, faults, connection)
