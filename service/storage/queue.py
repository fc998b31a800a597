"""The queue in PostgreSQL. The rules of `service/domain/queues.py` reach the SQL as its parameters."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from service.domain.errors import ChangedMeanwhile
from service.domain.queues import GUARD_S, SUB_WINDOW_S, quota_count, quota_window_s
from service.queue_ports import Claim, ClockReading, DeadLetter, Job, QueueLevel, QueueStanding
from service.storage.sql import queries

_SQL = queries("queue")


class PostgresQueue:
    """`ports.QueueStore` on one connection, inside the transaction that its user opened."""

    def __init__(self, connection: asyncpg.Connection, sql: Mapping[str, str] = _SQL) -> None:
        self._connection = connection
        self._sql = sql

    async def enqueue(
        self, queue: str, dedupe: str, payload: Mapping[str, object], *, limit: int, expires_in: float | None = None
    ) -> bool:
        text = json.dumps(payload)
        accepted: bool = await self._connection.fetchval(self._sql["enqueue"], queue, dedupe, text, limit, expires_in)
        return accepted

    async def ready(self, queue: str) -> tuple[bool, ClockReading]:
        asked_at = time.monotonic()
        row = await self._connection.fetchrow(self._sql["ready"], queue)
        return row["found"], ClockReading(row["at"], asked_at, time.monotonic())

    async def claim(
        self,
        queue: str,
        *,
        most: int,
        rate_per_s: float,
        lease_s: float,
        clock_known: bool = True,
        since: datetime | None = None,
    ) -> Claim:
        by_hand = await self._connection.fetchval(self._sql["hold"], queue)
        rate = rate_per_s if by_hand is None or rate_per_s < 0 else by_hand
        count, window = quota_count(rate), quota_window_s(rate) + GUARD_S
        asked_at = time.monotonic()
        rows = await self._connection.fetch(
            self._sql["claim"], queue, most, count, window, lease_s, SUB_WINDOW_S, clock_known, since
        )
        clock = ClockReading(rows[0]["at"], asked_at, time.monotonic())
        jobs = [_job(queue, row) for row in rows if row["id"] is not None]
        return Claim(jobs, rows[0]["wait"] or 0.0, rate, clock, rows[0]["run_at"])

    async def finish(self, job: Job) -> bool:
        return await self._connection.fetchval(self._sql["finish"], job.id, job.lease) is not None

    async def finish_all(self, jobs: Sequence[Job]) -> frozenset[int]:
        ids, leases = [job.id for job in jobs], [job.lease for job in jobs]
        return frozenset(row["id"] for row in await self._connection.fetch(self._sql["finish_all"], ids, leases))

    async def retry(
        self,
        job: Job,
        *,
        delay: float | None,
        error: str,
        answered: bool | None,
        quota_bound: bool = False,
        counts: bool = True,
    ) -> bool:
        changed = await self._connection.fetchval(
            self._sql["retry"], job.id, job.lease, delay, error, answered, quota_bound, counts
        )
        return changed is not None

    async def bury(self, job: Job, *, error: str, answered: bool) -> bool:
        return await self._connection.fetchval(self._sql["bury"], job.id, job.lease, error, answered) is not None

    async def renew(self, jobs: Sequence[Job], *, lease_s: float) -> int:
        ids, leases = [job.id for job in jobs], [job.lease for job in jobs]
        renewed: int = await self._connection.fetchval(self._sql["renew"], ids, leases, lease_s)
        return renewed

    async def reap(self, queue: str, *, most: int, lease_s: float) -> Sequence[Job]:
        rows = await self._connection.fetch(self._sql["reap"], queue, most, lease_s)
        return [_job(queue, row) for row in rows]

    async def expire(self, queue: str, *, most: int) -> int:
        removed: int = await self._connection.fetchval(self._sql["expire"], queue, most)
        return removed

    async def levels(self) -> Sequence[QueueLevel]:
        rows = await self._connection.fetch(self._sql["levels"])
        return [QueueLevel(row["name"], row["depth"], row["oldest_age"], row["attempted"]) for row in rows]

    async def set_rate(self, queue: str, rate_per_s: float | None) -> bool:
        return await self._connection.fetchval(self._sql["set_rate"], queue, rate_per_s) is not None

    async def standings(self) -> Sequence[QueueStanding]:
        return [QueueStanding(**row) for row in await self._connection.fetch(self._sql["standings"])]

    async def dead_letters(self, queue: str | None, error: str | None, *, most: int) -> Sequence[DeadLetter]:
        rows = await self._connection.fetch(self._sql["dead_letters"], queue, error, most)
        return [DeadLetter(**row) for row in rows]

    async def redrive(self, queue: str, error: str | None, ids: Sequence[int] | None, *, most: int, limit: int) -> int:
        try:
            driven: int = await self._connection.fetchval(self._sql["redrive"], queue, error, ids, most, limit)
        except asyncpg.UniqueViolationError:  # its like was enqueued in this moment
            raise ChangedMeanwhile("A job of the same name was added meanwhile: ask again.") from None
        return driven


def _job(queue: str, row: asyncpg.Record) -> Job:
    return Job(
        id=row["id"],
        queue=queue,
        payload=json.loads(row["payload"]),
        attempts=row["attempts"],
        call=row["call"],
        lease=row["lease"],
        created_at=row["created_at"],
        quota_bound=row["quota_bound"],
    )
