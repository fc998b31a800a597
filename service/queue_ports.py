"""What the actions and the workers ask of the durable queue, and what a job is (beside `service/ports.py`)."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from service.domain.queues import JobEnd


@dataclass(frozen=True, slots=True)
class Job:
    """A leased piece of work. `lease` fences: only its holder may finish it."""

    id: int
    queue: str
    payload: Mapping[str, object]
    attempts: int
    """Including this one."""
    call: int
    """Number of the partner call, from 1. It rises when the partner has answered: a call of unknown fate is repeated
    under its old number, so that the partner can tell."""
    lease: UUID
    created_at: datetime
    quota_bound: bool
    """The partner's quota ran out while this job waited: the wait was not ours to shorten."""

    @property
    def idempotency_key(self) -> str:
        """The name of the partner call. What the job is about is part of it: a database made anew or restored counts
        its jobs from the start, and a partner that remembers an older one must not answer with somebody else's."""
        about = json.dumps(dict(self.payload), sort_keys=True)
        return f"{self.queue}-{self.id}-{self.call}-{sha256(about.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a job ended, and when the partner had accepted or answered it."""

    end: JobEnd
    at: datetime


Turn = Callable[[], Awaitable[None]]
"""Waits until the moment for which a job's quota was taken; to be awaited right before the partner is called."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What the database's clock said, and between which moments of ours."""

    at: float
    """Unix seconds, when the statement arrived there."""
    asked_at: float
    answered_at: float
    """By the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim brought."""

    jobs: Sequence[Job]
    wait: float
    """Seconds until quota comes free, 0 when quota is left."""
    rate_per_s: float
    """The quota that held: an operator's, or the caller's."""
    clock: ClockReading
    """When the quota was taken."""
    oldest: datetime | None = None
    """Since when the first of the jobs was ready."""


@dataclass(frozen=True, slots=True)
class QueueLevel:
    """How full a queue is: jobs waiting or leased, the oldest waiting one's age, partner calls that were begun."""

    queue: str
    depth: int
    oldest_age: float
    attempted: int


@dataclass(frozen=True, slots=True)
class QueueStanding:
    """What an operator sees of a queue."""

    queue: str
    rate_per_s: float | None
    """Set by hand; None: the settings hold."""
    depth: int
    oldest_age: float
    dead: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that was given up."""

    id: int
    queue: str
    error: str | None
    """Class of the last error."""
    attempts: int
    created_at: datetime
    buried_at: datetime | None
    """None: by a version that did not write it down."""


class QueueStore(Protocol):
    """SQL of the queue; the policy (limits, quotas, delays) stands in service/queues and service/domain."""

    async def enqueue(
        self, queue: str, dedupe: str, payload: Mapping[str, object], *, limit: int, expires_in: float | None = None
    ) -> bool:
        """Add a job in the caller's transaction. False: the queue is full and nothing was added.

        A job with the same `dedupe` that still waits counts as added. A negative limit is none.
        """

    async def ready(self, queue: str) -> tuple[bool, ClockReading]:
        """Whether a job could be claimed, quota aside."""

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
        """Lease up to `most` ready jobs, oldest first, and take the partner's quota, in one transaction.

        A negative rate is no quota. A rate that an operator set stands in for `rate_per_s`, unless that is negative.
        Not `clock_known`: the database's clock may have jumped since quota was taken last, so all that is remembered
        of it counts as taken now. since: look at no job that was ready before.
        """

    async def finish(self, job: Job) -> bool:
        """Remove a job by its lease. False: the lease was lost and nothing changed.

        Call it before writing the effect: it waits for room counters, which nobody who waits for rows may do.
        """

    async def finish_all(self, jobs: Sequence[Job]) -> frozenset[int]:
        """As `finish` for several at once; the ids of those whose lease was still held."""

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
        """Make the job ready again, after `delay` seconds at the end of the line; None: now, near its old place in it.

        `answered`: the partner's refusal is certain, so the next call is another one; None: nobody was asked, so the
        name stays, which somebody whose lease ran out may have used. `quota_bound`: the partner's
        quota is what it waits for; not `counts`: this was no try.
        """

    async def bury(self, job: Job, *, error: str, answered: bool) -> bool:
        """Keep the job as a dead letter, outside the bound."""

    async def renew(self, jobs: Sequence[Job], *, lease_s: float) -> int:
        """Lengthen the leases of `jobs` that are still held; how many are."""

    async def reap(self, queue: str, *, most: int, lease_s: float) -> Sequence[Job]:
        """Take over jobs whose lease ran out; the caller retries or buries them."""

    async def expire(self, queue: str, *, most: int) -> int:
        """Remove jobs that nobody waits for any more, looking at the `most` oldest; returns how many."""

    async def levels(self) -> Sequence[QueueLevel]: ...

    async def set_rate(self, queue: str, rate_per_s: float | None) -> bool:
        """The quota from the next claim on, of all workers; None: that of the settings. False: no such queue."""

    async def standings(self) -> Sequence[QueueStanding]: ...
    async def dead_letters(self, queue: str | None, error: str | None, *, most: int) -> Sequence[DeadLetter]:
        """The newest; None: of every queue, of any class."""

    async def redrive(self, queue: str, error: str | None, ids: Sequence[int] | None, *, most: int, limit: int) -> int:
        """Give up to `most` dead letters all their tries again; how many found room under `limit`.

        None: any. Left dead: what nobody waits for any more, and jobs whose like waits already.
        Raises ChangedMeanwhile.
        """


class Finish(Protocol):
    async def __call__(self, job: Job, /) -> bool:
        """Finish a job that leaves nothing else to store, together with others that end at the same time.

        False: the lease was lost and nothing changed. Raises as `Begin`.
        """
