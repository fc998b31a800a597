"""Bodies into typed values. JSON: one fast pass, and a second one that collects every fault when the first fails.
Forms: text fields, held to the same types and checks, with the same names and codes.
"""

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from service.domain.errors import FieldFault, FieldRefused, InvalidFields, MalformedBody

S = TypeVar("S", bound=msgspec.Struct)
Check = Callable[[Any], Any]
"""A domain rule for one field: returns the value as it is kept, or raises FieldRefused."""

_GROUPED = re.compile(r"[0-9]{1,3}([ .,][0-9]{3})+")
"""4.200.000 as people here write it, 4,200,000 as the English pages do."""
_LONGEST_NAME = 64  # of an unknown field, as it is told back


class BodyDecoder(Generic[S]):
    """Decodes one type of body. `checks` are run on fields of the right type; null is left alone."""

    def __init__(self, body: type[S], checks: Mapping[str, Check]) -> None:
        self._body = body
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

    def form(self, typed: Mapping[str, str], also: Sequence[FieldFault] = ()) -> S:
        """Text fields as they were typed: an empty one is missing, whatever is no field of ours is left alone.

        also: faults found elsewhere, told together. Raises InvalidFields with all faults at once.
        """
        values: dict[str, Any] = {}
        faults: list[FieldFault] = []
        for field in self._fields:
            text = " ".join(typed.get(field.encode_name, "").split())  # line breaks too: no field of ours has two lines
            if text:
                values[field.name] = self._value(field, _plain_number(text, field.type), faults, strict=False)
            elif field.required:
                faults.append(_missing(field.encode_name))
        if faults or also:
            raise InvalidFields([*faults, *also])
        return self._body(**values)

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
                    faults.append(_missing(name))
                continue
            self._value(field, data[name], faults, strict=True)
        known = {field.encode_name for field in self._fields}
        for name in data:
            if name not in known:
                faults.append(FieldFault(name[:_LONGEST_NAME], "unknown-field", "There is no such field."))
        return InvalidFields(faults)

    def _value(
        self, field: msgspec.structs.FieldInfo, given: object, faults: list[FieldFault], *, strict: bool
    ) -> object:
        """`given` as the field keeps it; a fault is added when it cannot be used."""
        name = field.encode_name
        try:
            value = msgspec.convert(given, field.type, strict=strict)
        except msgspec.ValidationError as error:
            faults.append(_fault(name, str(error), field.type))
            return None
        if value is not None and name in self._checks:
            return _checked(name, self._checks[name], value, faults)
        return value


def _missing(name: str) -> FieldFault:
    return FieldFault(name, "missing", "This field is needed.")


def _plain_number(text: str, wanted: Any) -> str:
    """Digits without what stands between thousands, where a number is wanted."""
    kind = msgspec.inspect.type_info(wanted)
    if isinstance(kind, msgspec.inspect.Metadata):  # it has a description
        kind = kind.type
    if isinstance(kind, msgspec.inspect.IntType) and _GROUPED.fullmatch(text):
        return re.sub(r"[^0-9]", "", text)
    return text


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
