"""A claim takes the partner's quota: no more than the rate in any sliding window, measured from the rows."""

import asyncio
import random
import time
from bisect import bisect_left
from itertools import count, pairwise

import asyncpg
import pytest

from service.domain.queues import GUARD_S, SUB_WINDOW_S, quota_free, quota_window_s
from service.storage.queue import PostgresQueue
from tests.conftest import Run
from tests.integration.queue_room import QUEUE, claim, connections, enqueue, one

LEASE_S = 600.0
LOOKS_EVERY = 0.05
"""Seconds between two claims of three workers who look every 20 ms, at most."""


async def instants(connection: asyncpg.Connection) -> list[float]:
    """When each leased job was claimed, seconds, ascending: a lease tells its start."""
    rows = await connection.fetch(
        "select extract(epoch from lease_until)::float8 - $1 as at from job where state = 1 order by at", LEASE_S
    )
    return [row["at"] for row in rows]


def most_in(instants: list[float], length: float) -> int:
    """The most instants in any window of `length` seconds, its end not counted."""
    return max(bisect_left(instants, start + length) - i for i, start in enumerate(instants))


async def claim_greedily(url: str, rate: float, until_jobs: int) -> tuple[list[float], float]:
    """Three workers claim as much and as often as they may. When the jobs were claimed, and seconds in which nobody
    asked for any: those of a busy machine."""
    async with connections(url, 3) as workers:
        await enqueue(workers[0], *(str(n) for n in range(until_jobs)))
        left, asked = until_jobs, [time.monotonic()]

        async def work(connection: asyncpg.Connection) -> None:
            nonlocal left
            while left > 0:
                taken = await claim(connection, rate_per_s=rate, lease_s=LEASE_S)
                asked.append(time.monotonic())
                left -= len(taken.jobs)
                await asyncio.sleep(min(taken.wait, 0.02))

        await asyncio.gather(*(work(each) for each in workers))
        silent = sum(later - sooner - LOOKS_EVERY for sooner, later in pairwise(asked) if later - sooner > LOOKS_EVERY)
        return await instants(workers[0]), silent


def test_no_sliding_second_sees_more_than_the_rate(run: Run, database_url: str) -> None:
    """Three workers want everything at once; any second has 40 at most, and the quota does not lie idle."""
    claimed, silent = run(claim_greedily(database_url, rate=40.0, until_jobs=110))
    assert most_in(claimed, 1.0) <= 40
    assert most_in(claimed, 1.0 + GUARD_S) <= 40
    assert (
        claimed[-1] - claimed[0] < 3.0 + silent
    )  # 110 jobs at 40/s fill three windows, the last one begins after 2.08 s


def test_without_the_quota_a_second_sees_more(run: Run, database_url: str) -> None:
    """Negative control: the same workers without a rate."""
    claimed, _ = run(claim_greedily(database_url, rate=-1.0, until_jobs=110))
    assert most_in(claimed, 1.0) > 40


@pytest.mark.parametrize("rate", [2.5, 15.0, 0.15, 0.0, 400.0])
def test_the_quota_is_the_rule_of_the_domain(run: Run, database_url: str, rate: float) -> None:
    """On a random trace the SQL grants what `quota_free` grants; time passes by moving the stored windows back."""

    async def trace() -> None:
        draw = random.Random(int(rate * 100))
        window = quota_window_s(rate) + GUARD_S + SUB_WINDOW_S
        async with one(database_url) as connection:
            numbers, total = count(), 0
            for step in range(60):
                gap = draw.choice([0.0, draw.random() * window, draw.random() * 0.2 * window, window])
                await connection.execute(
                    "update quota_window set starts_at = starts_at - make_interval(secs => $1)", gap
                )
                await enqueue(connection, *(str(next(numbers)) for _ in range(draw.randrange(8))))
                wanted = draw.randrange(12)
                before, waiting = await look(connection, rate, window)
                got = len((await claim(connection, most=wanted, rate_per_s=rate)).jobs)
                after, _ = await look(connection, rate, window, without=got)
                assert min(wanted, waiting, before) <= got <= min(wanted, waiting, after), step
                total += got
            (level,) = [level for level in await PostgresQueue(connection).levels() if level.queue == QUEUE]
            assert level.attempted == total

    async def look(connection: asyncpg.Connection, rate: float, window: float, without: int = 0) -> tuple[int, int]:
        """What the rule says is free now, and the ready jobs."""
        row = await connection.fetchrow(
            """select (select coalesce(sum(taken), 0) from quota_window
                    where queue = $1 and starts_at > clock_timestamp() - make_interval(secs => $2)) as taken,
                (select count(*) from job where state = 0) as waiting""",
            QUEUE,
            window,
        )
        return quota_free(row["taken"] - without, rate, quota_window_s(rate)), row["waiting"]

    run(trace())


