"""R6 on a real server: a queue never holds more than its limit, a long one is as quick as a short one, and its time to
drain is what it says.

`make acceptance NAME=backlog`: sixteen callers at once at a queue that has room for few of them; claims with a million
jobs waiting, beside somebody who holds an old snapshot open, against claims with a thousand and nobody; and a worker
whose estimates are compared with what came. The controls: no limit; claims that begin at the front each time. Ends with
3 when a bar is missed, with 5 when the snapshot was not held or the machine was too busy for the quota.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from statistics import median

import asyncpg

from service.queues.place import Place
from service.storage.migrate import migrate_url
from service.storage.queue import PostgresQueue
from tests.acceptance.long.worker_house import Bars, Invalid, house, proved, until
from tests.benchmarks.queue import BATCH, COUNT
from tests.benchmarks.stack import Stack, say
from tests.integration.queue_room import connections

CALLERS, LIMIT, EACH = 16, 1000, 150
FEW, MANY = 1_000, 1_000_000
ROUNDS, CLAIMS = 6, 250
FILL = """
    insert into job (queue, dedupe, payload, shard, run_at, expires_at)
    select 'sms', 'waiting ' || number, '{}', number % 32, now() - make_interval(secs => ($1 - number) / 500.0),
        now() + interval '1 day'
    from generate_series(1, $1::int) as number
