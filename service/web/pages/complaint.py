"""`pengaduan`: filing a complaint, signed in or not; `pengaduan/lihat`: following one by its number and secret;
`pengaduan/saya`: the one that this browser filed or asked for last. The rules are those of the API."""

from datetime import timedelta
from typing import Annotated

import msgspec

from service.actions import complaints as actions
from service.actions.complaints import Caller, FiledComplaint
from service.domain.complaints import MOST_TEXT, Category, complaint_text
from service.domain.errors import FieldFault, FieldRefused, InvalidFields, NotFound
from service.web.complaints import CHECKS, MOST_NUMBER, ComplaintCategory, ComplaintData
from service.web.http import ADDRESS_HEADER, LONGEST_ADDRESS
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.pages.profile import places
from service.web.pages.texts import N_

CATEGORIES = {
    ComplaintCategory.SLOW_SITE: N_("Situs lambat atau tidak terbuka"),
    ComplaintCategory.PHOTO_UPLOAD: N_("Foto gagal terkirim"),
    ComplaintCategory.CODE: N_("Kode tidak datang"),
    ComplaintCategory.SIGN_IN: N_("Tidak dapat masuk"),
    ComplaintCategory.IDENTITY: N_("NIK atau Kartu Keluarga"),
    ComplaintCategory.ASSESSMENT: N_("Tes"),
    ComplaintCategory.JOINING: N_("Bergabung dengan gelombang"),
    ComplaintCategory.SELECTION: N_("Undian dan hasilnya"),
    ComplaintCategory.PAPER: N_("Formulir kertas"),
    ComplaintCategory.PAYMENT: N_("Pembayaran"),
    ComplaintCategory.OTHER: N_("Lain-lain"),
}
STATES = {
    "filed": N_("Sudah masuk"),
    "forwarded": N_("Diteruskan ke dinas daerah"),
    "answered": N_("Sudah dijawab"),
}


class Followed(msgspec.Struct):
    complaint_number: Annotated[int, msgspec.Meta(ge=1, le=MOST_NUMBER)]
    complaint_secret: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


async def show_form(visit: Visit) -> View:
    options = [(each.value, visit.language.text(text)) for each, text in CATEGORIES.items()]
    facts = {"categories": options, "places": places, "days": _days(visit), "known": visit.memory.complaint}
    return View("complaint_form.html", facts)


async def file(visit: Visit, given: ComplaintData) -> Go:
    address = visit.headers.get(ADDRESS_HEADER.lower().encode(), b"").decode("latin-1")[:LONGEST_ADDRESS]
    caller = Caller(visit.session if visit.memory.token else None, address)
    category = Category[given.category.name]
    text = _lines(visit.typed["text"])
    filed = await visit.once(
        FiledComplaint,
        lambda once: actions.file_complaint(visit.ports, once, caller, category, given.regency, text),
        given,
    )
    visit.memory.complaint, visit.memory.complaint_secret = filed.number, filed.secret
    return Go("pengaduan/saya")


def _lines(typed: str) -> str:
    """The text as it is kept: a decoded form has no lines, and this field has. So it is checked anew, because what
    cannot be printed may have been taken for a space between words. Raises InvalidFields."""
    try:
        text = complaint_text(typed)
        if len(text) > MOST_TEXT:
            raise FieldRefused("too-long", f"At most {MOST_TEXT} characters are kept.")
    except FieldRefused as refused:
        raise InvalidFields([FieldFault("text", refused.code, refused.detail)]) from None
    return text


async def show_search(_: Visit) -> View:
    return View("complaint_search.html")


async def follow(visit: Visit, given: Followed) -> Go:
    number, secret = given.complaint_number, given.complaint_secret.strip()
    try:
        await actions.follow_complaint(visit.ports, number, secret)
    except NotFound:
        fault = FieldFault("complaint_number", "unknown-complaint", "No complaint has this number and this secret.")
        raise InvalidFields([fault]) from None
    visit.memory.complaint, visit.memory.complaint_secret = number, secret
    return Go("pengaduan/saya")


async def show_known(visit: Visit) -> View | Go:
    memory = visit.memory
    if not memory.complaint:
        return Go("pengaduan/lihat")
    try:
        found = await actions.follow_complaint(visit.ports, memory.complaint, memory.complaint_secret)
    except NotFound:
        memory.complaint, memory.complaint_secret = 0, ""
        return Go("pengaduan/lihat")
    due = found.filed_at + timedelta(seconds=visit.ports.policy.complaint_promise_s)
    facts = {
        "complaint": found,
        "secret": memory.complaint_secret,
        "category": CATEGORIES[ComplaintCategory(found.category)],
        "state": STATES[found.state],
        "due": due,
        "late": visit.ports.clock.now() > due,
    }
    return View("complaint.html", facts)


def _days(visit: Visit) -> int:
    return max(round(visit.ports.policy.complaint_promise_s / 86_400), 1)


PAGES = [
    Page(
        slug="pengaduan",
        show=show_form,
        forms={"complaint": Form(act=file, body=ComplaintData, checks=CHECKS)},
    ),
    Page(slug="pengaduan/lihat", show=show_search, forms={"follow": Form(act=follow, body=Followed)}),
    Page(slug="pengaduan/saya", show=show_known),
]
