"""The tables of the report, as text: ledgers, fates, processor time, the generator, rates, configuration."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports import funnel, scale
from reports.drawing import Table
from reports.facts import Facts
from reports.generator import Audit
from reports.responses import ORDER
from reports.verdict import Verdict
from reports.wording import clock, count, number, percent, seconds
from scenarios.record import Fate, Manners, Reason, RecordError

REASONS_SHOWN = 3
LATENCY = "latency.json"
KINDS = {"service": "from the departure", "scheduled": "from the intended start", "blocked": "waiting for a connection"}
QUANTILES = {"p50": "half", "p90": "90 %", "p99": "99 %", "p99_9": "99.9 %", "p99_99": "99.99 %", "max": "longest"}


def factors(facts: Facts) -> Table:
    """What each factor of the run scales and what it leaves."""
    rows = [[one.name, one.value, one.scales, one.leaves] for one in scale.factors(facts)]
    return Table(["factor", "value", "makes smaller or quicker", "leaves as it is"], rows)


def mapping() -> Table:
    """Published stages beside ours."""
    labels = {stage.name.lower(): label for stage, label in funnel.LABELS.items()}
    labels[funnel.IDENTITY_VERIFIED] = "identity verified"
    rows = [[one.theirs, labels[one.ours], one.remark] for one in funnel.MAPPING]
    return Table(["published in April 2020", "our stage", "how they compare"], rows)


def ledgers(verdict: Verdict) -> Table:
    columns = ("client", "database", "partners", "unknown", "difference")
    rows = [
        [kind.replace("_", " "), *(count(ledger[column]) for column in columns)]
        for kind, ledger in verdict.ledgers.items()
    ]
    return Table(["of what", "clients were told", "database holds", "partners saw", "unknown", "difference"], rows)


def faults(facts: Facts) -> Table:
    """Each injected fault, and what shows that it bit."""
    rows = [
        [
            clock(fault.start_s),
            "not ended" if math.isinf(fault.end_s) else seconds(fault.end_s - fault.start_s),
            fault.name.replace("_", " "),
            fault.trouble or "; ".join(filter(None, ("yes", fault.proof))),
        ]
        for fault in facts.faults
    ]
    return Table(["at", "for", "fault", "did it bite?"], rows)


@dataclass(frozen=True)
class FateRow:
    """One fate with its people and why."""

    name: str
    phrase: str
    people: str
    share: str
    width: float
    reasons: str


def fates(facts: Facts) -> list[FateRow]:
    rows = []
    for fate, people in facts.fates.items():
        numbers = facts.people["reason"][facts.people["fate"] == fate].tolist()
        reasons = Counter(numbers).most_common(REASONS_SHOWN)
        told = "; ".join(f"{_reason(reason)} ({count(times)})" for reason, times in reasons)
        share = people / facts.planned if facts.planned else 0.0
        rows.append(FateRow(fate.name.lower(), fate.phrase, count(people), percent(share), round(100 * share, 1), told))
    return rows


def _reason(number_: int) -> str:
    known = {int(reason): reason.phrase for reason in Reason}
    return known.get(number_, f"reason {number_}")


def cpu(verdict: Verdict) -> Table:
    total, joined = sum(verdict.cpu_s.values()), verdict.fates["joined"]

    def row(name: str, used: float) -> list[str]:
        return [name, number(used), percent(used / total if total else None), seconds(used / joined) if joined else "–"]

    rows = [row(role, used) for role, used in sorted(verdict.cpu_s.items(), key=lambda pair: -pair[1])]
    return Table(["role", "CPU seconds", "share", "per joined applicant"], [*rows, row("all", total)])


def audits(found: list[Audit]) -> Table:
    """What the generator's audits found, the invalid ones first."""
    rows = [
        [one.id.replace("-", " "), "makes the run invalid" if one.invalid else "to know", one.cause, one.advice]
        for one in sorted(found, key=lambda one: not one.invalid)
    ]
    return Table(["of what", "weight", "what was found", "what to do"], rows)


