"""The verdict as JUnit XML: a case for each objective, of stages and windows too, and for what else may go wrong.

What is wrong is a failure, what was not judged a skip. What is merely to be known - remarks, what the generator found
of itself, why a bound asks less than usual - stands as output.
"""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from reports.verdict import Verdict
from reports.wording import N_, say

OTHER_CASES = {
    "ending": N_("the run went to its end"),
    "processes": N_("every process stayed up"),
    "faults": N_("every fault of the night bit"),
    "generator": N_("the generator was in time"),
    "evidence": N_("there was something to judge"),
}


def render(verdict: Verdict) -> bytes:
    """XML with a test case for each objective and each of OTHER_CASES."""
    wrong: dict[str, list[str]] = {}
    for finding in verdict.findings:
        wrong.setdefault(finding.subject, []).append(f"{say('exit code')} {finding.code}: {finding.text}")
    objectives = {one.id: one for one in verdict.objectives}
    cases = {**{name: one.text for name, one in objectives.items()}, **{k: say(v) for k, v in OTHER_CASES.items()}}
    skipped = [name for name, one in objectives.items() if one.met is None]
    suite = ET.Element("testsuite", name=f"launchnight {verdict.run_id}", tests=str(len(cases)), errors="0",
                       failures=str(len(wrong)), skipped=str(len(skipped)))  # fmt: skip
    properties = ET.SubElement(suite, "properties")
    for name, value in (("outcome", verdict.outcome), ("exit_code", str(verdict.exit_code))):
        ET.SubElement(properties, "property", name=name, value=value)
    for name, text in cases.items():
        case = ET.SubElement(suite, "testcase", classname=f"launchnight.{name}", name=text)
        if name in wrong:
            ET.SubElement(case, "failure", message="; ".join(wrong[name]))
        elif name in skipped:
            ET.SubElement(case, "skipped", message=objectives[name].detail)
        if name in objectives and (lines := _output(verdict, name)):
            ET.SubElement(case, "system-out").text = "\n".join(lines)
    if warnings := list(_warnings(verdict)):
        ET.SubElement(suite, "system-out").text = "\n".join(warnings)
    ET.indent(suite)
    return bytes(ET.tostring(suite, encoding="utf-8", xml_declaration=True)) + b"\n"


def _output(verdict: Verdict, name: str) -> list[str]:
    """What is to be known of an objective: what was counted, and why it asks less than usual."""
    one = next(each for each in verdict.objectives if each.id == name)
    counted = [str(one.detail)] if one.met is True else []
    return counted + [str(say("Loosened: {reason}", reason=one.loosened))] * bool(one.loosened)


def _warnings(verdict: Verdict) -> Iterator[str]:
    for remark in verdict.remarks:
        yield str(remark)
    for audit in verdict.generator or ():
        if not audit.invalid:
            yield str(audit.cause)
