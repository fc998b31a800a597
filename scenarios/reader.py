"""From plain values (a TOML document, a run.json) to dataclasses, finding every fault on the way.

The dataclass is the schema: its field names are the only keys, its types say what is accepted, the `Unit` in a type
gives the bounds. A figure (a field with a unit) may be written plainly or as `{ value, source, status }`; source and
status are otherwise those of the nearest table around it that has them.
"""

from __future__ import annotations

import dataclasses
import difflib
import reprlib
import types
import typing
from datetime import datetime
from functools import cache
from typing import Any

from scenarios.figures import STATUSES, Figure, OneOf, Unit

_PROVENANCE = ("source", "status")
_HUGE = 1e15
"""No figure of a night comes near; infinity and not-a-number do not pass either."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80

_WORDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    datetime: "an instant with its zone, for example 2020-04-11T19:00:00+07:00",
}


@dataclasses.dataclass(frozen=True)
class Provenance:
    source: str | None = None
    status: str | None = None

    def within(self, words: dict[str, str]) -> Provenance:
        """What holds inside a table that says `words` itself: those, else what is said around it."""
        return Provenance(words.get("source", self.source), words.get("status", self.status))


class Reader:
    """Reads values and keeps what it finds: `faults` (key, text) and `figures`.

    A field's metadata may hold a `provenance` for what its table does not say itself.

    A value that cannot be read becomes None, so that the rest can still be checked; its key is in `broken`, and
    nothing that holds it may leave the catalogue.
    """

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []
        self.figures: list[Figure] = []
        self.broken: set[str] = set()

    def is_whole(self, key: str) -> bool:
        """Whether `key`, everything in it and the tables around it could be read."""
        return not any(_is_within(each, key) or _is_within(key, each) for each in self.broken)

    def is_faultless(self, key: str) -> bool:
        """Whether nothing was found at `key`, in it or around it."""
        return not any(_is_within(each, key) or _is_within(key, each) for each, _ in self.faults)

    def fields(
        self, cls: type, table: dict[str, Any], key: str, around: Provenance, absent: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """The fields of dataclass `cls` from `table`, which stands at `key`; `absent` ones are left out altogether."""
        hints = _hints(cls)
        wanted = {field.name: field for field in dataclasses.fields(cls) if field.name not in absent}
        inside = self._inside(table, key, around)
        for name in table:
            if name not in wanted and name not in _PROVENANCE:
                self._refuse(_joined(key, name), _unknown(name, list(wanted)))
        values: dict[str, Any] = {}
        for name, field in wanted.items():
            if name in table:
                default = field.metadata.get("provenance", inside)
                values[name] = self.value(hints[name], table[name], _joined(key, name), default)
            elif not _has_default(field):
                self._break(_joined(key, name), f"missing{_unit_words(hints[name])}")
                values[name] = None
        return values

    def value(self, hint: Any, value: Any, key: str, around: Provenance) -> Any:
        """`value` as the type `hint` asks for; None after a fault."""
        base, unit, words = _taken_apart(hint)
        origin = typing.get_origin(base)
        if origin in (types.UnionType, typing.Union):
            # Only `X | None` occurs.
            inner = next(each for each in typing.get_args(base) if each is not type(None))
            return None if value is None else self.value(inner, value, key, around)
        if dataclasses.is_dataclass(base):
            if not isinstance(value, dict):
                return self._break(key, "must be a table")
            return typing.cast(type, base)(**self.fields(typing.cast(type, base), value, key, around))
        if origin is dict:
            return self._table(typing.get_args(base)[1], value, key, around)
        if origin is tuple:
            if not isinstance(value, list | tuple):
                return self._break(key, "must be an array")
            inner = typing.get_args(base)[0]
            return tuple(self.value(inner, each, f"{key}[{i}]", around) for i, each in enumerate(value))
        if unit is not None:
            return self._figure(base, unit, value, key, around)
        return self._leaf(base, words, value, key)

    def _table(self, inner: Any, value: Any, key: str, around: Provenance) -> Any:
        """A table with free keys."""
        if not isinstance(value, dict):
            return self._break(key, "must be a table")
        inside = self._inside(value, key, around)
        return {
            name: self.value(inner, each, _joined(key, name), inside)
            for name, each in value.items()
            if name not in _PROVENANCE
        }

    def _figure(self, base: type, unit: Unit, value: Any, key: str, around: Provenance) -> Any:
        if isinstance(value, dict):
            for name in value:
                if name not in ("value", *_PROVENANCE):
                    self._refuse(_joined(key, name), _unknown(name, ["value", *_PROVENANCE]))
            around = self._inside(value, key, around)
            if "value" not in value:
                return self._break(key, "missing value")
            value = value["value"]
        number = self._number(base, unit, value, key)
        if around.source is None:
            self._refuse(key, 'has no source: give source = "..." here or in a table around it')
        if around.status not in STATUSES:
            self._refuse(key, 'has no status: give status = "fact" or "assumption" here or in a table around it')
        if number is not None and around.source is not None:
            self.figures.append(Figure(key, number, unit.name, around.source, str(around.status)))
        return number

    def _inside(self, table: dict[str, Any], key: str, around: Provenance) -> Provenance:
        """The provenance inside `table`. Source or status that is no text is refused here, once, and stood in for."""
        words: dict[str, str] = {}
        for name, stand_in in (("source", "own"), ("status", STATUSES[0])):
            if name in table:
                text = self._leaf(str, None, table[name], _joined(key, name))
                words[name] = stand_in if text is None else text
        return around.within(words)

    def _number(self, base: type, unit: Unit, value: Any, key: str) -> Any:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _HUGE
        if not is_number or (base is int and value != int(value)):
            return self._break(key, f"must be {_WORDS[base]} (unit: {unit.name}), not {_shown(value)}")
        # Out of bounds is a fault, yet the number is kept: further checks can still use it.
        if not unit.low <= value <= unit.high:
            bounds = f"at least {unit.low:g}" if unit.high == float("inf") else f"from {unit.low:g} to {unit.high:g}"
            self._refuse(key, f"must be {bounds} (unit: {unit.name}), not {value!r}")
        return base(value)

    def _leaf(self, base: type, words: OneOf | None, value: Any, key: str) -> Any:
        if base is datetime and isinstance(value, str):
            # run.json has instants as text.
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                pass
        if not isinstance(value, base) or (isinstance(value, datetime) and value.tzinfo is None):
            return self._break(key, f"must be {_WORDS[base]}, not {_shown(value)}")
        if words is not None and value not in words.words:
            return self._break(key, f"must be one of {', '.join(words.words)}, not {_shown(value)}")
        return value

    def _refuse(self, key: str, text: str) -> None:
        self.faults.append((key, text))

    def _break(self, key: str, text: str) -> None:
        self._refuse(key, text)
        self.broken.add(key)


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def _taken_apart(hint: Any) -> tuple[Any, Unit | None, OneOf | None]:
    """The bare type, its unit and its words."""
    if typing.get_origin(hint) is not typing.Annotated:
        return hint, None, None
    base, *marks = typing.get_args(hint)
    unit = next((mark for mark in marks if isinstance(mark, Unit)), None)
    return base, unit, next((mark for mark in marks if isinstance(mark, OneOf)), None)


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _unit_words(hint: Any) -> str:
    unit = _taken_apart(hint)[1]
    return f" (unit: {unit.name})" if unit else ""


def _unknown(name: str, wanted: list[str]) -> str:
    near = difflib.get_close_matches(name, wanted, n=1, cutoff=0.5)
    return f"unknown key; did you mean {near[0]}?" if near else f"unknown key; known are {', '.join(wanted)}"


def _shown(value: Any) -> str:
    if isinstance(value, int) and abs(value) > _HUGE:
        return "one that large"  # Python refuses to write out thousands of digits
    shown = value.isoformat() if hasattr(value, "isoformat") else _short.repr(value)
    return str(shown)


def _is_within(key: str, outer: str) -> bool:
    return key == outer or key.startswith((f"{outer}.", f"{outer}["))


def _joined(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
