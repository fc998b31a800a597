"""Runs that were asked to stop when an objective cannot be met any more, and runs that must go on, on real processes.

`make acceptance NAME=abort` plays five short rehearsals of one crowd, which leaves after two answers:

    holds          nothing is out of reach: it goes on to its end
    broken stage   nobody can take a place in line within a millisecond: it stops, and says which objective and when
    nobody asked   the same without --abort-on-miss: it goes on to its end, and misses the same objective
    broken window  only ten seconds of the night ask for that: it stops when these are over
    fault          answers are slow for seven seconds because the lines are: it goes on, because faults do not count

Ends with 3 when a bar is missed, with 5 when a run was invalid (the generator was late, the fault did not bite).
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.harness.errors import Exit
from loadtests.harness.processes import ROOT
from scenarios import catalogue
from scenarios.record import Samples
from tests.launched import launchnight

CROWD = ["--arrivals", "constant:10", "--minutes", "0.5", "--people", "1", "--steps", "2", "--json"]
"""Three hundred people in thirty seconds."""
STAGE = "[objectives.stage.line]\np95_s = 0.001\n"
WINDOW = """
[[objectives.window]]
name = "early"
start_s = 0
end_s = 10
[objectives.window.stage.line]
p95_s = 0.001
"""
FAULT = '[[faults]]\nkind = "latency"\ntarget = "applicants_link"\nstart_s = 8\nend_s = 15\ndelay_s = 4\n'
WATCHED = "--abort-on-miss"
ENOUGH = 0.05
"""Share of slow answers that p95 allows."""
LOOKS_S = 10.0
"""From the end of a window until the run stops: what a look shows may be 5 s old, and two must agree."""


@dataclass(frozen=True)
class Case:
    """One rehearsal, and what must come of it."""

    name: str
    more: str
    watched: bool
    missed: str = ""
    """The objective that is missed in the end."""
    between: tuple[float, float] = (0.0, 0.0)
    """Seconds after the opening within which it is to stop; nothing: it goes on to its end."""


CASES = (
    Case("holds", "", watched=True),
    Case("broken stage", STAGE, watched=True, missed="stage.line.p95_s", between=(0.0, 20.0)),
    Case("nobody asked", STAGE, watched=False, missed="stage.line.p95_s"),
    Case("broken window", WINDOW, watched=True, missed="window.early.stage.line.p95_s", between=(0.0, 10.0 + LOOKS_S)),
    Case("fault", FAULT, watched=True),
)


@dataclass(frozen=True)
class Played:
    case: Case
    folder: Path
    code: int
    config: dict[str, Any]
    verdict: dict[str, Any]

    @property
    def missed(self) -> list[str]:
        return [one["id"] for one in self.verdict["verdict"]["objectives"] if one["met"] is False]

    @property
    def slow_share(self) -> float:
        """Of all answers, in faults too: those that took more than a second."""
        buckets = Samples.load(self.folder).select("swarm_scheduled_seconds_bucket")
        total, within = (sum(v[-1] for labels, _, v in buckets if labels["le"] == le) for le in ("+Inf", "1.0"))
        return float(1.0 - within / total)

    @property
    def stopped_at(self) -> float | None:
        return self.config["missed"]["at_s"] if self.config["ended"] == "missed" else None

    def row(self) -> str:
        at = "to its end" if self.stopped_at is None else f"{self.stopped_at:.1f} s"
        told = self.config.get("missed", {}).get("objective", "-")
        return f"{self.case.name:14} {self.code:4}  {at:11} {told:30} {', '.join(self.missed) or '-'}"

    def faults(self) -> list[str]:
        """Bars that were not met."""
        case, found = self.case, []
        wanted = [case.missed] if case.missed else []
        if self.missed != wanted:
            found.append(f"{case.name}: missed {self.missed}, not {wanted}")
        if self.code != (Exit.MISSED if case.missed else Exit.OK):
            found.append(f"{case.name}: exit code {self.code}")
        stopped = self.stopped_at
        if case.between[1] and (stopped is None or not case.between[0] <= stopped <= case.between[1]):
            found.append(f"{case.name}: stopped at {stopped}, not within {case.between[1]:g} s")
        if case.between[1] and self.config.get("missed", {}).get("objective") != case.missed:
            found.append(f"{case.name}: stopped for {self.config.get('missed')}")
        if not case.between[1] and self.config["ended"] not in ("drained", "limit"):
            found.append(f"{case.name}: it ended {self.config['ended']!r}")
        found += [f"{case.name}: {kind} differ" for kind, row in self.config["ledgers"].items() if row["difference"]]
        return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=abort", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="same seed, same people (%(default)s)")
    options = parser.parse_args()
    folder = ROOT / ".launchnight" / "runs" / f"abort-{time.strftime('%Y%m%d-%H%M%S')}"
    played = [play(case, folder / case.name.replace(" ", "-"), options.seed) for case in CASES]
    print(f"{'run':14} exit  stopped     for                            missed in the verdict")
    for one in played:
        print(one.row())
    print(f"records: {folder}")
    if invalid := [one.case.name for one in played if one.code == Exit.INVALID]:
        print(f"INVALID: {', '.join(invalid)}: the generator was late, or the fault did not bite")
        return Exit.INVALID
    print(f"answers slower than a second while lines were slow, and left out: {played[-1].slow_share:.0%} of all")
    if played[-1].slow_share <= ENOUGH:
        print(f"INVALID: {ENOUGH:.0%} of them are allowed anyway, so the fault proves nothing")
        return Exit.INVALID
    faults = [fault for one in played for fault in one.faults()]
    for fault in faults:
        print(f"missed: {fault}")
    print("not met" if faults else "met")
    return Exit.MISSED if faults else Exit.OK


def play(case: Case, folder: Path, seed: int) -> Played:
    """One rehearsal. Raises RuntimeError when it leaves no record."""
    folder.mkdir(parents=True)
    night = folder / "night.toml"
    text = (Path(catalogue.__file__).parent / "nights" / "prakerja-wave-1.toml").read_text()
    night.write_text(f"{text}\n{case.more}")
    print(f"{case.name} ...", file=sys.stderr)
    watched = [WATCHED] if case.watched else []
    with launchnight(folder, "rehearse", str(night), *CROWD, "--seed", str(seed), *watched) as process:
        _, said = process.communicate(timeout=300)
    runs = list((folder / "runs").glob("*"))
    if not runs or not (runs[0] / "verdict.json").exists():
        raise RuntimeError(f"{case.name}: no record was left: {said}")
    if process.returncode in (Exit.CRASH, Exit.USAGE, Exit.NOT_READY):
        print(said[-2000:], file=sys.stderr)
    config, verdict = (json.loads((runs[0] / name).read_text()) for name in ("run.json", "verdict.json"))
    return Played(case, runs[0], process.returncode, config, verdict)


if __name__ == "__main__":
    sys.exit(main())
