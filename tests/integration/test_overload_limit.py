"""R3 without processes: ten times what a house can do, before the real doorkeeper, in virtual time; and without it."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.domain.errors import Overloaded
from service.metrics import Metrics
from service.web.middleware import Boundary
from service.web.overload import Doorkeeper, new_door
from tests.virtual_time import virtual_time

SERVERS = 4
SERVICE = 0.04
CAPACITY = SERVERS / SERVICE
USEFUL = 1.0


@dataclass
class Answers:
    good: list[float] = field(default_factory=list)
    late: int = 0
    refused: list[float] = field(default_factory=list)
    without_retry_after: int = 0
    others: int = 0


class House:
    """Four at once take 40 ms each; the others wait for them inside."""

    def __init__(self, *, limited: bool) -> None:
        metrics = Metrics()
        servers = asyncio.Semaphore(SERVERS)
        self._random = random.Random(7)

        async def application(scope: Any, receive: Any, send: Any) -> None:
            async with servers:
                await asyncio.sleep(SERVICE * self._random.uniform(0.5, 1.5))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        def no_page(path: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
            raise Overloaded

        app: Any = application
        if limited:
            app = Doorkeeper(app, new_door(metrics), metrics, no_page, lambda _: b"", self._random.random)
        self._front = Boundary(app, metrics)

    async def play(self, load: float, seconds: float) -> Answers:
        """Open arrivals; every one is answered before it returns."""
        answers = Answers()
        clock = asyncio.get_running_loop().time
        due = began = clock()
        async with asyncio.TaskGroup() as group:
            while (due := due + self._random.expovariate(load * CAPACITY)) < began + seconds:
                await asyncio.sleep(max(0.0, due - clock()))
                group.create_task(self._ask(due, answers))
        return answers

    async def _ask(self, due: float, answers: Answers) -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        token = b"Bearer %d" % self._random.randrange(10**9)
        scope = {"type": "http", "path": "/me", "method": "GET", "headers": [(b"authorization", token)]}
        await self._front(scope, receive, send)
        took = asyncio.get_running_loop().time() - due
        status = sent[0]["status"]
        if status == 200:
            if took <= USEFUL:
                answers.good.append(took)
            else:
                answers.late += 1
        elif status == 503:
            answers.refused.append(took)
            answers.without_retry_after += b"retry-after" not in dict(sent[0]["headers"])
        else:
            answers.others += 1


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    with virtual_time(monkeypatch) as run:
        yield run


def test_ten_times_the_load_before_the_doorkeeper(run):
    """Goodput >= 90 % of the capacity, admitted p99 <= 2 x its value at 70 %, refusals at once and with Retry-After."""

    async def scenario():
        house = House(limited=True)
        await house.play(0.7, 2.0)
        calm = await house.play(0.7, 2.5)
        await house.play(10.0, 1.5)
        began = time.monotonic()
        most = await house.play(10.0, 2.5)
        return calm, most, time.monotonic() - began

    calm, most, took = run(scenario())
    print(f"goodput {len(most.good) / took:.0f} of {CAPACITY:.0f}/s, refused p99 {p99(most.refused):.3f} s")
    print(f"p99 {p99(calm.good):.3f} s at 70 %, {p99(most.good):.3f} s at ten times")
    assert len(most.good) / took >= 0.9 * CAPACITY
    assert p99(most.good) <= 2.0 * p99(calm.good)
    assert p99(most.refused) <= 0.05
    assert (most.without_retry_after, most.others, most.late) == (0, 0, 0)
    assert len(calm.refused) <= 0.02 * len(calm.good)


def test_without_the_doorkeeper_nearly_every_answer_is_late(run):
    """The negative control: half a second of ten times the load, then twice of it: most who come are answered late."""

    async def scenario():
        house = House(limited=False)
        async with asyncio.TaskGroup() as group:  # the house goes on working for those of before
            group.create_task(house.play(10.0, 0.5))
            return await house.play(2.0, 2.0)

    answers = run(scenario())
    assert answers.late >= 0.6 * (answers.late + len(answers.good)) and not answers.refused
