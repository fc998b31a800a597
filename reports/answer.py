"""The answer: what a stack holds, what the night needs, what is missing, what to buy, each with how sure it is.

A single run tells what it held, no more: that it was carried, or that it was not. A search for capacity tells the rate
at which the objectives still hold. Everything else follows from the same runs: needs of the night's peak, headroom,
the limit, replicas, codes, identity checks, money.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reports import bottleneck, extrapolation, money, needs, scalability, statistics
from reports.extrapolation import CPU, Growth
from reports.facts import Facts
from reports.needs import Needs
from reports.scale import SERVICE_ROLES, steepest
from reports.search import Searched
from reports.simulated import named_simulated
from reports.stated import Stated, confidence, not_known
from reports.uses import Taken
from reports.wording import Said, count, percent, recorded, say
from scenarios.capacity_record import Outcome, Phase, Probe

if TYPE_CHECKING:
    from reports.verdict import Verdict

ADMITTED = "swarm_stage_total"
RATE = "registrations/s"
ESSENTIAL = ("api_p95_s", "api_p99_s", "admitted_joined_ratio")
"""Objectives without which a run says nothing about how people fared: an answer that lacks one is less sure."""
ABOUT_SPEED = ("api_p95_s", "api_p99_s", "server_error_ratio", "codes_within_10s_ratio", "photos_stored_ratio",
               "admitted_joined_ratio")  # fmt: skip
"""Objectives that are missed when more comes than is carried."""
MINUTE_S = 60.0
VALID = (0, 3, 6)
"""Exit codes of runs that say something about the service."""
OF_WHOLE_JOURNEYS = (
    "headroom", "replicas", "codes", "identity_checks", "cost", "cores", "identity_by_close", "core_seconds",
)  # fmt: skip
OF_THE_NIGHT = ("peak", "needs", "needs_here")
"""Answers that no run measures: a run that is not valid makes them no less sure."""


def of_run(facts: Facts, verdict: "Verdict") -> list[Stated]:
    """The answer of one run, most important first."""
    night = needs.of_night(facts)
    growth = extrapolation.of_runs([facts])
    answers = named_simulated(facts, _rest(facts, facts, night, growth, held_by_run(facts, verdict)))
    return answers if verdict.exit_code in VALID else doubted(answers)


def of_search(searched: Searched) -> list[Stated]:
    """The answer of a search for capacity, most important first; a single "not known" without any run."""
    held, probe = held_by_search(searched), searched.measured
    if probe is None:
        return [held]
    facts = searched.runs[probe.number]
    growth = extrapolation.of_runs(_carried(searched), law_of(searched))
    answers = _rest(facts, searched.strained or facts, needs.of_night(facts), growth, held)
    # What is measured stands in the record of one probe, not in this one: the proof says in which.
    return [one if one is held else replace(one, source="") for one in answers]


def _carried(searched: Searched) -> list[Facts]:
    """Runs of the probes that held: in the others part of the work was for refusals and for people who tried again."""
    held = {probe.number for probe in searched.of(Outcome.HELD)}
    return [facts for number_, facts in searched.runs.items() if number_ in held] or list(searched.runs.values())


def proof(facts: Facts, growth: Growth | None, answers: Iterable[Stated], probe: Probe | None = None) -> dict[str, Any]:
    """What the template of the proof is filled with: needs, processors, money.

    facts: of the run that was answered; probe: which of a search that was, None for a run of its own.
    """
    taken, night = Taken.of(facts), needs.of_night(facts)
    cores = next((one for one in answers if one.id == "cores"), None)
    return {
        "probe": probe,
        "needs": needs.view(facts, taken, night),
        "growth": extrapolation.view(growth),
        "money": None if cores is None else money.view(facts, taken, night, cores),
    }


def doubted(answers: Iterable[Stated]) -> list[Stated]:
    """The answers of a run that is not valid."""
    return [one if one.id in OF_THE_NIGHT else one.doubted() for one in answers]


def headline(answers: Iterable[Stated]) -> list[Said]:
    """The answer in a few sentences, for whoever reads no further."""
    found = {one.id: one for one in answers}
    told = {name: say("not known") if one.value is None else one.text for name, one in found.items()}
    if found["holds"].value is None:
        sentences = [say("What it holds is not known: {reason}.", reason=found["holds"].why_not)]
    else:
        sentences = [say("It holds {holds} within objectives.", holds=told["holds"])]
    if "needs" not in found:
        return sentences
    need = say("The night needs {rate} at its peak", rate=told["needs"])
    if "needs_here" in found and found["needs_here"].value is not None:
        need = say("{need}, {here} at this scale", need=need, here=told["needs_here"])
    sentences.append(say("{need}: headroom {headroom}.", need=need, headroom=told["headroom"]))
    if found["limited_by"].value is None:
        sentences.append(say("What limits it is not known: {reason}.", reason=found["limited_by"].why_not))
    else:
        sentences.append(say("It is limited by {limit}.", limit=told["limited_by"]))
    sentences.append(
        say("The night's peak takes web processes: {replicas}; one-time codes: {codes}; identity checks: {checks}. "
            "1,000 who joined cost {cost}.", replicas=told["replicas"], codes=told["codes"],
            checks=told["identity_checks"], cost=told["cost"])
    )  # fmt: skip
    return sentences


def lines_of(answers: Iterable[Stated]) -> list[str]:
    """Each answer as a line of Markdown."""
    found = []
    for one in answers:
        interval = f" ({one.interval})" if one.interval else ""
        manner = f" - {one.manner}" if one.value is not None else ""
        found.append(f"- {one.what}: {one.text}{interval}{manner}")
    return found


def _rest(facts: Facts, strained: Facts, night: Needs | None, growth: Growth | None, held: Stated) -> list[Stated]:
    """All answers. facts: a run that held; strained: the one in which something gave way, or the same."""
    taken, needed = Taken.of(facts), needs.behind_the_gate(night)
    here = _needed_here(facts, needed)
    cores = extrapolation.cores(growth, needed.value)
    answers = [
        held,
        needed,
        here,
        headroom(held, here),
        *_limits(strained, held),
        extrapolation.replicas(growth, needed.value),
        needs.codes(taken, night),
        needs.identity_checks(taken, night),
        money.cost(facts, taken, night, cores),
        cores,
        needs.identity_by_close(taken, night),
        extrapolation.core_seconds(facts),
        needs.peak(night),
    ]
    answers = [one for one in answers if one.id != "needs_here" or facts.full != facts.speed]
    return _of_part(answers, steps) if (steps := facts.config.get("steps")) else answers


def _of_part(answers: list[Stated], steps: int) -> list[Stated]:
    """The answers where people left after so many steps: nothing about whole registrations follows from them."""
    why = say("people left after {steps} of their steps", steps=count(steps))
    found = []
    for one in answers:
        if one.id in OF_WHOLE_JOURNEYS:
            one = not_known(one.id, one.what, one.unit, why, one.evidence)
        found.append(replace(one, unit="people/s") if one.id == "holds" else one)
    return found


# ---------------------------------------------------------------- what it holds


def held_by_run(facts: Facts, verdict: "Verdict") -> Stated:
    """What one run held: at least what was played when its objectives are met, less when one is missed."""
    what = say("holds within objectives")
    if verdict.exit_code not in VALID:
        return not_known("holds", what, RATE, _as_reason(verdict.sentence), "#scale")
    if not facts.joined and not facts.config.get("steps"):
        return not_known("holds", what, RATE, say("nobody joined"), "#scale")
    if verdict.findings and {finding.subject for finding in verdict.findings} == {"evidence"}:
        return not_known("holds", what, RATE, verdict.findings[0].text, "#scale")
    played, source = let_in(facts)
    if not played:
        return not_known("holds", what, RATE, say("nobody was let in"), "#scale")
    met = verdict.exit_code == 0
    if not met:
        if not any(one.met is False for one in verdict.objectives if one.id in ABOUT_SPEED):
            why = say("what is missed says nothing about how much can be carried")
            return not_known("holds", what, RATE, why, "#objectives")
        if float(facts.config["last_arrival_s"] or 0.0) < MINUTE_S:
            return not_known("holds", what, RATE, say("people came for less than a minute"), "#scale")
        if not np.nanmax(facts.people["wait"], initial=0.0) > 0.0:  # nobody stood in line: all who came were in it
            offered = statistics.busiest(facts.moments("started"), MINUTE_S)
            played, source = max((played, source), (offered, "#scale"))
    unjudged = any(one.met is None for one in verdict.objectives if one.id in ESSENTIAL)
    low, high = (played, None) if met else (None, played)
    sure = confidence(played, low, high, repeats=1, assumed=unjudged + (facts.joined < needs.PEOPLE_OF_A_REPEAT))
    return Stated("holds", what, played, low, high, RATE, "measured", sure, "#scale", source=source)


def _as_reason(sentence: str) -> str:
    """A sentence as it goes after "because"."""
    return f"{sentence[0].lower()}{sentence[1:].rstrip('.')}"


def let_in(facts: Facts) -> tuple[float, str]:
    """People let in a second in the busiest minute, and where the record has it."""
    if facts.run.samples.select(ADMITTED, stage="admitted"):
        return steepest(facts, ADMITTED, stage="admitted"), f"samples:busiest 60 {ADMITTED}{{stage=admitted}}"
    return statistics.busiest(facts.moments("admitted_at"), 60), "#scale"


def held_by_search(searched: Searched) -> Stated:
    """The rate that a search calls; without a call the highest that held."""
    found, what = searched.capacity.search, say("holds within objectives")
    repeats = len(searched.of(Outcome.HELD, phases=(Phase.CONFIRM,))) + 1
    if found.call is not None:
        low, high = (_or(found.low_per_s, found.call), _or(found.high_per_s, found.call))
        low, high = min(low, found.call), max(high, found.call)
        sure = confidence(found.call, low, high, repeats=repeats)
        return Stated("holds", what, found.call, low, high, RATE, "measured", sure, "#search",
                      source="capacity:search.call")  # fmt: skip
    if found.low_per_s is None:
        why = recorded(found.no_call_because) if found.no_call_because else say("the search was not finished")
        return not_known("holds", what, RATE, why, "#search")
    sure = confidence(found.low_per_s, found.low_per_s, None, repeats=repeats)
    return Stated("holds", what, found.low_per_s, found.low_per_s, None, RATE, "measured", sure, "#search",
                  source="capacity:search.low_per_s")  # fmt: skip


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def law_of(searched: Searched) -> scalability.Law | scalability.Refusal:
    """How goodput grew with the cores that the service kept busy, over the probes that were valid."""
    return scalability.fit(*law_points(searched))


def law_points(searched: Searched) -> tuple[list[float], list[float]]:
    """Cores busy and goodput of each valid probe that tells both, lowest rate first."""
    busy_cores, goodput = [], []
    for probe in searched.of(Outcome.HELD, Outcome.BROKE):
        facts = searched.runs.get(probe.number)
        if facts is not None and probe.goodput_per_s and (busy := _cores_busy(facts)):
            busy_cores.append(busy)
            goodput.append(probe.goodput_per_s)
    return busy_cores, goodput


def _cores_busy(facts: Facts) -> float:
    """Cores that the service kept busy on the mean of the second half of the arrivals; 0 where none was sampled."""
    last = float(facts.config["last_arrival_s"] or 0.0)
    used = 0.0
    for role in SERVICE_ROLES:
        first, end = statistics.counted_by(facts.run.samples, CPU, np.array([last / 2, last]), role=role)
        used += float(end - first)
    return used / (last / 2) if last else 0.0


# ---------------------------------------------------------------- what is missing, and why


def _needed_here(facts: Facts, needed: Stated) -> Stated:
    """The night's need at the scale of the run, whose partners and people are so much smaller and quicker."""
    what = say("which is, at the scale of this run")
    if needed.value is None:
        return not_known("needs_here", what, RATE, needed.why_not, needs.ID)
    scale = facts.speed / facts.full
    low, value, high = (scale * one for one in (_or(needed.low, needed.value), needed.value,
                                                _or(needed.high, needed.value)))  # fmt: skip
    return Stated("needs_here", what, value, low, high, RATE, "scaled", needed.confidence, needs.ID)


