"""Coming back: a code to the phone or e-mail address of the account, and everything saved is there."""

from service.domain.errors import TooManyCodes
from service.web.codes import ADDRESS_CHECKS, CodeWanted
from service.web.pages.code import send_code
from service.web.pages.page import Form, Go, Page, View, Visit


async def show(visit: Visit) -> View | Go:
    return Go("status") if visit.memory.token else View("returning.html", {"address": visit.memory.address})


async def ask(visit: Visit, given: CodeWanted) -> Go:
    await send_code(visit, given.address)
    return Go("kode")


PAGE = Page(
    slug="masuk",
    show=show,
    forms={"address": Form(act=ask, body=CodeWanted, checks=ADDRESS_CHECKS, blames={TooManyCodes: "address"})},
)
