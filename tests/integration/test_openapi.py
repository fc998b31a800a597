"""The description is valid, complete and true: generated requests meet only documented answers."""

from collections import Counter

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.actions import counts
from service.domain.errors import LaunchnightError
from service.web.problems import STATUS
from tests.integration.registration_room import new_key, standing_service
from tests.structure.generated_docs import operations

EXAMPLES = 15
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = len(operations()) - 1  # the description does not describe itself


@pytest.fixture(scope="module")
def standing(server_url, template, tmp_path_factory):
    with standing_service(server_url, template, tmp_path_factory.mktemp("photos"), "openapi") as service:
        service.run(counts.count(service.service.ports.begin))  # as a gatekeeper does every few seconds
        yield service


@pytest.fixture(scope="module")
def document(standing):
    return standing.run(standing.service.get("/openapi.json")).json()


def test_the_description_is_valid_openapi(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_route_is_described(standing, document):
    """No undocumented resource: what the router serves stands in the description.

    Its text names tus; the pages are for people.
    """
    app = standing.service.http._transport.app
    served = {route.path for route in app.routes if not route.path.startswith(("/files", "/daftar"))}
    assert served - set(document["paths"]) == {"/openapi.json"}
    assert sum(len(methods) for methods in document["paths"].values()) == OPERATIONS


def test_every_refusal_has_a_status_and_a_type_of_its_own():
    """Codes are unique, titles stand still, and no error is without a status."""
    kinds = [LaunchnightError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    kinds = [kind for kind in kinds[1:] if "code" in vars(kind)]
    assert set(kinds) == set(STATUS)
    assert not [code for code, times in Counter(kind.code for kind in kinds).items() if times > 1]
    assert all(kind.title and kind.code == kind.code.lower() for kind in kinds)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_generated_requests_meet_documented_answers(standing, document, mode):
    """Right and wrong requests for every operation, signed in: no 500, and nothing that is not described."""
    schema = schemathesis.openapi.from_dict(document)
    statuses: Counter[tuple[str, int]] = Counter()
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == OPERATIONS
    if mode is GenerationMode.NEGATIVE:  # what takes no body cannot be asked wrongly
        operations = [operation for operation in operations if operation.body]
    for operation in operations:

        @seed(1)
        @settings(
            max_examples=EXAMPLES,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case):
            answer = standing.run(_send(standing, case))
            statuses[case.operation.label, answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)

        send()
    tried = {label for label, _ in statuses}
    if mode is GenerationMode.NEGATIVE:
        assert len(tried) == len(operations) >= 14
    else:
        assert len(tried) == OPERATIONS
        assert sum(times for (_, status), times in statuses.items() if status < 300) >= 60
        assert sum(times for (_, status), times in statuses.items() if status == 401) < sum(statuses.values()) / 4


async def _send(standing, case) -> httpx.Response:
    sent = case.as_transport_kwargs(base_url="http://service.test")
    headers = {**standing.person.session, **dict(sent.get("headers") or {})}
    if "Idempotency-Key" in headers and case.meta.generation.mode is GenerationMode.POSITIVE:
        headers["Idempotency-Key"] = new_key()
    headers["Authorization"] = standing.person.session["Authorization"]
    content = {name: sent[name] for name in ("json", "data", "params") if sent.get(name) is not None}
    if isinstance(content.get("data"), bytes | str):
        content["content"] = content.pop("data")
    http: httpx.AsyncClient = standing.service.http
    return await http.request(sent["method"], sent["url"], headers=headers, **content)
