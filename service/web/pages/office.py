"""The desk of a labor office: it holds tickets for many people, who sit down in its browser one after another.

While an applicant sits there nothing of the others is shown; when they leave, nothing of theirs is left but what the
service keeps for their account.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import msgspec

from service.actions import joins, tickets
from service.actions import offices as actions
from service.actions.offices import Held
from service.actions.place import Place
from service.actions.sessions import end_session, token_hash
from service.actions.tickets import NewTicket
from service.domain import offices as rules
from service.domain.errors import (
    LaunchnightError,
    OfficeCodeRefused,
    OfficeFull,
    TicketInvalid,
    TooManyOfficeCodes,
)
from service.domain.tickets import Shown
from service.web.operation import NoBody
from service.web.pages.line import claimed_pass, wait_of
from service.web.pages.memory import Desk, Memory, new_sitting
from service.web.pages.page import Form, Go, Page, View, Visit

SHOWN = 25
"""Tickets on the page: those whose turn has come, then the nearest."""
LEAST_REFRESH = 10.0
"""Seconds; the page asks for the places of all its people at once."""


class Code(msgspec.Struct):
    access_code: Annotated[str, msgspec.Meta(max_length=40)]


class Row(msgspec.Struct):
    """The number of one ticket, by the button that was pressed."""

    begin: Annotated[int, msgspec.Meta(ge=1)] | None = None
    drop: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Next(msgspec.Struct):
    label: Annotated[str, msgspec.Meta(max_length=rules.LABEL_LENGTH)]


@dataclass(frozen=True, slots=True)
class Line:
    """A held ticket as the page shows it. place: None when it is not valid any more."""

    held: Held
    place: Place | None
    wait: str = ""

    @property
    def is_invited(self) -> bool:
        return self.place is not None and self.place.state == "invited"


async def show(visit: Visit) -> View:
    desk = await _desk(visit)
    if desk is None:
        return View("office_sign_in.html")
    if not visit.memory.is_vacant:
        return View("office.html", {"seated": True})
    held = await actions.held_tickets(visit.ports, desk.office_id, desk.generation)
    if held is None:
        visit.memory = Memory()
        return View("office_sign_in.html")
    lines = sorted((_line(visit, each) for each in held), key=_order)
    waiting = [each.place.poll_after_s for each in lines if each.place is not None and not each.is_invited]
    facts = {
        "seated": False,
        "lines": lines[:SHOWN],
        "more": max(len(lines) - SHOWN, 0),
        "invited": sum(each.is_invited for each in lines),
        "now": visit.ports.clock.now(),
    }
    return View("office.html", facts, max(min(waiting), LEAST_REFRESH) if waiting else None)


async def _desk(visit: Visit) -> Desk | None:
    """Where the office is signed in; None when it is not, or its day is over."""
    desk = visit.memory.desk
    if desk is not None and desk.until <= visit.ports.clock.now().timestamp():
        visit.memory = Memory()
        return None
    return desk


def _line(visit: Visit, held: Held) -> Line:
    try:
        place = tickets.look_at_place(visit.ports, visit.room, Shown(held.ticket, held.secret), "", person=True)
    except TicketInvalid:
        return Line(held, None)
    return Line(held, place, wait_of(visit.language, place))


def _order(line: Line) -> tuple[int, int, int]:
    if line.place is None:
        return 2, 0, line.held.number
    return (0 if line.is_invited else 1), line.place.ahead or 0, line.held.number


async def sign_in(visit: Visit, given: Code) -> Go:
    office = await actions.sign_in(visit.ports, given.access_code)
    until = visit.ports.clock.now().timestamp() + rules.SESSION_S
    await _end_session(visit.memory, visit)
    visit.memory = Memory(desk=Desk(office.id, office.name, office.generation, until, new_sitting()))
    return Go("loket")


async def sign_out(visit: Visit, _: NoBody) -> Go:
    await _end_session(visit.memory, visit)
    visit.memory = Memory()
    return Go("loket")


async def _signed_in(visit: Visit) -> Desk | None:
    """The desk, when the code with which it signed in still opens it."""
    desk = await _desk(visit)
    if desk is not None and not await actions.is_open(visit.ports, desk.office_id, desk.generation):
        visit.memory = Memory()
        return None
    return desk


async def press(visit: Visit, given: Row) -> Go:
    """Begin with one applicant, or give up the place of another."""
    desk = await _signed_in(visit)
    if desk is None:
        return Go("loket")
    if given.begin is not None:
        return await _begin(visit, desk, given.begin)
    if given.drop is not None:
        await actions.drop_ticket(visit.ports, desk.office_id, given.drop)
    return Go("loket")


async def _begin(visit: Visit, desk: Desk, number: int) -> Go:
    """The applicant of this ticket sits down; of the one before nothing is left."""
    held = await actions.held_ticket(visit.ports, desk.office_id, number)
    before = visit.memory
    visit.memory = before.vacated()
    memory = visit.memory
    memory.ticket, memory.secret, memory.place_token = held.ticket, held.secret, held.place_token
    try:
        visit.memory.entry = await claimed_pass(visit)
    except LaunchnightError:
        visit.memory = before
        raise
    await actions.begin_with(visit.ports, desk.office_id, number)
    await _end_session(before, visit)
    return Go("akun")


async def show_next(visit: Visit) -> View | Go:
    """The form for one more ticket: on a page of its own, because the list renews itself."""
    return Go("loket") if await _desk(visit) is None else View("office_ticket.html", {"length": rules.LABEL_LENGTH})


async def take(visit: Visit, given: Next) -> Go:
    desk = await _signed_in(visit)
    if desk is None:
        return Go("loket")
    new = await visit.once(NewTicket, lambda once: joins.issue_ticket(visit.ports, once, visit.room))
    taken = Held(new.number, given.label, new.ticket, new.secret, new.place.place_token)
    await actions.hold_ticket(visit.ports, desk.office_id, taken)
    await _renew(visit, desk)
    return Go("loket")


async def _renew(visit: Visit, desk: Desk) -> None:
    """Keep the tickets under the newest key. Showing the list changes nothing, so this is done when one is taken."""
    for held in await actions.outworn_tickets(visit.ports, desk.office_id, visit.room.key_id):
        place = _line(visit, held).place
        if place is not None and place.ticket is not None:
            await actions.hold_ticket(visit.ports, desk.office_id, replace(held, ticket=place.ticket))


async def _end_session(memory: Memory, visit: Visit) -> None:
    if memory.token:
        await end_session(visit.ports, token_hash(memory.token.encode()))


PAGES = [
    Page(
        slug="loket",
        show=show,
        forms={
            "sign-in": Form(
                act=sign_in,
                body=Code,
                blames={OfficeCodeRefused: "access_code", TooManyOfficeCodes: "access_code"},
            ),
            "rows": Form(act=press, body=Row),
            "sign-out": Form(act=sign_out),
        },
    ),
    Page(
        slug="loket/nomor",
        show=show_next,
        forms={"take": Form(act=take, body=Next, blames={OfficeFull: "label"})},
    ),
]
