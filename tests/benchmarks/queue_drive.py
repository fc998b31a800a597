"""Drives one durable queue through enqueue, claim and finish: `python queue_drive.py SYSTEM URL JOBS LANES BATCH`.

The same loops for all: LANES connections, each job enqueued by itself, as each queue does it when its caller has no
transaction open (one commit a job for all), then as many claimers, each with BATCH jobs at a time and then finished.
Where a queue can take or finish only one job at a statement, it does. Runs in the environment of the system it drives,
so nothing of ours is imported but for `ours`.
Prints one JSON object: seconds of both halves.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, Protocol
from uuid import uuid4

PAYLOAD = {"code_request": "0191e2b4-7f2f-7c3e-9b1a-2f6f0c1f7a55"}
"""What a job for a code holds."""


class Lane(Protocol):
    async def enqueue(self, number: int) -> None: ...
    async def claim(self, batch: int) -> list[Any]: ...
    async def finish(self, jobs: list[Any]) -> None: ...


class Ours:
    """With its bound and its quota on, both far away."""

    LIMIT = 500_000
    RATE = 1e6

    def __init__(self, connection: Any) -> None:
        from service.storage.queue import PostgresQueue

        self._connection = connection
        self._queue = PostgresQueue(connection)

    async def enqueue(self, number: int) -> None:
        added = await self._queue.enqueue("sms", str(number), PAYLOAD, limit=self.LIMIT, expires_in=300.0)
        assert added

    async def claim(self, batch: int) -> list[Any]:
        async with self._connection.transaction():
            return list((await self._queue.claim("sms", most=batch, rate_per_s=self.RATE, lease_s=10.0)).jobs)

    async def finish(self, jobs: list[Any]) -> None:
        assert len(await self._queue.finish_all(jobs)) == len(jobs)


class PgQueuer:
    def __init__(self, connection: Any) -> None:
        from pgqueuer.db import AsyncpgDriver
        from pgqueuer.queries import EntrypointExecutionParameter, Queries

        self.queries = Queries(AsyncpgDriver(connection))
        self._connection = connection
        self._parameters = {"code": EntrypointExecutionParameter(concurrency_limit=0)}
        self._manager = uuid4()
        self._payload = json.dumps(PAYLOAD).encode()

    async def enqueue(self, number: int) -> None:
        await self.queries.enqueue("code", self._payload, dedupe_key=str(number))

    async def claim(self, batch: int) -> list[Any]:
        return await self.queries.dequeue(  # type: ignore[no-any-return]
            batch, self._parameters, self._manager, None, timedelta(seconds=30)
        )

    async def finish(self, jobs: list[Any]) -> None:
        await self.queries.log_jobs([(job, "successful", None) for job in jobs])


class Procrastinate:
    def __init__(self, manager: Any, worker_id: int) -> None:
        from procrastinate.jobs import Job, Status

        self._manager = manager
        self._worker_id = worker_id
        self._job, self._done = Job, Status.SUCCEEDED

    async def enqueue(self, number: int) -> None:
        job = self._job(
            queue="sms", lock=None, queueing_lock=str(number), task_name="code", task_kwargs=PAYLOAD, id=None
        )
        await self._manager.defer_job_async(job)

    async def claim(self, batch: int) -> list[Any]:
        jobs: list[Any] = []
        while len(jobs) < batch and (job := await self._manager.fetch_job(["sms"], self._worker_id)):
            jobs.append(job)
        return jobs

    async def finish(self, jobs: list[Any]) -> None:
        for job in jobs:
            await self._manager.finish_job(job, self._done, delete_job=True)


@asynccontextmanager
async def lanes_of(system: str, url: str, lanes: int) -> AsyncIterator[list[Lane]]:
    async with AsyncExitStack() as stack:
        if system == "procrastinate":
            from procrastinate import App, PsycopgConnector

            app = App(connector=PsycopgConnector(conninfo=url, min_size=lanes, max_size=lanes))
            await stack.enter_async_context(app.open_async())
            await app.schema_manager.apply_schema_async()
            yield [Procrastinate(app.job_manager, await app.job_manager.register_worker()) for _ in range(lanes)]
            return
        import asyncpg

        connections = []
        for _ in range(lanes):
            connection = await asyncpg.connect(url, statement_cache_size=200)
            stack.push_async_callback(connection.close)
            connections.append(connection)
        if system == "pgqueuer":
            await PgQueuer(connections[0]).queries.install()
            yield [PgQueuer(each) for each in connections]
        else:
            yield [Ours(each) for each in connections]


async def drive(system: str, url: str, jobs: int, lanes: int, batch: int) -> dict[str, float]:
    async with lanes_of(system, url, lanes) as all_lanes:
        began = time.perf_counter()
        await asyncio.gather(*(_enqueue(lane, range(n, jobs, lanes)) for n, lane in enumerate(all_lanes)))
        between = time.perf_counter()
        handled = await asyncio.gather(*(_drain(lane, batch) for lane in all_lanes))
        ended = time.perf_counter()
    if sum(handled) != jobs:
        raise SystemExit(f"{system}: {sum(handled)} of {jobs} jobs were handled")
    return {"enqueue_s": between - began, "drain_s": ended - between}


async def _enqueue(lane: Lane, numbers: range) -> None:
    for number in numbers:
        await lane.enqueue(number)


async def _drain(lane: Lane, batch: int) -> int:
    handled = 0
    while jobs := await lane.claim(batch):
        await lane.finish(jobs)
        handled += len(jobs)
    return handled


if __name__ == "__main__":
    name, address, *numbers = sys.argv[1:]
    print(json.dumps(asyncio.run(drive(name, address, *map(int, numbers)))))
