"""Finishing jobs whose effect lies elsewhere: those that end while a statement is under way go together in the next.

A code that the gateway has accepted leaves nothing to store but that its job is done. Alone, each would cost a commit;
together they cost one for as many as ended in the time of a commit, and nobody waits longer for it than before.
"""

import asyncio

from service.ports import Begin
from service.queue_ports import Job

MOST = 100
"""Jobs in one statement: it holds its counters for some milliseconds."""


class Finishing:
    """Fulfils `ports.Finish`."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._waiting: list[tuple[Job, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, job: Job) -> bool:
        finished: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, finished))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._finish_waiting())
        return await finished

    async def _finish_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                async with self._begin(single=True) as tx:
                    gone = await tx.queue.finish_all([job for job, _ in batch])
            except Exception as error:  # everybody in the batch hears of it, and settles their own job
                for _, finished in batch:
                    if not finished.done():
                        finished.set_exception(error)
                continue
            for job, finished in batch:
                if not finished.done():  # whoever asked may have been cancelled
                    finished.set_result(job.id in gone)
