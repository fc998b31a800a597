"""JSON objects that callers of the partners and of the fault proxy send; refused with all faults at once."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BodyFault:
    field: str
    code: str
    detail: str


class Refused(Exception):
    """The request cannot be used; answered with `status`, the error's code and all faults."""

    def __init__(self, status: int, error: str, faults: list[BodyFault]) -> None:
        super().__init__(f"{error}: {faults}")
        self.status = status
        self.error = error
        self.faults = faults


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises Refused (400) when it is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested to exhaust the parser
        raise Refused(400, "malformed-json", [BodyFault("", "json", "the body must be JSON in UTF-8")]) from None
    if not isinstance(value, dict):
        raise Refused(400, "malformed-json", [BodyFault("", "json", "the body must be a JSON object")])
    return value
