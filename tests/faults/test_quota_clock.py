"""The database's clock is set while quota is in use: the partner sees no more than was agreed all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from service.actions.handover import hand_over_code
from service.domain.errors import DatabaseUnavailable
from service.ports import Begin, Transaction
from service.queues.clock import ClockWatch
from service.queues.heartbeat import Heartbeat
from service.queues.lane import ClockJumped, Lane
from service.queues.policy import policies
from tests import jumping_clock
from tests.conftest import Run
from tests.integration.queue_room import QUEUE, claim, enqueue, one
from tests.integration.worker_room import service_room, until
from tests.partner_instants import watched

RATE = 40.0


def test_quota_of_unknown_age_counts_as_taken_now(run: Run, database_url: str) -> None:
    """Half the quota is taken, then the clock goes forward an hour: only the other half is left, for a whole window.
    Negative control: whoever trusts that clock gets all of it."""

    async def scenario() -> None:
        async with one(database_url) as operator:
            await jumping_clock.install(operator)
            async with one(database_url) as connection:
                await enqueue(connection, *(str(n) for n in range(20)))
                assert len((await claim(connection, most=4, rate_per_s=8.0)).jobs) == 4
                await jumping_clock.jump(operator, 3600.0)
                unsure = await claim(connection, rate_per_s=8.0, clock_known=False)
                assert len(unsure.jobs) == 4
                assert 0.9 < unsure.wait < 1.1
                assert (await claim(connection, rate_per_s=8.0)).jobs == []
                await jumping_clock.jump(operator, 1.1)
                assert len((await claim(connection, rate_per_s=8.0)).jobs) == 8
                taken = await connection.fetchval("select sum(taken) from quota_window where queue = $1", QUEUE)
                assert taken == 8

    run(scenario())


@pytest.mark.parametrize("seen", ["while idle", "by a claim that is undone"])
def test_quota_stays_taken_until_it_was_reckoned_anew(run: Run, database_url: str, tmp_path: Path, seen: str) -> None:
    """A lane that saw the jump has claimed nothing since: the next look makes the clock known, but not the quota."""

    async def scenario() -> None:
        async with one(database_url) as operator:
            await jumping_clock.install(operator)
            async with service_room(database_url, tmp_path, SMS_RATE="8") as room:
                policy = policies(room.settings)["sms"]
                heartbeat = Heartbeat(room.ports.begin_apart, room.metrics)
                lane = Lane(room.ports, policy, hand_over_code, room.ports.sms, room.metrics, heartbeat)
                for _ in range(20):
                    await room.ask_code(None)
                assert len((await lane._claim(8)).jobs) == 8
                lane._idle = seen == "while idle"
                await jumping_clock.jump(operator, 5.0)
                with pytest.raises(ClockJumped):
                    await lane._claim(8)
                if not lane._idle:
                    lane._ports = replace(room.ports, begin=undone(room.ports.begin))
                    with pytest.raises(DatabaseUnavailable):
                        await lane._claim(8)
                    lane._ports = room.ports
                assert (await lane._claim(8)).jobs == []

    run(scenario())


def undone(begin: Begin) -> Begin:
    """Transactions whose commit fails."""

    @asynccontextmanager
    async def failing(*, single: bool = False) -> AsyncIterator[Transaction]:
        async with begin(single=single) as tx:
            yield tx
            raise DatabaseUnavailable(retry_after_s=1.0)

    return failing


async def most_at_the_partner(database_url: str, folder: Path) -> tuple[int, int]:
    """The most in any second at the partner while the clock is set forward, back and forward; jumps seen."""
    async with one(database_url) as operator:
        await jumping_clock.install(operator)
        async with service_room(database_url, folder, SMS_RATE=str(RATE)) as room:
            seen = watched(room.partners, "sms")
            person = await room.account(1)
            for _ in range(170):
                await room.ask_code(person)
            async with room.worker():
                # Right after a window was filled, when a window that ends early does the most harm.
                for ahead, calls in ((5.0, 42), (-0.7, 84), (30.0, 126)):

                    async def called(number: int = calls) -> bool:
                        return len(seen.all) >= number

                    await until(called)
                    await jumping_clock.jump(operator, ahead)
                await room.empty()
            jumps = room.metrics.registry.get_sample_value("registration_queue_clock_jumps_total", {"queue": "sms"})
            return seen.most_in_a_second(0.0, seen.all[-1]), int(jumps or 0)


def test_a_clock_that_is_set_frees_no_quota(run: Run, database_url: str, tmp_path: Path) -> None:
    most, jumps = run(asyncio.wait_for(most_at_the_partner(database_url, tmp_path), 60))
    assert jumps == 3
    assert most <= RATE


def test_without_the_watch_it_does(
    run: Run, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: lanes that believe every clock."""
    monkeypatch.setattr(ClockWatch, "jump_s", lambda self, now: 0.0)
    monkeypatch.setattr(ClockWatch, "known", True)
    most, _ = run(asyncio.wait_for(most_at_the_partner(database_url, tmp_path), 60))
    assert most > RATE
