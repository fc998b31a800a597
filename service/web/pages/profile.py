"""`profil/pribadi`, `profil/pekerjaan`, `profil/program`: three drafts, shown again as they were saved."""

from collections.abc import Mapping
from typing import Any

import msgspec

from service.actions.profile import read_step
from service.actions.standing import read_me
from service.domain.addresses import plain_text
from service.domain.errors import FieldRefused
from service.domain.regencies import REGENCIES, by_province
from service.web.decoding import Check
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.pages.texts import N_
from service.web.pages.way import next_slug, unless_in_trouble
from service.web.profile import (
    FORMS,
    Education,
    EmploymentStatus,
    Line,
    Paragraph,
    PayoutMethod,
    Personal,
    save,
)

EDUCATION = {
    Education.NONE: N_("Tidak tamat SD"),
    Education.ELEMENTARY: N_("SD atau sederajat"),
    Education.JUNIOR_HIGH: N_("SMP atau sederajat"),
    Education.SENIOR_HIGH: N_("SMA atau SMK"),
    Education.DIPLOMA: N_("Diploma"),
    Education.BACHELOR: N_("Sarjana (S1)"),
    Education.POSTGRADUATE: N_("Magister atau doktor (S2, S3)"),
}
EMPLOYMENT = {
    EmploymentStatus.LAID_OFF: N_("Kehilangan pekerjaan (PHK)"),
    EmploymentStatus.FURLOUGHED: N_("Dirumahkan"),
    EmploymentStatus.JOB_SEEKER: N_("Mencari pekerjaan pertama"),
    EmploymentStatus.EMPLOYED: N_("Masih bekerja"),
    EmploymentStatus.SELF_EMPLOYED: N_("Punya usaha sendiri"),
    EmploymentStatus.STUDENT: N_("Sedang sekolah atau kuliah"),
}
PAYOUT = {
    PayoutMethod.BNI: N_("Rekening BNI"),
    PayoutMethod.GOPAY: N_("GoPay"),
    PayoutMethod.LINKAJA: N_("LinkAja"),
    PayoutMethod.OVO: N_("OVO"),
}


class Home(msgspec.Struct):
    """`Personal` as it is typed: a regency with four digits names its province too."""

    mother_name: Line
    education: Education
    regency: int
    address: Paragraph


_PLACES = "".join(
    f'<optgroup label="{province}">'
    + "".join(f'<option value="{code}">{name}</option>\n' for code, name in regencies)
    + "</optgroup>\n"
    for province, regencies in by_province()
)


_CODES = frozenset(map(str, REGENCIES))


def places(chosen: str) -> str:
    """HTML of all regencies to choose from. It is made once: five hundred options cost 3 ms in a template."""
    if chosen not in _CODES:
        return _PLACES
    return _PLACES.replace(f'value="{chosen}"', f'value="{chosen}" selected', 1)


def _page(
    slug: str,
    step: str,
    body: type[msgspec.Struct],
    checks: Mapping[str, Check],
    choices: Mapping[str, Mapping[Any, str]],
    **more: object,
) -> Page:
    """choices, more: what the template shows beside the saved values; choices are pairs of a member and its words."""

    async def show(visit: Visit) -> View:
        saved = await unless_in_trouble(visit, read_step(visit.ports, visit.session, step))
        options = {name: _options(visit, texts) for name, texts in choices.items()}
        return View(f"{step}.html", {"saved": _as_typed(saved or {}), **options, **more})

    async def put(visit: Visit, data: msgspec.Struct) -> Go:
        await save(visit.ports, visit.session, step, _with_province(data) if isinstance(data, Home) else data)
        return Go(next_slug(await read_me(visit.ports, visit.session)))

    return Page(slug=slug, show=show, forms={step: Form(act=put, body=body, checks=checks)})


def _options(visit: Visit, texts: Mapping[Any, str]) -> list[tuple[str, str]]:
    return [(str(member.value), visit.language.text(text)) for member, text in texts.items()]


def listed(code: int) -> int:
    if code not in REGENCIES:
        raise FieldRefused("unknown-area", "There is no regency or city with this code.")
    return code


def _with_province(home: Home) -> Personal:
    return Personal(home.mother_name, home.education, home.regency // 100, home.regency, home.address)


def _as_typed(saved: Mapping[str, object]) -> Mapping[str, str]:
    """What was saved, as the fields of the form would hold it; the API takes a regency of two digits too."""
    texts = {name: str(value) for name, value in saved.items()}
    if len(texts.get("regency", "four")) <= 2:
        texts["regency"] = texts["province"] + texts["regency"].zfill(2)
    return texts


PAGES = [
    _page(
        "profil/pribadi",
        "personal",
        Home,
        {"mother_name": plain_text, "address": plain_text, "regency": listed},
        {"education": EDUCATION},
        places=places,
    ),
    _page("profil/pekerjaan", "work", *FORMS["work"], {"employment": EMPLOYMENT}),
    _page("profil/program", "program", *FORMS["program"], {"payout": PAYOUT}),
]
