"""Typing the one-time code that opens the session; having it sent again."""

from uuid import UUID

from service.actions import codes, sessions
from service.actions.codes import CodeAsked
from service.actions.sessions import SignedIn
from service.domain.addresses import channel_of, masked
from service.domain.codes import Channel, life_s
from service.domain.errors import CodeRefused, NotFound, TooManyCodes
from service.web.codes import CODE_CHECKS, CodeGiven
from service.web.operation import NoBody
from service.web.pages.memory import Memory
from service.web.pages.page import Form, Go, Page, View, Visit


async def show(visit: Visit) -> View | Go:
    memory = visit.memory
    if not memory.address:
        return Go("masuk")
    channel = channel_of(memory.address)
    facts = {
        "address": masked(memory.address),
        "by_sms": channel == Channel.SMS,
        "life_s": life_s(channel),
        "code_request": memory.code_request,
        "wait_s": max(memory.resend_at - visit.ports.clock.now().timestamp(), 0.0),
        "made_here": memory.address in (memory.phone, memory.email),
    }
    return View("code.html", facts)


async def sign_in(visit: Visit, given: CodeGiven) -> Go:
    """The session replaces everything else that the browser carried."""
    signed_in = await visit.once(
        SignedIn, lambda once: sessions.open_session(visit.ports, once, given.code_request, given.code), given
    )
    visit.memory = Memory(token=signed_in.token, desk=visit.memory.desk)
    return Go("status")


async def send_again(visit: Visit, _: NoBody) -> Go:
    """The same code while it lives; by a new request when the old one is used up."""
    memory = visit.memory
    if not memory.address:
        return Go("masuk")
    if memory.code_request:
        request = UUID(memory.code_request)
        try:
            asked = await visit.once(
                CodeAsked,
                lambda once: codes.ask_again(visit.ports, once, memory.address, request),
                (memory.address, request),
                part="again",
            )
        except (NotFound, TooManyCodes):
            pass
        else:
            _remember(visit, asked)
            return Go("kode")
    await send_code(visit, memory.address)
    return Go("kode")


async def send_code(visit: Visit, address: str) -> None:
    """Have a code sent to `address`, and remember where it went. Raises TooManyCodes, QueueFull."""
    asked = await visit.once(CodeAsked, lambda once: codes.ask_code(visit.ports, once, address), address, part="code")
    visit.memory.address = address
    _remember(visit, asked)


def _remember(visit: Visit, asked: CodeAsked) -> None:
    visit.memory.code_request = str(asked.code_request)
    visit.memory.resend_at = visit.ports.clock.now().timestamp() + asked.resend_after_s


PAGE = Page(
    slug="kode",
    show=show,
    forms={
        "code": Form(act=sign_in, body=CodeGiven, checks=CODE_CHECKS, blames={CodeRefused: "code"}),
        "resend": Form(act=send_again),
    },
)
