"""The queue takes what fits and refuses the rest, in the caller's transaction."""

import asyncio
import random

import asyncpg
import pytest

from service.domain.queues import accepts
from service.storage.queue import PostgresQueue
from tests.conftest import Run
from tests.integration.queue_room import QUEUE, claim, connections, depth, enqueue, names, one


class CallerFailed(Exception):
    pass


@pytest.mark.parametrize("seed", range(4))
def test_the_bound_is_the_rule_of_the_domain(run: Run, database_url: str, seed: int) -> None:
    """On a random trace of arrivals, repeats, departures and dead letters the SQL says what `accepts` says."""

    async def trace() -> None:
        draw = random.Random(seed)
        limit = draw.choice([0, 1, 3, 31, 40])
        waiting = set[object]()
        async with one(database_url) as connection:
            queue = PostgresQueue(connection)
            for step in range(250):
                if draw.random() < 0.6:
                    name = str(draw.randrange(60))
                    expected = name in waiting or accepts(len(waiting), limit)
                    assert await enqueue(connection, name, limit=limit) == [expected], step
                    waiting |= {name} if expected else set()
                for job in (await claim(connection, most=draw.randrange(3))).jobs:
                    ended = queue.finish(job) if draw.random() < 0.8 else queue.bury(job, error="Test", answered=True)
                    assert await ended
                    waiting.remove(job.payload["name"])
                assert await depth(connection) == len(waiting)

    run(trace())


async def enqueue_together(url: str, limit: int) -> int:
    """12 transactions at once, 20 jobs each, all open until everybody has enqueued; the depth afterwards."""
    async with connections(url, 12) as all_of_them:
        barrier = asyncio.Barrier(len(all_of_them))

        async def caller(number: int, connection: asyncpg.Connection) -> int:
            queue = PostgresQueue(connection)
            async with connection.transaction():
                taken = [await queue.enqueue(QUEUE, f"{number}-{i}", {}, limit=limit) for i in range(20)]
                await barrier.wait()
                return sum(taken)

        async with asyncio.TaskGroup() as group:
            callers = [group.create_task(caller(*each)) for each in enumerate(all_of_them)]
        assert sum(task.result() for task in callers) == await depth(all_of_them[0])
        return await depth(all_of_them[0])


def test_callers_together_neither_wait_for_each_other_nor_pass_the_limit(run: Run, database_url: str) -> None:
    """All transactions are open at the same time: one that waited for another would never reach the barrier."""
    reached = run(asyncio.wait_for(enqueue_together(database_url, limit=100), 30))
    assert reached <= 100
    # Each holds the shards it took from until it commits: room is left in others' shards, never more than that.
    assert reached >= 36


def test_without_the_limit_they_pass_it(run: Run, database_url: str) -> None:
    """Negative control: what kept them under 100 is the limit."""
    assert run(asyncio.wait_for(enqueue_together(database_url, limit=-1), 30)) == 240


def test_the_last_room_is_found(run: Run, database_url: str) -> None:
    """One after the other, exactly the limit gets in, whichever connection asks and however the shards are filled."""

    async def fill() -> None:
        async with connections(database_url, 3) as callers:
            answers = []
            for number in range(75):
                answers += await enqueue(callers[number % 3], str(number), limit=70)
            assert answers == [True] * 70 + [False] * 5

    run(fill())


def test_a_job_leaves_with_its_caller(run: Run, database_url: str) -> None:
    """Rolled back with the caller's transaction: no job, and its room is free again."""

    async def roll_back() -> None:
        async with one(database_url) as connection:
            with pytest.raises(CallerFailed):
                async with connection.transaction():
                    assert await PostgresQueue(connection).enqueue(QUEUE, "lost", {}, limit=1)
                    raise CallerFailed
            assert await depth(connection) == 0
            assert await enqueue(connection, "kept", "refused", limit=1) == [True, False]
            assert names((await claim(connection)).jobs) == ["kept"]

    run(roll_back())


def test_a_job_that_waits_is_not_added_twice(run: Run, database_url: str) -> None:
    """The same dedupe counts as added, also at a full queue; when the job is gone it is a new one."""

    async def repeat() -> None:
        async with one(database_url) as connection:
            assert await enqueue(connection, "a", "a", "b", limit=1) == [True, True, False]
            assert await depth(connection) == 1
            (job,) = (await claim(connection)).jobs
            assert await enqueue(connection, "a", limit=1) == [True]
            assert await PostgresQueue(connection).finish(job)
            assert await enqueue(connection, "a", limit=1) == [True]
            assert len((await claim(connection)).jobs) == 1

    run(repeat())


def test_a_dead_letter_takes_no_room_and_blocks_nobody(run: Run, database_url: str) -> None:
    async def bury() -> None:
        async with one(database_url) as connection:
            queue = PostgresQueue(connection)
            await enqueue(connection, "a", limit=1)
            (job,) = (await claim(connection)).jobs
            assert await queue.bury(job, error="PartnerError", answered=True)
            assert await enqueue(connection, "a", limit=1) == [True]
            kept = await connection.fetch("select dedupe, error, attempts from job where state = 2")
            assert [tuple(row) for row in kept] == [("a", "PartnerError", 1)]

    run(bury())


def test_jobs_nobody_waits_for_leave(run: Run, database_url: str) -> None:
    """They are neither claimed nor counted; those with time left stay."""

    async def expire() -> None:
        async with one(database_url) as connection:
            queue = PostgresQueue(connection)
            await enqueue(connection, "late", "later", expires_in=0.0)
            await enqueue(connection, "in time", expires_in=60.0)
            await enqueue(connection, "never")
            assert names((await claim(connection, most=1)).jobs) == ["in time"]
            async with connection.transaction():
                assert await queue.expire(QUEUE, most=100) == 2
            assert await depth(connection) == 2
            assert names((await claim(connection)).jobs) == ["never"]

    run(expire())
