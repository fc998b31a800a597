"""Whom a toxic hits and what it draws is a pure function of the seed; a delay line is bounded."""

import asyncio
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.faults import delay_line
from loadtests.faults.delay_line import Chunk, DelayLine
from loadtests.faults.doses import hits
from loadtests.faults.draws import Direction, Purpose, draw
from loadtests.faults.toxics import KINDS, BlackHole, Latency
from scenarios import streams

SEEDS = st.integers(-(2**63), 2**64)
NUMBERS = st.integers(1, 10**9)


@given(SEEDS, NUMBERS, st.sampled_from(Purpose), st.sampled_from(Direction), st.integers(0, 10**9))
def test_a_draw_is_a_pure_function(seed: int, connection: int, purpose: Purpose, way: Direction, number: int) -> None:
    first = draw(seed, connection, purpose, way, number)
    assert 0 <= first < 1
    assert draw(seed, connection, purpose, way, number) == first
    others = {
        draw(seed + 1, connection, purpose, way, number),
        draw(seed, connection + 1, purpose, way, number),
        draw(seed, connection, purpose, Direction(1 - way), number),
        draw(seed, connection, purpose, way, number + 1),
    }
    assert len(others) == 4 and first not in others


def test_digits_stay_the_same() -> None:
    """A recorded seed means the same luck years later; the digits were computed when this was written."""
    toxic = Latency(direction=Direction.UPSTREAM, toxicity=0.5, delay_s=1)
    assert "".join(str(int(hits(toxic, 7, number))) for number in range(1, 13)) == "101001000111"


def test_purposes_are_nobody_elses() -> None:
    """The proxy shares the stream function with the night and must not share its luck."""
    assert not {int(purpose) for purpose in Purpose} & {int(purpose) for purpose in streams.Purpose}
    assert len({kind.number for kind in KINDS.values()}) == len(KINDS)


@given(SEEDS, NUMBERS, st.floats(0, 1), st.floats(0, 1))
def test_who_is_hit_by_a_smaller_share_is_hit_by_a_greater_one(seed: int, number: int, one: float, two: float) -> None:
    small = BlackHole(direction=Direction.DOWNSTREAM, toxicity=min(one, two))
    great = dataclasses.replace(small, toxicity=max(one, two))
    assert hits(great, seed, number) or not hits(small, seed, number)
    assert not hits(dataclasses.replace(small, toxicity=0.0), seed, number)
    assert hits(dataclasses.replace(small, toxicity=1.0), seed, number)


def test_the_share_that_is_hit_is_the_toxicity() -> None:
    """Of 10,000 connections 30 % within four standard deviations; and other kinds hit others."""
    toxic = BlackHole(direction=Direction.UPSTREAM, toxicity=0.3)
    hit = {number for number in range(10_000) if hits(toxic, 1, number)}
    assert abs(len(hit) - 3000) < 4 * (10_000 * 0.3 * 0.7) ** 0.5
    other = {n for n in range(10_000) if hits(Latency(direction=Direction.UPSTREAM, toxicity=0.3, delay_s=1), 1, n)}
    assert abs(len(hit & other) - 900) < 4 * (10_000 * 0.09 * 0.91) ** 0.5


@pytest.mark.parametrize("size", [1, 1000, 65536])
def test_a_delay_line_takes_only_so_much(size: int) -> None:
    """Bytes and chunks are bounded; who puts more waits until the first has left."""

    async def fill() -> tuple[int, int]:
        line = DelayLine()
        taken = 0

        async def put() -> None:
            nonlocal taken
            while True:
                await line.put(Chunk(0.0, taken, bytes(size)))
                taken += 1

        async with asyncio.TaskGroup() as group:
            putting = group.create_task(put())
            await asyncio.sleep(0)
            most = taken
            assert (await line.first()).number == 0
            line.drop_first()
            await asyncio.sleep(0)
            after = taken
            putting.cancel()
        return most, after

    most, after = asyncio.run(fill())
    assert most == min(delay_line.MOST_CHUNKS, delay_line.MOST_BYTES // size)
    assert after == most + 1
