"""Joins at the store: ours, many by one statement, and one INSERT each, by the same tasks on as many connections."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable

import asyncpg
import uvloop

from service.actions.joins import joins_on
from service.room_ports import Join
from service.storage.migrate import migrate_url
from service.storage.pool import Database
from service.storage.transaction import begin_on
from service.storage.vault import KeyVault

TASKS = 64
"""People who join at the same time: as many as 6 connections serve by ten each."""
CONNECTIONS = 6
ONE = "insert into ticket (binding, join_key) values ($1, $2) returning number"

Draw = Callable[[], Awaitable[object]]


def joins_per_second(url: str, runs: int, seconds: float) -> tuple[list[float], list[float]]:
    """Ours and one INSERT each, in turns, on the fresh database at `url`; the first pair warms up and is left out."""

    async def measure() -> tuple[list[float], list[float]]:
        await migrate_url(url)
        database = await Database.open(url, connections=CONNECTIONS)
        pool = await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS)
        ours, single = [], []
        try:
            if await pool.fetchval("show fsync") != "on" or await pool.fetchval("show synchronous_commit") != "on":
                raise AssertionError("commits must be durable")
            join = joins_on(begin_on(database, KeyVault(os.urandom(32))))
            for run in range(runs + 1):
                pair = (
                    await _rate(lambda: join(Join(os.urandom(32), os.urandom(16))), seconds),
                    await _rate(lambda: pool.fetchval(ONE, os.urandom(16), os.urandom(32)), seconds),
                )
                if run:
                    ours.append(pair[0])
                    single.append(pair[1])
        finally:
            await pool.close()
            await database.close()
        return ours, single

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure())


async def _rate(draw: Draw, seconds: float) -> float:
    """Tickets a second that TASKS draw, each one after the other."""
    drawn = 0
    began = time.monotonic()

    async def one() -> None:
        nonlocal drawn
        while time.monotonic() - began < seconds:
            await draw()
            drawn += 1

    await asyncio.gather(*(one() for _ in range(TASKS)))
    return drawn / (time.monotonic() - began)