"""
"""As they came at 500 a second."""
GROWTH = 2.0
RATE, CODES = 40.0, 1_400
"""About 36 s to drain."""
NEAR = 0.2


async def bound(server: Stack, bars: Bars) -> None:
    for limit in (LIMIT, -1):
        url = await asyncio.to_thread(server.database, "bounded" if limit > 0 else "unbounded")
        await migrate_url(url)
        async with connections(url, CALLERS + 1) as (looker, *callers):
            depths: list[int] = []

            async def look(looker: asyncpg.Connection = looker, depths: list[int] = depths) -> None:
                while True:
                    levels = await PostgresQueue(looker).levels()
                    depths.append(next(level.depth for level in levels if level.queue == "sms"))

            async def call(number: int, connection: asyncpg.Connection, limit: int = limit) -> int:
                queue = PostgresQueue(connection)
                taken = [await queue.enqueue("sms", f"{number} {n}", {}, limit=limit) for n in range(EACH)]
                return sum(taken)

            looking = asyncio.create_task(look())
            taken = sum(await asyncio.gather(*(call(*each) for each in enumerate(callers))))
            looking.cancel()
            await asyncio.wait([looking])
            waiting = await callers[0].fetchval("select count(*) from job")
        text = f"{CALLERS} callers with {CALLERS * EACH} jobs: {taken} were taken, {max(depths)} seen at once at most"
        if limit > 0:
            bars.judge(max(depths) <= LIMIT and taken == waiting <= LIMIT, f"{text} ({LIMIT} at most, no slack)")
            bars.judge(taken >= LIMIT - CALLERS, f"all but {LIMIT - taken} places were found")
        else:
            bars.judge(taken == CALLERS * EACH, f"control: without a limit {taken}")


async def filled(url: str, children: AsyncExitStack, jobs: int) -> asyncpg.Connection:
    say(f"filling a queue with {jobs:,} jobs")
    await migrate_url(url)
    connection = await asyncpg.connect(url, statement_cache_size=200)
    children.push_async_callback(connection.close)
    await connection.execute("set statement_timeout = 0")
    await connection.execute(FILL, jobs)
    await connection.execute(COUNT)
    await connection.execute("vacuum analyze")
    return connection


async def claims(connection: asyncpg.Connection, run: str, place: Place | None) -> list[float]:
    """Seconds of each claim; as many jobs wait after it as before it. place: None: each begins at the front."""
    queue, taken = PostgresQueue(connection), []
    for turn in range(CLAIMS):
        async with connection.transaction():
            for n in range(BATCH):
                assert await queue.enqueue("sms", f"{run} {turn} {n}", {}, limit=2 * MANY, expires_in=3600.0)
        since = None if place is None else place.since(time.monotonic())
        began = time.perf_counter()
        async with connection.transaction():
            claim = await queue.claim("sms", most=BATCH, rate_per_s=1e6, lease_s=60.0, since=since)
        taken.append(time.perf_counter() - began)
        if place is not None and claim.oldest is not None:
            place.found(claim.oldest)
        assert len(await queue.finish_all(claim.jobs)) == BATCH
    return taken


async def quick(server: Stack, bars: Bars) -> None:
    async with AsyncExitStack() as children:
        short_url, long_url = [await asyncio.to_thread(server.database, name) for name in ("few", "many")]
        few = await filled(short_url, children, FEW)
        many = await filled(long_url, children, MANY)
        holder = await asyncpg.connect(long_url, server_settings={"idle_in_transaction_session_timeout": "0"})
        children.push_async_callback(holder.close)
        snapshot = holder.transaction(isolation="repeatable_read")
        await snapshot.start()
        await holder.fetchval("select count(*) from queue")
        held_at = time.monotonic()
        ratios: list[float] = []
        places = {"few": Place(), "many": Place()}
        for run in range(ROUNDS + 1):
            short = p99(await claims(few, f"few {run}", places["few"]))
            long = p99(await claims(many, f"many {run}", places["many"]))
            if run:  # files and caches are warm now
                ratios.append(long / short)
                say(f"round {run} of {ROUNDS}: p99 {long * 1e3:.1f} ms against {short * 1e3:.1f}")
        kept = median(await claims(many, "kept", places["many"]))
        front = median(await claims(many, "front", None))
        pid = holder.get_server_pid()
        if not await many.fetchval("select backend_xmin is not null from pg_stat_activity where pid = $1", pid):
            raise Invalid("the snapshot was not held to the end")
        held = f"a million jobs and a snapshot held for {time.monotonic() - held_at:.0f} s"
        text = f"claim p99 with {held}: {median(ratios):.2f} times that with a thousand and none"
        bars.judge(median(ratios) <= GROWTH, f"{text} ({GROWTH:.0f} at most; {', '.join(f'{x:.2f}' for x in ratios)})")
        bars.judge(front > 1.3 * kept, f"control: from the front a claim takes {front / kept:.1f} times as long")


def p99(values: Sequence[float]) -> float:
    return sorted(values)[int(0.99 * len(values))]


async def drained(server: Stack, bars: Bars) -> None:
    async with house(server, "drained", SMS_RATE=str(RATE)) as place:
        person = await place.room.account(1)
        for _ in range(CODES):
            await place.room.ask_code(person)
        worker = await place.worker(SMS_RATE=str(RATE))

        def left() -> float:
            return worker.metric("registration_queue_depth", queue="sms")

        await until(lambda: 0 < left() < CODES - 2 * RATE, 60, "the first jobs")
        estimates: list[tuple[float, float]] = []
        while left() > 10 * RATE:  # levels are up to a beat of a second old
            at = time.monotonic()
            estimates.append((at, worker.metric("registration_queue_drain_seconds", queue="sms")))
            await asyncio.sleep(1.0)
        await until(lambda: left() == 0, 120, "the last jobs")
        empty = time.monotonic()
        if empty - estimates[0][0] > 1.2 * CODES / RATE:
            raise Invalid(f"the machine set the pace, {CODES} jobs took {empty - estimates[0][0]:.0f} s and more")
        off = [(estimate - (empty - at)) / (empty - at) for at, estimate in estimates]
        worst = max(off, key=abs)
        text = (
            f"{len(off)} estimates of the time to drain: off by {median(map(abs, off)):.0%}, at worst by {worst:+.0%}"
        )
        bars.judge(len(off) >= 10 and abs(worst) <= NEAR, f"{text} ({NEAR:.0%} at most)")


async def proof(server: Stack, bars: Bars) -> None:
    await bound(server, bars)
    await quick(server, bars)
    await drained(server, bars)


def main() -> int:
    argparse.ArgumentParser(prog="make acceptance NAME=backlog", description=__doc__).parse_args()
    return proved(proof)


if __name__ == "__main__":
    sys.exit(main())