def latency(facts: Facts) -> Table | None:
    """Times of each route to one in ten thousand, as the swarm's workers measured them; None of an older record.

    Raises RecordError when the file cannot be read.
    """
    path = facts.run.folder / LATENCY
    if not path.exists():
        return None
    try:
        told: dict[str, dict[str, dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
        place = {route: i for i, route in enumerate(ORDER)}
        rows = [
            [f"{route}, {words}", count(told[route][kind]["count"]), *_figures(told[route][kind])]
            for route in sorted(told, key=lambda route: (place.get(route, len(place)), route))
            for kind, words in KINDS.items()
            if kind in told[route] and (kind != "blocked" or told[route][kind]["max"] > 0)
        ]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as fault:
        raise RecordError(f"{path}: not a readable latency file ({fault})") from None
    return Table(["route", "answers", *QUANTILES.values()], rows)


def _figures(told: dict[str, Any]) -> list[str]:
    return [seconds(float(told[name])) for name in QUANTILES]


def rates(facts: Facts) -> Table:
    rows = [
        [one.label, f"{number(one.here)} {one.unit}", f"{number(one.full)} {one.unit}", one.kind]
        for one in scale.busiest_minutes(facts)
        if math.isfinite(one.here)
    ]
    return Table(["rate", "measured here", "at full scale", "which is"], rows)


def configuration(facts: Facts) -> Table:
    config = facts.config
    rows = [
        ["run", str(config["id"])],
        ["night", f"{config['night']['name']}, {facts.arrivals}, set {config['set']}"],
        ["manners", facts.manners],
        ["factors", ", ".join(f"{name} {value}" for name, value in config["factors"].items())],
        ["played", f"{config['minutes']} minutes of the night, {number(float(config['played_s']))} s in all"],
        ["seed", str(config["seed"])],
        ["plan", f"{count(facts.planned)} people, hash {config['plan_hash']}"],
        *_visitors(config),
        ["played against", _stack(facts)],
        ["swarm workers", str(config["workers"])],
        ["drain", f"at most {config['drain_limit_s']} s after the last arrival; ended: {config['ended']}"],
        ["photo bytes", "kept" if config["photo_bytes_kept"] else "deleted after the audit"],
        ["machine", ", ".join(f"{name} {value}" for name, value in config["machine"].items())],
        ["versions", ", ".join(f"{name} {value}" for name, value in config["versions"].items())],
    ]  # fmt: skip
    return Table(["what", "value"], rows)


def manners(facts: Facts) -> Table | None:
    """What each kind of client asked of the service and what its people got; None where all were of one kind."""
    rows = []
    for kind in Manners:
        own = (facts.people["manners"] == kind) & ~np.isnan(facts.people["started"])
        people = int(own.sum())
        if people:
            each = [float(facts.people[column][own].sum()) / people for column in ("requests", "retries")]
            joined = float((facts.people["fate"][own] == Fate.JOINED).mean())
            told = f"{kind.name.lower()}: {kind.phrase}"
            rows.append([told, count(people), *(number(one) for one in each), percent(joined)])
    heads = ["clients", "people", "requests each", "tried again each", "joined"]
    return Table(heads, rows) if len(rows) > 1 else None


def _visitors(config: Mapping[str, Any]) -> list[list[str]]:
    """Who went by pages, and who only looked; nothing of a run without them."""
    share = float(config["night"].get("population", {}).get("without_javascript", 0.0))
    rows = [["by pages, without JavaScript", f"{percent(share)} of the people"]] if share else []
    seen = config.get("swarm", {}).get("onlookers", {})
    if seen.get("planned"):
        ends = f"{count(seen['read'])} read, {count(seen['turned_away'])} turned away, {count(seen['cut'])} cut off"
        came = f"{count(seen['arrived'])} of {count(seen['planned'])} came"
        rows.append(["only looked", f"{came}: {ends}; {count(seen['requests'])} requests"])
    return rows


def _stack(facts: Facts) -> str:
    stack = facts.stack
    if not stack["started"]:
        return f"a running stack at {stack['target']}, partners at {stack['partners']}"
    proxy = f" behind {stack['proxy']}" if stack["proxy"] else ""
    return f"processes started for the run, {stack['replicas']} of the web role{proxy}"


def night_figures(facts: Facts) -> Table | None:
    """Partners of the played set, prices, funnel and objectives of the night, each with its source and status."""
    night = facts.config["night"]
    kept = (f"partners.{facts.config['set']}.", "prices.", "funnel", "objectives.", "faults", "curve.demand")
    rows = []
    for one in night.get("figures", ()):
        if one["key"].startswith(kept):
            source, _, remark = one["source"].partition(": ")
            told = night.get("sources", {}).get(source, source)
            value = f"{one['value']} {one['unit']}"
            rows.append([one["key"], value, one["status"], f"{told} {remark}".strip()])
    return Table(["figure", "value", "status", "source"], rows) if rows else None
