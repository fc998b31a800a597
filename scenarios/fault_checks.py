"""What must hold of the faults on a night's timeline: whom they befall, when, and with which figures."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from types import SimpleNamespace

from scenarios.faults import LINK_KINDS, PARTNER_KINDS, PROCESSES, Fault, overlapping, targets_of

Found = Iterator[tuple[str, str]]

_FACTORS = {
    "slow": (1.0, math.inf),
    "errors": (0.0, 1.0),
    "throttled": (0.0, 1.0),
    "failing": (0.0, 1.0),
    "silent": (0.0, 1.0),
}
"""Kinds of faults that need a factor, with its bounds: outside them they would do nothing or the opposite."""
_NEEDED = {
    "latency": "delay_s",
    "bandwidth": "rate_bytes_per_s",
    "slicer": "size_bytes",
    "slow_close": "delay_s",
}
"""The figure without which a spoiled link would be a sound one."""
_FURTHER = {
    "latency": ("jitter_s",),
    "slicer": ("variation_bytes", "pause_s"),
    **dict.fromkeys(("reset", "limit_data", "half_close"), ("after_bytes",)),
}
_HITS = ("direction", "toxicity")
"""Which part of a link: of every kind but `down`, which takes it whole."""
_ALWAYS = ("kind", "target", "start_s", "end_s")


def figures_of(kind: str) -> tuple[str, ...]:
    """What a fault may say of itself beside target and time."""
    if kind in PARTNER_KINDS:
        return ("factor",)
    hits = _HITS if kind in LINK_KINDS and kind != "down" else ()
    return (*hits, *([_NEEDED[kind]] if kind in _NEEDED else ()), *_FURTHER.get(kind, ()))


def on_the_timeline(night: SimpleNamespace) -> Found:
    """Faults in time and place, and those that take hold of the same thing at once."""
    whole = [i for i, fault in enumerate(night.faults or ()) if _is_whole(fault)]
    for i in whole:
        yield from _alone(f"faults[{i}]", night.faults[i])
    for one, other in overlapping([night.faults[i] for i in whole]):
        first, second = night.faults[whole[one]], night.faults[whole[other]]
        same = "of the same process" if second.target in PROCESSES else "of the same kind on the same target"
        yield (
            f"faults[{whole[other]}].start_s",
            f"{second.kind} of {second.target} overlaps faults[{whole[one]}], "
            f"{first.start_s:g} s to {first.end_s:g} s {same}",
        )


def factors(night: SimpleNamespace, given: set[str]) -> Found:
    """Faults whose factor is missing or senseless; `given` has the keys of all figures in the file."""
    for i, fault in enumerate(night.faults or ()):
        if fault is None or fault.kind not in _FACTORS or fault.factor is None:
            continue
        key = f"faults[{i}].factor"
        low, high = _FACTORS[fault.kind]
        bounds = f"must be from {low:g} to {high:g}" if math.isfinite(high) else f"must be at least {low:g}"
        if key not in given:
            yield key, f"missing: without it a fault of kind {fault.kind} would mean nothing; it {bounds}"
        elif fault.factor > high or 0 <= fault.factor < low:  # the reader refuses what is below 0
            yield key, f"of kind {fault.kind} {bounds}, not {fault.factor:g}"


def _alone(key: str, fault: Fault) -> Found:
    if not fault.start_s < fault.end_s:
        yield f"{key}.end_s", "must be after start_s"
    possible = targets_of(fault.kind)
    if fault.target not in possible:
        yield f"{key}.target", f"of kind {fault.kind} must be one of {', '.join(possible)}, not {fault.target!r}"
        return
    if fault.kind in _NEEDED and getattr(fault, _NEEDED[fault.kind]) == 0:
        yield f"{key}.{_NEEDED[fault.kind]}", f"a fault of kind {fault.kind} needs it, above 0"
    if fault.toxicity == 0:
        yield f"{key}.toxicity", "must be more than 0: nobody would be hit"
    for field in dataclasses.fields(fault):
        spoken = getattr(fault, field.name) != field.default
        if spoken and field.name not in (*_ALWAYS, *figures_of(fault.kind)):
            yield f"{key}.{field.name}", f"means nothing for a fault of kind {fault.kind}"


def _is_whole(fault: Fault | None) -> bool:
    return fault is not None and None not in dataclasses.astuple(fault)
