"""The waiting room's page: a number, the place in line, and at one's turn the way in."""

from service.actions import claims, joins
from service.actions import tickets as actions
from service.actions.claims import ClaimedPass
from service.actions.place import Place, was_told
from service.actions.tickets import NewTicket
from service.domain.errors import PlaceTokenInvalid, TicketInvalid
from service.domain.promises import NEVER_S
from service.web.board import AWAY
from service.web.operation import NoBody
from service.web.pages.language import Language
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.pages.texts import N_

_NOTICES = {
    "paused": N_("Pintu masuk sedang dijeda sementara. Nomor antrean tetap berlaku."),
    "closed": N_("Pintu masuk sudah ditutup."),
    "full": N_("Ruang pendaftaran sedang penuh. Orang berikutnya masuk begitu waktu orang di dalam habis."),
}
_LONGER = {
    "fewer-enter": N_("Waktu tunggu bertambah: saat ini lebih sedikit orang yang dapat masuk."),
    "people-returned": N_("Waktu tunggu bertambah: orang yang antre sebelum Anda telah kembali."),
}


async def show(visit: Visit) -> View | Go:
    if visit.memory.token:
        return Go("status")
    room, text = visit.room, visit.language.text
    place = _place(visit)
    facts: dict[str, object] = {
        "notice": text(_NOTICES[room.state]) if room.state in _NOTICES else "",
        "message": "" if room.reason == AWAY else room.reason,
        "opens_at": room.opens_at if room.state == "before" else None,
    }
    if place is None:
        return View("line.html", {**facts, "state": "none"})
    if _is_news(visit, place):
        visit.memory.place_token = place.place_token
    longer = text(_LONGER[place.reason]) if place.reason in _LONGER else ""
    facts |= {"state": place.state, "place": place, "wait": wait_of(visit.language, place), "longer": longer}
    return View("line.html", facts, None if place.state == "invited" else place.poll_after_s)


def _place(visit: Visit) -> Place | None:
    """Where the visitor stands; None without a ticket of this start of the room."""
    memory = visit.memory
    try:
        return actions.look_at_place(visit.ports, visit.room, memory.shown, memory.place_token, person=True)
    except TicketInvalid:
        return None
    except PlaceTokenInvalid:  # of another ticket, or of an earlier version
        memory.place_token = ""
        return actions.look_at_place(visit.ports, visit.room, memory.shown, "", person=True)


def _is_news(visit: Visit, place: Place) -> bool:
    """The cookie keeps the first promise, and that the turn was told; what lies between need not be carried."""
    if place.state == "invited":
        return not was_told(visit.ports, place.number, visit.memory.place_token)
    return not visit.memory.place_token and place.wait_s is not None


def wait_of(language: Language, place: Place) -> str:
    """How long it takes, in words; "paused" is no time."""
    if place.wait_s is not None:
        return wait_text(language, *place.wait_s)
    return language.text(N_("dijeda")) if place.state == "paused" else language.text(N_("belum diketahui"))


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
        new = await visit.once(NewTicket, lambda once: joins.issue_ticket(visit.ports, once, visit.room))
        visit.memory.ticket, visit.memory.secret, visit.memory.place_token = new.ticket, new.secret, ""
    return Go("antrean")


async def claim(visit: Visit, _: NoBody) -> Go:
    visit.memory.entry = await claimed_pass(visit)
    return Go("akun")


async def claimed_pass(visit: Visit) -> str:
    """A pass for the visitor's ticket. Raises TicketInvalid, TurnNotReached."""
    shown, token = visit.memory.shown, visit.memory.place_token
    claimed = await visit.once(
        ClaimedPass,
        lambda once: claims.claim_pass(visit.ports, once, visit.room, shown, token),
        shown.ticket,
        part="claim",
    )
    return claimed.value


PAGE = Page(slug="antrean", show=show, forms={"ticket": Form(act=take_ticket), "claim": Form(act=claim)})
