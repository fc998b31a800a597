"""`POST /complaints`, `GET /complaints/{number}`: from anybody, also from those who never got in."""

import enum
from typing import Annotated

import msgspec

from service.actions import complaints as actions
from service.actions.complaints import Caller
from service.domain.complaint_errors import ComplaintsFull, TooManyComplaints
from service.domain.complaints import MOST_TEXT, Category, complaint_text, known_regency
from service.domain.errors import DatabaseBusy, DatabaseUnavailable, IdempotencyKeyInvalid, NotSignedIn
from service.domain.regencies import REGENCIES
from service.ports import Ports, StoredAnswer
from service.web.authentication import session_of
from service.web.decoding import Check
from service.web.http import ADDRESS_HEADER, LONGEST_ADDRESS
from service.web.idempotency import key_of
from service.web.operation import Call, Operation
from service.web.tickets import header_text

SECRET_HEADER = "Complaint-Secret"
_SHORTEST_KEY = 16
"""Characters of an Idempotency-Key: all who file share one space of keys, and whoever sends the key and the text of
somebody else is told that one's secret."""
MOST_NUMBER = 2**31 - 1


class ComplaintCategory(enum.Enum):
    SLOW_SITE = "slow_site"
    PHOTO_UPLOAD = "photo_upload"
    CODE = "code"
    SIGN_IN = "sign_in"
    IDENTITY = "identity"
    ASSESSMENT = "assessment"
    JOINING = "joining"
    SELECTION = "selection"
    PAPER = "paper"
    PAYMENT = "payment"
    OTHER = "other"


class ComplaintData(msgspec.Struct, forbid_unknown_fields=True):
    category: ComplaintCategory
    regency: Annotated[
        int, msgspec.Meta(ge=min(REGENCIES), le=max(REGENCIES), description="Where one lives, four digits.")
    ]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_TEXT)]


CHECKS: dict[str, Check] = {"regency": known_regency, "text": complaint_text}


def operations(ports: Ports) -> list[Operation]:
    async def file(call: Call) -> StoredAnswer:
        if len(key_of(call.headers)) < _SHORTEST_KEY:
            raise IdempotencyKeyInvalid(f"At least {_SHORTEST_KEY} characters are needed here: send a random value.")
        data: ComplaintData = call.body
        session = session_of(call.headers) if b"authorization" in call.headers else None
        caller = Caller(session, header_text(call, ADDRESS_HEADER)[:LONGEST_ADDRESS])
        category = Category[data.category.name]
        return await actions.file_complaint(ports, call.once, caller, category, data.regency, data.text)

    async def follow(call: Call) -> actions.FollowedComplaint:
        return await actions.follow_complaint(ports, call.number("number"), header_text(call, SECRET_HEADER))

    return [
        Operation(
            method="POST",
            path="/complaints",
            summary="File a complaint, signed in or not",
            handler=file,
            body=ComplaintData,
            checks=CHECKS,
            answer=actions.FiledComplaint,
            status=201,
            once=True,
            headers={ADDRESS_HEADER: "The caller's network address; set by the proxy in front, whoever else sends it."},
            errors=(TooManyComplaints, ComplaintsFull, NotSignedIn),
        ),
        Operation(
            method="GET",
            path="/complaints/{number}",
            summary="Where a complaint has come to",
            handler=follow,
            answer=actions.FollowedComplaint,
            numbers={"number": (1, MOST_NUMBER)},
            headers={SECRET_HEADER: "The secret as POST /complaints gave it."},
            errors=(DatabaseBusy, DatabaseUnavailable),
        ),
    ]
