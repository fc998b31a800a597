"""Toxics read from JSON, strictly: all faults of a body come at once."""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from loadtests.faults.draws import Direction
from loadtests.faults.toxics import KINDS, Down, Latency, Slicer, Toxic
from scenarios.figures import Unit
from scenarios.json_bodies import BodyFault, Refused

DIRECTIONS = {direction.word: direction for direction in Direction}


def toxic(body: Mapping[str, Any]) -> Toxic:
    """The toxic that `body` describes. Raises Refused (422) with every fault."""
    faults: list[BodyFault] = []
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


def _read(figures: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], list[BodyFault]]:
    """The valid values, and a fault for each of the others."""
    values: dict[str, Any] = {}
    faults: list[BodyFault] = []
    for name, value in given.items():
        if name not in figures:
            faults.append(BodyFault(name, "unknown", f"there is no such figure; known: {', '.join(figures) or 'none'}"))
        elif not _fits(figures[name], value):
            faults.append(BodyFault(name, "invalid", _words(figures[name])))
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


def _wrong(body: Mapping[str, Any], name: str, words: str) -> BodyFault:
    return BodyFault(name, "invalid" if name in body else "missing", words)


def _contradictions(kind: type[Toxic], values: Mapping[str, Any]) -> list[BodyFault]:
    """What is wrong between figures that are right by themselves."""
    if kind is Latency and values.get("jitter_s", 0.0) > values.get("delay_s", float("inf")):
        return [BodyFault("jitter_s", "invalid", "must not be above delay_s: nothing arrives before it was sent")]
    if kind is Slicer and values.get("variation_bytes", 0) >= values.get("size_bytes", float("inf")):
        return [BodyFault("variation_bytes", "invalid", "must be below size_bytes: a piece has at least one byte")]
    return []
