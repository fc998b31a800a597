"""Who is still there: each replica writes the places that asked it, one process unites them, each replica reads that.

At 2 million waiting: a bitmap is 250 KB, and so is their union. Each replica writes its bitmap of the present half
minute every five seconds and reads the union as often; the union of ten replicas (six bitmaps each) takes 20 ms of one
process each time, a count 4 us. A person counts as gone 150 to 185 s after the last look.
"""

from uuid import UUID

from service.domain.lookout import Lookout
from service.domain.presence import LIVE, Live, united
from service.ports import Begin
from service.room_ports import Room

EVERY = 5.0
"""Seconds between two writings, and between two counts."""


async def tell(begin: Begin, lookout: Lookout, replica: UUID, room: Room, now: float) -> None:
    """Write whom this replica saw, and read who is live altogether. now: of a clock that never jumps."""
    slots = lookout.to_write(now, int(room.frontier), room.is_drawn)
    async with begin() as tx:
        for slot in slots:
            await tx.presence.note(replica, slot)
        live = await tx.presence.live()
    lookout.written(slots)
    if live is not None:
        lookout.count(*live, room.last_ticket - room.base)


async def unite(begin: Begin) -> bool:
    """Count who is live, unless somebody did it in the last seconds. Whether it was done."""
    async with begin() as tx:
        census = await tx.presence.due(every_ms=int((EVERY - 1.0) * 1000))
        if not census.due:
            return False
        within = int(LIVE * 1000)
        seen = await tx.presence.seen(within_ms=within, drawn=census.drawn)
        live = united(seen, census.frontier)
        await tx.presence.publish(live, census.drawn, Live(live).count)
        await tx.presence.forget(older_ms=within)
    return True
