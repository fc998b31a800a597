"""`jumlah`, `jumlah/3372`: how many people came how far, for everybody and for one regency, as the API tells it."""

from collections.abc import Sequence

import msgspec

from service.domain.errors import NotFound
from service.domain.regencies import REGENCIES
from service.ports import Ports
from service.web.count_views import WaveCount
from service.web.counts import MOST_AGE, CountsCopy
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.pages.profile import listed, places
from service.web.pages.texts import N_

STAGES = {
    "account_created": N_("Punya akun"),
    "email_verified": N_("Alamat surel terbukti"),
    "phone_verified": N_("Nomor ponsel terbukti"),
    "identity_submitted": N_("NIK sudah diisi"),
    "identity_verified": N_("NIK cocok"),
    "profile_completed": N_("Data diri lengkap"),
    "photos_uploaded": N_("Foto sudah dikirim"),
    "assessed": N_("Tes selesai"),
}
"""Title of each stage of `service.domain.counts.STAGE_WORDS`, in its order."""
_KEPT = b"public, max-age=%d" % MOST_AGE


class Choice(msgspec.Struct):
    regency: int


def pages(ports: Ports) -> list[Page]:
    copy = CountsCopy(ports)

    async def show_all(visit: Visit) -> View:
        told = await copy.told()
        found = told.everybody()
        return _view(visit, "", found.stages, found.waves, {"as_of": told.as_of})

    async def choose(_: Visit, given: Choice) -> Go:
        return Go(f"jumlah/{given.regency}")

    async def show_place(visit: Visit) -> View:
        code = visit.number("code", min(REGENCIES), max(REGENCIES))
        if code not in REGENCIES:
            raise NotFound
        told = await copy.told()
        place = told.of_place(code)
        return _view(visit, place.name, place.stages, place.waves, {"as_of": told.as_of})

    form = Form(act=choose, body=Choice, checks={"regency": listed})
    return [
        Page(slug="jumlah", show=show_all, forms={"place": form}, public=True),
        Page(slug="jumlah/{code}", show=show_place, public=True),
    ]


def _view(visit: Visit, name: str, stages: dict[str, int], waves: Sequence[WaveCount], more: dict[str, object]) -> View:
    """name: of the regency; empty: everybody."""
    rows = [(visit.language.text(title), stages[word]) for word, title in STAGES.items()]
    shown = [
        (each.id, each.joined, None if each.selected is msgspec.UNSET else each.selected) for each in reversed(waves)
    ]
    return View("counts.html", {"name": name, "rows": rows, "waves": shown, "places": places, **more}, kept=_KEPT)
