"""Lanes apart: bulk and codes, calls that missed their turn, quotas that change, and bounds that are switched off."""

import asyncio
import time
from pathlib import Path
from uuid import uuid4

from service.actions.codes import ask_code
from service.actions.handover import hand_over_code
from service.actions.once import Once
from service.domain.adaptive import AT_FIRST
from service.domain.codes import Channel
from service.domain.deadline import TurnMissed
from service.domain.errors import QueueFull
from service.domain.queues import JobEnd
from service.ports import Ports
from service.queue_ports import Job, JobResult, Turn
from service.queues.policy import LEASE
from tests.conftest import Run
from tests.integration.worker_room import FAST, HELPFUL, Room, service_room, until
from tests.patience import TRIES


def test_a_loop_that_stood_still_wakes_without_a_burst(run: Run, database_url: str, tmp_path: Path) -> None:
    """Calls whose moment passed meanwhile go back in line: their quota is the next one's by now. No try is lost."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path, SMS_RATE="80") as room:
            for number in range(100):
                await room.ask_code(await room.account(number))
            async with room.worker():

                async def under_way() -> bool:
                    """Some are claimed since a moment, and so not called yet."""
                    fresh = "lease_until > statement_timestamp() + make_interval(secs => $1)"
                    claimed = await room.connection.fetchval(f"select count(*) from job where {fresh}", LEASE - 0.1)
                    return room.ended("sms", "done") >= 10 and int(claimed) > 0

                def ended() -> int:
                    return room.ended("sms", "done") + room.ended("sms", "late")

                async def more_ended() -> bool:
                    return ended() > before

                for _ in range(TRIES):  # on a busy machine the calls may be made before the loop stands still
                    await until(under_way)
                    before = ended()
                    time.sleep(0.5)  # noqa: ASYNC251 - the loop stands still, on purpose
                    await until(more_ended)
                    if room.ended("sms", "late") > 0:
                        break
                await room.empty()
            assert room.ended("sms", "late") > 0
            assert room.ended("sms", "done") == 100
            assert room.ended("sms", "dead") == room.ended("sms", "retried") == 0
            assert [len(room.inbox(number)) for number in range(100)] == [1] * 100

    run(scenario())


def test_whoever_missed_a_turn_does_not_wait_for_the_whole_line_again(
    run: Run, database_url: str, tmp_path: Path
) -> None:
    """Nobody was asked for the first of sixty; it comes soon after, and not when all others have had their turn."""
    order: list[int] = []

    async def handle(ports: Ports, job: Job, turn: Turn) -> JobResult:
        await turn()
        if not missed:
            missed.append(job.id)
            raise TurnMissed
        async with ports.begin(single=True) as tx:
            await tx.queue.finish(job)
        order.append(job.id)
        return JobResult(JobEnd.DONE, ports.clock.now())

    missed: list[int] = []

    async def scenario() -> None:
        async with service_room(database_url, tmp_path, SMS_RATE="40") as room:
            for _ in range(60):
                await room.ask_code(None)
            await room.connection.execute(
                "update job set run_at = now() - (max - id + 1) * interval '1 s' from (select max(id) from job) as last"
            )
            async with room.worker(sms=handle):
                await room.empty()

    run(scenario())
    assert len(order) == 60
    assert order.index(missed[0]) < 40


def test_a_changed_quota_holds_from_the_next_claim_on(run: Run, database_url: str, tmp_path: Path) -> None:
    """An operator's rate stands in for that of the settings, up and down, until it is taken back."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path, SMS_RATE="2") as room:

            async def claimed() -> int:
                await room.connection.execute("update quota_window set starts_at = starts_at - interval '10 s'")
                async with room.ports.begin() as tx:
                    found = await tx.queue.claim("sms", most=10, rate_per_s=2.0, lease_s=60.0)
                return len(found.jobs)

            async def change(rate: float | None) -> bool:
                async with room.ports.begin(single=True) as tx:
                    return await tx.queue.set_rate("sms", rate)

            for _ in range(30):
                await room.ask_code(None)
            assert await claimed() == 2
            assert await change(7.0)
            assert await claimed() == 7
            assert await change(0.0)
            assert await claimed() == 0
            assert await change(None)
            assert await claimed() == 2
            async with room.ports.begin() as tx:
                assert not await tx.queue.set_rate("letters", 1.0)
                await tx.queue.set_rate("sms", 1.0)
                unpaced = await tx.queue.claim("sms", most=10, rate_per_s=-1.0, lease_s=60.0)
                assert len(unpaced.jobs) == 10  # the switch partner_pacing is off: nothing holds it

    run(scenario())


