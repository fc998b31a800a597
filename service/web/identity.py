"""`PUT /identity`."""

from datetime import date
from functools import partial
from typing import Annotated

import msgspec

from service.actions import identity as actions
from service.domain import errors
from service.domain import identity as rules
from service.ports import Ports
from service.web.decoding import Check
from service.web.operation import Call, Operation


class IdentityData(msgspec.Struct, forbid_unknown_fields=True):
    nik: Annotated[str, msgspec.Meta(max_length=32, description="Identity number, 16 digits.")]
    family_card_number: Annotated[str, msgspec.Meta(max_length=32, description="16 digits.")]
    birth_date: date


def checks(ports: Ports) -> dict[str, Check]:
    """The rules for each field."""
    synthetic = ports.policy.synthetic_people

    def birth_date(given: date) -> date:
        return rules.check_birth_date(given, ports.clock.now().date())

    return {
        "nik": partial(rules.check_nik, synthetic_people=synthetic),
        "family_card_number": partial(rules.check_family_card_number, synthetic_people=synthetic),
        "birth_date": birth_date,
    }


def operations(ports: Ports) -> list[Operation]:
    async def put(call: Call) -> actions.IdentityGiven:
        data: IdentityData = call.body
        return await actions.put_identity(ports, call.session, data.nik, data.family_card_number, data.birth_date)

    return [
        Operation(
            method="PUT",
            path="/identity",
            summary="Give or correct the identity data; the civil registry is asked in the background",
            handler=put,
            body=IdentityData,
            checks=checks(ports),
            answer=actions.IdentityGiven,
            status=202,
            session=True,
            errors=(
                errors.IdentityNumberTaken,
                errors.IdentitySettled,
                errors.NoCorrectionsLeft,
                errors.ChangedMeanwhile,
                errors.QueueFull,
            ),
        )
    ]