def headroom(held: Stated, needed: Stated) -> Stated:
    """How much more than needed is held, as a share of the need, both at the scale of the run."""
    what = say("headroom")
    if held.value is None or needed.value is None:
        lacking = held if held.value is None else needed
        return not_known("headroom", what, "share", lacking.why_not, needs.ID)
    if not needed.value:
        return not_known("headroom", what, "share", say("the night brings nobody"), needs.ID)
    value = held.value / needed.value - 1
    low = None if held.low is None else held.low / _or(needed.high, needed.value) - 1
    high = None if held.high is None else held.high / (needed.low or needed.value) - 1
    sure = max(held.confidence, needed.confidence, key=("sure", "likely", "a guess").index)
    return Stated("headroom", what, value, low, high, "share", "scaled", sure, needs.ID)


def _limits(strained: Facts, held: Stated) -> list[Stated]:
    """What was at its limit while people waited for it, and what would be next."""
    found = bottleneck.find(strained)
    what, evidence = say("limited by"), bottleneck.SOURCE if found.all else "#answer"
    if found.resource is None:
        return [not_known("limited_by", what, "share", _nothing_full(found.next), evidence)]
    use = min(found.resource.use, 1.0)
    sure = confidence(use, use, use, repeats=1)
    first = Stated("limited_by", what, use, use, use, "share", "measured", sure, evidence, named=found.resource.label)
    if found.next is None:
        return [first]
    what = say("and then by {resource}", resource=found.next.label)
    holds = found.next.holds_per_s
    if not holds < float("inf"):
        why = say("what it would hold cannot be told from this run")
        return [first, not_known("next_limit", what, RATE, why, evidence)]
    if held.low is not None and holds < held.low:
        why = say("by its use in this run it would hold less than was held, so something else used it, too")
        return [first, not_known("next_limit", what, RATE, why, evidence)]
    sure = confidence(holds, None, None, repeats=1)
    return [first, Stated("next_limit", what, holds, None, None, RATE, "extrapolated", sure, evidence)]


def _nothing_full(nearest: bottleneck.Near | None) -> Said:
    if nearest is None:
        return say("no use of any resource was recorded")
    return say("nothing was at its limit with work waiting behind it; the nearest was {resource}, at {use}",
               resource=nearest.label, use=percent(nearest.use, source=bottleneck.SOURCE))  # fmt: skip
