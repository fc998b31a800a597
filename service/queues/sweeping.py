"""The sweeper of uploads as a process runs it: a look each few seconds, and at once again when there was much to do."""

import asyncio

from service.actions.upload_sweep import sweep
from service.metrics import Metrics
from service.ports import Ports
from service.queues.lane import pause, report

EVERY = 5.0
"""Seconds between two looks; bytes shall be gone within five minutes."""


async def run_sweeper(ports: Ports, metrics: Metrics, stop: asyncio.Event) -> None:
    """Erase the bytes of uploads that expired or were given up, until `stop` is set."""
    while not stop.is_set():
        again = False
        try:
            swept = await sweep(ports)
        except Exception as error:  # the database is away
            report("uploads not swept", "uploads", error)
        else:
            again = swept.full and not swept.failed
            metrics.uploads_erased.labels("expired").inc(swept.expired)
            metrics.uploads_erased.labels("given_up").inc(swept.given_up)
            metrics.upload_erasures_failed.inc(swept.failed)
            metrics.upload_erasure_overdue.set(swept.overdue_s)
        await pause(stop, 0 if again else EVERY)
