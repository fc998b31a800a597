"""Rows of uploads that begin or finish in one moment are written by one statement: most of its cost is the asking."""

from collections.abc import Sequence
from uuid import UUID

from service.actions.batching import Batcher
from service.domain import photos
from service.domain import uploads as rules
from service.domain.errors import ChangedMeanwhile
from service.photo_ports import Beginnings, Finish, Finished, Finishes, NewUpload, Upload
from service.ports import Begin

MOST = 64
"""Rows of one statement: it takes some milliseconds, in which as many more may come."""


def beginnings_on(begin: Begin) -> Beginnings:
    """Uploads of one replica, begun together."""

    async def perform(new: Sequence[NewUpload]) -> Sequence[Upload | None]:
        async with begin(single=True) as tx:
            return await tx.uploads.add(new, most=rules.UPLOADS_PER_ACCOUNT)

    return Batcher(perform, most=MOST)


def finishes_on(begin: Begin, *, limit: int) -> Finishes:
    """Photos of one replica, finished together. limit: of the queue of inspections.

    Where that cannot be, because a slot holds an older photo or the queue has not room for all, each does it alone.
    """

    async def perform(last: Sequence[Finish]) -> Sequence[Finished]:
        async with begin(single=True) as tx:
            return _with_each_other(last, await tx.uploads.finish(last, queue=photos.QUEUE, limit=limit))

    async def perform_or_none(last: Sequence[Finish]) -> Sequence[Finished | None]:
        try:
            found = await perform(last)
        except ChangedMeanwhile:
            if len(last) == 1:
                raise
            return [None] * len(last)
        return found if len(last) == 1 or found[0].has_room else [None] * len(last)

    together = Batcher(perform_or_none, most=MOST)

    async def finish(last: Finish) -> Finished:
        return await together(last) or (await perform([last]))[0]

    return finish


def _with_each_other(last: Sequence[Finish], found: Sequence[Finished]) -> Sequence[Finished]:
    """One statement does not see what it does itself: of two photos of an account the second finds the first."""
    filled: dict[UUID | None, frozenset[int]] = {}
    seen = []
    for (upload, _), each in zip(last, found, strict=True):
        photo = each.photo
        if photo is not None and upload.slot is not None:
            before = filled.get(upload.account_id, frozenset())
            filled[upload.account_id] = before | {upload.slot}
            photo = photo._replace(filled=photo.filled | before)
        seen.append(each._replace(photo=photo))
    return seen
