"""The verdict of a run: one object that feeds screen, JSON, JUnit, HTML and exit code.

Where several things went wrong the first of PRECEDENCE decides the exit code; `findings` lists all of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from reports import answer, generator
from reports.facts import Facts
from reports.generator import Audit
from reports.names import PARTS, named
from reports.objectives import Objective, judge_all
from reports.stated import Stated
from reports.wording import N_, Said, clock, count, recorded, say
from scenarios.record import COMPLETE_ENDS, Run

PRECEDENCE = (130, 1, 2, 4, 6, 5, 3, 0)

OUTCOMES = {
    0: "met",
    1: "crashed",
    2: "stopped",
    3: "missed",
    4: "not-ready",
    5: "invalid",
    6: "lost-or-doubled",
    130: "interrupted",
}

SENTENCES = {
    0: N_("All objectives are met."),
    1: N_("The rehearsal itself crashed; the report shows what was recorded until then."),
    2: N_("The run was stopped by its disk cap; the report shows what was recorded until then."),
    3: N_("At least one objective is missed."),
    4: N_("The service never became ready, so nobody was sent to it."),
    5: N_("The run is not valid: the generator was the limit, so response times are its own as much as the service's."),
    6: N_("Data was lost or done twice."),
    130: N_("The run was interrupted; the report shows what was recorded until then."),
}

ENDINGS = {
    "crash": (1, N_("the rehearsal crashed")),
    "disk": (2, N_("the disk cap stopped the run")),
    "not-ready": (4, N_("the service did not become ready")),
    "interrupted": (130, N_("the run was interrupted")),
}
MISSED = "missed"
"""How a run ended that was told to end when an objective could no longer be met."""

ABOUT_PEOPLE = ("api_p95_s", "api_p99_s", "admitted_joined_ratio")
"""With none of these judged a run says nothing about how people fared."""


@dataclass(frozen=True)
class Finding:
    """One thing that keeps the run from exit code 0. subject: an objective's id, ending, process, ..."""

    code: int
    subject: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """What a run says. Counts are people of the run, not of the full night."""

    run_id: str
    outcome: str
    exit_code: int
    sentence: str
    """What the exit code means for this run."""
    findings: list[Finding]
    objectives: list[Objective]
    planned: int
    plan_hash: str
    seed: int
    factors: dict[str, Any]
    fates: dict[str, int]
    lateness_ms: dict[str, float | None]
    generator: list[Audit] | None
    """What the audits of the generator found; None where the record says nothing of it."""
    ledgers: dict[str, dict[str, Any]]
    cpu_s: dict[str, float]
    remarks: list[str]
    """What is odd about the stack that was played against, and what of it was not read."""
    is_simulated: bool = False
    answer: list[Stated] = field(default_factory=list)
    """What the stack holds, what the night needs, what is to be bought (reports.answer)."""

    def to_dict(self) -> dict[str, Any]:
        """The document of verdict.json and of `rehearse --json`."""
        return {
            "run": self.run_id,
            **({"simulated": True} if self.is_simulated else {}),
            "planned": self.planned,
            "plan_hash": self.plan_hash,
            "seed": self.seed,
            "factors": self.factors,
            "fates": self.fates,
            "lateness_ms": self.lateness_ms,
            "generator": None if self.generator is None else [vars(audit) for audit in self.generator],
            "ledgers": self.ledgers,
            "cpu_s": self.cpu_s,
            "answer": [one.to_dict() for one in self.answer],
            "verdict": {
                "outcome": self.outcome,
                "exit_code": self.exit_code,
                "sentence": self.sentence,
                "remarks": self.remarks,
                "findings": [vars(finding) for finding in self.findings],
                "objectives": [objective.to_dict() for objective in self.objectives],
            },
        }


def judge(run: Run) -> Verdict:
    """The verdict of a run, from its record alone."""
    return judged(Facts(run))


def judged(facts: Facts) -> Verdict:
    """The verdict of a run of which some things were reckoned already."""
    objectives = judge_all(facts)
    audits = generator.audits(facts)
    findings = [
        *_endings(facts, objectives),
        *_faults(facts),
        *_misses(objectives),
        *_without_evidence(facts, objectives),
        *_generator(audits),
        *_broken_laws(facts),
    ]
    findings.sort(key=lambda finding: PRECEDENCE.index(finding.code))
    exit_code = findings[0].code if findings else 0
    config = facts.config
    verdict = Verdict(
        run_id=str(config["id"]),
        outcome=OUTCOMES[exit_code],
        exit_code=exit_code,
        sentence=_sentence(facts, findings, objectives),
        findings=findings,
        objectives=objectives,
        planned=facts.planned,
        plan_hash=str(config["plan_hash"]),
        seed=int(config["seed"]),
        factors=dict(config["factors"]),
        fates={fate.name.lower(): count for fate, count in facts.fates.items()},
        lateness_ms=generator.lateness_ms(facts),
        generator=audits,
        ledgers=dict(config["ledgers"] or {}),
        cpu_s={role: round(float(value), 3) for role, value in sorted(config["cpu_s"].items())},
        remarks=[*map(recorded, facts.stack["remarks"]), *_unread(facts)],
        is_simulated=facts.is_simulated,
    )
    return replace(verdict, answer=answer.of_run(facts, verdict))


