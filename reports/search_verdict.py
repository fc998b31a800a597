"""The verdict of a search for capacity: one object for screen, verdict.json, JUnit, summary and page.

0: a rate is called, by two methods that agree; 5: the generator was the limit; 3: no rate is called for another reason.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

from reports import answer
from reports.answer import headline, lines_of
from reports.search import Searched
from reports.stated import Stated
from reports.wording import N_, Said, number, recorded, say
from scenarios.capacity_record import SEARCHING, Capacity, Outcome

FOUND, NO_CALL, INVALID = "found", "no-call", "invalid"
EXIT_CODES = {FOUND: 0, NO_CALL: 3, INVALID: 5}
OUTCOMES = {FOUND: N_("found"), NO_CALL: N_("no call"), INVALID: N_("invalid")}
PROBE_OUTCOMES = {Outcome.HELD: N_("held"), Outcome.BROKE: N_("broke"), Outcome.INVALID: N_("invalid")}
PHASES = {
    "ramp": N_("ramp"), "bracket": N_("bracket"), "confirm": N_("confirmation"), "beyond": N_("beyond"),
    "recovery": N_("recovery"),
}  # fmt: skip


@dataclass(frozen=True)
class SearchVerdict:
    """What a search says."""

    capacity: Capacity
    outcome: str
    exit_code: int
    sentence: Said
    answer: list[Stated]

    def to_dict(self) -> dict[str, Any]:
        """The document of verdict.json."""
        told = self.capacity.to_dict()
        return {
            "search": self.capacity.id,
            "answer": [one.to_dict() for one in self.answer],
            "probes": told["probes"],
            "found": told["search"],
            "beyond": told["beyond"],
            "recovery": told["recovery"],
            "verdict": {"outcome": self.outcome, "exit_code": self.exit_code, "sentence": str(self.sentence)},
        }


def judge(searched: Searched) -> SearchVerdict:
    """The verdict of a search, from its folder alone."""
    found = searched.capacity.search
    if found.call is not None:
        outcome = FOUND
        sentence = say("{rate} people/s are carried within the objectives.",
                       rate=number(found.call, source="capacity:search.call"))  # fmt: skip
    else:
        outcome = INVALID if _ended_invalid(searched) else NO_CALL
        why = recorded(found.no_call_because) if found.no_call_because else say("the search was not finished")
        sentence = say("No capacity is called: {reason}.", reason=why)
    return SearchVerdict(searched.capacity, outcome, EXIT_CODES[outcome], sentence, answer.of_search(searched))


def _ended_invalid(searched: Searched) -> bool:
    """Whether what ended it is a probe that was not valid: the same rate twice, or the last probe that it may make."""
    tried = [probe for probe in searched.capacity.probes if probe.phase in SEARCHING]
    in_vain = bool(tried) and tried[-1].outcome is Outcome.INVALID
    if in_vain and len(tried) >= searched.capacity.order["most_probes"]:
        return True
    return any(
        (one.offered_per_s, one.outcome) == (other.offered_per_s, other.outcome) and one.outcome is Outcome.INVALID
        for one, other in pairwise(tried[-2:])
    )


def junit(verdict: SearchVerdict) -> bytes:
    """A test case for the call and one for each probe: that a rate breaks is no failure; what is invalid is skipped."""
    probes = verdict.capacity.probes
    skipped = sum(probe.outcome is Outcome.INVALID for probe in probes)
    suite = ET.Element("testsuite", name=f"launchnight {verdict.capacity.id}", tests=str(1 + len(probes)), errors="0",
                       failures=str(int(verdict.exit_code != 0)), skipped=str(skipped))  # fmt: skip
    properties = ET.SubElement(suite, "properties")
    for name, value in (("outcome", verdict.outcome), ("exit_code", str(verdict.exit_code))):
        ET.SubElement(properties, "property", name=name, value=value)
    called = ET.SubElement(suite, "testcase", classname="launchnight.call", name=say("a capacity is called"))
    if verdict.exit_code:
        ET.SubElement(called, "failure", message=str(verdict.sentence))
    for probe in probes:
        name = say("probe {n}: {rate} people/s", n=str(probe.number), rate=number(probe.offered_per_s))
        case = ET.SubElement(suite, "testcase", classname=f"launchnight.probe-{probe.number:02d}", name=name)
        if probe.outcome is Outcome.INVALID:
            ET.SubElement(case, "skipped", message=recorded(probe.why))
        else:
            ET.SubElement(case, "system-out").text = f"{say(PROBE_OUTCOMES[probe.outcome])}: {recorded(probe.why)}"
    ET.indent(suite)
    document: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def summary(verdict: SearchVerdict, heading: str) -> str:
    """Markdown: the answer and the probes, for a pull request or a chat."""
    code = say("exit code {code}", code=verdict.exit_code)
    lines = [f"# {heading}", "", f"**{say(OUTCOMES[verdict.outcome])}** ({code}): {verdict.sentence}", ""]
    lines += [" ".join(headline(verdict.answer)), "", *lines_of(verdict.answer), ""]
    heads = (say("probe"), say("offered, people/s"), say("finished, people/s"), say("outcome"), say("why"))
    lines += [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    lines += [
        f"| {probe.number} | {number(probe.offered_per_s)} | {number(probe.goodput_per_s)} | "
        f"{say(PROBE_OUTCOMES[probe.outcome])} | {recorded(probe.why)} |".replace("\n", " ")
        for probe in verdict.capacity.probes
    ]
    lines += ["", say("Full figures: report.html beside this file.")]
    return "\n".join(map(str, lines)) + "\n"
