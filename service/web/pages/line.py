"""The waiting room's page: a number, the place in line, and at one's turn the way in."""

from service.actions import claims
from service.actions import tickets as actions
from service.actions.claims import ClaimedPass
from service.actions.tickets import NewTicket, Place
from service.domain.errors import TicketInvalid
from service.domain.waiting_room import NEVER_S
from service.web.operation import NoBody
from service.web.pages.language import Language
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.pages.texts import N_


async def show(visit: Visit) -> View | Go:
    if visit.memory.token:
        return Go("status")
    place = _place(visit)
    facts: dict[str, object] = {"closed": visit.room.state != "open", "now": visit.ports.clock.now()}
    if place is None:
        return View("line.html", {**facts, "state": "none"})
    wait = wait_text(visit.language, *place.wait_s)
    refresh = place.poll_after_s if place.state == "waiting" else None
    return View("line.html", {**facts, "state": place.state, "place": place, "wait": wait}, refresh)


def _place(visit: Visit) -> Place | None:
    """Where the visitor stands; None without a ticket of this start of the room."""
    try:
        return actions.look_at_place(visit.ports, visit.room, visit.memory.ticket, "")
    except TicketInvalid:
        return None


def wait_text(language: Language, low: float, high: float) -> str:
    """The range in whole minutes, rounded outwards."""
    if high >= NEVER_S:
        return language.text(N_("belum diketahui"))
    if high <= 60:
        return language.text(N_("kurang dari 1 menit"))
    if low < 60:
        return language.text(N_("paling lama %(high)s"), high=language.duration(high))
    shown_low, shown_high = language.duration(low // 60 * 60), language.duration(high)
    if shown_low == shown_high:
        return language.text(N_("sekitar %(wait)s"), wait=shown_high)
    return language.text(N_("%(low)s sampai %(high)s"), low=shown_low, high=shown_high)


async def take_ticket(visit: Visit, _: NoBody) -> Go:
    """A number, unless this browser has one: a second would not be sooner."""
    if _place(visit) is None:
        new = await visit.once(NewTicket, lambda once: actions.issue_ticket(visit.ports, once, visit.room))
        visit.memory.ticket = new.ticket
    return Go("antrean")


async def claim(visit: Visit, _: NoBody) -> Go:
    visit.memory.entry = await claimed_pass(visit)
    return Go("akun")


async def claimed_pass(visit: Visit) -> str:
    """A pass for the visitor's ticket. Raises TicketInvalid, TurnNotReached."""
    ticket = visit.memory.ticket
    claimed = await visit.once(
        ClaimedPass, lambda once: claims.claim_pass(visit.ports, once, visit.room, ticket), ticket, part="claim"
    )
    return claimed.value


PAGE = Page(slug="antrean", show=show, forms={"ticket": Form(act=take_ticket), "claim": Form(act=claim)})
