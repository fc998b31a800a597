"""The verdict as a short Markdown text, for a pull request or a chat."""

from reports.verdict import Verdict
from reports.wording import count, number

MARKS = {True: "met", False: "**missed**", None: "not judged"}


def render(verdict: Verdict, heading: str) -> str:
    """Markdown of about 30 lines; `heading` names the night."""
    lines = [f"# {heading}", "", f"**{verdict.outcome}** (exit code {verdict.exit_code}): {verdict.sentence}", ""]
    lines += [f"- {finding.code}: {finding.text}" for finding in verdict.findings] + [""] * bool(verdict.findings)
    lines += ["| objective | met | value | counted |", "|---|---|---|---|"]
    lines += [
        f"| {one.text} | {MARKS[one.met]} | {one.value_text} | {one.detail} |".replace("\n", " ")
        for one in verdict.objectives
    ]
    lines += ["", *(f"Loosened: {one.text}, because {one.loosened}" for one in verdict.objectives if one.loosened)]
    lines += [f"- {remark[0].upper()}{remark[1:]}" for remark in verdict.remarks]
    fates = ", ".join(f"{fate} {count(people)}" for fate, people in verdict.fates.items())
    late = ", ".join(f"{name} {number(value)}" for name, value in verdict.lateness_ms.items() if value is not None)
    factors = ", ".join(f"{name} {value}" for name, value in verdict.factors.items())
    lines += [
        f"- People: {count(verdict.planned)} planned; {fates}",
        f"- Generator late, ms: {late or 'not known'}",
        f"- CPU seconds: {', '.join(f'{role} {number(used)}' for role, used in verdict.cpu_s.items()) or 'not known'}",
        f"- Factors: {factors}; seed {verdict.seed}; plan {verdict.plan_hash}",
        "- Not included: TLS, load balancers (but for the nginx of a run with --proxy nginx), distance.",
        "- Full figures: report.html beside this file.",
    ]
    return "\n".join(lines) + "\n"
