"""`POST /accounts`."""

from typing import Annotated

import msgspec

from service.actions import accounts as actions
from service.domain import addresses, errors
from service.ports import Ports, StoredAnswer
from service.web.board import BoardCopy
from service.web.decoding import Check
from service.web.operation import Call, Operation
from service.web.tickets import PASS_HEADER, header_text


class AccountData(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100, examples=["Siti Rahma"])]
    phone: Annotated[str, msgspec.Meta(max_length=32, examples=["+6280000000001"])]
    email: Annotated[str, msgspec.Meta(max_length=320, examples=["p000000001@people.example"])] | None = None


CHECKS: dict[str, Check] = {"name": addresses.plain_text, "phone": addresses.phone, "email": addresses.email}


def operations(ports: Ports, board: BoardCopy) -> list[Operation]:
    async def create(call: Call) -> StoredAnswer:
        data: AccountData = call.body
        return await actions.create_account(
            ports, call.once, board.room, header_text(call, PASS_HEADER), data.name, data.phone, data.email
        )

    return [
        Operation(
            method="POST",
            path="/accounts",
            summary="Make an account",
            handler=create,
            body=AccountData,
            checks=CHECKS,
            answer=actions.NewAccount,
            status=201,
            once=True,
            headers={PASS_HEADER: "The pass as POST /claims gave it."},
            errors=(errors.PassInvalid, errors.PassUsed, errors.AddressTaken),
        )
    ]
