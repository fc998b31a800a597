"""`undangan`: an account of an application on paper, with the claim code of its invitation and the birth date."""

from functools import partial
from typing import Annotated

import msgspec

from service.actions import paper_claims as actions
from service.actions.paper_claims import PaperAccount
from service.domain import addresses
from service.domain.errors import AddressTaken, IdentityNumberTaken
from service.domain.paper_errors import PaperClaimed, PaperClaimRefused
from service.ports import Ports
from service.web.identity import checks
from service.web.pages.account import with_pass
from service.web.pages.code import send_code
from service.web.pages.identity import faults_of_date, typed_date
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.paper import typed_code


class Invitation(msgspec.Struct):
    """What is typed beside the birth date, which comes in three fields."""

    claim_code: Annotated[str, msgspec.Meta(max_length=32)]
    phone: Annotated[str, msgspec.Meta(max_length=32)] | None = None
    email: Annotated[str, msgspec.Meta(max_length=320)] | None = None


def page(ports: Ports) -> Page:
    check = checks(ports)["birth_date"]

    async def show(visit: Visit) -> View | Go:
        return View("invitation.html") if visit.memory.entry else Go("antrean")

    async def claim(visit: Visit, given: Invitation) -> Go:
        born = typed_date(visit.typed, check)

        async def make(entry: str) -> None:
            await visit.once(
                PaperAccount,
                lambda once: actions.claim_paper(
                    ports, once, visit.room, entry, given.claim_code, born, given.phone, given.email
                ),
                [given.claim_code, born, given.phone, given.email],
            )

        await with_pass(visit, make)
        phone = await actions.phone_of(ports, given.claim_code)
        visit.memory.phone = phone
        await send_code(visit, phone)
        return Go("kode")

    form = Form(
        act=claim,
        body=Invitation,
        checks={"claim_code": typed_code, "phone": addresses.phone, "email": addresses.email},
        also=partial(faults_of_date, check=check),
        blames={
            PaperClaimRefused: "claim_code",
            PaperClaimed: "claim_code",
            IdentityNumberTaken: "claim_code",
            AddressTaken: "phone",
        },
    )
    return Page(slug="undangan", show=show, forms={"invitation": form})
