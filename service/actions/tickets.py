"""The waiting room: the ticket one holds, a look at one's place, the pass that was claimed.

Tickets and passes name the key that signed them, so that keys can be changed while a line stands: from the room's
oldest one on all are accepted, and one beyond its newest, because another replica may have heard of that before.
"""

from dataclasses import dataclass, replace

from service.actions.place import Place, look
from service.domain import signatures, tickets
from service.domain.errors import PassInvalid, TicketInvalid
from service.domain.tickets import Shown, Ticket
from service.ports import Ports, Vault
from service.room_ports import Room


@dataclass(frozen=True, slots=True)
class NewTicket:
    """`secret` proves that one holds the ticket: it goes beside it, each time."""

    ticket: str
    secret: str
    number: int
    place: Place


def _key(vault: Vault, purpose: str, key_id: int) -> bytes:
    return vault.key(f"{purpose} {key_id}")


def _accepted_key(vault: Vault, purpose: str, room: Room, value: str) -> bytes | None:
    """The key that signed `value`, if it did; None when it is not accepted."""
    key_id = signatures.key_id_of(value)
    return _key(vault, purpose, key_id) if room.oldest_key_id <= key_id <= room.key_id + 1 else None


def sign_ticket(vault: Vault, room: Room, number: int, binding: bytes) -> str:
    """The ticket as its holder carries it, under the newest key."""
    return tickets.sign_ticket(_key(vault, "tickets", room.key_id), room.key_id, room.epoch, number, binding)


def read_ticket(vault: Vault, shown: Shown, room: Room) -> Ticket:
    """The ticket of whoever shows its secret too; no SQL.

    Raises TicketInvalid for a ticket that is not ours, of an earlier start of the room, under an outworn key, revoked,
    or shown by somebody else.
    """
    key = _accepted_key(vault, "tickets", room, shown.ticket)
    ticket = None if key is None else tickets.read_ticket(key, shown)
    if ticket is None or ticket.epoch != room.epoch or ticket.number in room.revoked:
        raise TicketInvalid("Take a ticket by POST /tickets.")
    return ticket


def look_at_place(ports: Ports, room: Room, shown: Shown, place_token: str, *, person: bool = False) -> Place:
    """The place now, as `service.actions.place.look` tells it; raises TicketInvalid beside."""
    ticket = read_ticket(ports.vault, shown, room)
    place = look(ports, room, ticket.number, place_token, person=person)
    if ticket.key_id >= room.key_id:
        return place
    return replace(place, ticket=sign_ticket(ports.vault, room, ticket.number, tickets.binding_bytes(ticket)))


def sign_pass(vault: Vault, room: Room, number: int, expires_at: int) -> str:
    """The pass of ticket `number`, until the second `expires_at` since 1970."""
    return signatures.sign(_key(vault, "passes", room.key_id), room.key_id, room.epoch, number, expires_at)


def read_pass(ports: Ports, room: Room, value: str) -> int:
    """The ticket number of a pass.

    Raises PassInvalid: not ours, of an earlier start of the room, expired, or its ticket was revoked.
    """
    key = _accepted_key(ports.vault, "passes", room, value)
    fields = None if key is None else signatures.read(key, value, 4)
    if fields is None:
        raise PassInvalid("Claim a pass by POST /claims.")
    _, epoch, number, expires_at = fields
    if epoch != room.epoch or expires_at <= ports.clock.now().timestamp() or number in room.revoked:
        raise PassInvalid("Claim a pass by POST /claims.")
    return number
