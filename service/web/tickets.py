"""`POST /tickets`, `GET /place`, `POST /claims`: the waiting room of one person."""

from datetime import datetime

import msgspec

from service.actions import claims, joins
from service.actions import tickets as actions
from service.actions.claims import ClaimedPass
from service.actions.place import Place
from service.actions.tickets import NewTicket
from service.domain import errors
from service.domain.tickets import Shown
from service.ports import Ports, StoredAnswer
from service.web.board import BoardCopy
from service.web.idempotency import encode
from service.web.operation import Call, NoBody, Operation

TICKET_HEADER = "Waiting-Room-Ticket"
SECRET_HEADER = "Waiting-Room-Secret"
PLACE_HEADER = "Waiting-Room-Place"
PASS_HEADER = "Waiting-Room-Pass"

_HELD = {
    TICKET_HEADER: "The ticket as POST /tickets gave it, or GET /place anew.",
    SECRET_HEADER: "The ticket's secret as POST /tickets gave it: the proof that one holds it.",
}


class Pass(msgspec.Struct, rename={"value": "pass"}):
    """Opens POST /accounts once."""

    value: str
    expires_at: datetime


def _encode_pass(answer: object) -> bytes:
    assert isinstance(answer, ClaimedPass)
    return encode(Pass(answer.value, answer.expires_at))


def header_text(call: Call, name: str) -> str:
    """The header's value; empty when it is missing. Whatever is not ASCII is no signed value of ours."""
    return call.headers.get(name.lower().encode(), b"").decode("ascii", "replace").strip()


def shown(call: Call) -> Shown:
    return Shown(header_text(call, TICKET_HEADER), header_text(call, SECRET_HEADER))


def operations(ports: Ports, board: BoardCopy) -> list[Operation]:
    async def issue(call: Call) -> StoredAnswer:
        return await joins.issue_ticket(ports, call.once, board.room)

    async def look(call: Call) -> Place:
        return actions.look_at_place(ports, board.room, shown(call), header_text(call, PLACE_HEADER))

    async def claim(call: Call) -> StoredAnswer:
        token = header_text(call, PLACE_HEADER)
        return await claims.claim_pass(ports, call.once, board.room, shown(call), token)

    return [
        Operation(
            method="POST",
            path="/tickets",
            summary="Take a place in the line",
            handler=issue,
            body=NoBody,
            answer=NewTicket,
            status=201,
            once=True,
        ),
        Operation(
            method="GET",
            path="/place",
            summary="Where the ticket stands, and when to ask again",
            handler=look,
            answer=Place,
            headers={**_HELD, PLACE_HEADER: "The place_token of the previous answer."},
            errors=(errors.TicketInvalid, errors.PlaceTokenInvalid, errors.TooEarly),
        ),
        Operation(
            method="POST",
            path="/claims",
            summary="Exchange an invited ticket for a pass",
            handler=claim,
            body=NoBody,
            answer=Pass,
            encode=_encode_pass,
            status=201,
            once=True,
            headers={
                **_HELD,
                PLACE_HEADER: "The place_token that said 'invited': the promised wait is judged by it.",
            },
            errors=(errors.TicketInvalid, errors.TurnNotReached),
        ),
    ]
