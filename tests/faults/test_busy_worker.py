"""A worker on a machine that is too busy for what its partner would take: it takes less, and gets that done."""

import asyncio
from pathlib import Path

import pytest

from service.domain.queues import JobEnd
from service.ports import Ports
from service.queue_ports import Job, JobResult, Turn
from service.queues import lane
from tests.conftest import Run
from tests.integration.worker_room import Room, service_room, until

JOBS, TOO_LATE = 80, 240
BEFORE_A_CALL = 0.02
"""Seconds that each job needs for itself alone before its call: 50/s, of the 1,000/s that the partner allows. The
twenty that a lane has in hand at first need 0.4 s, and a turn is missed after 0.23."""


async def crowded(room: Room) -> None:
    """Work until all jobs are done, or so many calls have missed their turn that they never will be."""
    alone = asyncio.Lock()

    async def handle(ports: Ports, job: Job, turn: Turn) -> JobResult:
        async with alone:
            await asyncio.sleep(BEFORE_A_CALL)
        await turn()
        async with ports.begin(single=True) as tx:
            await tx.queue.finish(job)
        return JobResult(JobEnd.DONE, ports.clock.now())

    async def over() -> bool:
        return room.ended("sms", "done") == JOBS or room.ended("sms", "late") > TOO_LATE

    for _ in range(JOBS):
        await room.ask_code(None)
    async with room.worker(sms=handle):
        await until(over)
        if room.ended("sms", "done") < JOBS:
            async with room.ports.begin(single=True) as tx:
                await tx.queue.set_rate("sms", 0.0)  # nothing more is claimed, so that the worker can end


def test_a_worker_takes_what_it_gets_called_in_time(run: Run, database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            await crowded(room)
            assert room.ended("sms", "done") == JOBS

    run(scenario())


def test_a_worker_that_always_takes_what_the_quota_allows_does_not(
    run: Run, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: claims do not shrink; nearly all that is claimed misses its turn and is claimed again."""
    monkeypatch.setattr(lane, "LATE_KEEPS", 1e9)

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            await crowded(room)
            assert room.ended("sms", "late") > TOO_LATE

    run(scenario())
