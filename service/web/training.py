"""`/courses`, `/grant` and what stands below it: the way of whoever was chosen, up to the last payment."""

from functools import cache
from hashlib import sha256
from typing import Annotated

import msgspec

from service.actions import grants, payouts, surveys, training
from service.domain import errors, money_errors
from service.domain.catalogue import COURSES
from service.domain.errors import FieldFault, FieldRefused, InvalidFields
from service.domain.money import SURVEYS
from service.domain.payouts import Method, check_number
from service.domain.profile import MOST_INCOME
from service.domain.surveys import Working
from service.ports import Ports, StoredAnswer
from service.web.http import Rendered
from service.web.idempotency import encode
from service.web.operation import Call, Operation

CourseId = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern="^[a-z0-9-]+$")]
Certificate = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9/.-]{5,39}$", description="Its number.")]


class Choose(msgspec.Struct, forbid_unknown_fields=True):
    course: CourseId


class Complete(msgspec.Struct, forbid_unknown_fields=True):
    course: CourseId
    certificate: Certificate


class Account(msgspec.Struct, forbid_unknown_fields=True):
    """Where the money goes. number: the phone number of a wallet, ten digits at the bank."""

    method: Method
    number: Annotated[str, msgspec.Meta(min_length=8, max_length=32)]


class Survey(msgspec.Struct, forbid_unknown_fields=True):
    working: Working
    monthly_income: Annotated[int, msgspec.Meta(ge=0, le=MOST_INCOME, description="Rupiah.")]
    uses_training: bool


class CourseShown(msgspec.Struct):
    """Price in rupiah."""

    id: str
    platform: str
    title: str
    hours: int
    price: int


class Catalogue(msgspec.Struct):
    courses: list[CourseShown]


@cache
def catalogue() -> Rendered:
    shown = [CourseShown(each.id, each.platform, each.title, each.hours, each.price) for each in COURSES.values()]
    body = encode(Catalogue(shown))
    tag = b'"%s"' % sha256(body).hexdigest()[:16].encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"public, max-age=3600"),
        (b"etag", tag),
    ]
    return Rendered(200, headers, body)


async def put_account(ports: Ports, session: bytes, account: Account) -> payouts.AccountGiven:
    """Raises InvalidFields, and as `payouts.put_account`."""
    try:
        number = check_number(account.method, account.number)
    except FieldRefused as refused:
        raise InvalidFields([FieldFault("number", refused.code, refused.detail)]) from None
    return await payouts.put_account(ports, session, account.method, number)


def operations(ports: Ports) -> list[Operation]:
    async def show_courses(_: Call) -> Rendered:
        return catalogue()

    async def show_grant(call: Call) -> grants.MyGrant:
        return await grants.read_grant(ports, call.session)

    async def choose(call: Call) -> StoredAnswer:
        return await training.choose_course(ports, call.once, call.session, call.body.course)

    async def complete(call: Call) -> StoredAnswer:
        body: Complete = call.body
        return await training.complete_course(ports, call.once, call.session, body.course, body.certificate)

    async def put(call: Call) -> payouts.AccountGiven:
        return await put_account(ports, call.session, call.body)

    async def answer(call: Call) -> None:
        answers = msgspec.to_builtins(call.body)
        await surveys.answer_survey(ports, call.session, call.number("number"), answers)

    return [
        Operation(
            method="GET",
            path="/courses",
            summary="The courses that a grant pays for",
            handler=show_courses,
            answer=Catalogue,
        ),
        Operation(
            method="GET",
            path="/grant",
            summary="Your grant: what is left, what is due, what was paid",
            handler=show_grant,
            answer=grants.MyGrant,
            session=True,
            errors=(money_errors.NoGrant,),
        ),
        Operation(
            method="POST",
            path="/grant/courses",
            summary="Choose a course; together they cost at most the training part of the grant",
            handler=choose,
            body=Choose,
            answer=training.Chosen,
            status=201,
            session=True,
            once=True,
            errors=(errors.NotFound, money_errors.NoGrant, money_errors.CourseChosen, money_errors.TrainingSpent),
        ),
        Operation(
            method="POST",
            path="/grant/completions",
            summary="Say that a course was completed; the first one makes the instalments fall due",
            handler=complete,
            body=Complete,
            answer=training.Completed,
            status=201,
            session=True,
            once=True,
            errors=(
                errors.NotFound,
                money_errors.NoGrant,
                money_errors.CourseCompleted,
                money_errors.CertificateTaken,
            ),
        ),
        Operation(
            method="PUT",
            path="/grant/account",
            summary="Where the money goes from now on; the partner is asked about it in the background",
            handler=put,
            body=Account,
            answer=payouts.AccountGiven,
            status=202,
            session=True,
            errors=(money_errors.NoGrant, errors.NoCorrectionsLeft, errors.QueueFull),
        ),
        Operation(
            method="PUT",
            path="/grant/surveys/{number}",
            summary="Answer a survey about work after training; each pays once",
            handler=answer,
            body=Survey,
            status=204,
            session=True,
            numbers={"number": (1, SURVEYS)},
            errors=(
                money_errors.NoGrant,
                money_errors.TrainingNotCompleted,
                money_errors.SurveyNotOpen,
                money_errors.SurveyAnswered,
            ),
        ),
    ]