def test_bulk_does_not_keep_codes_waiting(run: Run, database_url: str, tmp_path: Path) -> None:
    """Twenty jobs that take long wait for each code, in a lane of their own: every code is with the gateway before any
    of the bulk is done. Negative control: the same jobs before the same codes in one lane hold them all."""

    async def codes_handed_over(room: Room, queue: str) -> int:
        """Of twelve, while `queue` works at bulk that ends only afterwards: once all were, or its lane is full."""
        ends, begun, person = asyncio.Event(), 0, await room.account(len(queue))

        async def bulk_or_code(ports: Ports, job: Job, turn: Turn) -> JobResult:
            nonlocal begun
            if "code_request" in job.payload:
                return await hand_over_code(ports, job, turn)
            begun += 1
            await ends.wait()
            async with ports.begin(single=True) as tx:
                await tx.queue.finish(job)
            return JobResult(JobEnd.DONE, ports.clock.now())

        def arrived() -> int:
            return len(room.inbox(len(queue), Channel.EMAIL))

        async def settled() -> bool:
            return begun == AT_FIRST and (queue == "email" or arrived() == 12)

        async with room.ports.begin() as tx:
            for number in range(240):
                assert await tx.queue.enqueue(queue, str(number), {}, limit=-1)
        for _ in range(12):
            await room.ask_code(person, Channel.EMAIL)
        async with room.worker(email=bulk_or_code, identity=bulk_or_code):
            await until(settled)
            found = arrived()
            await room.connection.execute("delete from job where state = 0")
            ends.set()
        return found

    async def scenario() -> None:
        async with service_room(database_url, tmp_path, CIVIL_REGISTRY_RATE="1000") as room:
            assert await codes_handed_over(room, "email") == 0
            assert await codes_handed_over(room, "identity") == 12

    run(scenario())


def test_switched_off_bounds_and_drops_are_gone(run: Run, database_url: str, tmp_path: Path) -> None:
    """Negative controls of `bounded_queues` and `drop_abandoned_work`: with the same limit everything is
    taken, and a code is sent that was used before it left."""

    async def asked_and_sent(room: Room) -> tuple[int, int, bool]:
        """Codes that were accepted of three, messages, and whether the first job expires."""
        address = "+6280000000001"
        await room.account(1)
        accepted = 0
        for _ in range(3):
            key = str(uuid4()).encode()
            once = Once(route=b"codes", key=key, fingerprint=b"", status=202, encode=lambda _: b"")
            try:
                await ask_code(room.ports, once, address)
            except QueueFull:
                continue
            accepted += 1
        expires: bool = await room.connection.fetchval("select expires_at is not null from job limit 1")
        await room.connection.execute("update code_request set used_at = now()")
        async with room.worker():
            await room.empty()
        return accepted, len(room.inbox(1)), expires

    async def scenario(bounded: str = "on", dropping: str = "on") -> tuple[int, int, bool]:
        switches = {"BOUNDED_QUEUES": bounded, "DROP_ABANDONED_WORK": dropping, "SMS_QUEUE_LIMIT": "1"}
        async with service_room(database_url, tmp_path, sms=FAST, registry=HELPFUL, **switches) as room:
            answer = await asked_and_sent(room)
            await room.connection.execute("delete from job; delete from code_request; delete from account")
            return answer

    assert run(scenario()) == (1, 0, True)
    assert run(scenario(bounded="off")) == (3, 0, True)
    assert run(scenario(dropping="off")) == (1, 1, False)