def _sentence(facts: Facts, findings: list[Finding], objectives: list[Objective]) -> Said:
    first = findings[0] if findings else None
    if first is None:
        open_questions = sum(objective.met is None for objective in objectives)
        if not open_questions:
            return say(SENTENCES[0])
        judged = count(len(objectives) - open_questions)
        words = N_("All {judged} objectives that could be judged are met; {open} could not be.")
        return say(words, judged=judged, open=count(open_questions))
    if (first.code, first.subject) == (5, "faults"):
        return say("The run is not valid: a fault of the night did not bite, so it shows nothing about that fault.")
    if (first.code, first.subject) == (5, "laws"):
        return say("The run is not valid: a law that every simulated night must keep was broken.")
    if first.code == 3 and facts.config["ended"] == MISSED:
        return say(
            "An objective could not be met any more, so the run was ended; what was recorded until then is here."
        )
    if first.code == 3 and all(objective.met is not False for objective in objectives):
        return say("No objective is missed, yet {finding}.", finding=first.text)
    return say(SENTENCES[first.code])


def _unread(facts: Facts) -> list[Said]:
    """What nobody could read of a stack that ran before the rehearsal."""
    remarks = []
    if not facts.stack["ledger"]:
        remarks.append(
            say(
                "differences were taken between clients and partners only, because nobody read the database; "
                "give --ledger for all three"
            )
        )
    if not facts.stack["started"]:
        remarks.append(say("processor time is that of the swarm and the harness; the target's is not known"))
    return remarks


def _endings(facts: Facts, objectives: Iterable[Objective]) -> list[Finding]:
    ended = facts.config["ended"]
    findings = [Finding(ENDINGS[ended][0], "ending", say(ENDINGS[ended][1]))] if ended in ENDINGS else []
    if ended == MISSED:
        findings.append(Finding(3, "ending", _given_up(facts.config["missed"], objectives)))
    return findings + [Finding(3, "processes", _end_of(one)) for one in facts.config["exits"] if not one["expected"]]


def _given_up(told: dict[str, Any], objectives: Iterable[Objective]) -> Said:
    """Which objective ended the run, and when. told: `missed` of run.json."""
    text = next((one.text for one in objectives if one.id == told["objective"]), told["objective"])
    words = N_("the run was ended at {moment}, when this could not be met any more: {objective}")
    return say(words, moment=clock(told["at_s"]), objective=text)


def _end_of(exited: dict[str, Any]) -> Said:
    part = named(exited["role"], PARTS)
    if exited["code"] is None:
        return say("the {part} no longer answered at the end of the run", part=part)
    return say("{part} ended unexpectedly in mid-run (exit code {code})", part=part, code=exited["code"])


def _faults(facts: Facts) -> list[Finding]:
    """Without its fault it was another night than the one to be rehearsed; a fault that did not end is a miss."""
    troubled = [fault for fault in facts.faults if fault.trouble]
    return [Finding(3 if fault.began and fault.bit else 5, "faults", fault.trouble) for fault in troubled]


def _misses(objectives: list[Objective]) -> list[Finding]:
    return [
        Finding(
            6 if objective.id in ("lost", "doubled") else 3,
            objective.id,
            say("{where}: {what}", where=objective.text, what=objective.detail),
        )
        for objective in objectives
        if objective.met is False
    ]


def _without_evidence(facts: Facts, objectives: list[Objective]) -> list[Finding]:
    """A run that judged nobody must not pass for one that met its objectives."""
    met = {objective.id: objective.met for objective in objectives}
    if all(one is None for one in met.values()):
        text = say("nothing could be judged: no objective found its data in the record")
        return [Finding(3, "evidence", text)]
    complete = facts.config["ended"] in COMPLETE_ENDS
    if complete and facts.planned and all(met[name] is None for name in ABOUT_PEOPLE):
        text = say("nobody was judged: neither API answers nor anyone admitted in time is left outside faults")
        return [Finding(3, "evidence", text)]
    return []


def _broken_laws(facts: Facts) -> list[Finding]:
    return [Finding(5, "laws", law) for law in facts.simulation.get("broken_laws", ())]


def _generator(found: list[Audit] | None) -> list[Finding]:
    return [Finding(5, "generator", audit.cause) for audit in found or () if audit.invalid]
