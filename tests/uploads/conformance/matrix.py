"""The table of docs/uploads_matrix.md, measured anew: python -m tests.uploads.conformance.matrix (make conformance)."""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from loadtests.harness.processes import ROOT
from tests.benchmarks import uploads_rivals
from tests.s3_server import s3_server
from tests.uploads.conformance.cases import Case, Level
from tests.uploads.conformance.table import CASES, NO_ANSWER, SECTIONS, Outcome, Verdict, outcome
from tests.uploads.servers import Program, Server, ours, tus_server, tuspyserver

PAGE = ROOT / "docs" / "uploads_matrix.md"
OURS = ("launchnight, local disk", "launchnight, S3")
_TRIES = 3
_DYING = 1.0
"""Seconds from a connection that closes to the end of its process."""
_SIGNS = {Verdict.KEPT: "yes", Verdict.DEVIATES: "**no**", Verdict.NOT_OFFERED: "–"}
_HEAD = """# What servers do with the demands of tus 1.0.0

Made by `make conformance`; not written by hand. One row for each MUST and SHOULD of the protocol's text (core,
creation, creation with upload, deferred length, expiration, checksum, termination) that can be seen from outside,
tried over a plain socket by `tests/uploads/conformance`. An extension is a choice: – means that the server does not
offer it; what is offered is judged. A server whose process ends during a case is started anew and tried up to three
times.

Versions: {versions}.
"""


def judged(case: Case, server: Server) -> Outcome:
    """The outcome on a server that lived through the case."""
    for _ in range(_TRIES):
        found = outcome(case, server.speaker)
        if not (server.ends_within(_DYING) if found.seen == NO_ANSWER else server.ended):
            return found
        server.restart()
    return Outcome(Verdict.DEVIATES, "the server's process ended")


def measured(programs: Sequence[Program], folder: Path) -> Mapping[str, Mapping[str, Outcome]]:
    """By program and case."""
    found = {}
    for number, program in enumerate(programs):
        with Server(program, folder / str(number)) as server:
            found[program.name] = {case.name: judged(case, server) for case in CASES}
        deviations = sum(each.verdict is Verdict.DEVIATES for each in found[program.name].values())
        print(f"{program.name}: {deviations} deviations in {len(CASES)} cases", file=sys.stderr, flush=True)
    return found


def page(found: Mapping[str, Mapping[str, Outcome]], versions: Mapping[str, str]) -> str:
    """The document."""
    names = list(found)
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    text = [_HEAD.format(versions=named), _summary(found)]
    for section in SECTIONS:
        text += [f"\n## {section.title}\n", _row(["demand", "", *names]), _row(["---"] * (len(names) + 2))]
        for case in section:
            signs = [_SIGNS[found[name][case.name].verdict] for name in names]
            text.append(_row([case.demand, case.level.value, *signs]))
    text.append("\n## What was seen instead")
    for name in names:
        seen = [(case, found[name][case.name].seen) for case in CASES if found[name][case.name].seen]
        text.append(f"\n### {name}\n")
        text += [f"- {case.demand} Seen: {_plain(each)}." for case, each in seen] or ["Nothing."]
    return "\n".join(text) + "\n"


def _summary(found: Mapping[str, Mapping[str, Outcome]]) -> str:
    rows = [_row(["server", "kept", "deviations from a MUST", "from a SHOULD", "not offered"]), _row(["---"] * 5)]
    for name, outcomes in found.items():
        counts = [_count(outcomes, Verdict.KEPT, *Level)]
        counts += [_count(outcomes, Verdict.DEVIATES, level) for level in (Level.MUST, Level.SHOULD)]
        rows.append(_row([name, *map(str, counts), str(_count(outcomes, Verdict.NOT_OFFERED, *Level))]))
    return "\n".join(rows)


def _count(outcomes: Mapping[str, Outcome], verdict: Verdict, *levels: Level) -> int:
    return sum(case.level in levels and outcomes[case.name].verdict is verdict for case in CASES)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(seen: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in seen)[:160]


def main() -> int:
    """Exit 0 when ours deviates in nothing."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        s3 = stack.enter_context(s3_server(folder))
        programs = [ours(OURS[0]), ours(OURS[1], s3=s3), tus_server(), tuspyserver()]
        found = measured(programs, folder)
    PAGE.write_text(page(found, versions()))
    own = [each for name in OURS for each in found[name].values()]
    return int(any(each.verdict is Verdict.DEVIATES for each in own))


def versions() -> Mapping[str, str]:
    """Of the others, as they are installed."""
    node = json.loads((uploads_rivals.FILES / "package.json").read_text())["dependencies"]
    python = dict(package.split("==") for package in uploads_rivals.PYTHON_PACKAGES)
    return {name: {**node, **python}[name] for name in ("@tus/server", "@tus/file-store", "tuspyserver")}


if __name__ == "__main__":
    sys.exit(main())
