"""`PUT /profile/{step}`: three drafts, each saved by itself."""

import enum
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec

from service.actions import profile as actions
from service.domain.addresses import plain_text
from service.domain.errors import FieldFault, FieldRefused, InvalidFields
from service.domain.profile import IN_EDUCATION, MOST_INCOME, STEPS
from service.domain.regions import PROVINCES, is_regency, lies_in
from service.ports import Ports
from service.web.decoding import Check
from service.web.operation import Call, Operation

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Paragraph = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Education(enum.Enum):
    NONE = "none"
    ELEMENTARY = "elementary"
    JUNIOR_HIGH = "junior_high"
    SENIOR_HIGH = "senior_high"
    DIPLOMA = "diploma"
    BACHELOR = "bachelor"
    POSTGRADUATE = "postgraduate"


class EmploymentStatus(enum.Enum):
    LAID_OFF = "laid_off"
    FURLOUGHED = "furloughed"
    JOB_SEEKER = "job_seeker"
    EMPLOYED = "employed"
    SELF_EMPLOYED = "self_employed"
    STUDENT = IN_EDUCATION


class PayoutMethod(enum.Enum):
    GOPAY = "gopay"
    BNI = "bni"
    LINKAJA = "linkaja"
    OVO = "ovo"


class Personal(msgspec.Struct, forbid_unknown_fields=True):
    mother_name: Line
    education: Education
    province: Annotated[int, msgspec.Meta(ge=11, le=99, description="Two digits, as in the identity number.")]
    regency: Annotated[int, msgspec.Meta(ge=1, le=9999, description="Two digits, or four with the province.")]
    address: Paragraph


class Work(msgspec.Struct, forbid_unknown_fields=True):
    employment_status: EmploymentStatus
    sector: Line
    last_income: Annotated[int, msgspec.Meta(ge=0, le=MOST_INCOME, description="Rupiah a month.")]


class Program(msgspec.Struct, forbid_unknown_fields=True):
    training_interest: Line
    payout_method: PayoutMethod
    reason: Paragraph


def province(code: int) -> int:
    if code not in PROVINCES:
        raise FieldRefused("unknown-area", "There is no province with this code.")
    return code


def regency(code: int) -> int:
    if not is_regency(code % 100) or (code > 99 and code // 100 not in PROVINCES):
        raise FieldRefused("unknown-area", "There is no regency or city with this code.")
    return code


FORMS: dict[str, tuple[type[msgspec.Struct], dict[str, Check]]] = {
    "personal": (
        Personal,
        {"mother_name": plain_text, "address": plain_text, "province": province, "regency": regency},
    ),
    "work": (Work, {"sector": plain_text}),
    "program": (Program, {"training_interest": plain_text, "reason": plain_text}),
}


async def save(ports: Ports, session: bytes, step: str, data: msgspec.Struct) -> None:
    """Keep one step. Raises InvalidFields when its fields contradict each other, NotSignedIn."""
    if isinstance(data, Personal) and not lies_in(data.regency, data.province):
        raise InvalidFields([FieldFault("regency", "other-province", "This regency lies in another province.")])
    await actions.put_step(ports, session, step, msgspec.to_builtins(data))


def operations(ports: Ports) -> list[Operation]:
    def put(step: str) -> Callable[[Call], Awaitable[None]]:
        async def handler(call: Call) -> None:
            await save(ports, call.session, step, call.body)

        return handler

    return [
        Operation(
            method="PUT",
            path=f"/profile/{step}",
            summary=f"Save the step {step} of the profile",
            handler=put(step),
            body=FORMS[step][0],
            checks=FORMS[step][1],
            status=204,
            session=True,
        )
        for step in STEPS
    ]
