"""Coming back: a code to the phone or e-mail address of the account, and everything saved is there."""

from typing import Annotated

import msgspec

from service.domain import addresses
from service.domain.errors import TooManyCodes
from service.web.pages.code import send_code
from service.web.pages.page import Form, Go, Page, View, Visit


class Returning(msgspec.Struct):
    contact: Annotated[str, msgspec.Meta(max_length=320)]
    """A phone number or an e-mail address; not `address`, which is where somebody lives."""


async def show(visit: Visit) -> View | Go:
    return Go("status") if visit.memory.token else View("returning.html", {"address": visit.memory.address})


async def ask(visit: Visit, given: Returning) -> Go:
    await send_code(visit, given.contact)
    return Go("kode")


PAGE = Page(
    slug="masuk",
    show=show,
    forms={
        "address": Form(
            act=ask, body=Returning, checks={"contact": addresses.address}, blames={TooManyCodes: "contact"}
        )
    },
)
