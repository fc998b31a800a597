"""`POST /assessment`, `PUT /assessment/answers/{number}`, `POST /assessment/submission`."""

from typing import Annotated

import msgspec

from service.actions import assessment as actions
from service.domain import errors
from service.domain.assessment import ITEMS, OPTIONS
from service.ports import Ports, StoredAnswer
from service.web.operation import Call, NoBody, Operation


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    choice: Annotated[int, msgspec.Meta(ge=0, le=OPTIONS - 1)]


def operations(ports: Ports) -> list[Operation]:
    async def start(call: Call) -> StoredAnswer:
        return await actions.start(ports, call.once, call.session)

    async def save(call: Call) -> None:
        choice: Choice = call.body
        await actions.save_answer(ports, call.session, call.number("number"), choice.choice)

    async def submit(call: Call) -> StoredAnswer:
        return await actions.submit(ports, call.once, call.session)

    return [
        Operation(
            method="POST",
            path="/assessment",
            summary="Start the test; started again it shows the same clock",
            handler=start,
            body=NoBody,
            answer=actions.StartedAssessment,
            status=201,
            session=True,
            once=True,
        ),
        Operation(
            method="PUT",
            path="/assessment/answers/{number}",
            summary="Save one answer while there is time",
            handler=save,
            body=Choice,
            status=204,
            session=True,
            numbers={"number": (1, ITEMS)},
            errors=(errors.AssessmentNotStarted, errors.AssessmentOver),
        ),
        Operation(
            method="POST",
            path="/assessment/submission",
            summary="End the test",
            handler=submit,
            body=NoBody,
            answer=actions.Submission,
            session=True,
            once=True,
            errors=(errors.AssessmentNotStarted,),
        ),
    ]
