"""`telepon`: the phone of the account is proved by a code sent to it; `telepon/ganti`: it was typed wrong."""

from typing import Annotated
from uuid import UUID

import msgspec

from service.actions import phone as actions
from service.actions.codes import CodeAsked
from service.actions.standing import read_me
from service.domain import addresses
from service.domain.codes import Channel, life_s
from service.domain.errors import AddressTaken, CodeRefused, NotFound, TooManyCodes
from service.web.codes import CODE_CHECKS, CodeGiven
from service.web.operation import NoBody
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.pages.way import next_slug


async def show(visit: Visit) -> View:
    memory = visit.memory
    facts = {
        "me": await read_me(visit.ports, visit.session),
        "code_request": memory.code_request,
        "life_s": life_s(Channel.SMS),
        "wait_s": max(memory.resend_at - visit.ports.clock.now().timestamp(), 0.0),
    }
    return View("phone.html", facts)


async def send(visit: Visit, _: NoBody) -> Go:
    """The same code while it lives; by a new request when the old one is used up."""
    memory, asked = visit.memory, None
    if memory.code_request:
        try:
            asked = await _ask(visit, UUID(memory.code_request))
        except (NotFound, TooManyCodes):
            pass
    if asked is None:
        asked = await _ask(visit, None)
    memory.code_request = str(asked.code_request)
    memory.resend_at = visit.ports.clock.now().timestamp() + asked.resend_after_s
    return Go("telepon")


async def _ask(visit: Visit, request: UUID | None) -> CodeAsked:
    return await visit.once(
        CodeAsked,
        lambda once: actions.ask_phone_code(visit.ports, once, visit.session, request),
        request,
        part="again" if request else "code",
    )


async def verify(visit: Visit, given: CodeGiven) -> Go:
    await visit.once(
        actions.PhoneVerified,
        lambda once: actions.verify_phone(visit.ports, once, visit.session, given.code_request, given.code),
        given,
    )
    visit.memory.code_request = ""
    return Go(next_slug(await read_me(visit.ports, visit.session)))


class PhoneTyped(msgspec.Struct):
    phone: Annotated[str, msgspec.Meta(max_length=32)]


async def show_correction(visit: Visit) -> View | Go:
    me = await read_me(visit.ports, visit.session)
    return Go("telepon") if me.phone_verified else View("phone_correction.html", {"me": me})


async def correct(visit: Visit, typed: PhoneTyped) -> Go:
    await actions.correct_phone(visit.ports, visit.session, typed.phone)
    visit.memory.code_request, visit.memory.resend_at = "", 0.0
    return Go("telepon")


PAGES = [
    Page(
        slug="telepon",
        show=show,
        forms={
            "send": Form(act=send),
            "verify": Form(act=verify, body=CodeGiven, checks=CODE_CHECKS, blames={CodeRefused: "code"}),
        },
    ),
    Page(
        slug="telepon/ganti",
        show=show_correction,
        forms={
            "correct": Form(
                act=correct, body=PhoneTyped, checks={"phone": addresses.phone}, blames={AddressTaken: "phone"}
            )
        },
    ),
]
