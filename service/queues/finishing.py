"""Finishing jobs whose effect lies elsewhere: a code that the gateway has accepted leaves nothing to store but that."""

from collections.abc import Sequence

from service.actions.batching import Batcher
from service.ports import Begin
from service.queue_ports import Finish, Job

MOST = 100
"""Jobs in one statement: it holds its counters for some milliseconds."""


def finishing_on(begin: Begin) -> Finish:
    """Jobs of one worker, finished together. An error is told to each, who then settles their own job."""

    async def perform(jobs: Sequence[Job]) -> Sequence[bool]:
        async with begin(single=True) as tx:
            gone = await tx.queue.finish_all(jobs)
        return [job.id in gone for job in jobs]

    return Batcher(perform, most=MOST)
