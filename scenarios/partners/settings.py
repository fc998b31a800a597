"""The partners' figures as they can be read and changed while they run.

A change names only what changes: `{"sms": {"loss": 0.2}, "civil_registry": {"rate_per_s": 0.15}}`. It is applied whole
or not at all, and a refused one lists every fault.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from scenarios.capacities import PAYOUTS, ROUTE_OF_MANY, AllowanceSpan, Gateway, Payouts, Registry
from scenarios.json_bodies import BodyFault, Refused


@dataclass(frozen=True, slots=True)
class Figures:
    """What the partners can do, per real second; allowances by seconds since the opening."""

    civil_registry: Registry
    email: Gateway
    sms: Gateway
    announcement: Gateway = ROUTE_OF_MANY
    payout: Payouts = PAYOUTS

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


class _Invalid(Exception):
    """A value that cannot be a figure; says what it must be."""


def _figure(least: float, most: float, words: str) -> Callable[[object], float]:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise _Invalid(f"must be {words}")
        return float(value)

    return read


_rate = _figure(0.0, 1e9, "a number of requests per second, 0 or more")
_seconds = _figure(0.0, 86_400.0, "seconds, from 0 to 86400")
_share = _figure(0.0, 1.0, "a share, from 0 to 1")
_sigma = _figure(0.0, 5.0, "the sigma of a log-normal distribution, from 0 to 5")
_instant = _figure(0.0, 1e8, "seconds since the opening, 0 or more")


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**12:
        raise _Invalid("count and per_day must be whole numbers, 0 or more")
    return value


def _allowance(value: object) -> tuple[AllowanceSpan, ...]:
    if not isinstance(value, list):
        raise _Invalid("must be a list of spans")
    spans = [_span(number, span) for number, span in enumerate(value)]
    spans.sort(key=lambda span: span.start_s)
    for earlier, later in pairwise(spans):
        if later.start_s < earlier.end_s:
            raise _Invalid(f"the spans starting at {earlier.start_s:g} and {later.start_s:g} overlap")
    return tuple(spans)


def _span(number: int, value: object) -> AllowanceSpan:
    if not isinstance(value, dict) or not {"start_s", "end_s"} <= value.keys():
        raise _Invalid(f"span {number} must have start_s, end_s and either count or per_day")
    amounts = value.keys() - {"start_s", "end_s"}
    given = {name: value[name] for name in amounts if value[name] is not None}
    if not amounts <= {"count", "per_day"} or len(given) != 1:
        raise _Invalid(f"span {number} must have start_s, end_s and either count or per_day")
    start, end = _instant(value["start_s"]), _instant(value["end_s"])
    if not start < end:
        raise _Invalid(f"span {number} must end after it starts")
    return AllowanceSpan(start_s=start, end_s=end, **{name: _count(amount) for name, amount in given.items()})


_GATEWAY: Mapping[str, Callable[[object], Any]] = {
    "rate_per_s": _rate,
    "delay_median_s": _seconds,
    "delay_sigma": _sigma,
    "loss": _share,
}
_TABLE: Mapping[str, Mapping[str, Callable[[object], Any]]] = {
    "civil_registry": {
        "rate_per_s": _rate,
        "latency_median_s": _seconds,
        "latency_p99_s": _seconds,
        "error_ratio": _share,
        "allowance": _allowance,
    },
    "email": _GATEWAY,
    "sms": _GATEWAY,
    "announcement": _GATEWAY,
    "payout": {"rate_per_s": _rate, "error_ratio": _share},
}


def changed(figures: Figures, change: Mapping[str, Any]) -> Figures:
    """`figures` with `change` applied. Raises Refused (422) with every fault; then nothing is to be applied."""
    faults: list[BodyFault] = []
    parts: dict[str, Any] = {}
    for partner, figure in change.items():
        if partner not in _TABLE:
            faults.append(BodyFault(partner, "unknown", f"there is no such partner; known: {', '.join(_TABLE)}"))
        elif not isinstance(figure, dict):
            faults.append(BodyFault(partner, "invalid", "must be an object of figures"))
        else:
            valid, wrong = _read(partner, figure)
            faults += wrong
            parts[partner] = dataclasses.replace(getattr(figures, partner), **valid)
    registry = parts.get("civil_registry", figures.civil_registry)
    if registry.latency_p99_s < registry.latency_median_s:
        faults.append(BodyFault("civil_registry.latency_p99_s", "invalid", "must not be below latency_median_s"))
    if faults:
        raise Refused(422, "invalid-settings", faults)
    return dataclasses.replace(figures, **parts)


def _read(partner: str, figures: Mapping[str, object]) -> tuple[dict[str, Any], list[BodyFault]]:
    """The valid figures of one partner, and a fault for each of the others."""
    table, valid, faults = _TABLE[partner], {}, []
    for name, value in figures.items():
        field = f"{partner}.{name}"
        if name not in table:
            faults.append(BodyFault(field, "unknown", f"there is no such figure; known: {', '.join(table)}"))
            continue
        try:
            valid[name] = table[name](value)
        except _Invalid as fault:
            faults.append(BodyFault(field, "invalid", str(fault)))
    return valid, faults
