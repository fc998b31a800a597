"""`telepon`: the phone of the account is proved by a code sent to it."""

from uuid import UUID

from service.actions import phone as actions
from service.actions.codes import CodeAsked
from service.actions.standing import read_me
from service.domain.codes import Channel, life_s
from service.domain.errors import CodeRefused, NotFound, TooManyCodes
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


PAGE = Page(
    slug="telepon",
    show=show,
    forms={
        "send": Form(act=send),
        "verify": Form(act=verify, body=CodeGiven, checks=CODE_CHECKS, blames={CodeRefused: "code"}),
    },
)
