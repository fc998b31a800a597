"""What the values inside run.json and events.jsonl must look like before anything is computed from them.

Each check gives (key, text) for what does not fit; keys are dotted, as in `factors.people`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from scenarios import objectives
from scenarios.factors import parse_people

Faults = Iterator[tuple[str, str]]
Check = Callable[[Any, str], Faults]


def config_faults(config: dict[str, Any]) -> list[str]:
    """Everything inside a run.json (its keys are known to be there) that does not fit, as "key: text"."""
    checks = {**_CONFIG, **{name: check for name, check in _MAY_BE.items() if name in config}}
    found = [f"{key}: {text}" for name, check in checks.items() for key, text in check(config[name], name)]
    unsaid = config["ended"] == "missed" and "missed" not in config
    return [*found, *(["missed: does not say which objective ended the run"] if unsaid else [])]


def capacity_faults(document: Any, *, schema: int, phases: Sequence[str], outcomes: Sequence[str]) -> list[str]:
    """Everything inside a capacity.json that does not fit, as "key: text"; phases, outcomes: the words for a probe."""
    if not isinstance(document, dict):
        return ["not a JSON object"]
    if document.get("schema") != schema:
        return [f"schema {document.get('schema')!r} is not {schema}, the one this version reads"]
    probe = _table(phase=_word(phases), outcome=_word(outcomes), **_PROBE)
    checks = {**_CAPACITY, "probes": _list(probe)}
    missing = [f"missing key {name!r}" for name in checks if name not in document]
    return missing or [f"{key}: {text}" for name, check in checks.items() for key, text in check(document[name], name)]


def event_faults(event: Any) -> list[str]:
    """What keeps one line of events.jsonl from being an event."""
    return [f"{key}: {text}" for key, text in _EVENT(event, "event")]


def series_faults(series: Any) -> list[str]:
    """What keeps the list of series of samples.npz from being one."""
    return [f"{key}: {text}" for key, text in _SERIES(series, "series")]


def _text(value: Any, key: str) -> Faults:
    if not isinstance(value, str):
        yield key, "must be text"


def _word(words: Sequence[str]) -> Check:
    def run(value: Any, key: str) -> Faults:
        if value not in words:
            yield key, f"must be one of {', '.join(words)}"

    return run


def _flag(value: Any, key: str) -> Faults:
    if not isinstance(value, bool):
        yield key, "must be true or false"


def _number(value: Any, key: str) -> Faults:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        yield key, "must be a number"


def _amount(value: Any, key: str) -> Faults:
    if any(_number(value, key)) or value < 0:
        yield key, "must be a number, 0 or more"


def _factor(value: Any, key: str) -> Faults:
    if any(_number(value, key)) or value <= 0:
        yield key, "must be a number above 0"


def _whole(value: Any, key: str) -> Faults:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        yield key, "must be a whole number, 0 or more"


def _integer(value: Any, key: str) -> Faults:
    if isinstance(value, bool) or not isinstance(value, int) or not abs(value) < 2**64:
        yield key, "must be a whole number"


def _people(value: Any, key: str) -> Faults:
    try:
        parse_people(str(value))
    except ValueError as fault:
        yield key, str(fault)


def _instant(value: Any, key: str) -> Faults:
    try:
        if datetime.fromisoformat(value).tzinfo is not None:
            return
    except (TypeError, ValueError):
        pass
    yield key, "must be an instant with its zone"


def _optional(check: Check) -> Check:
    return lambda value, key: iter(()) if value is None else check(value, key)


def _list(check: Check) -> Check:
    def run(value: Any, key: str) -> Faults:
        if not isinstance(value, list):
            yield key, "must be a list"
            return
        for i, each in enumerate(value):
            yield from check(each, f"{key}[{i}]")

    return run


def _free(check: Check) -> Check:
    """A table with free keys."""

    def run(value: Any, key: str) -> Faults:
        if not isinstance(value, dict):
            yield key, "must be a table"
            return
        for name, each in value.items():
            yield from check(each, f"{key}.{name}")

    return run


def _table(may_lack: tuple[str, ...] = (), /, **checks: Check) -> Check:
    """A table that has these keys and maybe others; those of `may_lack` are checked where they are there."""

    def run(value: Any, key: str) -> Faults:
        if not isinstance(value, dict):
            yield key, "must be a table"
            return
        for name, check in checks.items():
            if name in value:
                yield from check(value[name], f"{key}.{name}")
            elif name not in may_lack:
                yield f"{key}.{name}", "missing"

    return run


_COUNTS = ("client", "database", "partners", "unknown", "difference")
_HALVES = ("lost", "doubled")


def _ledger(value: Any, key: str) -> Faults:
    """All counts, each a number or null; the halves of a difference may be left out, but not be null."""
    if not isinstance(value, dict):
        yield key, "must be a table"
        return
    for name in _COUNTS:
        if name not in value:
            yield f"{key}.{name}", "missing"
        elif value[name] is not None:
            yield from _whole(value[name], f"{key}.{name}")
    for name in _HALVES:
        if name in value and value.get("difference") is not None:
            yield from _whole(value[name], f"{key}.{name}")


_NULLABLE_AMOUNT = _optional(_amount)
_BOUNDS_ASKED = dict.fromkeys(objectives.STAGE_BOUNDS, _NULLABLE_AMOUNT)
_STAGES_ASKED = _free(_table((*_BOUNDS_ASKED, "reason"), **_BOUNDS_ASKED, reason=_text))
_PROOF = {
    "number": _whole,
    "role": _text,
    "bit": _flag,
    "counted": _free(lambda value, key: iter(())),
    "back_after_s": _amount,
    "proof": _table(("stopped_for_s",), stopped_for_s=_amount),
}
"""What faults tell of themselves, where they do."""
_MAY_TELL = {"edge": _text, "target": _text, "text": _text, **_PROOF}
_EVENT = _table(tuple(_MAY_TELL), t=_number, kind=_text, name=_text, **_MAY_TELL)
_SERIES = _list(_table(name=_text, labels=_free(_text)))

_NIGHT = _table(
    ("objective_reasons", "sources", "figures", "manners"),
    name=_text,
    title=_text,
    opens_at=_instant,
    closes_at=_instant,
    objectives=_table(
        ("stage", "window"),
        **dict.fromkeys(objectives.DEFAULTS, _amount),
        stage=_STAGES_ASKED,
        window=_list(
            _table(
                (*objectives.WINDOW_BOUNDS, "stage", "reason"),
                name=_text,
                start_s=_amount,
                end_s=_amount,
                **dict.fromkeys(objectives.WINDOW_BOUNDS, _NULLABLE_AMOUNT),
                stage=_STAGES_ASKED,
                reason=_text,
            )
        ),
    ),
    objective_reasons=_free(_text),
    manners=_free(_amount),
    sources=_free(_text),
    funnel=_list(
        _table(
            ("email_verified", "identity_verified", "joined"),
            at=_instant,
            registered=_factor,
            email_verified=_NULLABLE_AMOUNT,
            identity_verified=_NULLABLE_AMOUNT,
            joined=_NULLABLE_AMOUNT,
        )
    ),
    figures=_list(_table(key=_text, value=_number, unit=_text, source=_text, status=_text)),
)

_CONFIG: dict[str, Check] = {
    "id": _text,
    "night": _NIGHT,
    "set": _text,
    "reading": _text,
    "seed": _integer,
    "factors": _table(people=_people, speed=_factor, pace=_factor),
    "minutes": _amount,
    "planned": _whole,
    "plan_hash": _text,
    "workers": _whole,
    "drain_limit_s": _amount,
    "opens_at": _number,
    "machine": _table(("memory_bytes",), memory_bytes=_amount),
    "versions": _free(_text),
    "rounded": _list(_text),
    "ledgers": _optional(_free(_ledger)),
    "cpu_s": _free(_amount),
    "exits": _list(_table(role=_text, code=_optional(_integer), expected=_flag)),
    "last_arrival_s": _amount,
    "played_s": _amount,
    "photo_bytes_kept": _flag,
}

_TAKEOVER = _table(
    worker=_whole, at_s=_amount, silent_s=_amount, shards=_whole, cut=_whole, overdue=_whole, takers=_list(_whole)
)
_AUDIT = _table(id=_text, invalid=_flag, cause=_text, advice=_text, figure=_number)

_SIMULATION = _table(
    (),
    step_s=_factor,
    cut=_optional(_whole),
    resources=_free(lambda value, key: iter(())),
    calibration=_table(name=_text, digest=_text),
    costs=_free(_amount),
    assumptions=_list(_text),
    remarks=_list(_text),
    digest=_text,
    events=_whole,
    little=_list(_table(station=_text, area_s=_number, stays_s=_number, came=_whole)),
    broken_laws=_list(_text),
)
"""What a simulated night was played with, and how its laws stood."""

_MAY_BE: dict[str, Check] = {
    "simulated": _flag,
    "simulation": _SIMULATION,
    "arrivals": _text,
    "spacing": _text,
    "steps": _whole,
    "missed": _table(objective=_text, at_s=_amount),
    "needs": _free(_amount),
    "swarm": _table(("health", "takeovers"), health=_list(_AUDIT), takeovers=_list(_TAKEOVER)),
    "stack": _table(
        ("settings", "pins"),
        started=_flag,
        replicas=_optional(_whole),
        proxy=_optional(_text),
        target=_text,
        partners=_text,
        ledger=_flag,
        remarks=_list(_text),
        settings=_free(_text),
        pins=_free(_text),
    ),
}
"""What only rehearsals say: what was played and against what, and how the swarm fared."""

_PROBE: dict[str, Check] = {
    "number": _whole,
    "offered_per_s": _factor,
    "seed": _integer,
    "folder": _text,
    "why": _text,
    "exit_code": _whole,
    "goodput_per_s": _NULLABLE_AMOUNT,
    "grew_per_s": _optional(_number),
}
_POINT = _table(
    times=_factor,
    offered_per_s=_factor,
    goodput_per_s=_NULLABLE_AMOUNT,
    kept=_NULLABLE_AMOUNT,
    folder=_text,
    why=_text,
)
_NAMES_OF_RECOVERY = ("calm_per_s", "jump_per_s", "jump_s", "level", "most", "recovered_s", "watched_s")
_CAPACITY: dict[str, Check] = {
    "id": _text,
    "night": _NIGHT,
    "order": _table(
        set=_text,
        factors=_table(people=_people, speed=_factor, pace=_factor),
        steps=_whole,
        minutes=_factor,
        length_s=_factor,
        drain_limit_s=_amount,
        workers=_whole,
        replicas=_whole,
        seed=_integer,
        beyond=_flag,
        from_per_s=_factor,
        most_probes=_whole,
        target=_optional(_text),
        options=_free(lambda value, key: iter(())),
    ),
    "machine": _table(("memory_bytes",), memory_bytes=_amount),
    "versions": _free(_text),
    "search": _table(
        low_per_s=_NULLABLE_AMOUNT,
        high_per_s=_NULLABLE_AMOUNT,
        methods=_table(goodput=_NULLABLE_AMOUNT, objectives=_NULLABLE_AMOUNT),
        call=_NULLABLE_AMOUNT,
        no_call_because=_text,
    ),
    "beyond": _optional(_table(peak_per_s=_NULLABLE_AMOUNT, points=_list(_POINT), not_known_because=_text)),
    "recovery": _optional(
        _table(**dict.fromkeys(_NAMES_OF_RECOVERY, _NULLABLE_AMOUNT), folder=_text, not_known_because=_text)
    ),
}
"""Of capacity.json; the probes' shape needs the words for them."""
