"""`launchnight calibrate`: its options, the runs that they name, the file that it writes, what it prints."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from scenarios import calibration_file
from scenarios.calibration_file import CalibrationError
from scenarios.record import RecordError, Run
from scenarios.simulation import calibration_view, windows
from scenarios.simulation.calibration import CALM, Asked, made
from scenarios.simulation.estimates import Redraw

USAGE = 2
NARROWEST_S = 5.0
"""Of a window: processor time is told once a second, so a shorter one would be a quarter wrong at each of its ends."""
FILE = "calibration.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Fit what requests take and cost to the metrics of rehearsals, by route and outcome, with intervals and the "
        "range of loads that was seen; windows that drift or are saturated are refused by name. docs/calibration.md."
    )
    parser.epilog = "exit codes: 0 fitted and written, 1 crash, 2 usage, runs that are unlike, or nothing to fit to"
    add = parser.add_argument
    add("runs", metavar="RUN", nargs="+", type=Path, help="a run folder, or a folder of runs or of a search's probes")
    add("--out", metavar="FILE", type=Path, default=Path(FILE), help=f"the calibration file to write ({FILE})")
    add("--name", metavar="NAME", default="", help="what it is called (as the file)")
    add("--window", metavar="S", type=float, default=windows.WIDTH_S, help=f"seconds ({windows.WIDTH_S:g})")
    add(
        "--calm",
        metavar="SHARE",
        type=float,
        default=CALM,
        help=f"fit times where the web role wants this share of a core at most ({CALM:g})",
    )
    add("--seed", metavar="N", type=int, default=1, help="of the windows that intervals are drawn from (1)")
    add("--redraws", metavar="N", type=int, default=200, help="times that windows are drawn again for them (200)")
    add("--json", action="store_true", help="the calibration on standard output as one JSON document")
    add("--quiet", action="store_true", help="no progress")


def run(options: argparse.Namespace) -> int:
    """Fit, write, print; the exit code."""
    if faults := _misuse(options):
        return _complain(faults)
    name = options.name or options.out.stem
    asked = Asked(name, options.window, options.calm, Redraw(options.seed, options.redraws))
    try:
        runs = [Run.load(folder) for folder in folders(options.runs)]
        found = made(runs, asked, _silent if options.quiet else _tell)
    except RecordError as fault:
        return _complain([str(fault)])
    except CalibrationError as fault:
        return _complain(fault.faults)
    try:
        calibration_file.write(options.out, found)
    except OSError as fault:
        return _complain([f"--out: cannot write {options.out}: {fault.strerror}"])
    if options.json:
        document = {**found.to_dict(), "digest": found.digest, "file": str(options.out), "exit_code": 0}
        print(json.dumps(document, ensure_ascii=False))
    else:
        print(calibration_view.text(found))
        print(f"{options.out}: digest {found.digest[:16]}")
    return 0


def folders(given: Sequence[Path]) -> list[Path]:
    """The run folders that each RUN names: itself, or the runs or probes in it."""
    found: list[Path] = []
    for path in given:
        inside = sorted(each.parent for pattern in ("*/run.json", "probes/*/run.json") for each in path.glob(pattern))
        found += [path] if (path / "run.json").exists() or not inside else inside
    return found


def _misuse(options: argparse.Namespace) -> list[str]:
    """Every option that cannot be, so that all are mended at once."""
    faults = []
    if not NARROWEST_S <= options.window <= 3600.0:
        faults.append(f"--window: must be from {NARROWEST_S:g} to 3600 s, not {options.window:g}")
    if not 0.0 < options.calm <= 1.0:
        faults.append(f"--calm: must be a share of a core above 0, 1 at most, not {options.calm:g}")
    if options.seed < 0:
        faults.append(f"--seed: must not be negative, not {options.seed}")
    if options.redraws < 20:
        faults.append(f"--redraws: must be 20 or more, or there is no interval of 95 %, not {options.redraws}")
    return faults


def _tell(text: str) -> None:
    print(f"launchnight: {text}", file=sys.stderr)


def _silent(text: str) -> None:
    pass


def _complain(faults: Sequence[str]) -> int:
    """One line for each fault on standard error; returns the code of a fault that the caller can mend."""
    for fault in faults:
        _tell(fault)
    return USAGE
