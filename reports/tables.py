"""The tables of the report, as text: ledgers, fates, processor time, the generator, rates, configuration."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports import funnel, scale
from reports.drawing import Table
from reports.facts import Facts
from reports.generator import Audit
from reports.names import AUDITS, ENDINGS, FACTORS, FATES, LEDGERS, MANNERS, PARTS, STATUSES, named
from reports.responses import ORDER
from reports.verdict import Verdict
from reports.wording import N_, Quoted, Said, clock, count, listed, number, percent, recorded, say, seconds
from scenarios.record import Fate, Manners, Reason, RecordError

REASONS_SHOWN = 3
LATENCY = "latency.json"
KINDS = {
    "service": N_("{route}, from the departure"),
    "scheduled": N_("{route}, from the intended start"),
    "blocked": N_("{route}, waiting for a connection"),
}
QUANTILES = {
    "p50": N_("half"),
    "p90": N_("90 %"),
    "p99": N_("99 %"),
    "p99_9": N_("99.9 %"),
    "p99_99": N_("99.99 %"),
    "max": N_("longest"),
}


def factors(facts: Facts) -> Table:
    """What each factor of the run scales and what it leaves."""
    rows = [[one.name, one.value, one.scales, one.leaves] for one in scale.factors(facts)]
    heads = [say("factor"), say("value"), say("makes smaller or quicker"), say("leaves as it is")]
    return Table(heads, rows)


def mapping() -> Table:
    """Published stages beside ours."""
    labels = {stage.name.lower(): label for stage, label in funnel.LABELS.items()}
    labels[funnel.IDENTITY_VERIFIED] = funnel.IDENTITY_VERIFIED_LABEL
    rows = [[say(one.theirs), say(labels[one.ours]), say(one.remark)] for one in funnel.MAPPING]
    return Table([say("published in April 2020"), say("our stage"), say("how they compare")], rows)


def ledgers(verdict: Verdict) -> Table:
    columns = ("client", "database", "partners", "unknown", "difference")
    rows = [
        [
            named(kind, LEDGERS),
            *(count(ledger[column], source=f"config:ledgers.{kind}.{column}") for column in columns),
        ]
        for kind, ledger in verdict.ledgers.items()
    ]
    heads = [say("of what"), say("clients were told"), say("database holds"), say("partners saw")]
    return Table([*heads, say("unknown"), say("difference")], rows)


def faults(facts: Facts) -> Table:
    """Each injected fault, and what shows that it bit."""
    rows = [
        [
            clock(fault.start_s),
            say("not ended") if math.isinf(fault.end_s) else seconds(fault.end_s - fault.start_s),
            fault.name,
            fault.trouble or listed(filter(None, (say("yes"), fault.proof)), "; "),
        ]
        for fault in facts.faults
    ]
    return Table([say("at"), say("for"), say("fault"), say("did it bite?")], rows)


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
        counted = np.bincount(facts.people["reason"][facts.people["fate"] == fate])
        most = np.argsort(-counted, kind="stable")[:REASONS_SHOWN].tolist()
        reasons = [(reason, int(counted[reason])) for reason in most if counted[reason]]
        told = listed((_reason(fate, reason, times) for reason, times in reasons), "; ")
        share = people / facts.planned if facts.planned else 0.0
        rows.append(
            FateRow(
                named(fate.name.lower(), FATES),
                recorded(fate.phrase),
                count(people, source=f"people:count fate={fate:d}" if fate is not Fate.CUT else ""),
                percent(share),
                round(100 * share, 1),
                told,
            )
        )
    return rows


def _reason(fate: Fate, reason: int, times: int) -> Said:
    known = {int(one): recorded(one.phrase) for one in Reason}
    words = known[reason] if reason in known else say("reason {number}", number=reason)
    of_times = count(times, source=f"people:count fate={fate:d} reason={reason}")
    return say("{reason} ({times})", reason=words, times=of_times)


def cpu(verdict: Verdict) -> Table:
    total, joined = sum(verdict.cpu_s.values()), verdict.fates["joined"]

    def row(name: str, used: float) -> list[str]:
        return [
            name,
            number(used),
            percent(used / total if total else None),
            seconds(used / joined if joined else None),
        ]

    rows = [row(named(role, PARTS), used) for role, used in sorted(verdict.cpu_s.items(), key=lambda pair: -pair[1])]
    heads = [say("role"), say("CPU seconds"), say("share"), say("per joined applicant")]
    return Table(heads, [*rows, row(say("all"), total)])


def audits(found: list[Audit]) -> Table:
    """What the generator's audits found, the invalid ones first."""
    rows = [
        [named(one.id, AUDITS), say("makes the run invalid") if one.invalid else say("to know"), one.cause, one.advice]
        for one in sorted(found, key=lambda one: not one.invalid)
    ]
    return Table([say("of what"), say("weight"), say("what was found"), say("what to do")], rows)


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
            [say(words, route=route), count(told[route][kind]["count"]), *_figures(told[route][kind])]
            for route in sorted(told, key=lambda route: (place.get(route, len(place)), route))
            for kind, words in KINDS.items()
            if kind in told[route] and (kind != "blocked" or told[route][kind]["max"] > 0)
        ]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as fault:
        raise RecordError(f"{path}: not a readable latency file ({fault})") from None
    return Table([say("route"), say("answers"), *map(say, QUANTILES.values())], rows)


