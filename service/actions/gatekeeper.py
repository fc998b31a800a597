"""Moving the admission frontier, once a second, by one leader."""

from uuid import UUID

from service.domain.waiting_room import MOST_STANDSTILL, frontier_after
from service.ports import Ports, Room

LEASE = 5.0
"""Five missed beats, then another replica leads."""


async def beat(ports: Ports, holder: UUID) -> Room | None:
    """Move the frontier if `holder` leads, or may lead from now on; the room as it was left. None: another one leads.

    Elapsed time is the database's own, and a standstill is not made up beyond 2 s: a restart releases no burst.
    """
    async with ports.begin() as tx:
        if not await tx.room.lead(holder, seconds=LEASE):
            return None
        room = await tx.room.hold()
        rate = ports.policy.gate_rate_per_s if room.state == "open" else 0.0
        elapsed = min(room.still_s, MOST_STANDSTILL)
        frontier = frontier_after(room.frontier, room.last_ticket, elapsed, rate)
        await tx.room.move(frontier=frontier, rate_per_s=rate, state=room.state, reason=room.reason)
    return Room(
        epoch=room.epoch,
        frontier=frontier,
        rate_per_s=rate,
        state=room.state,
        reason=room.reason,
        last_ticket=room.last_ticket,
        moved_at=room.moved_at,
        still_s=0.0,
    )
