"""`identitas`: identity number, family card number and birth date; corrected here when they do not match."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Annotated

import msgspec

from service.actions.identity import put_identity
from service.actions.standing import read_me
from service.domain.errors import FieldFault, FieldRefused, IdentityNumberTaken
from service.ports import Ports
from service.web.decoding import Check
from service.web.identity import checks
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.pages.way import next_slug, unless_in_trouble

Number = Annotated[str, msgspec.Meta(max_length=32)]

_SEPARATORS = str.maketrans("", "", " .-")  # as people copy a number from their card


class Numbers(msgspec.Struct):
    """What is typed beside the birth date, which comes in three fields."""

    nik: Number
    family_card_number: Number


def page(ports: Ports) -> Page:
    rules = checks(ports)

    async def show(visit: Visit) -> View:
        me = await unless_in_trouble(visit, read_me(visit.ports, visit.session))
        return View("identity.html", {"identity": None if me is None else me.identity})

    async def put(visit: Visit, numbers: Numbers) -> Go:
        born = typed_date(visit.typed, rules["birth_date"])
        await put_identity(visit.ports, visit.session, numbers.nik, numbers.family_card_number, born)
        return Go(next_slug(await read_me(visit.ports, visit.session)))

    form = Form(
        act=put,
        body=Numbers,
        checks={name: partial(_without_separators, check=rules[name]) for name in ("nik", "family_card_number")},
        also=partial(faults_of_date, check=rules["birth_date"]),
        blames={IdentityNumberTaken: "nik"},
    )
    return Page(slug="identitas", show=show, forms={"identity": form})


def typed_date(typed: Mapping[str, str], check: Check) -> date:
    """The birth date from its three fields. Raises FieldRefused."""
    parts = [typed.get(name, "").strip() for name in ("birth_year", "birth_month", "birth_day")]
    if not any(parts):
        raise FieldRefused("missing", "This field is needed.")
    if not all(part.isascii() and part.isdecimal() for part in parts) or len(parts[0]) != 4:
        raise FieldRefused("wrong-format", "Day, month and year with four digits are needed.")
    try:
        born = date(*map(int, parts))
    except (ValueError, OverflowError):
        raise FieldRefused("impossible-date", "There is no such day.") from None
    return check(born)  # type: ignore[no-any-return]


def faults_of_date(typed: Mapping[str, str], check: Check) -> list[FieldFault]:
    try:
        typed_date(typed, check)
    except FieldRefused as refused:
        return [FieldFault("birth_date", refused.code, refused.detail)]
    return []


def _without_separators(text: str, check: Check) -> object:
    return check(text.translate(_SEPARATORS))
