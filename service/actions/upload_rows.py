"""Rows of uploads that begin or finish in one moment are written by one statement: most of its cost is the asking."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar
from uuid import UUID

from service.actions.batching import Batcher
from service.domain import photos
from service.domain import uploads as rules
from service.domain.errors import ChangedMeanwhile, DatabaseFailure
from service.photo_ports import Beginnings, Finish, Finished, Finishes, NewUpload, Upload
from service.ports import Begin

Q = TypeVar("Q")
A = TypeVar("A")

MOST = 64
"""Rows of one statement: it takes some milliseconds, in which as many more may come."""


def beginnings_on(begin: Begin) -> Beginnings:
    """Uploads of one replica, begun together."""

    async def perform(new: Sequence[NewUpload]) -> Sequence[Upload | None]:
        async with begin(single=True) as tx:
            return await tx.uploads.add(new, most=rules.UPLOADS_PER_ACCOUNT)

    return _together(perform)


def finishes_on(begin: Begin, *, limit: int) -> Finishes:
    """Photos of one replica, finished together. limit: of the queue of inspections."""

    async def perform(last: Sequence[Finish]) -> Sequence[Finished]:
        async with begin(single=True) as tx:
            found = await tx.uploads.finish(last, queue=photos.QUEUE, limit=limit)
        if len(last) > 1 and not found[0].has_room:
            raise ChangedMeanwhile("There is no room for all; there may be for some.")
        return _with_each_other(last, found)

    return _together(perform)


def _together(perform: Callable[[Sequence[Q]], Awaitable[Sequence[A]]]) -> Callable[[Q], Coroutine[Any, Any, A]]:
    """Do what is asked in one moment at once. What cannot be done with the others spoils nothing for them: then each
    is done alone, unless it is the database that is in trouble."""

    async def try_all(asked: Sequence[Q]) -> Sequence[tuple[A] | None]:
        try:
            return [(answer,) for answer in await perform(asked)]
        except DatabaseFailure:
            raise
        except Exception:
            if len(asked) == 1:
                raise
            return [None] * len(asked)

    batcher = Batcher(try_all, most=MOST)

    async def ask(question: Q) -> A:
        found = await batcher(question)
        return (await perform([question]))[0] if found is None else found[0]

    return ask


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