def test_a_slow_rate_passes_one_job_and_says_when_the_next(run: Run, database_url: str) -> None:
    """0.15/s is one job in 6.67 s."""

    async def slowly() -> None:
        async with one(database_url) as connection:
            await enqueue(connection, "a", "b")
            first = await claim(connection, rate_per_s=0.15)
            second = await claim(connection, rate_per_s=0.15)
            assert (len(first.jobs), len(second.jobs)) == (1, 0)
            assert 6.0 < second.wait < 6.8
            await connection.execute("update quota_window set starts_at = starts_at - interval '6.72 s'")
            assert len((await claim(connection, rate_per_s=0.15)).jobs) == 1

    run(slowly())


def test_quota_is_taken_with_the_claim_or_not_at_all(run: Run, database_url: str) -> None:
    """A claim that rolls back gives its quota back; one that finds no job takes none."""

    async def roll_back() -> None:
        async with one(database_url) as connection:
            assert (await claim(connection, rate_per_s=1.0)).jobs == []
            await enqueue(connection, "a")
            transaction = connection.transaction()
            await transaction.start()
            assert len((await PostgresQueue(connection).claim(QUEUE, most=1, rate_per_s=1.0, lease_s=1.0)).jobs) == 1
            await transaction.rollback()
            assert len((await claim(connection, rate_per_s=1.0)).jobs) == 1

    run(roll_back())


def test_a_clock_set_back_neither_frees_quota_nor_blocks_it(run: Run, database_url: str) -> None:
    """Windows of the future count from now on, not until it is that late again."""

    async def set_back() -> None:
        async with one(database_url) as connection:
            await enqueue(connection, *"abcd")
            assert len((await claim(connection, rate_per_s=2.0)).jobs) == 2
            await connection.execute("update quota_window set starts_at = starts_at + interval '1 hour'")
            before = time.monotonic()
            assert (await claim(connection, rate_per_s=2.0)).jobs == []
            wait = (await claim(connection, rate_per_s=2.0)).wait
            assert 0.9 - (time.monotonic() - before) < wait < 1.1
            await connection.execute("update quota_window set starts_at = starts_at - interval '1.05 s'")
            assert len((await claim(connection, rate_per_s=2.0)).jobs) == 2

    run(set_back())


def test_jobs_know_whether_the_quota_held_them_back(run: Run, database_url: str) -> None:
    """Yes for those that waited while it was used up, also after a retry; no for those that found it free."""

    async def bound(connection: asyncpg.Connection) -> list[bool]:
        return [job.quota_bound for job in (await claim(connection, rate_per_s=2.0)).jobs]

    async def trace() -> None:
        async with one(database_url) as connection:
            await enqueue(connection, "a", "b", "c", "d")
            assert await bound(connection) == [False, False]  # and leaves two waiting
            await connection.execute("update quota_window set starts_at = starts_at - interval '2 s'")
            await enqueue(connection, "e")
            assert await bound(connection) == [True, True]
            await connection.execute("update quota_window set starts_at = starts_at - interval '2 s'")
            (job,) = (await claim(connection, rate_per_s=2.0)).jobs
            assert job.payload == {"name": "e"}
            await connection.execute("update quota_window set starts_at = starts_at - interval '2 s'")
            assert await PostgresQueue(connection).retry(
                job, delay=0.0, error="PartnerError", answered=True, quota_bound=True, counts=False
            )
            (again,) = (await claim(connection, rate_per_s=2.0)).jobs
            assert again.quota_bound
            assert again.attempts == 1  # being sent away for the quota is no try

    run(trace())


def test_windows_that_no_longer_count_are_removed(run: Run, database_url: str) -> None:
    async def prune() -> None:
        async with one(database_url) as connection:
            for name in "abc":
                await enqueue(connection, name)
                await claim(connection, rate_per_s=10.0)
                await connection.execute("update quota_window set starts_at = starts_at - interval '2 s'")
            await claim(connection, rate_per_s=10.0)
            assert await connection.fetchval("select count(*) from quota_window") == 0

    run(prune())
