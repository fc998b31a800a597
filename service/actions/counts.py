"""Counting people per regency and stage, a few seconds after they got there.

Whoever changes a stage leaves a note in the same transaction. Every few seconds one gatekeeper takes the notes, looks
how far these people have come, and changes the sums by the difference to what each was counted as: one transaction, so
a kill in between loses nothing and counts nobody twice.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.actions.staff import at_the_shell, entry
from service.count_ports import Cell, Counts
from service.domain.announcement import WaveState, wave_state
from service.domain.errors import DatabaseUnavailable
from service.ports import Begin

EVERY = 2.0
"""Seconds between two counts: the answer may be a minute old, and a small batch disturbs nobody."""
BATCH = 5_000
"""Notes of one transaction: half a second of work."""
_CHUNK = 2_000
_NOBODY = UUID(int=0)
_WAIT = 2.0


@dataclass(frozen=True, slots=True)
class Counted:
    changes: int
    """Notes of changed people that were taken; somebody may have left several."""
    as_of: datetime | None
    """Whatever was done before is counted; None: more notes wait."""


async def count(begin: Begin) -> Counted | None:
    """Count one batch of those who changed. None: another replica does."""
    async with begin() as tx:
        now = await tx.counts.hold(wait=False)
        if now is None:
            return None
        people = await tx.counts.take(BATCH)
        if people:
            await tx.counts.recount(people, settled=False)
        if len(people) == BATCH:
            return Counted(BATCH, None)
        await tx.counts.mark(now)
        return Counted(len(people), now)


async def read(begin: Begin) -> Counts:
    """The sums as they are. Raises DatabaseUnavailable before the first count."""
    async with begin(single=True) as tx:
        counts = await tx.counts.read()
    if counts is None:
        raise DatabaseUnavailable("Nobody was counted yet.", retry_after_s=_WAIT)
    return counts


async def announced(begin: Begin, now: datetime) -> frozenset[int]:
    """The waves of which everybody may know what the draw came to."""
    async with begin(single=True) as tx:
        waves = await tx.announcements.published()
    return frozenset(
        wave.id
        for wave in waves
        if wave_state(wave.opens_at, wave.closes_at, wave.announce_at, wave.published_at, now) == WaveState.ANNOUNCED
    )


async def rebuild(begin: Begin, who: str, told: Callable[[int], None] = lambda people: None) -> Sequence[Cell]:
    """Count everybody anew from the rows, then the sums from what each is counted as; what was wrong, and is no more.
    That `who` begins, and how many sums have changed in the end, is on the record.

    Registration and counting go on meanwhile. told: how many people were looked at.
    """
    async with begin(single=True) as tx:
        await tx.staff.note(entry(at_the_shell(who), "counts-rebuild", "begun", None))
    wrong: Counter[tuple[int, int]] = Counter()
    after, looked = _NOBODY, 0
    while True:
        async with begin() as tx:
            await tx.counts.hold(wait=True)
            people = await tx.counts.accounts(after, _CHUNK)
            if not people:
                break
            differences = await tx.counts.recount(people, settled=True)
        wrong.update({(each.regency, each.stage): each.people for each in differences})
        after, looked = people[-1], looked + len(people)
        told(looked)
    async with begin() as tx:
        await tx.counts.hold(wait=True)
        differences = await tx.counts.resum()
        wrong.update({(each.regency, each.stage): each.people for each in differences})
        changed = [Cell(*place, people) for place, people in sorted(wrong.items()) if people]
        outcome, found = "done" if changed else "unchanged", {"people": looked, "sums": len(changed)}
        await tx.staff.note(entry(at_the_shell(who), "counts-rebuild", outcome, None, after=found))
    return changed
