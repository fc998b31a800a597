"""Renewing the leases of jobs in hand, from a thread outside the event loop that does the work.

A loop that is busy for some seconds would lose its leases to others, who repeat its work on a machine that is too busy
already. So the heartbeat has a thread, an event loop and a connection of its own. It renews only while the main loop
is nearly in time: a heart that beats on in a body that does nothing would keep jobs from those who could do them.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from service.domain.errors import LaunchnightError
from service.domain.queues import renews
from service.metrics import Metrics
from service.ports import Begin, BeginApart
from service.queue_ports import Job
from service.queues.policy import LEASE, QueuePolicy

BEAT = LEASE / 5
"""Seconds between two renewals: one may fail and the next be late, and still no lease runs out."""
PULSE = 0.1
"""Seconds between two signs of life of the main loop."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    job: Job
    until: float
    """By the monotonic clock; from then on its holder is not believed any more."""


class Heartbeat:
    """What is in hand, and the thread that renews it."""

    def __init__(self, begin_apart: BeginApart, metrics: Metrics) -> None:
        self._begin_apart = begin_apart
        self._metrics = metrics
        self._held: dict[int, Held] = {}
        self._lock = threading.Lock()
        self._pulse_at = time.monotonic()

    def hold(self, job: Job, policy: QueuePolicy) -> None:
        with self._lock:
            self._held[job.id] = Held(job, time.monotonic() + policy.longest)

    def let_go(self, job: Job) -> None:
        with self._lock:
            self._held.pop(job.id, None)

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beat while the block runs."""
        loop = asyncio.new_event_loop()
        beating = loop.create_task(self._beat())
        thread = threading.Thread(target=_run, args=(loop, beating), name="heartbeat", daemon=True)
        self._pulse_at = time.monotonic()
        pulse = asyncio.create_task(self._show_pulse())
        thread.start()
        try:
            yield
        finally:
            pulse.cancel()
            loop.call_soon_threadsafe(beating.cancel)
            await asyncio.to_thread(thread.join)

    async def _show_pulse(self) -> None:
        while True:
            self._pulse_at = time.monotonic()
            await asyncio.sleep(PULSE)

    async def _beat(self) -> None:
        while True:
            try:
                async with self._begin_apart() as begin:
                    while True:
                        await asyncio.sleep(BEAT)
                        await self._renew(begin)
            except LaunchnightError as error:  # the database is away; leases last until it is back, or run out
                log.warning("leases not renewed", code=error.code)
            except Exception as error:  # the heart outlives whatever else the database says
                log.error("leases not renewed", error=type(error).__name__)
            await asyncio.sleep(BEAT / 4)

    async def _renew(self, begin: Begin) -> None:
        now = time.monotonic()
        lag = max(0.0, now - self._pulse_at - PULSE)
        self._metrics.worker_lag.set(lag)
        if not renews(lag, LEASE):
            log.warning("leases not renewed, the main loop is late")
            return
        jobs = self.in_hand(now)
        if jobs:
            async with begin(single=True) as tx:
                await tx.queue.renew(jobs, lease_s=LEASE)

    def in_hand(self, now: float) -> Sequence[Job]:
        """What is held and still believed; ordered, so that nobody who locks several rows waits in a ring."""
        with self._lock:
            held: Mapping[int, Held] = dict(self._held)
        return [held[id_].job for id_ in sorted(held) if now < held[id_].until]


def _run(loop: asyncio.AbstractEventLoop, beating: "asyncio.Task[None]") -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(asyncio.wait([beating]))
    finally:
        loop.close()
