"""How each kind of objective is worded and judged.

A rule answers with a value, whether it meets the bound, a detail for people, and where the value stands in the record;
None for "met" means that this run cannot tell, and the detail says why.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from reports import ledgers, statistics
from reports.region import REQUESTS, Region
from reports.statistics import ROUNDING
from reports.wording import N_, Said, Told, count, number, percent, say, seconds
from scenarios.record import PARTIAL_ENDS, Fate

WAITS_TO_JUDGE = 200
"""Fewer waits than this say too little about a share of 75 %: its standard error would exceed 3 points."""
RANGE_TOO_WIDE = 0.85
"""A range of waits that holds more often than this could have been narrower."""
QUICK_HANDOVER_S = 10.0
HANDOVER = "registration_code_handover_seconds"


class Judged(NamedTuple):
    """How a run stands to one bound."""

    value: float | None
    met: bool | None
    detail: str
    source: str = ""


@dataclass(frozen=True)
class Rule:
    """text: what is demanded, with its bound; judge: how a region of a run stands to that bound."""

    text: Callable[[Told], Said]
    judge: Callable[[Region, float], Judged]


def open_question(why: Said) -> Judged:
    """What this run cannot tell."""
    return Judged(None, None, why)


def _answers(q: float) -> Callable[[Region, float], Judged]:
    def judge(region: Region, bound: float) -> Judged:
        answers = region.answers
        if not answers.total:
            return open_question(say("no answer outside faults was recorded"))
        value, source = answers.quantile(q), region.source(f"q{q:g}")
        share = answers.share_within(bound)
        detail = say(
            "{share} of {answers} answers came within {bound}",
            share=percent(share, 2, source=region.source(f"within {bound:g}")),
            answers=count(answers.total, source=region.answers_source),
            bound=seconds(bound),
        )
        if bound not in answers.edges:
            detail = say("{detail}, interpolated between two edges of the histogram", detail=detail)
        if math.isinf(value):
            value, source = float(answers.edges[-2]), ""
            beyond = say("the {share} point lies beyond {edge}", share=percent(q), edge=seconds(value))
            detail = say("{detail}; {beside}", detail=detail, beside=beyond)
        return Judged(value, share >= q * (1 - ROUNDING), detail, source)

    return judge


def _server_errors(region: Region, bound: float) -> Judged:
    by_outcome = region.requests
    asked = sum(by_outcome.values())
    if not asked:
        return open_question(say("no request outside faults was recorded"))

    def told(outcome: str) -> Told:
        return count(by_outcome.get(outcome, 0.0), source=region.source("total", REQUESTS, outcome=outcome))

    errors, total = region.source("total", REQUESTS, outcome="error"), region.source("total", REQUESTS)
    detail = say(
        "{errors} of {asked} requests; beside them {busy} told to come back, {timeout} timeouts, {broken} broken off",
        errors=told("error"),
        asked=count(asked, source=total),
        busy=told("busy"),
        timeout=told("timeout"),
        broken=told("transport"),
    )
    value = by_outcome.get("error", 0.0) / asked
    return Judged(value, value <= bound * (1 + ROUNDING), detail, f"({errors}) / ({total})")


def _codes_handed_over(region: Region, bound: float) -> Judged:
    samples = region.facts.run.samples
    free = statistics.histogram(samples, HANDOVER, region.left_out, quota_bound="no")
    held = statistics.histogram(samples, HANDOVER, region.left_out, quota_bound="yes").total
    if not free.total and not held:
        return open_question(say("no hand-over of a code outside faults was recorded"))
    by_quota = count(held, source=region.source("total", f"{HANDOVER}_bucket", quota_bound="yes", le="+Inf"))
    beside = say("{codes} more waited for a partner's quota and are not judged", codes=by_quota)
    if not free.total:
        return open_question(say("no code was free of a partner's quota; {beside}", beside=beside))
    value = free.share_within(QUICK_HANDOVER_S)
    codes = count(free.total, source=region.source("total", f"{HANDOVER}_bucket", quota_bound="no", le="+Inf"))
    detail = say("of {codes} codes; {beside}", codes=codes, beside=beside)
    within = region.source(f"within {QUICK_HANDOVER_S:g}", HANDOVER, quota_bound="no")
    return Judged(value, value >= bound * (1 - ROUNDING), detail, within)


def _photos_stored(region: Region, bound: float) -> Judged:
    facts = region.facts
    if facts.config["ended"] in PARTIAL_ENDS:
        return open_question(say("the run ended early, with photos on their way"))
    started = int(facts.people["photos_started"][facts.calm].sum())
    stored = int(facts.people["photos_stored"][facts.calm].sum())
    if not started:
        return open_question(say("nobody untouched by faults started a photo"))
    of = [f"people:sum photos_{what}" if facts.calm.all() else "" for what in ("stored", "started")]
    detail = say(
        "{stored} of {started} started photos", stored=count(stored, source=of[0]), started=count(started, source=of[1])
    )
    source = f"({of[0]}) / ({of[1]})" if of[0] else ""
    return Judged(stored / started, stored / started >= bound * (1 - ROUNDING), detail, source)


def _photo_tries(region: Region, bound: float) -> Judged:
    people, calm = region.facts.people, region.facts.calm
    started = people["photos_started"][calm]
    tries = people["photo_tries"][calm][started > 0] / started[started > 0]
    if not len(tries):
        return open_question(say("nobody untouched by faults started a photo"))
    value = float(np.median(tries))
    detail = say(
        "median over {people} people; the mean is {mean}", people=count(len(tries)), mean=number(float(tries.mean()))
    )
    return Judged(value, value <= bound * (1 + ROUNDING), detail)


def _admitted_joined(region: Region, bound: float) -> Judged:
    facts = region.facts
    if facts.config["ended"] in PARTIAL_ENDS:
        return open_question(say("the run ended early, before the admitted could join"))
    limit = facts.admitted_in_time_s
    if limit <= 0:
        return open_question(
            say("the drain limit left nobody the time to join that is granted: 300 s and 2,400 s / pace")
        )
    people, edge = facts.people, count(limit)
    with np.errstate(invalid="ignore"):
        judged = facts.calm & (people["admitted_at"] <= limit) & region.holds(people["admitted_at"])
    judged &= ~np.isin(people["fate"], (Fate.ABANDONED, Fate.REFUSED))
    among = int(np.count_nonzero(judged))
    if not among:
        words = N_("nobody untouched by faults was admitted by {limit} s, early enough to be judged")
        return open_question(say(words, limit=edge))
    joined = int(np.count_nonzero(people["fate"][judged] == Fate.JOINED))
    words = N_("{joined} of {people} people admitted by {limit} s after the opening")
    detail = say(words, joined=count(joined), people=count(among), limit=edge)
    return Judged(joined / among, joined / among >= bound * (1 - ROUNDING), detail)


def _completed(region: Region, bound: float) -> Judged:
    facts = region.facts
    if facts.config["ended"] in PARTIAL_ENDS:
        return open_question(say("the run ended early, with people on their way"))
    began, limit = region.began(), facts.admitted_in_time_s
    with np.errstate(invalid="ignore"):
        judged = facts.calm & (began <= limit) & region.holds(began)
    done = np.isfinite(region.completed())
    judged &= done | ~np.isin(facts.people["fate"], (Fate.ABANDONED, Fate.REFUSED))
    among = int(np.count_nonzero(judged))
    if not among:
        return open_question(say("nobody untouched by faults began this stage by {limit} s", limit=count(limit)))
    through = int(np.count_nonzero(judged & done))
    words = N_("{done} of {people} people who began it by {limit} s after the opening")
    detail = say(words, done=count(through), people=count(among), limit=count(limit))
    return Judged(through / among, through / among >= bound * (1 - ROUNDING), detail)


def _waits_in_range(region: Region, bound: float) -> Judged:
    people, judged = region.facts.people, region.facts.calm & region.holds(region.facts.people["admitted_at"])
    low, high, wait = (people[name][judged] for name in ("wait_low", "wait_high", "wait"))
    told = np.isfinite(low) & np.isfinite(high) & np.isfinite(wait)
    waits = int(np.count_nonzero(told))
    if waits < WAITS_TO_JUDGE:
        words = N_("{waits} waits were recorded; judged from {enough} on")
        return open_question(say(words, waits=count(waits), enough=count(WAITS_TO_JUDGE)))
    inside = int(np.count_nonzero((low <= wait)[told] & (wait <= high)[told]))
    detail = say("{inside} of {waits} waits", inside=count(inside), waits=count(waits))
    if inside / waits > RANGE_TOO_WIDE:
        detail = say("{detail}; {beside}", detail=detail, beside=say("range too wide: it could promise more"))
    return Judged(inside / waits, inside / waits >= bound * (1 - ROUNDING), detail)


def _ledger_sum(half: str) -> Callable[[Region, float], Judged]:
    return lambda region, bound: Judged(*ledgers.judged(region.facts, half, bound))


RULES: dict[str, Rule] = {
    "api_p95_s": Rule(
        lambda bound: say("At least 95 % of API answers within {bound} of the intended start", bound=bound),
        _answers(0.95),
    ),
    "api_p99_s": Rule(
        lambda bound: say("At least 99 % of API answers within {bound} of the intended start", bound=bound),
        _answers(0.99),
    ),
    "p95_s": Rule(
        lambda bound: say("At least 95 % of answers within {bound} of the intended start", bound=bound), _answers(0.95)
    ),
    "p99_s": Rule(
        lambda bound: say("At least 99 % of answers within {bound} of the intended start", bound=bound), _answers(0.99)
    ),
    "server_error_ratio": Rule(
        lambda bound: say("At most {bound} of requests end in a server error", bound=bound), _server_errors
    ),
    "codes_within_10s_ratio": Rule(
        lambda bound: say("At least {bound} of codes handed over within 10 s, unless a quota held them", bound=bound),
        _codes_handed_over,
    ),
    "photos_stored_ratio": Rule(
        lambda bound: say("At least {bound} of started photos stored", bound=bound), _photos_stored
    ),
    "photo_tries_median": Rule(
        lambda bound: say("At most {bound} tries a photo in the median", bound=bound), _photo_tries
    ),
    "admitted_joined_ratio": Rule(
        lambda bound: say("At least {bound} of people admitted in time have joined", bound=bound), _admitted_joined
    ),
    "completed_ratio": Rule(
        lambda bound: say("At least {bound} of people who began it in time have completed it", bound=bound), _completed
    ),
    "waits_in_range_ratio": Rule(
        lambda bound: say("At least {bound} of waits inside the shown range", bound=bound), _waits_in_range
    ),
    "lost": Rule(lambda bound: say("Nothing acknowledged is lost"), _ledger_sum("lost")),
    "doubled": Rule(lambda bound: say("Nothing is done twice"), _ledger_sum("doubled")),
}
"""By the name of what is bounded (scenarios.objectives)."""
