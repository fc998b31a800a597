"""What the queue's tests share: connections, and jobs put in or taken out in transactions of their own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from service.queue_ports import Claim, Job
from service.storage.queue import PostgresQueue

QUEUE = "email"


@asynccontextmanager
async def connections(url: str, count: int) -> AsyncIterator[list[asyncpg.Connection]]:
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(count):
            connection = await asyncpg.connect(url)
            stack.push_async_callback(connection.close)
            opened.append(connection)
        yield opened


@asynccontextmanager
async def one(url: str) -> AsyncIterator[asyncpg.Connection]:
    async with connections(url, 1) as (connection,):
        yield connection


async def enqueue(connection: asyncpg.Connection, *names: str, limit: int = -1, **options: Any) -> list[bool]:
    """One transaction for each name; what the queue said to each."""
    answers = []
    for name in names:
        async with connection.transaction():
            answers.append(await PostgresQueue(connection).enqueue(QUEUE, name, {"name": name}, limit=limit, **options))
    return answers


async def claim(
    connection: asyncpg.Connection,
    most: int = 100,
    rate_per_s: float = -1.0,
    lease_s: float = 60.0,
    *,
    clock_known: bool = True,
) -> Claim:
    async with connection.transaction():
        return await PostgresQueue(connection).claim(
            QUEUE, most=most, rate_per_s=rate_per_s, lease_s=lease_s, clock_known=clock_known
        )


async def depth(connection: asyncpg.Connection) -> int:
    return next(level.depth for level in await PostgresQueue(connection).levels() if level.queue == QUEUE)


def names(jobs: Sequence[Job]) -> list[object]:
    return [job.payload["name"] for job in jobs]
