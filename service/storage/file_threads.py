"""Threads for file work, each job handed over and answered with as little as it takes.

The futures of an executor cost the event loop as much CPU as a small database statement, and a job of ours is asked for
once and awaited at once.
"""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class FileThreads:
    """`number` threads, which begin with the first job; `close` ends them when all jobs are done."""

    def __init__(self, number: int, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads = [Thread(target=self._work, name=f"{name}_{each}", daemon=True) for each in range(number)]
        self._begun = False

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. A job that nobody waits for any more when its turn comes is not done."""
        if not self._begun:
            self._begun = True
            for thread in self._threads:
                thread.start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.put((loop, done, work))
        return await done

    def close(self) -> None:
        if self._begun:
            for _ in self._threads:
                self._jobs.put(None)
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while job := self._jobs.get():
            loop, done, work = job
            if done.cancelled():
                continue
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:  # whoever asked for the job is told
                error = raised
            try:
                loop.call_soon_threadsafe(_tell, done, result, error)
            except RuntimeError:
                pass  # the loop has ended, and with it whoever asked
            del job, done, work, result, error  # nothing of it is kept until the next one comes


def _tell(done: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
    if done.done():  # cancelled meanwhile
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
