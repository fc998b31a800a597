"""The waiting room: a ticket on arrival, a look at one's place, the pass that was claimed."""

from dataclasses import dataclass
from datetime import datetime

from service.actions.once import Once
from service.domain import signatures
from service.domain import waiting_room as rules
from service.domain.errors import PassInvalid, PlaceTokenInvalid, TicketInvalid, TooEarly
from service.domain.signatures import Ticket
from service.ports import Ports, StoredAnswer, Vault
from service.room_ports import Room

TOLERANCE = 0.5
"""A phone's clock and the network may shorten the agreed pause by half a second."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ticket stands. `wait_s` is a range; `place_token` carries when to ask again at the earliest."""

    state: str
    number: int
    ahead: int
    wait_s: tuple[float, float]
    poll_after_s: float
    place_token: str


@dataclass(frozen=True, slots=True)
class NewTicket:
    ticket: str
    number: int
    place: Place


def read_ticket(vault: Vault, value: str, room: Room) -> Ticket:
    """Raises TicketInvalid for a ticket that is not ours or of an earlier start of the room."""
    ticket = signatures.read_ticket(vault.key("tickets"), value)
    if ticket is None or ticket.epoch != room.epoch:
        raise TicketInvalid("Take a ticket by POST /tickets.")
    return ticket


def place_of(ports: Ports, room: Room, number: int, now: datetime) -> Place:
    """The place of ticket `number` as the room's copy shows it; no SQL."""
    rate = room.rate_per_s
    if rate <= 0 and room.state == "open":
        rate = ports.policy.gate_rate_per_s  # the gatekeeper has not moved yet: its first move will be at this rate
    place = room.place_of(number)
    ahead = rules.people_ahead(place, room.frontier)
    invited = rules.may_claim(place, room.frontier)
    poll_after = rules.jittered_poll_s(number, rules.poll_interval_s(ahead, rate))
    # Who is invited decides by themselves when to claim; the range is what an immediate one takes.
    wait = (0.0, rules.POLL_LEAST) if invited else (rules.wait_low_s(ahead, rate), rules.wait_high_s(ahead, rate))
    not_before_ms = int((now.timestamp() + poll_after) * 1000)
    return Place(
        state="invited" if invited else "waiting",
        number=number,
        ahead=ahead,
        wait_s=(round(wait[0], 1), round(wait[1], 1)),
        poll_after_s=round(poll_after, 2),
        place_token=signatures.sign(ports.vault.key("places"), number, not_before_ms),
    )


def look_at_place(ports: Ports, room: Room, ticket: str, place_token: str) -> Place:
    """The place now. Raises TooEarly before the moment that the previous answer named.

    place_token: of the previous answer; empty when it was lost, for example with a closed page.
    """
    now = ports.clock.now()
    number = read_ticket(ports.vault, ticket, room).number
    if place_token:
        agreed = signatures.read(ports.vault.key("places"), place_token, 2)
        if agreed is None or agreed[0] != number:
            raise PlaceTokenInvalid
        too_early_by = agreed[1] / 1000 - TOLERANCE - now.timestamp()
        if too_early_by > 0:
            raise TooEarly(retry_after_s=too_early_by)
    return place_of(ports, room, number, now)


async def issue_ticket(ports: Ports, once: Once, room: Room) -> StoredAnswer:
    """The next number in line. A repeated request burns no number: that would slow the line for everybody."""
    once.principal = b""
    async with ports.begin() as tx:
        answer = await once.stored(tx)
        if answer is not None:
            return answer
        number, _ = await tx.room.issue_ticket()
        ticket = signatures.sign_ticket(ports.vault.key("tickets"), Ticket(room.epoch, number))
        place = place_of(ports, room, number, ports.clock.now())
        answer = await once.keep(tx, NewTicket(ticket, number, place))
    ports.reached("ticketed")
    return answer


def read_pass(ports: Ports, value: str) -> int:
    """The ticket number of a pass. Raises PassInvalid: not ours, or expired."""
    numbers = signatures.read(ports.vault.key("passes"), value, 2)
    if numbers is None or numbers[1] <= ports.clock.now().timestamp():
        raise PassInvalid("Claim a pass by POST /claims.")
    return numbers[0]
