"""G1 to G24: the waiting room against its goals, each with pass, fail or not built, and why.

`make acceptance NAME=waiting-room` runs every proof, two at a time: models under a virtual clock that call the
service's own rules, and real processes on a real database. It prints the table and leaves figures, seeds and logs in a
folder below .launchnight/runs. Ends with 3 when a bar is missed, with 5 when a proof proves nothing.
"""

import argparse
import importlib
import json
import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from os import cpu_count
from pathlib import Path
from typing import Any

from loadtests.harness.errors import Exit
from loadtests.harness.processes import ROOT
from tests.acceptance.long import room_document
from tests.acceptance.long.room_goals import GOALS, Figures, Finding, Invalid, Row, Run, rows, table

FIRST = ("room_kills", "room_absent", "room_store", "room_gate", "room_loop")
"""The longest: two processes are then done at about the same time."""
AT_ONCE = 2


@dataclass(frozen=True)
class Outcome:
    """Of one proof with one seed. Either figures, or why there are none."""

    proof: str
    seed: int
    took_s: float
    figures: Figures | None
    invalid: str = ""
    crash: str = ""


def proofs() -> list[str]:
    """Modules beside this one that judge."""
    found = {path.stem for path in Path(__file__).parent.glob("room_*.py") if "\ndef judge(" in path.read_text()}
    return [*FIRST, *sorted(found - set(FIRST))]


def load(proof: str) -> Any:
    return importlib.import_module(f"tests.acceptance.long.{proof}")


def measured(proof: str, seed: int, run: Run) -> Outcome:
    """In a process of the pool: a proof that proves nothing, or breaks, does not end the others."""
    began = time.monotonic()

    def outcome(figures: Figures | None, **why: str) -> Outcome:
        return Outcome(proof, seed, round(time.monotonic() - began, 2), figures, **why)

    try:
        return outcome(load(proof).measure(seed, run))
    except Invalid as why:
        return outcome(None, invalid=str(why))
    except ExceptionGroup as group:
        reasons, others = group.split(Invalid)
        if reasons is None or others is not None:
            return outcome(None, crash=traceback.format_exc())
        return outcome(None, invalid=str(reasons.exceptions[0]))
    except Exception:
        return outcome(None, crash=traceback.format_exc())


def arguments() -> argparse.ArgumentParser:
    about = str(__doc__).split("\n\n", maxsplit=1)[0]
    parser = argparse.ArgumentParser(prog="make acceptance NAME=waiting-room", description=about)
    parser.add_argument("--only", metavar="G3", action="append", choices=GOALS, help="proofs that tell of this goal")
    parser.add_argument("--seeds", type=int, help="how many for each proof (as many as it needs)")
    parser.add_argument("--seed", type=int, default=1, help="the first one (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="smaller models, few seeds: a look, no proof")
    parser.add_argument("--document", action="store_true", help="put what was found into docs/waiting-room.md")
    parser.add_argument("--folder", type=Path, help="for figures and logs (a new one below .launchnight/runs)")
    return parser


def jobs(options: argparse.Namespace) -> Iterator[tuple[str, int]]:
    for proof in proofs():
        module = load(proof)
        if options.only and not set(options.only) & set(module.GOALS):
            continue
        count = min(options.seeds or module.SEEDS, module.SEEDS)
        if options.quick:
            count = min(count, module.QUICK)
        for seed in range(options.seed, options.seed + count):
            yield proof, seed


def carried_out(work: Sequence[tuple[str, int]], run: Run) -> list[Outcome]:
    """Each job's outcome, two at a time, in the order of the jobs; a line and a log file for each that is done."""
    done: list[Outcome] = []
    # spawn: a proof starts event loops and processes of its own, and must not inherit another's.
    with ProcessPoolExecutor(AT_ONCE, multiprocessing.get_context("spawn"), max_tasks_per_child=None) as pool:
        futures: list[Future[Outcome]] = [pool.submit(measured, proof, seed, run) for proof, seed in work]
        for future in as_completed(futures):
            one = future.result()
            done.append(one)
            (run.folder / f"{one.proof}-{one.seed}.json").write_text(json.dumps(asdict(one), indent=1, default=str))
            state = "crashed" if one.crash else "INVALID: " + one.invalid if one.invalid else "measured"
            text = f"{len(done):3}/{len(work)} {one.proof}, seed {one.seed}: {state} in {one.took_s:.0f} s"
            print(text, file=sys.stderr, flush=True)
            if one.crash:
                print(one.crash, file=sys.stderr, flush=True)
    return sorted(done, key=lambda one: work.index((one.proof, one.seed)))


def judged(done: Sequence[Outcome]) -> list[Row]:
    findings: list[Finding] = []
    invalid: dict[str, list[str]] = {}
    for proof in dict.fromkeys(one.proof for one in done):
        module = load(proof)
        mine = [one for one in done if one.proof == proof]
        for one in mine:
            for goal in module.GOALS if one.invalid or one.crash else ():
                why = one.invalid or one.crash.strip().splitlines()[-1]
                invalid.setdefault(goal, []).append(f"{proof}, seed {one.seed}: {why}")
        figures = [one.figures for one in mine if one.figures is not None]
        if figures:
            findings += module.judge(figures)
    return rows(findings, invalid)


def how(options: argparse.Namespace, done: Sequence[Outcome]) -> str:
    counts = Counter(one.proof for one in done)
    proofs = ", ".join(f"{name.removeprefix('room_')} {count}" for name, count in counts.items())
    size = "smaller models, `--quick`; " if options.quick else ""
    return f"{size}seeds from {options.seed}: {proofs}. {cpu_count()} cores."


def figures_of(done: Sequence[Outcome], proof: str) -> list[Figures]:
    return [one.figures for one in done if one.proof == proof and one.figures is not None]


def main() -> int:
    options = arguments().parse_args()
    folder = options.folder or ROOT / ".launchnight" / "runs" / f"waiting-room-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        done = carried_out(list(jobs(options)), Run(folder, options.quick))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    found = judged(done)
    printed = table(found)
    (folder / "table.md").write_text(printed + "\n")
    print(printed)
    counts = {verdict: sum(row.verdict == verdict for row in found) for verdict in ("pass", "fail", "invalid")}
    print(f"{counts['pass']} pass, {counts['fail']} fail, {counts['invalid']} invalid; {len(done)} runs with ", end="")
    print(f"seeds from {options.seed} in {time.monotonic() - began:.0f} s; figures and logs: {folder}", flush=True)
    if options.document:
        room_document.write(
            found, how(options, done), figures_of(done, "room_rivals"), load("room_rivals").WORDS, folder
        )
    if any(one.crash for one in done):
        return Exit.CRASH
    if counts["invalid"]:
        return Exit.INVALID
    return Exit.MISSED if counts["fail"] else Exit.OK


if __name__ == "__main__":
    sys.exit(main())
