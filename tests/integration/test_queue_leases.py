"""A claimed job belongs to its lease: nobody else gets it, and a late holder changes nothing."""

import asyncio
from collections.abc import Mapping

import asyncpg
import pytest

from service.domain.errors import DatabaseUnavailable
from service.metrics import QUEUES
from service.queues.finishing import finishing_on
from service.storage.pool import Database
from service.storage.queue import PostgresQueue
from service.storage.sql import queries
from service.storage.transaction import begin_on
from service.storage.vault import KeyVault
from tests.conftest import Run
from tests.integration.queue_room import QUEUE, claim, connections, depth, enqueue, names, one


def test_claimers_never_overlap(run: Run, database_url: str) -> None:
    """Four claimers empty the queue together; every job is handed out once."""

    async def empty() -> None:
        async with connections(database_url, 4) as claimers:
            await enqueue(claimers[0], *(str(n) for n in range(200)))

            async def take(connection: asyncpg.Connection) -> list[object]:
                mine: list[object] = []
                while jobs := (await claim(connection, most=7)).jobs:
                    mine += names(jobs)
                return mine

            taken = await asyncio.gather(*(take(each) for each in claimers))
            assert sorted(int(str(name)) for each in taken for name in each) == list(range(200))

    run(empty())


def test_the_oldest_goes_first(run: Run, database_url: str) -> None:
    async def in_order() -> None:
        async with one(database_url) as connection:
            await enqueue(connection, *"abcdefg")
            assert names((await claim(connection, most=3)).jobs) == ["a", "b", "c"]
            assert names((await claim(connection)).jobs) == ["d", "e", "f", "g"]

    run(in_order())


async def finish_late(url: str, sql: Mapping[str, str]) -> tuple[list[bool], bool, int]:
    """A worker stalls beyond its lease, another takes the job over; the rows each then touched, and the depth."""
    async with one(url) as connection:
        queue = PostgresQueue(connection, sql)
        await enqueue(connection, "job")
        (late,) = (await claim(connection, lease_s=0.0)).jobs
        (taken_over,) = await queue.reap(QUEUE, most=10, lease_s=60.0)
        assert taken_over.id == late.id and taken_over.lease != late.lease
        assert taken_over.idempotency_key == late.idempotency_key
        touched = [
            await queue.finish(late),
            await queue.retry(late, delay=0, error="Late", answered=True),
            await queue.bury(late, error="Late", answered=True),
        ]
        return touched, await queue.finish(taken_over), await depth(connection)


def test_a_late_holder_touches_nothing(run: Run, database_url: str) -> None:
    late, holder, left = run(finish_late(database_url, queries("queue")))
    assert late == [False, False, False]
    assert holder
    assert left == 0


def test_without_the_fence_it_does(run: Run, database_url: str) -> None:
    """Negative control: with the lease left out of the statements, the late one takes the job from its holder."""
    unfenced = {
        name: text.replace("and lease = $2", "and $2::uuid is not null") for name, text in queries("queue").items()
    }
    late, holder, _ = run(finish_late(database_url, unfenced))
    assert late[0]
    assert not holder


def test_jobs_that_end_together_go_in_one_statement(run: Run, database_url: str) -> None:
    """Each caller hears of its own job: gone, or the lease was lost; the room of those that went is free again."""

    async def finish() -> None:
        database = await Database.open(database_url, connections=2)
        async with one(database_url) as connection:
            await enqueue(connection, *"abcdef")
            jobs = (await claim(connection)).jobs
            await connection.execute("update job set lease = gen_random_uuid() where id = $1", jobs[-1].id)
            finish = finishing_on(begin_on(database, KeyVault(bytes(32))))
            before = await connection.fetchval("select pg_current_xact_id()::text::bigint")
            answers = await asyncio.gather(*(finish(job) for job in jobs))
            after = await connection.fetchval("select pg_current_xact_id()::text::bigint")
            assert answers == [True] * 5 + [False]
            assert after - before <= 3  # not one for each
            assert await depth(connection) == 1
        await database.close()
        with pytest.raises(DatabaseUnavailable):
            await finish(jobs[0])

    run(finish())


def test_a_lease_that_runs_is_not_reaped(run: Run, database_url: str) -> None:
    async def reap() -> None:
        async with one(database_url) as connection:
            await enqueue(connection, "job")
            assert len((await claim(connection, lease_s=60.0)).jobs) == 1
            assert await PostgresQueue(connection).reap(QUEUE, most=10, lease_s=60.0) == []

    run(reap())


@pytest.mark.parametrize(
    ("answers", "key"),
    [
        ([True], "email-1-2"),
        ([True, True], "email-1-3"),
        ([False], "email-1-1"),
        ([False, True], "email-1-1"),
        ([None], "email-1-1"),
        ([None, True], "email-1-2"),
        ([False, None, True], "email-1-1"),
    ],
)
def test_a_call_of_unknown_fate_is_repeated_as_itself(
    run: Run, database_url: str, answers: list[bool | None], key: str
) -> None:
    """Only an answer makes the next call another one, and not while one of that name may have been done: the partner
    can tell a repetition. Where nobody was asked (None) the name stays, because a holder before may have used it."""

    async def retry() -> None:
        async with one(database_url) as connection:
            await enqueue(connection, "job")
            (job,) = (await claim(connection)).jobs
            assert job.idempotency_key.startswith("email-1-1-")
            again = job
            for answered in answers:
                assert await PostgresQueue(connection).retry(again, delay=0.0, error="PartnerError", answered=answered)
                (again,) = (await claim(connection)).jobs
            assert (again.idempotency_key.rpartition("-")[0], again.created_at) == (key, job.created_at)
            assert again.attempts == 1 + len(answers)

    run(retry())


def test_a_retry_waits_for_its_delay(run: Run, database_url: str) -> None:
    async def retry() -> None:
        async with one(database_url) as connection:
            await enqueue(connection, "job")
            (job,) = (await claim(connection)).jobs
            assert await PostgresQueue(connection).retry(job, delay=60.0, error="PartnerError", answered=True)
            assert (await claim(connection)).jobs == []
            assert await depth(connection) == 1

    run(retry())


def test_levels_tell_depth_age_and_attempts(run: Run, database_url: str) -> None:
    async def read() -> None:
        async with one(database_url) as connection:
            await enqueue(connection, "a", "b", "c")
            older = "update job set created_at = created_at - interval '90 s', run_at = run_at - interval '90 s'"
            await connection.execute(f"{older} where dedupe = 'b'")
            assert names((await claim(connection, most=1)).jobs) == ["b"]
            await connection.execute("update job set created_at = created_at - interval '40 s' where dedupe = 'a'")
            levels = {level.queue: level for level in await PostgresQueue(connection).levels()}
            assert levels.keys() == set(QUEUES)
            assert (levels["email"].depth, levels["email"].attempted) == (3, 1)
            assert 40 <= levels["email"].oldest_age < 80
            assert (levels["sms"].depth, levels["sms"].oldest_age, levels["sms"].attempted) == (0, 0.0, 0)

    run(read())