def _figures(told: dict[str, Any]) -> list[str]:
    return [seconds(float(told[name])) for name in QUANTILES]


def rates(facts: Facts) -> Table:
    rows = [
        [one.label, say(one.unit, n=number(one.here)), say(one.unit, n=number(one.full)), one.kind]
        for one in scale.busiest_minutes(facts)
        if math.isfinite(one.here)
    ]
    here = say("simulated here") if facts.is_simulated else say("measured here")
    return Table([say("rate"), here, say("at full scale"), say("which is")], rows)


def configuration(facts: Facts) -> Table:
    config = facts.config
    factors = (listed((named(name, FACTORS), str(value)), " ") for name, value in config["factors"].items())
    rows: list[list[str]] = [
        [say("run"), str(config["id"])],
        [say("night"), _played(facts)],
        [say("manners"), facts.manners],
        [say("factors"), listed(factors)],
        [say("played"), _lasted(config)],
        [say("seed"), str(config["seed"])],
        [say("plan"), _plan(facts)],
        *_visitors(config),
        [say("played against"), _stack(facts)],
        *([[say("settings tried"), tried]] if (tried := _tried(facts)) else []),
        [say("swarm workers"), str(config["workers"])],
        [say("drain"), _drain(config)],
        [say("photo bytes"), say("kept") if config["photo_bytes_kept"] else say("deleted after the audit")],
        [say("machine"), ", ".join(f"{name} {value}" for name, value in config["machine"].items())],
        [say("versions"), ", ".join(f"{name} {value}" for name, value in config["versions"].items())],
    ]
    return Table([say("what"), say("value")], rows)


def _played(facts: Facts) -> Said:
    name, set_ = facts.config["night"]["name"], facts.config["set"]
    return say("{night}, {arrivals}, set {set}", night=name, arrivals=facts.arrivals, set=set_)


def _lasted(config: Mapping[str, Any]) -> Said:
    minutes = number(float(config["minutes"]), source="config:minutes")
    took = number(float(config["played_s"]), source="config:played_s")
    return say("{minutes} minutes of the night, {took} s in all", minutes=minutes, took=took)


def _plan(facts: Facts) -> Said:
    people = count(facts.planned, source="config:planned")
    return say("{people} people, hash {hash}", people=people, hash=facts.config["plan_hash"])


def _drain(config: Mapping[str, Any]) -> Said:
    limit = number(float(config["drain_limit_s"]), source="config:drain_limit_s")
    ended = named(config["ended"], ENDINGS)
    return say("at most {limit} s after the last arrival; ended: {ended}", limit=limit, ended=ended)


def manners(facts: Facts) -> Table | None:
    """What each kind of client asked of the service and what its people got; None where all were of one kind."""
    rows: list[list[str]] = []
    for kind in Manners:
        own = (facts.people["manners"] == kind) & ~np.isnan(facts.people["started"])
        people = int(own.sum())
        if people:
            each = [float(facts.people[column][own].sum()) / people for column in ("requests", "retries")]
            joined = float((facts.people["fate"][own] == Fate.JOINED).mean())
            told = listed((named(kind.name.lower(), MANNERS), recorded(kind.phrase)), ": ")
            rows.append([told, count(people), *(number(one) for one in each), percent(joined)])
    heads = [say("clients"), say("people"), say("requests each"), say("tried again each"), say("joined")]
    return Table(heads, rows) if len(rows) > 1 else None


def _visitors(config: Mapping[str, Any]) -> list[list[str]]:
    """Who went by pages, and who only looked; nothing of a run without them."""
    share = float(config["night"].get("population", {}).get("without_javascript", 0.0))
    rows: list[list[str]] = []
    if share:
        share_told = percent(share, source="config:night.population.without_javascript")
        rows.append([say("by pages, without JavaScript"), say("{share} of the people", share=share_told)])
    seen = config.get("swarm", {}).get("onlookers", {})
    if seen.get("planned"):
        told = {name: count(people, source=f"config:swarm.onlookers.{name}") for name, people in seen.items()}
        came = say("{arrived} of {planned} came", **told)
        ends = say("{read} read, {turned_away} turned away, {cut} cut off", **told)
        row = say("{came}: {ends}; {requests} requests", came=came, ends=ends, requests=told["requests"])
        rows.append([say("only looked"), row])
    return rows


def _tried(facts: Facts) -> str:
    """Settings of the service that were not their defaults."""
    return ", ".join(f"{name}={value}" for name, value in facts.stack.get("settings", {}).items())


def _stack(facts: Facts) -> Said:
    stack = facts.stack
    if not stack["started"]:
        return say("a running stack at {target}, partners at {partners}", **stack)
    replicas = count(stack["replicas"])
    if not stack["proxy"]:
        return say("processes started for the run, {replicas} of the web role", replicas=replicas)
    return say(
        "processes started for the run, {replicas} of the web role behind {proxy}",
        replicas=replicas,
        proxy=stack["proxy"],
    )


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
            rows.append([one["key"], value, named(one["status"], STATUSES), Quoted(f"{told} {remark}".strip())])
    heads = [say("figure"), say("value"), say("status"), say("source")]
    return Table(heads, rows) if rows else None
