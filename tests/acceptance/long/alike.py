"""B13 on real processes: pairs of runs of the same, compared; what differs is chance and the machine's mood.

`make acceptance NAME=alike` rehearses twenty times for less than a minute, each time with other people, and compares
run by run (ten pairs) and side by side (ten repeats against ten). It says how often a pair was called although nothing
differs, and how far runs differ beside what their own windows let expect: single runs cannot know of the former,
repeats do. Ends with 5 when the generator was the limit too often; a call between pairs is told, and is no failure of
the service; one between the repeats is (3). About 25 minutes; it needs the machine for itself.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from loadtests.harness.errors import Exit
from loadtests.harness.processes import ROOT
from reports.change import BETTER, WORSE, Change
from reports.comparison import Comparison, NotComparable, compare, load
from reports.measures import Seen
from scenarios.record import RecordError
from tests.acceptance.long.swarm_runs import Bars
from tests.launched import launchnight

PAIRS = 10
SPARE = 6
"""Runs that may be invalid, because something else held up the machine, and are played once more."""
PLAYED = ("--steps", "9", "--pace", "200", "--drain-minutes", "0.1", "--quiet")
"""The way up to the photos; people think for moments."""
WITHIN = 180.0
"""Seconds of a run, at most; it takes about seventy."""
SHOWN = ("api_p50_s", "api_p95_s", "api_p99_s", "cpu_per_answer_s")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=alike", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the first run; each takes the next (%(default)s)")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="how many (%(default)s)")
    parser.add_argument("--rate", type=float, default=6.0, help="people a second (%(default)g)")
    parser.add_argument("--minutes", type=float, default=0.7, help="for which they come (%(default)g)")
    options = parser.parse_args()
    home = ROOT / ".launchnight" / "alike" / time.strftime("%Y%m%d-%H%M%S")
    runs: list[Seen] = []
    for run in played(home, options):
        runs.append(run)
        if len(runs) % 2 == 0:
            (one,) = compare([[runs[-2]], [runs[-1]]])
            print(f"pair {len(runs) // 2:>2}  {shown(one)}", flush=True)
        if len(runs) == 2 * options.pairs:
            break
    else:
        print(f"INVALID: only {len(runs)} of {2 * options.pairs} runs are fit to be compared; they are in {home}")
        return Exit.INVALID
    code = judged(runs)
    if code == Exit.OK:
        shutil.rmtree(home)
    else:
        print(f"the runs are in {home}")
    return code


def played(home: Path, options: argparse.Namespace) -> Iterator[Seen]:
    """Valid runs, until there are enough of them or too many were not."""
    more = ("--arrivals", f"constant:{options.rate:g}", "--minutes", f"{options.minutes:g}", *PLAYED)
    for number in range(2 * options.pairs + SPARE):
        place = home / f"{number:02d}"
        with launchnight(place, "rehearse", "prakerja-wave-1", *more, "--seed", str(options.seed + number)) as process:
            try:
                process.communicate(timeout=WITHIN)
            except subprocess.TimeoutExpired:
                print(f"        run {number}: not done within {WITHIN:g} s", flush=True)
                continue
        for folder in sorted((place / "runs").glob("*/")):
            try:
                yield load(folder)
            except (NotComparable, RecordError) as refused:
                print(f"        run {number}, {options.seed + number}: {refused}", flush=True)


def shown(one: Comparison) -> str:
    """A pair in a line: what is shown of it, and everything that was called."""
    changes = {change.id: change for change in one.changes}
    called = [f"{change.id} {change.call}" for change in one.changes if change.call in (WORSE, BETTER)]
    figures = [f"{name} {relative(changes[name])}" for name in SHOWN]
    return f"{'; '.join(figures)}: {', '.join(called) or 'no call'}"


def relative(change: Change) -> str:
    if change.relative is None:
        return change.call
    return "{:+.1%} ({:+.1%} to {:+.1%})".format(*change.relative)


def judged(runs: list[Seen]) -> Exit:
    """The bars, and what of chance single runs cannot know."""
    pairs = [compare([[before], [after]])[0] for before, after in zip(runs[::2], runs[1::2], strict=True)]
    called = sum(one.call in (WORSE, BETTER) for one in pairs)
    print(f"\n{called} of {len(pairs)} pairs of single runs were called")
    for name in SHOWN:
        changes = [change for one in pairs for change in one.changes if change.id == name and change.relative]
        if len(changes) > 1:
            apart = np.log1p([change.relative[0] for change in changes if change.relative])
            reach = [np.log1p(c.relative[2]) - np.log1p(c.relative[0]) for c in changes if c.relative]
            print(
                f"        {name}: two runs of the same differ by {np.sqrt(np.mean(apart**2)):.1%} (root mean square); "
                f"the intervals reach {np.median(reach) / 2:.1%} in the median"
            )
    if len(runs) < 6:
        print("met: too few runs for repeats")
        return Exit.OK
    bars = Bars()
    # Every second pair turned around, so that a machine that warms up favors neither side.
    sides = [[run for i, run in enumerate(runs) if (i + i // 2) % 2 == side] for side in (0, 1)]
    (repeats,) = compare(sides)
    bars.judge(
        repeats.call not in (WORSE, BETTER), f"{len(sides[0])} repeats against {len(sides[1])}: {shown(repeats)}"
    )
    print("met" if not bars.missed else "not met")
    return Exit.MISSED if bars.missed else Exit.OK


if __name__ == "__main__":
    sys.exit(main())
