"""`GET /openapi.json`: OpenAPI 3.1, made from the table of operations and the types that validate."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from service.domain import errors
from service.domain.errors import LaunchnightError
from service.web.http import Rendered
from service.web.operation import Call, Operation
from service.web.problems import TYPE_PREFIX, status_of

_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"public, max-age=60")]
_ALWAYS = (errors.Overloaded, errors.DatabaseBusy, errors.DatabaseUnavailable, errors.EffectUnknown)
_BODY = (
    errors.MalformedBody,
    errors.InvalidFields,
    errors.BodyTooLarge,
    errors.BodyTooSlow,
    errors.UnsupportedMediaType,
)
_ONCE = (errors.IdempotencyKeyMissing, errors.IdempotencyKeyInvalid, errors.IdempotencyKeyReused)
_COMPONENTS = "#/components/schemas/{name}"


class Fault(msgspec.Struct):
    field: str
    code: str
    detail: str


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457. Further members depend on the type."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[Fault] = []


def refusals(operation: Operation) -> tuple[type[LaunchnightError], ...]:
    """Every refusal that the operation can answer."""
    found = [*operation.errors]
    if operation.body is not None:
        found += _BODY
    if operation.once:
        found += [*_ONCE, errors.DuplicateAnswer]
    if operation.session:
        found.append(errors.NotSignedIn)
    if operation.numbers or operation.words:
        found.append(errors.NotFound)
    if operation.body is not None or operation.session:
        found += _ALWAYS
    return tuple(dict.fromkeys(found))


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The OpenAPI document of `operations`."""
    types: list[type] = [Problem]
    types += [each for operation in operations for each in (operation.body, operation.answer) if each is not None]
    schemas, components = msgspec.json.schema_components(dict.fromkeys(types), ref_template=_COMPONENTS)
    refs = dict(zip(dict.fromkeys(types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in operations:
        paths[operation.path][operation.method.lower()] = _operation(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "launchnight registration",
            "version": version,
            "description": "From a ticket in the waiting room to a place in the wave. "
            "Photos are uploaded by the tus protocol 1.0.0 at /files/.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation, refs: dict[type, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.method.lower() + "_" + re.sub(r"\W+", "_", operation.path).strip("_"),
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation, refs),
    }
    if operation.session:
        described["security"] = [{"session": []}]
    if operation.body is not None:
        content = {"application/json": {"schema": refs[operation.body]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": low, "maximum": high},
        }
        for name, (low, high) in operation.numbers.items()
    ]
    parameters += [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^({pattern})$"}}
        for name, pattern in operation.words.items()
    ]
    parameters += [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in operation.headers.items()
    ]
    if operation.once:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "A new random value with each new request, the same with its repetition.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"},
            }
        )
    return parameters


def _responses(operation: Operation, refs: dict[type, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if operation.answer is not None:
        done["content"] = {"application/json": {"schema": refs[operation.answer]}}
    responses = {str(operation.status): done}
    if "If-None-Match" in operation.headers:
        responses["304"] = {"description": "What you have still holds."}
    by_status: dict[int, list[type[LaunchnightError]]] = defaultdict(list)
    for error in refusals(operation):
        by_status[status_of(error)].append(error)
    for status, kinds in sorted(by_status.items()):
        refusal: dict[str, Any] = {
            "description": " ".join(f"{kind.title} ({TYPE_PREFIX}{kind.code})." for kind in kinds),
            "content": {"application/problem+json": {"schema": refs[Problem]}},
        }
        if status in (429, 503):
            seconds = {"type": "integer", "minimum": 1}
            refusal["headers"] = {"Retry-After": {"description": "Seconds.", "schema": seconds}}
        responses[str(status)] = refusal
    return responses


def operations(others: Sequence[Operation], version: str) -> list[Operation]:
    """`GET /openapi.json` itself, describing `others`."""
    answer = Rendered(200, _HEADERS, msgspec.json.encode(document(others, version)))

    async def show(_: Call) -> Rendered:
        return answer

    return [Operation(method="GET", path="/openapi.json", summary="This description", handler=show, answer=None)]
