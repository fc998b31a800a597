"""`POST /paper-claims`."""

from datetime import date
from typing import Annotated

import msgspec

from service.actions import paper_claims as actions
from service.domain import addresses, errors, identity, paper_errors, paper_states
from service.ports import Ports, StoredAnswer
from service.web.board import BoardCopy
from service.web.decoding import Check
from service.web.operation import Call, Operation
from service.web.tickets import PASS_HEADER, header_text


class PaperClaim(msgspec.Struct, forbid_unknown_fields=True):
    """`phone`: only when it is another one than the labor office wrote down. `email`: the person's own; what the office
    wrote down opens no account."""

    code: Annotated[str, msgspec.Meta(max_length=32, examples=["KQ7M-2XDA-9FTN"])]
    birth_date: date
    phone: Annotated[str, msgspec.Meta(max_length=32, examples=["+6280000000001"])] | None = None
    email: Annotated[str, msgspec.Meta(max_length=320, examples=["p000000001@people.example"])] | None = None


def typed_code(text: str) -> str:
    """The claim code as it is looked up. Raises FieldRefused."""
    code = paper_states.read_code(text)
    if code is None:
        raise errors.FieldRefused("not-a-claim-code", f"A code has {paper_states.CODE_LENGTH} letters and digits.")
    return code


def operations(ports: Ports, board: BoardCopy) -> list[Operation]:
    def birth_date(given: date) -> date:
        return identity.check_birth_date(given, ports.clock.now().date())

    checks: dict[str, Check] = {
        "code": typed_code,
        "birth_date": birth_date,
        "phone": addresses.phone,
        "email": addresses.email,
    }

    async def claim(call: Call) -> StoredAnswer:
        data: PaperClaim = call.body
        entry = header_text(call, PASS_HEADER)
        return await actions.claim_paper(
            ports, call.once, board.room, entry, data.code, data.birth_date, data.phone, data.email
        )

    return [
        Operation(
            method="POST",
            path="/paper-claims",
            summary="Make an account of an application on paper, with the code of its invitation",
            handler=claim,
            body=PaperClaim,
            checks=checks,
            answer=actions.PaperAccount,
            status=201,
            once=True,
            headers={PASS_HEADER: "The pass as POST /claims gave it."},
            errors=(
                errors.PassInvalid,
                errors.PassUsed,
                errors.AddressTaken,
                errors.IdentityNumberTaken,
                errors.QueueFull,
                paper_errors.PaperClaimRefused,
                paper_errors.PaperClaimed,
            ),
        )
    ]
