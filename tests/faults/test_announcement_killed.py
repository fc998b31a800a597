"""Workers are killed in the middle of an announcement: everybody is told, and nobody twice."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from scenarios.partners.gateway import Acceptance, MessageGateway
from scenarios.partners.requests import Message
from service.domain.announcement import Place
from tests.conftest import Run
from tests.integration.money_room import WAVE, Drawn, drawn_wave
from tests.integration.worker_room import Room, service_room
from tests.service_process import running

PEOPLE = 200
RATE = "100"
LATE = 0.3
"""Seconds by which the gateway answers late: whenever a worker is killed, some thirty calls are under way."""
KILLED_AFTER = (40, 80)
"""Messages."""
PATIENCE = 60.0


class Forgetful(MessageGateway):
    """A provider that knows no keys: each call is another message."""

    calls = 0

    def send(self, message: Message, key: str, now: float) -> Acceptance:
        self.calls += 1
        return super().send(message, f"{key}-{self.calls}", now)


async def wait_for(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def told_through_kills(room: Room, people: list[Drawn]) -> list[int]:
    """How many messages each of them got, when nothing is left."""
    ledger = room.partners.gateways["announcement"].ledger
    variables = {
        "DATABASE_URL": room.settings.database_url,
        "REGISTRATION_SECRET_KEY": room.settings.secret_key.hex(),
        "REGISTRATION_PARTNERS_URL": room.settings.partners_url,
        "REGISTRATION_PHOTO_DIR": str(room.settings.photo_dir),
        "REGISTRATION_ANNOUNCEMENT_RATE": RATE,
    }

    async def finished() -> bool:
        async with room.ports.begin() as tx:
            announcement = await tx.announcements.find(WAVE)
        written = announcement is not None and announcement.finished_at is not None
        return written and await room.depth() == 0 and ledger.pending == 0

    for number in (*KILLED_AFTER, None):
        with ExitStack() as stack:
            start = running("worker", "--lifeline", **variables)
            process, _ = await asyncio.to_thread(stack.enter_context, start)
            if number is None:
                await wait_for(finished, "the announcement was not finished")
            else:
                before = ledger.distinct

                async def some_left(wanted: int = before + number) -> bool:
                    return ledger.distinct >= min(wanted, PEOPLE)

                await wait_for(some_left, "no messages left")
                process.kill()
            await asyncio.to_thread(stack.close)
    return [len(room.partners.deliveries.inbox(each.phone)) for each in people]


async def announced(room: Room) -> list[int]:
    people = await drawn_wave(room.connection, [Place.CHOSEN] * PEOPLE)
    room.partners.conduct.change({"announcement": {"late_s": LATE}})
    async with room.ports.begin() as tx:
        await tx.announcements.start(WAVE, [Place.CHOSEN], room.ports.clock.now())
    return await told_through_kills(room, people)


@pytest.mark.timeout(240)
def test_nobody_is_told_twice_however_often_a_worker_is_killed(run: Run, database_url: str, tmp_path: Path) -> None:
    """Two workers are killed, each with calls under way. What was in their hands is taken over and asked again under
    its own name; the gateway sees these calls twice, and people one message each."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            assert await announced(room) == [1] * PEOPLE
            ledger = room.partners.gateways["announcement"].ledger
            assert ledger.distinct == PEOPLE
            assert ledger.traffic.duplicates > 0  # the kills bit
            rows = await room.connection.fetchrow("select count(*), count(sent_at) from announcement_message")
            assert tuple(rows) == (PEOPLE, PEOPLE)

    run(scenario())


@pytest.mark.timeout(240)
def test_without_names_some_are_told_twice(run: Run, database_url: str, tmp_path: Path) -> None:
    """The negative control: the same kills, and a provider to which every call is a new one."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            figures = room.partners.gateways["announcement"].figures
            room.partners.gateways["announcement"] = Forgetful("announcement", figures, 1)
            told = await announced(room)
            assert min(told) >= 1 and max(told) > 1

    run(scenario())
