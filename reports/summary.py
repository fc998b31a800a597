"""The verdict as a short Markdown text, for a pull request or a chat."""

from collections.abc import Iterator

from reports import answer
from reports.names import FACTORS, FATES, OUTCOMES, PARTS, named
from reports.objectives import Objective
from reports.verdict import Verdict
from reports.wording import N_, Said, count, listed, number, say


def render(verdict: Verdict, heading: str) -> str:
    """Markdown of about 45 lines, the answer first; `heading` names the night."""
    outcome, code = named(verdict.outcome, OUTCOMES), verdict.exit_code
    lines = [f"# {heading}", "", f"**{outcome}** ({say('exit code')} {code}): {verdict.sentence}", ""]
    lines += [f"- {finding.code}: {finding.text}" for finding in verdict.findings] + [""] * bool(verdict.findings)
    lines += [" ".join(answer.headline(verdict.answer)), "", *answer.lines_of(verdict.answer), ""]
    heads = (say("objective"), say("met"), say("value"), say("counted"))
    lines += [f"| {' | '.join(heads)} |", "|---|---|---|---|", *map(_row, verdict.objectives), ""]
    lines += [
        f"- {say('Loosened: {objective}, because {reason}', objective=one.text, reason=one.loosened)}"
        for one in verdict.objectives
        if one.loosened
    ]
    lines += [f"- {remark[0].upper()}{remark[1:]}" for remark in verdict.remarks]
    lines += [f"- {line}" for line in _figures(verdict)]
    return "\n".join(lines) + "\n"


def _row(one: Objective) -> str:
    mark = f"**{one.mark}**" if one.met is False else one.mark
    return f"| {one.text} | {mark} | {one.value_text} | {one.detail} |".replace("\n", " ")


def _figures(verdict: Verdict) -> Iterator[Said]:
    fates = listed(listed((named(fate, FATES), count(people)), " ") for fate, people in verdict.fates.items())
    yield say("People: {planned} planned; {fates}", planned=count(verdict.planned), fates=fates)
    late = [f"{name} {number(value)}" for name, value in verdict.lateness_ms.items() if value is not None]
    if not verdict.is_simulated:
        yield say("Generator late, ms: {late}", late=listed(late) if late else say("not known"))
    used = [listed((named(role, PARTS), number(cpu)), " ") for role, cpu in verdict.cpu_s.items()]
    yield say("CPU seconds: {used}", used=listed(used) if used else say("not known"))
    factors = listed(listed((named(name, FACTORS), value), " ") for name, value in verdict.factors.items())
    words = N_("Factors: {factors}; seed {seed}; plan {plan}")
    yield say(words, factors=factors, seed=verdict.seed, plan=verdict.plan_hash)
    if verdict.is_simulated:
        yield say("Simulated: nothing of this was measured.")
    yield say("Not included: TLS, load balancers (but for the nginx of a run with --proxy nginx), distance.")
    yield say("Full figures: report.html beside this file.")
