"""The verdict as JUnit XML: a test case for each objective, and for ending, processes, generator and evidence."""

from xml.etree import ElementTree as ET

from reports.verdict import Verdict

OTHER_CASES = {
    "ending": "the run went to its end",
    "processes": "every process stayed up",
    "faults": "every fault of the night bit",
    "generator": "the generator was in time",
    "evidence": "there was something to judge",
}


def render(verdict: Verdict) -> bytes:
    """XML with failures for what was missed and skips for what was not judged."""
    wrong: dict[str, list[str]] = {}
    for finding in verdict.findings:
        wrong.setdefault(finding.subject, []).append(f"exit code {finding.code}: {finding.text}")
    open_questions = {one.id: one.detail for one in verdict.objectives if one.met is None}
    names = {**{one.id: one.text for one in verdict.objectives}, **OTHER_CASES}
    suite = ET.Element("testsuite", name=f"launchnight {verdict.run_id}", tests=str(len(names)), errors="0",
                       failures=str(len(wrong)), skipped=str(len(open_questions)))  # fmt: skip
    properties = ET.SubElement(suite, "properties")
    for name, value in (("outcome", verdict.outcome), ("exit_code", str(verdict.exit_code))):
        ET.SubElement(properties, "property", name=name, value=value)
    details = {one.id: one.detail for one in verdict.objectives}
    for subject, text in names.items():
        case = ET.SubElement(suite, "testcase", classname=f"launchnight.{subject}", name=text)
        if subject in wrong:
            ET.SubElement(case, "failure", message="; ".join(wrong[subject]))
        elif subject in open_questions:
            ET.SubElement(case, "skipped", message=open_questions[subject])
        elif subject in details:
            ET.SubElement(case, "system-out").text = details[subject]
    ET.indent(suite)
    return bytes(ET.tostring(suite, encoding="utf-8", xml_declaration=True)) + b"\n"
