"""The counter that the search for capacity is proved at: its limit is what it says, in virtual time."""

import asyncio
from dataclasses import dataclass

import pytest

from loadtests.harness.flow import after_jump, flow
from scenarios.fates import Reason
from tests.counter_target import COME_BACK, Counter
from tests.unit.test_flow import people
from tests.virtual_time import virtual_time

LIMIT, CLERKS = 60.0, 6
LENGTH = 16.0


@dataclass
class Person:
    due: float
    ended: float = float("nan")


async def crowd(counter: Counter, *parts: tuple[float, float]) -> list[Person]:
    """People come at each rate for so many seconds, and again when told to; all who were served, or still wait."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    came: list[Person] = []

    async def come(person: Person) -> None:
        while True:
            if await counter.serve():
                break
            await asyncio.sleep(COME_BACK)
        person.ended = loop.time() - begun

    tasks, at = [], 0.0
    for per_s, seconds in parts:
        for _ in range(int(per_s * seconds)):
            await asyncio.sleep(begun + at - loop.time())
            came.append(Person(at))
            tasks.append(asyncio.create_task(come(came[-1])))
            at += 1.0 / per_s
    await asyncio.sleep(begun + at - loop.time())
    for task in tasks:
        task.cancel()
    return came


def played(monkeypatch: pytest.MonkeyPatch, manner: str, *parts: tuple[float, float]) -> list[Person]:
    with virtual_time(monkeypatch) as run:
        found: list[Person] = run(crowd(Counter(LIMIT, CLERKS, manner, seed=1), *parts))
    return found


def goodput(came: list[Person], seconds: float) -> float:
    rows = people([one.due for one in came], [one.ended for one in came], joined=False)
    assert (rows["reason"] == Reason.STEPS_DONE).all()
    return flow(rows, seconds, steps=1).goodput_per_s


def test_its_clerks_serve_as_many_as_it_says_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert goodput(played(monkeypatch, "orderly", (2.0 * LIMIT, 100.0)), 100.0) == pytest.approx(LIMIT, rel=0.04)


def test_it_serves_everybody_below_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert goodput(played(monkeypatch, "orderly", (0.8 * LIMIT, 100.0)), 100.0) == pytest.approx(0.8 * LIMIT, rel=0.04)


def test_the_good_one_keeps_its_goodput_and_the_bad_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {
        manner: [goodput(played(monkeypatch, manner, (times * LIMIT, LENGTH)), LENGTH) / LIMIT for times in (2.0, 4.0)]
        for manner in ("shedding", "thrashing")
    }
    assert min(kept["shedding"]) > 0.9 and max(kept["thrashing"]) < 0.6 and kept["thrashing"][1] < kept["thrashing"][0]


def test_the_good_one_recovers_from_a_jump_and_the_bad_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    jump = LENGTH / 4.0
    parts = ((0.5 * LIMIT, LENGTH), (2.0 * LIMIT, jump), (0.5 * LIMIT, 1.5 * LENGTH))
    recovered = {}
    for manner in ("shedding", "thrashing"):
        came = played(monkeypatch, manner, *parts)
        rows = people([one.due for one in came], [one.ended for one in came])
        recovered[manner] = after_jump(rows, LENGTH, jump, 2.75 * LENGTH).recovered_s
    assert recovered["shedding"] is not None and recovered["shedding"] < 1.4 * LENGTH
    assert recovered["thrashing"] is None
