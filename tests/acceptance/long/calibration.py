"""Issue 9, calibration on real processes: what three rehearsals taught, a fourth is held to.

`make acceptance NAME=calibration` rehearses unequal mixes of requests at unequal loads (people who leave after 4
answers, after 12, and such that go all the way), fits a calibration to them, and predicts the processor time of each
role in a rehearsal that was not fitted: other people at another load. Ends with 3 where a role's prediction is more
than 10 % off, with 5 where the machine was not free enough to tell. About a quarter of an hour; it needs the machine
for itself.
ARGS="--write scenarios/calibrations/default.json" makes the calibration that comes with the project.
"""

import argparse
import shutil
import time
from pathlib import Path

import numpy as np

from loadtests.harness.errors import Exit
from loadtests.harness.processes import ROOT
from scenarios import calibration_file
from scenarios.calibration_file import Calibration, CalibrationError
from scenarios.record import Run
from scenarios.simulation import demands, windows
from scenarios.simulation.calibration import Asked, made
from tests.launched import launchnight

WAYS: dict[str, tuple[str, ...]] = {
    "door": ("--steps", "4", "--arrivals", "steps:1x45,5x45,0.5x45,3x45"),
    "form": ("--steps", "12", "--arrivals", "steps:0.5x45,3x45,0.2x45,2x45"),
    "whole": ("--arrivals", "steps:0.5x60,3x60,0.2x60,2x60"),
}
"""What is learned from."""
HELD_OUT = ("--arrivals", "steps:1x60,2.5x60")
PLAYED = ("--pace", "60", "--drain-minutes", "2", "--quiet", "--service", "METRICS_DETAIL=calibration")
WITHIN_S = 600.0
"""Of one rehearsal, at most."""
MOST_OFF = 0.10
WIDTH_S = 10.0
"""Of a window: the rehearsals are short."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=calibration", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the first rehearsal; each takes the next (%(default)s)")
    parser.add_argument("--write", metavar="FILE", type=Path, help="keep the calibration there, if it holds")
    options = parser.parse_args()
    home = ROOT / ".launchnight" / "calibration" / time.strftime("%Y%m%d-%H%M%S")
    name = options.write.stem if options.write else "calibration"
    try:
        learned = [played(home, way, more, options.seed + i) for i, (way, more) in enumerate(WAYS.items())]
        found = made(learned, Asked(name, WIDTH_S), lambda text: print(f"        {text}", flush=True))
        other = played(home, "held-out", HELD_OUT, options.seed + len(WAYS))
    except CalibrationError as refused:
        print("\n".join(["INVALID: nothing can be fitted", *refused.faults, f"the runs are in {home}"]))
        return Exit.INVALID
    code = judged(found, other)
    if options.write and code == Exit.OK:
        calibration_file.write(options.write, found)
        print(f"{options.write}: digest {found.digest[:16]}")
    if code == Exit.OK:
        shutil.rmtree(home)
    else:
        print(f"the runs are in {home}")
    return code


def played(home: Path, way: str, more: tuple[str, ...], seed: int) -> Run:
    """The record of a rehearsal."""
    print(f"{way:<8}  {' '.join(more)}", flush=True)
    place = home / way
    with launchnight(place, "rehearse", "prakerja-wave-1", *more, *PLAYED, "--seed", str(seed)) as process:
        process.communicate(timeout=WITHIN_S)
    return Run.load(next((place / "runs").glob("*/")))


def judged(found: Calibration, other: Run) -> Exit:
    """Print each role's processor time in the rehearsal that was held out, predicted and used; how that ends."""
    cuts = [windows.cut(other, WIDTH_S)]
    if cuts[0].steady.sum() < demands.FEWEST_WINDOWS:
        print("INVALID: too few windows of the rehearsal that was held out are steady")
        return Exit.INVALID
    off = []
    for role in found.roles:
        rows = demands.rows_of(cuts, role.role)
        said, used = demands.expected(role, rows).sum(), rows.used.sum()
        off.append(abs(said / used - 1.0))
        print(f"{role.role:<10}  predicted {said:7.2f} s  used {used:7.2f} s  off by {said / used - 1.0:+6.1%}")
    starved = int(np.sum([bool(each.starved) for each in cuts[0].all]))
    print(f"{starved} of {len(cuts[0].all)} windows held out were starved of cores")
    print(f"{len(found.times)} distributions of service times were fitted")
    for doubt in found.doubts:
        print(f"note: {doubt}")
    return Exit.OK if max(off) <= MOST_OFF else Exit.MISSED


if __name__ == "__main__":
    raise SystemExit(main())
