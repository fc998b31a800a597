"""The board's copy under a virtual clock: made once a second, and paused from memory when the database is away."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

from service.domain.errors import DatabaseUnavailable
from service.domain.lookout import Lookout
from service.room_ports import Room
from service.web.board import AWAY, PAUSED_AFTER, BoardCopy
from tests.virtual_time import virtual_time

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Database:
    """A room that can be read, unless the database is away, or hangs."""

    def __init__(self) -> None:
        self.state = "there"
        self.reads = 0

    @asynccontextmanager
    async def begin(self, *, single: bool = False):
        yield SimpleNamespace(room=self)

    async def read(self) -> Room:
        self.reads += 1
        if self.state == "hangs":
            await asyncio.sleep(3600.0)
        if self.state == "away":
            raise DatabaseUnavailable(retry_after_s=1.0)
        return Room(1, 5.0, 2.0, "open", "", 100, NOW, 0.0)

    def ports(self):
        return SimpleNamespace(begin=self.begin, clock=SimpleNamespace(now=lambda: NOW), lookout=Lookout())


def state_of(copy: BoardCopy) -> tuple[str, str]:
    board = json.loads(copy.answer.body)
    return board["state"], board["reason"]


def test_it_is_made_once_a_second_and_pauses_from_memory(monkeypatch):
    """A minute with a thousand readers a second, one away, one with a database that hangs, and back again."""

    async def scenario():
        database, copy = Database(), BoardCopy()
        ports = database.ports()
        await copy.refresh(ports)
        task = asyncio.create_task(copy.keep_fresh(ports))
        made, states = [], []
        for state in ("there", "away", "there", "hangs"):
            database.state, before = state, copy.made
            for _ in range(60):
                await asyncio.sleep(1.0)
                _ = [copy.answer for _ in range(1000)]
            made.append(copy.made - before)
            states.append(state_of(copy))
        task.cancel()
        await asyncio.wait([task])
        return made, states, database.reads

    with virtual_time(monkeypatch) as run:
        made, states, reads = run(scenario())
    assert states == [("open", ""), ("paused", AWAY), ("open", ""), ("paused", AWAY)]
    assert all(20 <= each <= 61 for each in made), made
    assert reads <= 3 * 60 + 2  # one that hangs is waited for, not asked again and again


def test_a_short_trouble_is_not_told(monkeypatch):
    async def scenario():
        database, copy = Database(), BoardCopy()
        ports = database.ports()
        await copy.refresh(ports)
        task = asyncio.create_task(copy.keep_fresh(ports))
        database.state = "away"
        await asyncio.sleep(PAUSED_AFTER - 1.5)
        short = state_of(copy)
        await asyncio.sleep(3.5)
        long = state_of(copy)
        task.cancel()
        await asyncio.wait([task])
        return short, long

    with virtual_time(monkeypatch) as run:
        assert run(scenario()) == (("open", ""), ("paused", AWAY))
