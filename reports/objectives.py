"""The objectives of a night: what must hold, outside injected faults, for the verdict to be "met".

Bounds come from the night in run.json. Each rule answers with a value, whether it meets the bound, and a detail for
people; None for "met" means that this run cannot tell, and the detail says why.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports import statistics
from reports.facts import Facts
from reports.responses import api_answers
from reports.statistics import ROUNDING
from reports.wording import number, percent, seconds
from scenarios.record import PARTIAL_ENDS, Fate

WAITS_TO_JUDGE = 200
"""Fewer waits than this say too little about a share of 75 %: its standard error would exceed 3 points."""
RANGE_TOO_WIDE = 0.85
"""A range of waits that holds more often than this could have been narrower."""
QUICK_HANDOVER_S = 10.0

Finding = tuple[float | None, bool | None, str]


@dataclass(frozen=True)
class Objective:
    """One objective and how this run stands to it. met: None = not judged, for the reason in `detail`."""

    id: str
    text: str
    bound: float
    value: float | None
    met: bool | None
    detail: str
    loosened: str | None = None

    @property
    def value_text(self) -> str:
        return worded(self.id, self.value)

    @property
    def bound_text(self) -> str:
        return worded(self.id, self.bound)

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def _api(q: float) -> Callable[[Facts, float], Finding]:
    def rule(facts: Facts, bound: float) -> Finding:
        answers = api_answers(facts, windows=facts.windows)
        if not answers.total:
            return None, None, "no API answer outside faults was recorded"
        value = answers.quantile(q)
        within = answers.share_within(bound)
        detail = f"{percent(within, 2)} of {answers.total:,.0f} answers came within {bound:g} s"
        if math.isinf(value):
            value = float(answers.edges[-2])
            detail += f"; the {q:.0%} point lies beyond {value:g} s"
        return value, within >= q * (1 - ROUNDING), detail

    return rule


def _server_errors(facts: Facts, bound: float) -> Finding:
    by_outcome = statistics.totals_by(facts.run.samples, "swarm_requests_total", "outcome", facts.windows)
    asked = sum(by_outcome.values())
    if not asked:
        return None, None, "no request outside faults was recorded"
    errors = by_outcome.get("error", 0.0)
    others = ", ".join(f"{by_outcome.get(name, 0):,.0f} {name}" for name in ("busy", "timeout", "transport"))
    return errors / asked, errors / asked <= bound, f"{errors:,.0f} of {asked:,.0f} requests; beside them {others}"


def _codes_handed_over(facts: Facts, bound: float) -> Finding:
    name = "registration_code_handover_seconds"
    free = statistics.histogram(facts.run.samples, name, facts.windows, quota_bound="no")
    bound_by_quota = statistics.histogram(facts.run.samples, name, facts.windows, quota_bound="yes").total
    beside = f"{bound_by_quota:,.0f} more waited for a partner's quota and are not judged"
    if not free.total and not bound_by_quota:
        return None, None, "no hand-over of a code outside faults was recorded"
    if not free.total:
        return None, None, f"no code was free of a partner's quota; {beside}"
    value = free.share_within(QUICK_HANDOVER_S)
    return value, value >= bound * (1 - ROUNDING), f"of {free.total:,.0f} codes; {beside}"


def _photos_stored(facts: Facts, bound: float) -> Finding:
    if facts.config["ended"] in PARTIAL_ENDS:
        return None, None, "the run ended early, with photos on their way"
    started = int(facts.people["photos_started"][facts.calm].sum())
    stored = int(facts.people["photos_stored"][facts.calm].sum())
    if not started:
        return None, None, "nobody untouched by faults started a photo"
    return stored / started, stored / started >= bound * (1 - ROUNDING), f"{stored:,} of {started:,} started photos"


def _photo_tries(facts: Facts, bound: float) -> Finding:
    started = facts.people["photos_started"][facts.calm]
    tries = facts.people["photo_tries"][facts.calm][started > 0] / started[started > 0]
    if not len(tries):
        return None, None, "nobody untouched by faults started a photo"
    value = float(np.median(tries))
    return value, value <= bound, f"median over {len(tries):,} people; the mean is {float(tries.mean()):.2f}"


def _admitted_joined(facts: Facts, bound: float) -> Finding:
    if facts.config["ended"] in PARTIAL_ENDS:
        return None, None, "the run ended early, before the admitted could join"
    limit = facts.admitted_in_time_s
    if limit <= 0:
        return None, None, "the drain limit left nobody the time to join that is granted: 300 s and 2,400 s / pace"
    people = facts.people
    with np.errstate(invalid="ignore"):
        judged = facts.calm & (people["admitted_at"] <= limit)
    judged &= ~np.isin(people["fate"], (Fate.ABANDONED, Fate.REFUSED))
    count = int(np.count_nonzero(judged))
    if not count:
        return None, None, f"nobody untouched by faults was admitted by {limit:,.0f} s, early enough to be judged"
    joined = int(np.count_nonzero(people["fate"][judged] == Fate.JOINED))
    detail = f"{joined:,} of {count:,} people admitted by {limit:,.0f} s after the opening"
    return joined / count, joined / count >= bound * (1 - ROUNDING), detail


def _waits_in_range(facts: Facts, bound: float) -> Finding:
    low, high, wait = (facts.people[name][facts.calm] for name in ("wait_low", "wait_high", "wait"))
    told = np.isfinite(low) & np.isfinite(high) & np.isfinite(wait)
    count = int(np.count_nonzero(told))
    if count < WAITS_TO_JUDGE:
        return None, None, f"{count:,} waits were recorded; judged from {WAITS_TO_JUDGE} on"
    inside = int(np.count_nonzero((low <= wait)[told] & (wait <= high)[told]))
    detail = f"{inside:,} of {count:,} waits"
    if inside / count > RANGE_TOO_WIDE:
        detail += "; range too wide: it could promise more"
    return inside / count, inside / count >= bound * (1 - ROUNDING), detail


def _ledger_sum(half: str) -> Callable[[Facts, float], Finding]:
    def rule(facts: Facts, bound: float) -> Finding:
        ledgers = facts.config["ledgers"] or {}
        known = {kind: ledger for kind, ledger in ledgers.items() if ledger["difference"] is not None}
        found = {kind: split_difference(ledger)[half] for kind, ledger in known.items()}
        value = float(sum(found.values()))
        if value > bound:
            return value, False, ", ".join(f"{count:,} {_words(kind)}" for kind, count in found.items() if count)
        if ledgers and not facts.stack["ledger"]:
            among = f"none among {_named(known)}" if known else "nothing could be compared"
            rest = _named(kind for kind in ledgers if kind not in known)
            return None, None, f"between clients and partners {among}; the database, which holds {rest}, was not read"
        if len(known) < len(ledgers) or not ledgers:
            unread = _named(kind for kind in ledgers if kind not in known)
            return None, None, f"the ledgers of {unread or 'this run'} could not be compared"
        return value, True, f"none among {_named(found)}"

    return rule


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _named(kinds: Iterable[str]) -> str:
    return ", ".join(map(_words, kinds))


def split_difference(ledger: dict[str, Any]) -> dict[str, int]:
    """The two halves of a ledger's difference: acknowledged but missing (lost), done or asked too often (doubled).

    The audit may name them; else as many as the database has fewer than the clients were told are lost.
    """
    difference = int(ledger["difference"])
    missing = max(0, int(ledger["client"] or 0) - int(ledger["database"] or 0))
    lost = int(ledger.get("lost", min(missing, difference)))
    return {"lost": lost, "doubled": int(ledger.get("doubled", difference - lost))}


def worded(name: str, value: float | None) -> str:
    """A value or bound of the objective `name` as people read it."""
    if name.endswith("_ratio"):
        return percent(value, 2)
    return seconds(value) if name.endswith("_s") else number(value)


@dataclass(frozen=True)
class Rule:
    """How one objective is worded and judged."""

    text: Callable[[float], str]
    judge: Callable[[Facts, float], Finding]


RULES: dict[str, Rule] = {
    "api_p95_s": Rule(lambda b: f"At least 95 % of API answers within {b:g} s of the intended start", _api(0.95)),
    "api_p99_s": Rule(lambda b: f"At least 99 % of API answers within {b:g} s of the intended start", _api(0.99)),
    "server_error_ratio": Rule(lambda b: f"At most {percent(b)} of requests end in a server error", _server_errors),
    "codes_within_10s_ratio": Rule(
        lambda b: f"At least {percent(b)} of codes handed over within 10 s, unless a quota held them",
        _codes_handed_over,
    ),
    "photos_stored_ratio": Rule(lambda b: f"At least {percent(b)} of started photos stored", _photos_stored),
    "photo_tries_median": Rule(lambda b: f"At most {b:g} tries a photo in the median", _photo_tries),
    "admitted_joined_ratio": Rule(
        lambda b: f"At least {percent(b)} of people admitted in time have joined", _admitted_joined
    ),
    "waits_in_range_ratio": Rule(lambda b: f"At least {percent(b)} of waits inside the shown range", _waits_in_range),
    "lost": Rule(lambda b: "Nothing acknowledged is lost", _ledger_sum("lost")),
    "doubled": Rule(lambda b: "Nothing is done twice", _ledger_sum("doubled")),
}


def judge_all(facts: Facts) -> list[Objective]:
    """Every objective of the run's night, in the order of RULES."""
    objectives = []
    for name, rule in RULES.items():
        bound, loosened = bound_of(facts, name)
        value, met, detail = rule.judge(facts, bound)
        objectives.append(Objective(name, rule.text(bound), bound, value, met, detail, loosened))
    return objectives


def bound_of(facts: Facts, name: str) -> tuple[float, str | None]:
    """The night's bound for an objective, and the night's reason where it was loosened."""
    night = facts.config["night"]
    return float(night["objectives"][name]), night.get("objective_reasons", {}).get(name)
