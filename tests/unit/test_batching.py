"""Requests of one moment are done together, one batch at a time."""

import asyncio
from collections.abc import Sequence

import pytest

from service.actions.batching import Batcher


class Counting:
    """Answers twice the question when it is let go; knows its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.at_once = 0

    async def __call__(self, questions: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(questions))
        self.at_once += 1
        assert self.at_once == 1
        await self.gate.wait()
        self.at_once -= 1
        if 13 in questions:
            raise ValueError("thirteen")
        return [2 * question for question in questions]


async def asked(batcher: Batcher[int, int], *questions: int) -> list["asyncio.Task[int]"]:
    """Questions that wait for their answers."""
    tasks = [asyncio.create_task(batcher(question)) for question in questions]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def test_who_comes_meanwhile_goes_in_the_next_batch(run):
    """The first goes alone, or with those of the same moment; nobody's answer is another's."""

    async def scenario():
        counting = Counting()
        batcher = Batcher(counting, most=4)
        first = await asked(batcher, 1, 2)
        more = await asked(batcher, 3, 4, 5, 6, 7)
        counting.gate.set()
        return counting.batches, await asyncio.gather(*first, *more)

    batches, answers = run(scenario())
    assert batches == [[1, 2], [3, 4, 5, 6], [7]]
    assert answers == [2, 4, 6, 8, 10, 12, 14]


def test_too_many_answers_are_an_error_and_nobody_waits_for_ever(run):
    async def scenario():
        async def generous(questions: Sequence[int]) -> Sequence[int]:
            return [*questions, 0]

        async with asyncio.timeout(30):
            return await asyncio.gather(Batcher(generous, most=4)(1), return_exceptions=True)

    (error,) = run(scenario())
    assert isinstance(error, RuntimeError) and "2 answers to 1 question" in str(error)


def test_an_error_is_told_to_its_own_batch_alone(run):
    async def scenario():
        counting = Counting()
        batcher = Batcher(counting, most=2)
        bad = await asked(batcher, 12, 13)
        good = await asked(batcher, 14)
        counting.gate.set()
        return await asyncio.gather(*bad, *good, return_exceptions=True), await batcher(20)

    (first, second, third), later = run(scenario())
    assert isinstance(first, ValueError) and isinstance(second, ValueError)
    assert (third, later) == (28, 40)


def test_who_left_before_the_batch_began_is_not_asked_for(run):
    """And who left during it takes nothing from the others."""

    async def scenario():
        counting = Counting()
        batcher = Batcher(counting, most=10)
        during, stays = await asked(batcher, 1, 2)
        before, waits = await asked(batcher, 3, 4)
        during.cancel()
        before.cancel()
        counting.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await before
        return await stays, await waits, counting.batches

    assert run(scenario()) == (4, 8, [[1, 2], [4]])
