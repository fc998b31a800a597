"""Toxics read from JSON, strictly: all faults of a body come at once."""

import dataclasses
import json
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loadtests.faults.draws import Direction
from loadtests.faults.toxics import KINDS, Down, Latency, Slicer, Toxic
from scenarios.figures import Unit

DIRECTIONS = {direction.word: direction for direction in Direction}


@dataclass(frozen=True)
class Fault:
    field: str
    code: str
    detail: str


class Refused(Exception):
    """The request cannot be used; answered with `status`, the error's code and all faults."""

    def __init__(self, status: int, error: str, faults: list[Fault]) -> None:
        super().__init__(f"{error}: {faults}")
        self.status = status
        self.error = error
        self.faults = faults


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises Refused (400) when it is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested to exhaust the parser
        raise Refused(400, "malformed-json", [Fault("", "json", "the body must be JSON in UTF-8")]) from None
    if not isinstance(value, dict):
        raise Refused(400, "malformed-json", [Fault("", "json", "the body must be a JSON object")])
    return value


def toxic(body: Mapping[str, Any]) -> Toxic:
    """The toxic that `body` describes. Raises Refused (422) with every fault."""
    faults: list[Fault] = []
    kind = KINDS.get(word) if isinstance(word := body.get("kind"), str) else None
    if kind is None:
        faults.append(_wrong(body, "kind", f"must be one of: {', '.join(KINDS)}"))
    given: dict[str, Any] = {name: value for name, value in body.items() if name != "kind"}
    values: dict[str, Any] = {}
    if kind is not Down:
        word = given.pop("direction", None)
        if isinstance(word, str) and word in DIRECTIONS:
            values["direction"] = DIRECTIONS[word]
        else:
            faults.append(_wrong(body, "direction", f"must be one of: {', '.join(DIRECTIONS)}"))
    if kind is not None:
        figures = _figures(kind)
        read, wrong = _read(figures, given)
        missing = [field.name for field in dataclasses.fields(kind) if field.name in figures and _required(field)]
        wrong += [_wrong(given, name, _words(figures[name])) for name in missing if name not in given]
        values |= read
        faults += wrong + _contradictions(kind, values)
    if faults or kind is None:
        raise Refused(422, "invalid-fields", faults)
    return kind(**values)


def changed(old: Toxic, body: Mapping[str, Any]) -> Toxic:
    """`old` with the figures in `body`; kind and direction stay. Raises Refused (422) with every fault."""
    values, faults = _read(_figures(type(old)), body)
    faults += _contradictions(type(old), {**dataclasses.asdict(old), **values})
    if faults:
        raise Refused(422, "invalid-fields", faults)
    return dataclasses.replace(old, **values)


def _figures(kind: type[Toxic]) -> dict[str, Any]:
    """Names and types of what can be chosen about a toxic of this kind, beside its direction."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {
        field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init and field.name != "direction"
    }


def _required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING


def _read(figures: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """The valid values, and a fault for each of the others."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in given.items():
        if name not in figures:
            faults.append(Fault(name, "unknown", f"there is no such figure; known: {', '.join(figures) or 'none'}"))
        elif not _fits(figures[name], value):
            faults.append(Fault(name, "invalid", _words(figures[name])))
        else:
            values[name] = value if typing.get_args(figures[name])[0] is int else float(value)
    return values, faults


def _fits(figure: Any, value: object) -> bool:
    number, unit = typing.get_args(figure)
    accepted = int if number is int else int | float
    return isinstance(value, accepted) and not isinstance(value, bool) and unit.low <= value <= unit.high


def _words(figure: Any) -> str:
    number, unit = typing.get_args(figure)
    assert isinstance(unit, Unit)
    kind = "a whole number" if number is int else "a number"
    return f"must be {kind} from {unit.low:.15g} to {unit.high:.15g} ({unit.name})"


def _wrong(body: Mapping[str, Any], name: str, words: str) -> Fault:
    return Fault(name, "invalid" if name in body else "missing", words)


def _contradictions(kind: type[Toxic], values: Mapping[str, Any]) -> list[Fault]:
    """What is wrong between figures that are right by themselves."""
    if kind is Latency and values.get("jitter_s", 0.0) > values.get("delay_s", float("inf")):
        return [Fault("jitter_s", "invalid", "must not be above delay_s: nothing arrives before it was sent")]
    if kind is Slicer and values.get("variation_bytes", 0) >= values.get("size_bytes", float("inf")):
        return [Fault("variation_bytes", "invalid", "must be below size_bytes: a piece has at least one byte")]
    return []
