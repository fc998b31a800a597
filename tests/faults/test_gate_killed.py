"""The gatekeeper that leads is killed: another one takes over, and no window of time sees more than its limit."""

import asyncio
import signal
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import asyncpg
import pytest

from service.actions.claims import claim_together
from service.domain.gate import MINUTE, SECOND, minute_limit, second_limit
from service.room_ports import Claimant
from service.storage.pool import Database
from service.storage.transaction import begin_on
from service.storage.vault import KeyVault
from tests.conftest import Run
from tests.service_process import running

T = TypeVar("T")
RATE = 30.0
PATIENCE = 40.0
LIMITLESS = 10**9


@dataclass
class Crowd:
    """Everybody who is invited claims, again and again until they are in."""

    database: Database
    inside: set[int] = field(default_factory=set)

    async def claim(self) -> None:
        begin = begin_on(self.database, KeyVault(bytes(32)))
        async with begin(single=True) as tx:
            room = await tx.room.read()
        outside = [number for number in range(1, int(room.frontier) + 1) if number not in self.inside]
        claimants = [Claimant(number, number, room.epoch) for number in outside[:64]]
        if claimants:
            answers = await claim_together(begin, claimants)
            self.inside |= {answer.found.number for answer in answers if answer.found is not None}

    @asynccontextmanager
    async def claiming(self) -> AsyncIterator[None]:
        async def on_and_on() -> None:
            while True:
                await self.claim()
                await asyncio.sleep(0.02)

        task = asyncio.create_task(on_and_on())
        try:
            yield
            assert not task.done() or task.result()
        finally:
            task.cancel()
            await asyncio.wait([task])


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def most_in(watcher: asyncpg.Connection, length: float) -> int:
    """The most who came in within so many seconds, by the database's clock."""
    rows = await watcher.fetch("select extract(epoch from admitted_at)::float8 as at from claim where admission > 0")
    instants = sorted(row["at"] for row in rows)
    length *= 0.999  # the database's clock need not run quite as the leader's
    return max(bisect_left(instants, start + length) - i for i, start in enumerate(instants))


@pytest.mark.timeout(150)
def test_a_killed_leader_is_replaced_and_nobody_too_many_comes_in(run: Run, database_url: str, tmp_path: Path) -> None:
    """Two gatekeepers; `kill -9` for the one that leads. Negative control: a grant without limit is found out."""
    values = {"SECRET_KEY": "22" * 32, "PORT": "0", "PHOTO_DIR": str(tmp_path), "GATE_RATE": str(RATE)}
    settings = {"DATABASE_URL": database_url} | {f"REGISTRATION_{name}": value for name, value in values.items()}

    async def scenario() -> None:
        watcher = await asyncpg.connect(database_url)
        crowd = Crowd(await Database.open(database_url, connections=2))
        await watcher.execute("select setval('ticket_number', 1000000)")

        async def holder() -> UUID | None:
            found: UUID | None = await watcher.fetchval("select holder from gate")
            return found

        async def admitted() -> int:
            return int(await watcher.fetchval("select admitted from gate"))

        async def come_in(people: float, what: str) -> None:
            most = await admitted() + people
            await until(lambda: _is(admitted, lambda count: count > most), what)

        async with AsyncExitStack() as stack:
            stack.push_async_callback(watcher.close)
            stack.push_async_callback(crowd.database.close)
            first, _ = stack.enter_context(running("gatekeeper", "--lifeline", **settings))
            await until(lambda: _is(holder, lambda who: who is not None), "nobody leads")
            firsts = await holder()
            second, _ = stack.enter_context(running("gatekeeper", "--lifeline", **settings))
            async with crowd.claiming():
                await come_in(RATE * 1.5, "nobody comes in")
                old = await holder()
                # A machine that stood still may have changed the leader before.
                killed, left = (first, second) if old == firsts else (second, first)
                killed.send_signal(signal.SIGKILL)
                await until(lambda: _is(holder, lambda who: who not in (None, old)), "nobody takes over")
                await come_in(RATE, "the gate stays shut")
                assert left.stdin is not None
                left.stdin.close()
                assert await asyncio.to_thread(left.wait, 20) == 0
                assert await holder() is None  # it said so: another one would lead at once
                assert await most_in(watcher, SECOND) <= second_limit(RATE)
                assert await most_in(watcher, MINUTE) <= minute_limit(RATE)
                await watcher.execute("update waiting_room set frontier = 100000")
                await watcher.execute("update gate set granted = $1", LIMITLESS)
                await come_in(3 * RATE, "the grant is no use")
            assert await most_in(watcher, SECOND) > second_limit(RATE)

    run(scenario())


async def _is(read: Callable[[], Awaitable[T]], fits: Callable[[T], bool]) -> bool:
    return fits(await read())
