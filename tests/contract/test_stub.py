"""The stub answers what the service would: each operation's status, and a body that its type takes."""

import json

import msgspec
import pytest

from loadtests.actions import ROUTES
from loadtests.stub.answers import ANSWERS, UNKNOWN, found
from service.web.operation import Operation
from tests.structure.generated_docs import operations

NOT_STOOD_FOR = (
    "/openapi.json", "/board/lottery", "/counts", "/complaints", "/paper-claims", "/courses", "/grant",
    "/waves/{wave_id}/result",
)  # fmt: skip
"""Nobody of the swarm asks what begins like this."""
OPERATIONS = [each for each in operations() if not each.path.startswith(NOT_STOOD_FOR)]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_the_answer_is_the_services(operation: Operation) -> None:
    path = operation.path.replace("{wave_id}", "1").replace("{number}", "7")
    canned = found(operation.method.encode(), path.encode())
    head, _, body = (canned.answer % 5 if canned.numbered else canned.answer).partition(b"\r\n\r\n")
    assert int(head.split()[1]) == operation.status
    if operation.answer is None:
        assert body == b""
    else:
        assert b"Content-Length: %d\r\n" % len(body) in head + b"\r\n"
        given = json.loads(body)
        msgspec.convert(given, operation.answer)
        assert set(given) == _fields(operation.answer)


def _fields(kind: type) -> set[str]:
    fields: tuple[msgspec.inspect.Field, ...] = msgspec.inspect.type_info(kind).fields  # type: ignore[attr-defined]
    return {field.encode_name for field in fields}


def test_every_route_of_an_applicant_is_stood_for():
    assert {route for _, route in ROUTES.values()} <= {each.route for each in ANSWERS.values()}


def test_a_path_that_nobody_knows_is_a_problem():
    assert found(b"GET", b"/waves/2/join") == found(b"POST", b"/tickets/1") == UNKNOWN
    assert b" 404 " in UNKNOWN.answer
