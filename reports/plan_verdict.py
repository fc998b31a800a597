"""The verdict of a plan: one object for screen, verdict.json, JUnit, summary and page.

0: a set was found; 3: nothing within the limit of the search holds.
"""

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from reports.plan_words import NEEDED, goal, goal_of, knob
from reports.wording import N_, Said, count, listed, number, percent, say
from scenarios.plan_record import Plan

FOUND, NOT_FOUND = "found", "not-found"
OUTCOMES = {FOUND: N_("found"), NOT_FOUND: N_("nothing holds")}
EXIT_CODES = {FOUND: 0, NOT_FOUND: 3}


@dataclass(frozen=True)
class PlanVerdict:
    """What a plan says."""

    plan: Plan
    outcome: str
    exit_code: int
    sentence: Said
    sentences: list[Said]
    """The answer for whoever reads no further."""

    def to_dict(self) -> dict[str, Any]:
        """The document of verdict.json."""
        return {
            "plan": self.plan.id,
            "simulated": True,
            "answer": [str(each) for each in self.sentences],
            "found": self.plan.to_dict()["found"],
            "verdict": {"outcome": self.outcome, "exit_code": self.exit_code, "sentence": str(self.sentence)},
        }


def judge(plan: Plan) -> PlanVerdict:
    """The verdict of a plan, from its record alone."""
    if not plan.found:
        sentence = say("Simulated: nothing within {most} times what theory says holds this night; what is missed: "
                       "{goal}",
                       most=number(plan.order.most, source="plan:order.most"),
                       goal=goal_of(plan.no_set_because, plan.goals))  # fmt: skip
        return PlanVerdict(plan, NOT_FOUND, EXIT_CODES[NOT_FOUND], sentence, [])
    needed = [
        say(NEEDED[one.knob], amount=number(one.amount, source=f"plan:found.{place}.amount"))
        for place, one in enumerate(plan.found)
    ]  # fmt: skip
    sentence = say("Simulated: to hold this night you need {needed}.", needed=listed(needed))
    return PlanVerdict(plan, FOUND, EXIT_CODES[FOUND], sentence, [*_sure(plan), *_beside(plan), *_hangs(plan)])


def _sure(plan: Plan) -> list[Said]:
    if plan.proof is None:
        return []
    misses = plan.proof.misses
    return [
        say("With other people it missed an objective in {count} of {runs} nights: a probability of {low} to {high}.",
            count=count(misses.count, source="plan:proof.misses.count"),
            runs=count(misses.runs, source="plan:proof.misses.runs"),
            low=percent(misses.low, source="plan:proof.misses.low"),
            high=percent(misses.high, source="plan:proof.misses.high"))
    ]  # fmt: skip


def _beside(plan: Plan) -> list[Said]:
    if plan.beside is None:
        return []
    shares = {
        name: percent(one.joined / one.wanted if one.wanted else None,
                      source=f"(plan:beside.{name}.joined) / (plan:beside.{name}.wanted)")
        for name, one in (("protected", plan.beside.protected), ("launched", plan.beside.launched))
    }  # fmt: skip
    return [say("Of the people who wanted to join and came in time {protected} did, and {launched} in the night "
                "as launched, "
                "on the same machines.", **shares)]  # fmt: skip


def _hangs(plan: Plan) -> list[Said]:
    if not plan.sensitivities:
        return []
    return [say("Most hangs on this: {knob}.", knob=knob(plan.sensitivities[0].knob))]


def junit(verdict: PlanVerdict) -> bytes:
    """A test case for the plan and one for each objective."""
    plan = verdict.plan
    failed = int(verdict.exit_code != 0) + sum(one.met is False for one in plan.goals)
    suite = ET.Element("testsuite", name=f"launchnight {plan.id} (simulated)", tests=str(1 + len(plan.goals)),
                       errors="0", failures=str(failed), skipped="0")  # fmt: skip
    called = ET.SubElement(suite, "testcase", classname="launchnight.plan", name=say("a set is found"))
    if verdict.exit_code:
        ET.SubElement(called, "failure", message=str(verdict.sentence))
    for one in plan.goals:
        case = ET.SubElement(suite, "testcase", classname="launchnight.objective", name=f"{one.id}: {goal(one)}")
        if one.met is False:
            ET.SubElement(case, "failure", message=say("missed"))
    ET.indent(suite)
    document: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def summary(verdict: PlanVerdict, heading: str) -> str:
    """Markdown: the answer, for a pull request or a chat."""
    code = say("exit code {code}", code=verdict.exit_code)
    lines = [f"# {heading}", "", f"**{say(OUTCOMES[verdict.outcome])}** ({code}): {verdict.sentence}", ""]
    lines += [*verdict.sentences, "", say("Full figures: report.html beside this file.")]
    return "\n".join(map(str, lines)) + "\n"
