"""The first page: what came out, what it means, and what this run cannot tell."""

from dataclasses import dataclass

import numpy as np

from reports import statistics
from reports.facts import Facts
from reports.responses import api_answers
from reports.verdict import Verdict
from reports.wording import count, number, percent, seconds


@dataclass(frozen=True)
class KeyFigure:
    """One number of the first page."""

    label: str
    value: str
    note: str


def meaning(facts: Facts, verdict: Verdict) -> list[str]:
    """What a planner should take away, in sentences, most important first."""
    fates = verdict.fates
    sentences = []
    if verdict.outcome == "invalid":
        advice = next((one.advice for one in verdict.generator or () if one.invalid), "play the night again")
        sentences.append(f"Do not plan with these response times: {advice}.")
    others = ", ".join(f"{count(people)} {fate}" for fate, people in fates.items() if fate != "joined")
    sentences.append(
        f"Of {count(verdict.planned)} planned people, each standing for {number(facts.full)}, "
        f"{count(fates['joined'])} ({percent(_ratio(fates['joined'], verdict.planned))}) joined the wave; {others}."
    )
    offered = statistics.busiest(facts.people["started"], 60.0)
    if offered:
        sentences.append(
            f"The busiest minute brought {number(offered)} people/s, which stands for "
            f"{number(offered * facts.full / facts.speed)}/s on the night itself."
        )
    answers = api_answers(facts)
    if answers.total:
        p50, p95, p99 = (seconds(answers.quantile(q)) for q in (0.5, 0.95, 0.99))
        sentences.append(
            f"Counted from the moment people meant to act, half of the API answers came within {p50}, "
            f"95 % within {p95} and 99 % within {p99}."
        )
    waits = facts.people["wait"][np.isfinite(facts.people["wait"])]
    if len(waits):
        sentences.append(
            f"{count(len(waits))} people waited in line: {seconds(float(np.median(waits)))} in the median, "
            f"{seconds(float(waits.max()))} at most."
        )
    return sentences


def unknowns(facts: Facts, verdict: Verdict) -> list[str]:
    """What a planner might want and this run does not say, each with the reason."""
    found = [
        "How much this service can carry at most: not known, because one load was played and the knee not searched for."
    ]
    found += [f"{remark[0].upper()}{remark[1:]}." for remark in verdict.remarks]
    found += [
        f"{objective.text}: not judged, because {objective.detail}."
        for objective in verdict.objectives
        if objective.met is None
    ]
    found += [
        f"What {job} ({instance}) measured: not known, because its metrics could never be read."
        for job, instance in facts.unread
    ]
    if facts.run.absent:
        found.append(
            f"All that {' and '.join(facts.run.absent)} would hold: not known, because the run ended too early."
        )
    return found


def key_figures(facts: Facts, verdict: Verdict) -> list[KeyFigure]:
    """The numbers of the first page; what has no data shows an en dash."""
    answers = api_answers(facts)
    joined = verdict.fates["joined"]
    cpu = sum(verdict.cpu_s.values())
    differences = [ledger["difference"] for ledger in verdict.ledgers.values()]
    known = bool(differences) and None not in differences
    measured = "all processes, measured" if facts.stack["started"] else "the swarm's alone"
    late = verdict.lateness_ms["p99"]
    return [
        KeyFigure("joined", percent(_ratio(joined, verdict.planned)), f"{count(joined)} of {count(verdict.planned)}"),
        KeyFigure("API answers, p95", seconds(answers.quantile(0.95)), "from the intended start"),
        KeyFigure("API answers, p99", seconds(answers.quantile(0.99)), "from the intended start"),
        KeyFigure("CPU per joined", seconds(cpu / joined) if joined else "–", measured),
        KeyFigure("ledger difference", count(sum(differences)) if known else "–", "lost or done twice"),
        KeyFigure("generator late, p99", "–" if late is None else f"{number(late)} ms", "10 ms allowed"),
    ]


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
