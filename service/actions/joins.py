"""Joining the line: tickets that are asked for in one moment are drawn by one statement.

Nothing is stored to answer a repeated request: its key finds the number, and ticket and secret are computed again.
"""

from collections.abc import Sequence
from dataclasses import replace

from service.actions.batching import Batcher
from service.actions.once import Once
from service.actions.place import place_of
from service.actions.tickets import NewTicket, sign_ticket
from service.domain import tickets
from service.domain.errors import DatabaseUnavailable, EffectUnknown
from service.ports import Begin, Ports, StoredAnswer
from service.room_ports import Join, Joined, Joins, Room

MOST = 256
"""Joins of one statement: it takes some milliseconds, in which as many more may come."""


async def issue_ticket(ports: Ports, once: Once, room: Room) -> StoredAnswer:
    """The next number in line, or the one that the same request took before.

    What became of a commit need not be found out: done again, it finds its number.
    """
    once.principal = b""
    request = once.name(b"start %d" % room.epoch)  # in another start of the room the same key draws another ticket
    secret = tickets.secret_of(ports.vault.key("ticket secrets"), request)
    binding = tickets.binding_of(secret)
    joined = await ports.joins(Join(request, binding))
    if joined.first:
        ports.reached("ticketed")
    ticket = sign_ticket(ports.vault, room, joined.number, binding)
    return once.unstored(
        NewTicket(ticket, secret, joined.number, place_of(ports, room, joined.number, ports.clock.now()))
    )


def joins_on(begin: Begin, *, named: bool = True) -> Joins:
    """Joins of one replica, done together. Not `named`: idempotency is switched off, each request is a new one."""

    async def perform(joins: Sequence[Join]) -> Sequence[Joined]:
        asked = joins if named else [replace(each, request=None) for each in joins]
        try:
            async with begin(single=True) as tx:
                return await tx.room.join(asked)
        except EffectUnknown as unknown:
            if not named:
                raise
            raise DatabaseUnavailable(retry_after_s=unknown.retry_after_s, again=unknown.again) from unknown

    return Batcher(perform, most=MOST)
