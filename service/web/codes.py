"""`POST /codes`, `POST /sessions`, `POST /phone/verification`: one-time codes and what they open."""

from typing import Annotated
from uuid import UUID

import msgspec

from service.actions import codes as actions
from service.actions import phone, sessions
from service.domain import addresses, errors
from service.domain.codes import DIGITS
from service.ports import Ports, StoredAnswer
from service.web.decoding import Check
from service.web.operation import Call, Operation


class CodeWanted(msgspec.Struct, forbid_unknown_fields=True):
    """With `code_request`: send again for that request, the same code while it lives."""

    address: Annotated[str, msgspec.Meta(max_length=320, examples=["+6280000000001"])]
    code_request: UUID | None = None


class CodeGiven(msgspec.Struct, forbid_unknown_fields=True):
    code_request: UUID
    code: Annotated[str, msgspec.Meta(max_length=32, examples=["012345"])]


def typed_code(text: str) -> str:
    """The code without the spaces that people type. Raises FieldRefused."""
    code = text.replace(" ", "")
    if len(code) != DIGITS or not (code.isascii() and code.isdecimal()):
        raise errors.FieldRefused("not-a-code", f"A code has {DIGITS} digits.")
    return code


ADDRESS_CHECKS: dict[str, Check] = {"address": addresses.address}
CODE_CHECKS: dict[str, Check] = {"code": typed_code}


def operations(ports: Ports) -> list[Operation]:
    async def ask(call: Call) -> StoredAnswer:
        wanted: CodeWanted = call.body
        if wanted.code_request is None:
            return await actions.ask_code(ports, call.once, wanted.address)
        return await actions.ask_again(ports, call.once, wanted.address, wanted.code_request)

    async def sign_in(call: Call) -> StoredAnswer:
        given: CodeGiven = call.body
        return await sessions.open_session(ports, call.once, given.code_request, given.code)

    async def verify_phone(call: Call) -> StoredAnswer:
        given: CodeGiven = call.body
        return await phone.verify_phone(ports, call.once, call.session, given.code_request, given.code)

    return [
        Operation(
            method="POST",
            path="/codes",
            summary="Have a one-time code sent to a phone number or an e-mail address",
            handler=ask,
            body=CodeWanted,
            checks=ADDRESS_CHECKS,
            answer=actions.CodeAsked,
            status=202,
            once=True,
            errors=(errors.TooManyCodes, errors.ResendTooEarly, errors.NotFound, errors.QueueFull),
        ),
        Operation(
            method="POST",
            path="/sessions",
            summary="Sign in with a code; the address that received it counts as verified",
            handler=sign_in,
            body=CodeGiven,
            checks=CODE_CHECKS,
            answer=sessions.SignedIn,
            status=201,
            once=True,
            errors=(errors.CodeRefused,),
        ),
        Operation(
            method="POST",
            path="/phone/verification",
            summary="Prove that the phone of the account is yours",
            handler=verify_phone,
            body=CodeGiven,
            checks=CODE_CHECKS,
            answer=phone.PhoneVerified,
            session=True,
            once=True,
            errors=(errors.CodeRefused,),
        ),
    ]
