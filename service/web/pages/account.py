"""Making the account: name, phone, e-mail if there is one, and where the first code shall go.

Until a code was typed the same form corrects what was wrong: an unverified address is nobody's yet.
"""

import enum
from collections.abc import Awaitable, Callable, Mapping

from service.actions import accounts as actions
from service.actions.accounts import NewAccount
from service.domain.addresses import channel_of
from service.domain.codes import Channel
from service.domain.errors import (
    AddressTaken,
    FieldFault,
    IdempotencyKeyReused,
    PassInvalid,
    PassUsed,
)
from service.web.accounts import CHECKS, AccountData
from service.web.pages.code import send_code
from service.web.pages.line import claimed_pass
from service.web.pages.page import Form, Go, Page, View, Visit


class CodeBy(enum.Enum):
    SMS = "sms"
    EMAIL = "email"


class AccountTyped(AccountData, kw_only=True):
    code_by: CodeBy


def email_for_code(typed: Mapping[str, str]) -> list[FieldFault]:
    """A code by e-mail needs an address."""
    if typed.get("code_by") == CodeBy.EMAIL.value and not typed.get("email", "").strip():
        return [FieldFault("email", "missing", "A code by e-mail needs an address.")]
    return []


async def show(visit: Visit) -> View | Go:
    memory = visit.memory
    if not memory.entry:
        return Go("antrean")
    by_email = bool(memory.address) and channel_of(memory.address) == Channel.EMAIL
    return View("account.html", {"saved": memory, "code_by": "email" if by_email else "sms"})


async def make(visit: Visit, given: AccountTyped) -> Go:
    async def make_or_correct(entry: str) -> None:
        try:
            await visit.once(
                NewAccount,
                lambda once: actions.create_account(
                    visit.ports, once, visit.room, entry, given.name, given.phone, given.email
                ),
                given,
            )
        except (PassUsed, IdempotencyKeyReused):  # this browser has made it before, and something was wrong
            await actions.correct_account(visit.ports, visit.room, entry, given.name, given.phone, given.email)

    await with_pass(visit, make_or_correct)
    memory = visit.memory
    memory.name, memory.phone, memory.email = given.name, given.phone, given.email or ""
    address = given.email if given.code_by is CodeBy.EMAIL else given.phone
    assert address is not None, "email_for_code has looked"
    await send_code(visit, address)
    return Go("kode")


async def with_pass(visit: Visit, work: Callable[[str], Awaitable[None]]) -> None:
    """Who typed for longer than the pass lives claims a new one for the same ticket, and types nothing again."""
    try:
        await work(visit.memory.entry)
    except PassInvalid:
        visit.memory.entry = await claimed_pass(visit)
        await work(visit.memory.entry)


PAGE = Page(
    slug="akun",
    show=show,
    forms={
        "account": Form(act=make, body=AccountTyped, checks=CHECKS, also=email_for_code, blames={AddressTaken: "phone"})
    },
)
