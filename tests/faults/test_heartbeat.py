"""Leases live as long as their holder works: renewed by a thread of its own, not for a holder that stands still."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.domain.queues import JobEnd, renews
from service.ports import Ports
from service.queue_ports import Job, JobResult, Turn
from service.queues import heartbeat
from service.queues.heartbeat import Heartbeat
from service.queues.policy import LEASE, policies
from tests.conftest import Run
from tests.integration.worker_room import Room, service_room, until


def test_a_holder_that_is_a_quarter_of_a_lease_late_is_not_renewed() -> None:
    assert renews(0.0, 10.0) and renews(2.5, 10.0)
    assert not renews(2.6, 10.0)


@asynccontextmanager
async def holding(room: Room, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Job]:
    """A job in hand under a lease that is as good as over, with a heart that beats quickly."""
    monkeypatch.setattr(heartbeat, "BEAT", 0.05)
    await room.ask_code(None)
    job = await room.claim("sms")
    await room.connection.execute("update job set lease_until = now() + interval '1 ms'")
    heart = Heartbeat(room.ports.begin_apart, room.metrics)
    heart.hold(job, policies(room.settings)["sms"])
    async with heart.beating():
        yield job


async def left(room: Room) -> float:
    """Seconds that the lease has left."""
    seconds: float = await room.connection.fetchval(
        "select extract(epoch from lease_until - clock_timestamp())::float8 from job where state = 1"
    )
    return seconds


def test_the_lease_of_a_job_in_hand_is_renewed(
    run: Run, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room, holding(room, monkeypatch):

            async def renewed() -> bool:
                return await left(room) > 9.0

            await until(renewed)
        assert not [each for each in threading.enumerate() if each.name == "heartbeat"]

    run(scenario())


def test_a_busy_loop_keeps_its_leases_and_a_stuck_one_does_not(
    run: Run, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop stands still for a second: renewed meanwhile, which nothing in the loop itself could have done. With a
    lease of which a second is more than a quarter it is not (the negative control of the rule)."""

    async def left_after_a_second(room: Room) -> float:
        async with holding(room, monkeypatch):
            await asyncio.sleep(0.2)
            time.sleep(1.0)  # noqa: ASYNC251 - the loop is stuck, on purpose
            return await left(room)

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            assert await left_after_a_second(room) > LEASE - 0.9
            await room.connection.execute("delete from job")
            monkeypatch.setattr(heartbeat, "LEASE", 0.4)
            assert await left_after_a_second(room) < 0.0

    run(scenario())


def test_a_job_longer_than_its_lease_is_done_once(
    run: Run, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handled for two seconds under a lease of one, with another worker that sweeps meanwhile. Without the heart (the
    negative control) it is taken over."""

    handled = []

    async def slowly(ports: Ports, job: Job, _: Turn) -> JobResult:
        handled.append(job.id)
        await asyncio.sleep(2.0)
        async with ports.begin(single=True) as tx:
            held = await tx.queue.finish(job)
        return JobResult(JobEnd.DONE if held else JobEnd.LOST, ports.clock.now())

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            monkeypatch.setattr("service.queues.policy.LEASE", 1.0)
            monkeypatch.setattr(heartbeat, "LEASE", 1.0)
            monkeypatch.setattr(heartbeat, "BEAT", 0.2)
            async with room.ports.begin() as tx:
                assert await tx.queue.enqueue("identity", "slow", {}, limit=10)
            async with room.worker(identity=slowly), room.worker(identity=slowly):
                await room.empty()
            assert len(handled) == 1
            monkeypatch.setattr(heartbeat, "BEAT", 60.0)
            async with room.ports.begin() as tx:
                assert await tx.queue.enqueue("identity", "slow", {}, limit=10)

            async def done_twice() -> bool:
                return len(handled) > 2

            async with room.worker(identity=slowly), room.worker(identity=slowly):
                await until(done_twice)

    run(scenario())


def test_nobody_is_believed_for_ever(
    run: Run, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that never ends: its lease is renewed for as long as an honest one may take, and no longer."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path, PARTNER_TIMEOUT="1") as room:
            clock = [1000.0]
            monkeypatch.setattr("service.queues.heartbeat.time.monotonic", lambda: clock[0])
            heart = Heartbeat(room.ports.begin_apart, room.metrics)
            await room.ask_code(await room.account(1))
            job = await room.claim("sms")
            heart.hold(job, policies(room.settings)["sms"])
            assert heart.in_hand(1030.9) == [job]
            assert heart.in_hand(1031.1) == []
            heart.let_go(job)
            assert heart.in_hand(1000.0) == []

    run(scenario())
