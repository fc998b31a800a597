"""The long proof of the door can fail: each goal that is missed is said, and answers are read in whatever pieces."""

import asyncio
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from tests.acceptance.long.overload import LOADS, in_time, judged
from tests.acceptance.long.overload_crowd import Crowd, Seen
from tests.acceptance.long.overload_curve import Costs, Point, point_of
from tests.virtual_time import virtual_time

COSTS = Costs(signed_in=0.05, ticket=0.1, connections=4)
GOOD = Seen(good=[0.1] * 80, refused=[0.03] * 200, lateness=[0.001] * 280, signed_in=[True] * 40)
BAD = Seen(good=[0.9] * 8, late=[2.0] * 80, lateness=[0.001] * 88)


def curve(seen: Seen) -> list[Point]:
    return [point_of(load, load * 40.0, [seen, seen], 8.0, COSTS, 7.0) for load in LOADS]


def test_a_point_is_what_was_seen():
    """By hand: 160 answers in 16 s, half of them at half the cost: 80 * 0.05 + 80 * 0.1 = 12 s of 4 * 16 s."""
    point = curve(GOOD)[0]
    assert (point.goodput, point.by_seed, point.refused) == (10.0, (10.0, 10.0), 25.0)
    assert point.work == pytest.approx(12 / 64)
    assert (point.signed_in, point.signed_in_answered) == (0.5, 1.0)
    assert curve(BAD)[0].answered_p99 == 2.0


def test_a_seed_in_which_the_crowd_was_late_is_not_hidden_by_the_others():
    late = replace(GOOD, lateness=[0.05] * 5 + [0.001] * 275)
    point = point_of(10.0, 400.0, [GOOD, GOOD, late], 8.0, COSTS, 7.0)
    assert point.lateness_p99 == 0.05


def test_met_goals_are_silent_and_missed_ones_are_said():
    on, off = curve(GOOD), curve(BAD)
    assert judged({"on": on, "off": off}) == []
    spoiled: dict[str, dict[str, Any]] = {
        "of the peak": {"goodput": 8.9},
        "of the most": {"work": 0.1},
        "times that at 70 %": {"answered_p99": 0.21},
        "at 10 x: p99 51 ms": {"refused_p99": 0.051},
        "without Retry-After": {"without_retry_after": 1},
        "errors other than 503": {"other_errors": 1},
        "told nothing": {"gave_up": 1},
        "the load was none": {"refused": 0.0},
    }
    for said, change in spoiled.items():
        faults = judged({"on": [*on[:-1], replace(on[-1], **change)], "off": off})
        assert len(faults) == 1 and said in faults[0]
    assert "negative control held" in judged({"on": on, "off": on})[0]
    late = [replace(point, refused_p99=0.06) if point.load == 1.5 else point for point in on]
    assert "at 1.5 x" in judged({"on": late, "off": off})[0]


def test_the_crowd_reads_what_it_is_answered(run):
    """In pieces and with a body; a connection that ends and an answer that never comes are counted, not waited for."""
    refusal = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\ncontent-length: 2\r\n\r\n{}"
    bare = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
    fine = b"HTTP/1.1 201 Created\r\ncontent-length: 4\r\n\r\nbody"
    answers = [fine, refusal, bare, b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", b""]
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while answers:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(2)
            answer = answers.pop(0)
            for at in range(0, len(answer), 20):
                writer.write(answer[at : at + 20])
                await writer.drain()
            if not answer:
                break
        writer.close()
        await writer.wait_closed()

    async def scenario() -> Seen:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            crowd = Crowd(f"http://{host}:{port}", [])
            seen = Seen()
            for _ in range(5):
                await crowd._one(None, asyncio.get_running_loop().time(), seen)
            crowd.close()
            return seen

    seen = run(scenario())
    assert (len(seen.good), len(seen.refused), seen.without_retry_after, seen.other_errors) == (1, 2, 1, 2)
    assert all(head.startswith(b"POST /tickets HTTP/1.1\r\n") for head in asked) and len(set(asked)) == 5


def test_arrivals_are_open_and_those_of_their_seed(monkeypatch: pytest.MonkeyPatch):
    """Nobody is answered for a minute, and everybody comes all the same, at the same moments under the same seed."""

    class Deaf(Crowd):
        async def _one(self, step: bytes | None, due: float, seen: Seen) -> None:
            seen.lateness.append(asyncio.get_running_loop().time() - due)
            seen.good.append(due)
            seen.signed_in.append(step is not None)
            await asyncio.sleep(60.0)

    def played(seed: int) -> Seen:
        crowd = Deaf("http://127.0.0.1:1", [{"Authorization": "Bearer a"}])
        with virtual_time(monkeypatch) as run:
            seen = run(crowd.play(400.0, 5.0, Random(seed)))
        assert isinstance(seen, Seen)
        return seen

    first, again, other = played(1), played(1), played(2)
    assert first.good == again.good != other.good and first.signed_in == again.signed_in
    assert len(first.good) == pytest.approx(2000, rel=0.1)
    assert sum(first.signed_in) == pytest.approx(660, rel=0.15)
    assert max(first.lateness) < 1e-6


def test_a_point_in_which_the_crowd_was_late_is_measured_again(run):
    """Whatever was seen then is not a result; after three tries the proof says that it is none."""

    class Hurried(Crowd):
        tries: list[float]

        async def play(self, rate: float, seconds: float, random: Random) -> Seen:
            return Seen(lateness=[self.tries.pop(0)])

    def last(*lateness: float) -> tuple[float, int]:
        crowd = Hurried("http://127.0.0.1:1", [])
        crowd.tries = list(lateness)
        seen = run(in_time(crowd, 1.0, Random(1)))
        return seen.lateness[0], len(crowd.tries)

    assert last(0.01, 0.0) == (0.01, 1)
    assert last(0.02, 0.005, 0.0) == (0.005, 1)
    assert last(0.02, 0.03, 0.04, 0.0) == (0.04, 1)
