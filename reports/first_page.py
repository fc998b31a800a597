"""The first page of a run beside its answer: what came out, what it means, and what this run cannot tell."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reports import answer, simulated, statistics
from reports.facts import Facts
from reports.names import FATES, OUTCOMES, PARTS, named
from reports.responses import api_answers
from reports.scale import steepest
from reports.stated import Stated
from reports.uses import JOINED
from reports.verdict import Verdict
from reports.wording import N_, UNKNOWN, Said, Told, count, listed, number, percent, recorded, say, seconds
from scenarios.record import Fate

ANSWERS = "swarm_scheduled_seconds{route!^files-}"
"""Selector of the times that objectives on the API are about."""


@dataclass(frozen=True)
class KeyFigure:
    """One number of the first page."""

    label: Said
    value: str
    note: Said


def view(facts: Facts, verdict: Verdict) -> dict[str, Any]:
    """What the template of the first page is filled with."""
    return {
        "outcome": named(verdict.outcome, OUTCOMES),
        "headline": answer.headline(verdict.answer),
        "answers": verdict.answer,
        "meaning": meaning(facts, verdict),
        "key_figures": key_figures(facts, verdict),
        "unknowns": unknowns(facts, verdict),
        "basis": _basis(facts),
        "simulated": simulated.told(facts),
    }


def meaning(facts: Facts, verdict: Verdict) -> list[Said]:
    """What a planner should take away beside the answer, in sentences, most important first."""
    sentences = []
    if verdict.outcome == "invalid":
        advice = next((recorded(one.advice) for one in verdict.generator or () if one.invalid), say("play it again"))
        sentences.append(say("Do not plan with these response times: {advice}.", advice=advice))
    sentences.append(_became(facts, verdict))
    offered, source = _offered(facts)
    if offered:
        on_the_night = offered * facts.full / facts.speed
        sentences.append(
            say("The busiest minute brought {offered} people/s, which stands for {scaled}/s on the night itself.",
                offered=number(offered, source=source), scaled=number(on_the_night, source="#scale"))
        )  # fmt: skip
    answers = api_answers(facts)
    if answers.total:
        p50, p95, p99 = (_quantile(facts, q) for q in (0.5, 0.95, 0.99))
        sentences.append(
            say("Counted from the moment people meant to act, half of the API answers came within {p50}, 95 % within "
                "{p95} and 99 % within {p99}.", p50=p50, p95=p95, p99=p99)
        )  # fmt: skip
    waits = facts.people["wait"][np.isfinite(facts.people["wait"])]
    if len(waits):
        median, longest = float(np.median(waits)), float(waits.max())
        counted = "(people:sum wait) / (people:mean wait)" if waits.sum() else ""
        sentences.append(
            say("{people} people waited in line: {median} in the median, {longest} at most.",
                people=count(len(waits), source=counted), median=seconds(median, source="people:median wait"),
                longest=seconds(longest, source="people:max wait"))
        )  # fmt: skip
    return sentences


def _became(facts: Facts, verdict: Verdict) -> Said:
    """How many were planned, and how they ended."""
    planned, joined = verdict.planned, verdict.fates["joined"]
    others = listed(
        listed((count(facts.fates[fate], source=_counted(fate)), named(fate.name.lower(), FATES)), " ")
        for fate in Fate
        if fate is not Fate.JOINED
    )
    return say(
        "Of {planned} planned people, each standing for {full}, {joined} ({share}) joined the wave; {others}.",
        planned=count(planned, source="config:planned"),
        full=number(facts.full, source="(1) / (config:factors.people)"),
        joined=count(joined, source=JOINED),
        share=percent(_ratio(joined, planned), source=f"({JOINED}) / (config:planned)"),
        others=others,
    )


def _counted(fate: Fate) -> str:
    """Whoever has no row, because the run was cut short, was cut too."""
    rows = f"people:count fate={fate:d}"
    return f"({rows}) + ((config:planned) - (people:count))" if fate is Fate.CUT else rows


def _offered(facts: Facts) -> tuple[float, str]:
    """People started a second in the busiest minute, and where the record has it."""
    if facts.run.samples.select("swarm_arrivals_total"):
        return steepest(facts, "swarm_arrivals_total"), "samples:busiest 60 swarm_arrivals_total"
    return statistics.busiest(facts.moments("started"), 60.0), "#scale"


def _quantile(facts: Facts, q: float) -> Told:
    return seconds(api_answers(facts).quantile(q), source=f"samples:q{q:g} {ANSWERS}")


def unknowns(facts: Facts, verdict: Verdict) -> list[Said]:
    """What a planner might want and this run does not say, each with the reason."""
    found = [
        say("How much this service can carry at most: not known, because one load was played and the knee not searched "
            "for.")
    ]  # fmt: skip
    found += unknown(verdict.answer)
    found += [_sentence(recorded(remark)) for remark in verdict.remarks]
    found += [
        say("{objective}: not judged, because {reason}.", objective=one.text, reason=one.detail)
        for one in verdict.objectives
        if one.met is None
    ]
    found += [
        say("What {job} ({instance}) measured: not known, because its metrics could never be read.",
            job=named(job, PARTS), instance=instance)
        for job, instance in facts.unread
    ]  # fmt: skip
    if facts.run.absent:
        found.append(
            say("All that {files} would hold: not known, because the run ended too early.",
                files=listed(facts.run.absent))
        )  # fmt: skip
    return found


def unknown(answers: list[Stated]) -> list[Said]:
    """The answers that are not known, in sentences; those with one reason in one."""
    reasons: dict[str, list[Stated]] = {}
    for one in answers:
        if one.value is None:
            reasons.setdefault(one.why_not, []).append(one)
    return [
        say("{what}: not known, because {reason}.", what=capital(listed(one.what for one in found)), reason=reason)
        for reason, found in reasons.items()
    ]


def _sentence(text: str) -> Said:
    return listed((capital(text), "."), "")


def capital(text: str) -> Said:
    """The same with a capital at its beginning, numbers and their sources kept."""
    parts = list(text.parts) if isinstance(text, Said) else [text]
    first = parts[0]
    if first and not isinstance(first, Told):
        parts[0] = type(first)(f"{first[0].upper()}{first[1:]}")
    return Said(tuple(parts))


def key_figures(facts: Facts, verdict: Verdict) -> list[KeyFigure]:
    """How the run went in a few numbers; what has no data shows an en dash."""
    joined = verdict.fates["joined"]
    differences = [ledger["difference"] for ledger in verdict.ledgers.values()]
    known = bool(differences) and None not in differences
    late = verdict.lateness_ms["p99"]
    of_all = say("{joined} of {planned}", joined=count(joined, source=JOINED),
                 planned=count(verdict.planned, source="config:planned"))  # fmt: skip
    share = percent(_ratio(joined, verdict.planned), source=f"({JOINED}) / (config:planned)")
    difference = count(sum(differences), source=_summed(verdict)) if known else Told(UNKNOWN)
    lateness = Told(UNKNOWN) if late is None else say("{late} ms", late=number(late, source="#lateness"))
    generator = KeyFigure(say("generator late, p99"), lateness, say("10 ms allowed"))
    return [
        KeyFigure(say("joined"), share, of_all),
        KeyFigure(say("API answers, p95"), _quantile(facts, 0.95), say("from the intended start")),
        KeyFigure(say("API answers, p99"), _quantile(facts, 0.99), say("from the intended start")),
        KeyFigure(say("ledger difference"), difference, say("lost or done twice")),
        *([] if facts.is_simulated else [generator]),
    ]


def _summed(verdict: Verdict) -> str:
    return " + ".join(f"(config:ledgers.{kind}.difference)" for kind in verdict.ledgers)


def _basis(facts: Facts) -> Said:
    if facts.is_simulated:
        words = N_("People {people}, speed {speed}, pace {pace}; all figures are simulated.")
    else:
        words = N_(
            "People {people}, speed {speed}, pace {pace}: what is measured, scaled and extrapolated is told apart "
            "below."
        )
    return say(
        words,
        people=facts.config["factors"]["people"],
        speed=number(facts.speed, source="config:factors.speed"),
        pace=number(facts.pace, source="config:factors.pace"),
    )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
