"""Bytes that nobody needs any more are erased: of uploads that expired or were given up, within minutes.

Who was writing to one cannot commit any more from then on, but a request that hung may still store what it holds. So
its row stays for a day, and the bytes are looked for once more before it goes. Each step can be done again: what a
sweeper that died had taken up, another one takes up a minute later.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from service.domain.errors import LaunchnightError
from service.photo_ports import Leftover
from service.ports import Ports

AT_A_TIME = 200
"""Uploads that a sweeper takes up: in a bucket, at two requests of 20 ms for each, less than a second's work."""
SIDE_BY_SIDE = 16
LEFT_ALONE = timedelta(minutes=1)
"""What a sweeper has taken up; it needs a second or two, or it is gone, or the store does not work."""
KEPT = timedelta(days=1)
"""A row after its bytes: whoever asks for an expired upload learns that it was one."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one look has found. expired, given_up, forgotten: uploads; failed: bytes could not be removed."""

    expired: int
    given_up: int
    forgotten: int
    failed: int
    overdue_s: float
    """How long the oldest upload that is left has been due."""

    @property
    def full(self) -> bool:
        """There is probably more to do."""
        return self.expired + self.given_up == AT_A_TIME or self.forgotten == AT_A_TIME


async def sweep(ports: Ports) -> Swept:
    """Erase what is due, and forget what was erased long ago, a number of each."""
    now = ports.clock.now()
    async with ports.begin(single=True) as tx:
        due = await tx.leftovers.take_up(now, marked_before=now - LEFT_ALONE, most=AT_A_TIME)
    erased = await _remove(ports, due)
    if erased:
        async with ports.begin(single=True) as tx:
            await tx.leftovers.erased([one.upload_id for one in erased], now)
    async with ports.begin(single=True) as tx:
        old = await tx.leftovers.take_up_again(
            now, marked_before=now - LEFT_ALONE, erased_before=now - KEPT, most=AT_A_TIME
        )
    empty = await _remove(ports, old)
    if empty:
        async with ports.begin() as tx:
            await tx.leftovers.forget([one.upload_id for one in empty])
    async with ports.begin(single=True) as tx:
        overdue = await tx.leftovers.overdue(now)
    given_up = sum(one.given_up for one in erased)
    return Swept(
        expired=len(erased) - given_up,
        given_up=given_up,
        forgotten=len(empty),
        failed=len(due) - len(erased) + len(old) - len(empty),
        overdue_s=overdue or 0.0,
    )


async def _remove(ports: Ports, leftovers: Sequence[Leftover]) -> list[Leftover]:
    """Those of which no byte is left."""
    turns = asyncio.Semaphore(SIDE_BY_SIDE)
    removed = []

    async def remove(one: Leftover) -> None:
        async with turns:
            try:
                await ports.photos.remove(one.upload_id, one.writers)
            except LaunchnightError:  # the store's; whoever sweeps next tries again
                return
        removed.append(one)

    async with asyncio.TaskGroup() as group:
        for one in leftovers:
            group.create_task(remove(one))
    return removed
