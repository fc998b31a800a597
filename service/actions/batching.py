"""Requests of one moment are done together: those that come while a batch is under way go in the next.

Alone, each would cost a commit; together they cost one for as many as came in the time of a commit, and nobody waits
longer for it than before. While little comes, each is a batch of its own and leaves at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Batcher(Generic[Q, A]):
    """`await batcher(question)`: its answer, from a batch of at most `most`; one batch is under way at a time."""

    def __init__(self, perform: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], *, most: int) -> None:
        """perform: the answers to the questions, in their order. What it raises is told to all of the batch."""
        self._perform = perform
        self._most = most
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, question: Q) -> A:
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._task is None or self._task.done():
            # Of nobody's request in particular: how long the first asker waits is nothing to the others.
            self._task = asyncio.get_running_loop().create_task(self._work(), context=Context())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            batch = [(question, answer) for question, answer in batch if not answer.cancelled()]
            try:
                answers = await self._perform([question for question, _ in batch]) if batch else ()
                if len(answers) != len(batch):
                    raise RuntimeError(f"{len(answers)} answers to {len(batch)} questions")
            except Exception as error:  # everybody in the batch hears of it
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, waiting), found in zip(batch, answers, strict=True):
                if not waiting.done():  # whoever asked may have been cancelled
                    waiting.set_result(found)
