"""What fills queues by itself, as a process runs it: messages of announcements, instalments that fall due, payouts.

What is left to do stands in rows; a step takes some of it in one transaction. Any number of workers may do it, and
whoever is killed leaves it to the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from service.actions.announcement import write_some
from service.actions.payouts import queue_payouts
from service.actions.training import book_instalments
from service.domain.errors import QueueFull
from service.ports import Ports
from service.queues.lane import pause, report

EVERY = 1.0
"""Seconds between two looks when there was nothing to do; else it goes on at once."""
Step = Callable[[Ports], Awaitable[int]]
STEPS: Mapping[str, Step] = {
    "announcement": write_some,
    "instalments": book_instalments,
    "payout": queue_payouts,
}


async def run_feeders(ports: Ports, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    async with asyncio.TaskGroup() as group:
        for name, step in STEPS.items():
            group.create_task(feed(ports, name, step, stop))


async def feed(ports: Ports, name: str, step: Step, stop: asyncio.Event) -> None:
    while not stop.is_set():
        done = 0
        try:
            done = await step(ports)
        except QueueFull:
            pass  # what waits leaves first
        except Exception as error:  # the database is away
            report("nothing fed", name, error)
        await pause(stop, 0 if done else EVERY)
