"""R5 on real processes: partners never see more than their quota, counted at the partner, and most of it is used.

`make acceptance NAME=quota`: two workers, killed one after the other, and a quota that is cut in mid-run. Short twins
of both proofs, without processes, run in the tests (tests/integration/test_worker.py, tests/faults/test_lanes.py).
"""

import asyncio
import signal
import subprocess
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from service.storage.queue import PostgresQueue
from tests.acceptance.test_service_processes import settings_for
from tests.conftest import Run
from tests.integration.queue_room import connections
from tests.integration.worker_room import Room, service_room
from tests.service_process import running

RATE, LESS = 40.0, 20.0
SETTLED = 0.5
"""Seconds after a change within which calls that were claimed before it still leave (0.23) and arrive."""


class Instants:
    """Stands in for one of the partner's windows and keeps every instant."""

    most = 0

    def __init__(self) -> None:
        self.all: list[float] = []

    def count(self, now: float) -> None:
        self.all.append(now)

    def most_in_a_second(self, start: float, end: float) -> int:
        """The most in any second that begins in [start, end) and whose calls all lie before `end`."""
        until = bisect_left(self.all, end)
        begin = bisect_left(self.all, start)
        return max(bisect_left(self.all, self.all[i] + 1.0, hi=until) - i for i in range(begin, until))

    def most_before_a_call(self, start: float) -> int:
        """The most that any call after `start` completes in the second before it, that call included."""
        begin = bisect_right(self.all, start)
        return max(i + 1 - bisect_right(self.all, self.all[i] - 1.0) for i in range(begin, len(self.all)))


@contextmanager
def worker(room: Room, database_url: str, folder: Path, **more: str) -> Iterator[Any]:
    variables = settings_for(database_url, folder, PARTNERS_URL=room.settings.partners_url, SMS_RATE=str(RATE), **more)
    with running("worker", "--lifeline", **variables) as (process, _):
        yield process


async def people_ask(room: Room, codes: int) -> None:
    person = await room.account(1)
    for _ in range(codes):
        await room.ask_code(person)


async def calls(seen: Instants, number: int) -> None:
    """Wait until the partner has seen so many."""
    deadline = time.monotonic() + 90
    while len(seen.all) < number:
        assert time.monotonic() < deadline, f"the partner saw {len(seen.all)} calls, not {number}"
        await asyncio.sleep(0.01)


def watched(room: Room) -> Instants:
    seen = Instants()
    room.partners.gateways["sms"].ledger.traffic.second = seen  # type: ignore[assignment]
    return seen


def test_no_second_at_the_partner_has_more_than_the_quota(run: Run, database_url: str, tmp_path: Path) -> None:
    """Two workers at 40/s. Ten seconds undisturbed: 95 % is used. Then four kills, each followed by a new worker, and a
    cut to 20/s: no call that leaves later than half a second after it finds more than 20 in the second before it."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room, AsyncExitStack() as stack:

            async def start() -> Any:
                return await asyncio.to_thread(lambda: stack.enter_context(worker(room, database_url, tmp_path)))

            seen = watched(room)
            await people_ask(room, 1200)
            workers = [await start(), await start()]
            await calls(seen, 500)
            steady = share_used(seen, 80, 496)  # ten windows of 1.04 s
            for kill in range(4):
                workers.pop(0).send_signal(signal.SIGKILL)
                workers.append(await start())
                await calls(seen, 500 + 80 * (kill + 1))
            killed = share_used(seen, 500, 820)
            async with connections(database_url, 1) as (operator,):
                assert await PostgresQueue(operator).set_rate("sms", LESS)
            cut = time.monotonic()
            await calls(seen, len(seen.all) + 100)
            print(
                f"used: {steady:.1%} undisturbed, {killed:.1%} with four kills in {seen.all[820] - seen.all[500]:.0f} s"
            )
            most, most_then = seen.most_in_a_second(0.0, cut), seen.most_before_a_call(cut + SETTLED)
            print(f"most in a second: {most} of {RATE:.0f}, then {most_then} of {LESS:.0f}")
            assert most <= RATE
            assert most_then <= LESS
            assert steady >= 0.95

    run(scenario())


def share_used(seen: Instants, first: int, last: int) -> float:
    """Of the quota, between two calls."""
    return (last - first) / (seen.all[last] - seen.all[first]) / RATE


def test_without_pacing_the_partner_sees_more(run: Run, database_url: str, tmp_path: Path) -> None:
    """Negative control: the same worker with the switch `partner_pacing` off."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room, AsyncExitStack() as stack:
            seen = watched(room)
            await people_ask(room, 150)
            await asyncio.to_thread(
                lambda: stack.enter_context(worker(room, database_url, tmp_path, PARTNER_PACING="off"))
            )
            await calls(seen, 150)
            assert seen.most_in_a_second(0.0, seen.all[-1]) > RATE

    run(scenario())


if __name__ == "__main__":
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", "-rs", "-s", __file__]))
