"""JSON bodies into typed values: one fast pass, and a second one that collects every fault when the first fails."""

import enum
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from service.domain.errors import FieldFault, FieldRefused, InvalidFields, MalformedBody

S = TypeVar("S", bound=msgspec.Struct)
Check = Callable[[Any], Any]
"""A domain rule for one field: returns the value as it is kept, or raises FieldRefused."""

_LONGEST_NAME = 64  # of an unknown field, as it is told back


class BodyDecoder(Generic[S]):
    """Decodes one type of body. `checks` are run on fields of the right type; null is left alone."""

    def __init__(self, body: type[S], checks: Mapping[str, Check]) -> None:
        self._decode = msgspec.json.Decoder(body).decode
        self._fields = msgspec.structs.fields(body)
        self._checks = checks

    def __call__(self, raw: bytes) -> S:
        """Raises MalformedBody when it is not a JSON object, InvalidFields with all faults at once."""
        try:
            value = self._decode(raw)
        except msgspec.ValidationError:
            raise self._refusal(raw) from None
        except (ValueError, RecursionError):
            raise MalformedBody("The body is no valid JSON.") from None
        faults: list[FieldFault] = []
        for name, check in self._checks.items():
            given = getattr(value, name)
            if given is not None:
                setattr(value, name, _checked(name, check, given, faults))
        if faults:
            raise InvalidFields(faults)
        return value

    def _refusal(self, raw: bytes) -> MalformedBody | InvalidFields:
        try:
            data = msgspec.json.decode(raw)
        except (ValueError, RecursionError):
            return MalformedBody("The body is no valid JSON, nested too deeply, or holds a number out of range.")
        if not isinstance(data, dict):
            return MalformedBody("The body must be a JSON object.")
        faults: list[FieldFault] = []
        for field in self._fields:
            name = field.encode_name
            if name not in data:
                if field.required:
                    faults.append(FieldFault(name, "missing", "This field is needed."))
                continue
            try:
                given = msgspec.convert(data[name], field.type)
            except msgspec.ValidationError as error:
                faults.append(_fault(name, str(error), field.type))
                continue
            if given is not None and name in self._checks:
                _checked(name, self._checks[name], given, faults)
        known = {field.encode_name for field in self._fields}
        for name in data:
            if name not in known:
                faults.append(FieldFault(name[:_LONGEST_NAME], "unknown-field", "There is no such field."))
        return InvalidFields(faults)


def _checked(name: str, check: Check, given: object, faults: list[FieldFault]) -> object:
    try:
        return check(given)
    except FieldRefused as refused:
        faults.append(FieldFault(name, refused.code, refused.detail))
        return None


def _fault(name: str, message: str, wanted: Any) -> FieldFault:
    """A stable code for what msgspec says. The given value is never told back."""
    reason = message.partition(" - at ")[0]
    if "enum value" in reason and isinstance(wanted, enum.EnumMeta):
        members: list[enum.Enum] = list(wanted)
        choices = ", ".join(str(member.value) for member in members)
        return FieldFault(name, "unknown-value", f"One of: {choices}.")
    if ", got `" in reason:
        return FieldFault(name, "wrong-type", reason + ".")
    if "length <=" in reason:
        return FieldFault(name, "too-long", reason + ".")
    if "length >=" in reason:
        return FieldFault(name, "too-short", reason + ".")
    if "<=" in reason or ">=" in reason:
        return FieldFault(name, "out-of-range", reason + ".")
    return FieldFault(name, "wrong-format", reason + ".")
