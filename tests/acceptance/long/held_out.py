"""Issue 9, how far the simulation can be trusted: it says what rehearsals will come to before they are played.

`make acceptance NAME=held-out` holds service and database to one core and all who ask to another, finds the knee in a
ramp, calibrates on rehearsals at 30, 50 and 70 % of it, writes down the model and what it expects of 60, 90 and 110 %
of it, of a database that stands still, and of another ramp, prints the SHA-256 of that file, and only then rehearses
them. What the model does not know is how fast the core will be: that is measured beside each rehearsal, by work that
has nothing to do with the service, and the model as it was written down is played once more with that, and graded.
All but the outage are rehearsed twice, there and back, so that a machine that becomes slower or faster meanwhile is so
for every load alike; the mean of both is graded, and how far they differ is what nobody can predict (A/A). An hour, the
machine for itself, and longer where its host takes it away meanwhile; runs are kept below .launchnight/held-out, so
that a second start goes on where the first one ended (ARGS=--anew begins anew). Ends with 1 when a figure is further
off than its bar, with 5 when rehearsals say nothing. ARGS="--minutes 1 --rough" tries it small while others use the
machine; ARGS=--write writes the table into docs/simulation.md.
"""

import argparse
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from loadtests.harness.errors import Exit
from loadtests.harness.order import STEPS_BEFORE_PHOTOS
from loadtests.harness.processes import ROOT
from loadtests.harness.run_folder import versions
from scenarios import calibration_file
from scenarios.calibration_file import Calibration, CalibrationError
from scenarios.counters import FloatArray
from scenarios.record import Run
from scenarios.simulation.calibration import Asked, made
from tests.acceptance.long import held_out_page
from tests.acceptance.long.core_speed import PARTS, by_second
from tests.acceptance.long.held_out_figures import CALM, Figures, Track, figures, mean_of, of_run, track_of_dict
from tests.acceptance.long.held_out_grades import graded
from tests.acceptance.long.held_out_model import Case, Lesson, Model, at_even_speed, fitted, of_calibration
from tests.acceptance.long.held_out_runs import WARM_S, Invalid, Load, Played, awake, cores, night_file, rehearsed
from tests.acceptance.long.held_out_speed import Seen, Speed, learned

FIRST_RAMP = (2.0, 110.0)
"""People a second: from hardly any to well beyond what a core carries. Where the generator is held up at its end, the
knee is still about where it was seen."""
AROUND = (0.5, 1.4)
"""Of the knee: the ramp that is held out."""
LEARNED = {"train-30": 0.3, "train-50": 0.5, "train-70": 0.7}
HELD = {"held-60": 0.6, "held-90": 0.9, "held-110": 1.1}
OUTAGE, OUTAGE_SHARE, OUTAGE_S = "outage", 0.7, 12.0
RAMP = "ramp"
AGAIN = "-again"
"""Ends the name of a second rehearsal."""
WINDOW_S = 10.0
SHORTEST = 1.0


class Written(NamedTuple):
    """What was written down before anything was rehearsed that is held out."""

    model: Model
    even: dict[str, list[Track]]
    """By rehearsal, the plays of it on a core that is always as fast as usual."""
    speed: Speed
    """How slow the service's core is told from what the small work takes."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=held-out", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--minutes", type=float, default=3.0, help="in which people of each rehearsal come (%(default)s)")
    add("--seed", type=int, default=1, help="of the first rehearsal; the others take the next (%(default)s)")
    add("--anew", action="store_true", help="throw away what was rehearsed with these options before")
    add("--rough", action="store_true", help="go on where the generator was held up; ends with 5 whatever is found")
    add("--write", action="store_true", help=f"write the table into {held_out_page.PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.minutes < SHORTEST:
        parser.error(f"--minutes: {SHORTEST:g} at least, not {options.minutes:g}")
    home = _home(options.minutes, options.seed)
    if options.anew:
        shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    try:
        first, other = cores()
        print(f"web, worker, gatekeeper and database on core {first}; swarm, partners and harness on core {other}")
        print(f"runs are kept in {home}", flush=True)
        with awake() as kept_awake:
            if not kept_awake:
                print("note: cores may sleep, for nobody lets us ask for less", flush=True)
            code = _prove(home, options.minutes, options.seed, roughly=options.rough, write=options.write)
        return Exit.INVALID if options.rough else code
    except (Invalid, CalibrationError) as refused:
        print(f"INVALID: {refused}\nthe runs are in {home}")
        return Exit.INVALID


def _prove(home: Path, minutes: float, seed: int, *, roughly: bool, write: bool) -> Exit:
    began = time.monotonic()
    play = partial(rehearsed, home, roughly=roughly, shared=roughly)
    ramp = Load("find-knee", "ramp:{:g}-{:g}".format(*FIRST_RAMP), minutes, seed, 1.0)
    first = rehearsed(home, ramp, roughly=True, shared=roughly)
    knee_per_s = first.figures.best_per_s / STEPS_BEFORE_PHOTOS
    print(f"knee: {first.figures.best_per_s:.0f} good answers a second, {knee_per_s:.1f} people a second", flush=True)
    to_learn = {
        name: Load(name, f"constant:{share * knee_per_s:.3g}", minutes, seed + 1 + place, share)
        for place, (name, share) in enumerate(LEARNED.items())
    }
    taught = [(load, play(load)) for load in _there_and_back(to_learn)]
    speed = learned(
        [Seen(of_run(one.run, len(one.counts)), one.counts, by_second(one.work_us)) for _, one in taught], WARM_S
    )
    print(f"the core is slow for the service as for the small work to the power of {speed.power:.2f}", flush=True)
    even_runs = [at_even_speed(one.run, speed.slow(one.work_us)) for _, one in taught]
    found = made(even_runs, Asked("held-out", WINDOW_S), _say)
    for (load, _), source in zip(taught, found.runs, strict=True):
        print(f"{load.name:<14}  {source.steady} windows of {WINDOW_S:g} s are steady", flush=True)
    calibration_file.write(home / "calibration.json", found)
    held = _held(knee_per_s, minutes, seed + 10)
    path = home / "predictions.json"
    if not path.exists():
        if any((home / name).exists() for name in held):
            raise Invalid("rehearsals were held out, and what was expected of them is gone: begin anew with --anew")
        _write(path, _written(home, found, taught, even_runs, held, speed), held)
    written, sha = read(path, found)
    print(f"predictions are written: SHA-256 {sha}", flush=True)
    played = _played(play, held)
    absent = sorted(set(held) - set(played))
    expected = {
        name: [
            _mean(written.model.tracks(_case(home, held[name]), written.speed.slow(each.work_us)), each)
            for each in some
        ]
        for name, some in played.items()
    }
    even = {name: [_mean(written.even[name], each) for each in some] for name, some in played.items()}
    seen = {name: [each.figures for each in some] for name, some in played.items()}
    for name, some in played.items():
        for said, each in zip(expected[name], some, strict=True):
            slow = written.speed.slow(each.work_us)[WARM_S * PARTS :].mean()
            _show(name, f"the core took {slow:.3f} times as long as usual: ", said, each.figures)
    lines = graded(expected, seen)
    (home / "grades.json").write_text(json.dumps([line.to_dict() for line in lines], indent=1) + "\n")
    told = held_out_page.text(lines, graded(even, seen), absent, knee_per_s, sha, found, minutes)
    print(told)
    print(f"{(time.monotonic() - began) / 60:.0f} minutes, calibration {found.digest[:16]}")
    for doubt in found.doubts:
        print(f"note: {doubt}")
    if write and not roughly:
        held_out_page.write(told)
    if not all(line.held for line in lines):
        return Exit.CRASH
    return Exit.INVALID if absent else Exit.OK


def _played(play: Callable[[Load], Played], loads: dict[str, Load]) -> dict[str, list[Played]]:
    """Those of the loads that could be rehearsed; of the others it has been said that they could not."""
    found: dict[str, list[Played]] = {}
    for load in _there_and_back(loads):
        with suppress(Invalid):
            found.setdefault(load.name.removesuffix(AGAIN), []).append(play(load))
    return found


def _there_and_back(loads: dict[str, Load]) -> Iterable[Load]:
    """Each, and then each but the outage again, the last one first."""
    back = [replace(load, name=load.name + AGAIN) for load in reversed(loads.values()) if load.name != OUTAGE]
    return [*loads.values(), *back]


def _held(knee_per_s: float, minutes: float, seed: int) -> dict[str, Load]:
    """What is predicted, by name."""
    low, high = (share * knee_per_s for share in AROUND)
    start_s = round(minutes * 60 * CALM)
    return {
        **{
            name: Load(name, f"constant:{share * knee_per_s:.3g}", minutes, seed + place, share)
            for place, (name, share) in enumerate(HELD.items())
        },
        OUTAGE: Load(
            OUTAGE,
            f"constant:{OUTAGE_SHARE * knee_per_s:.3g}",
            minutes,
            seed + 5,
            OUTAGE_SHARE,
            (start_s, start_s + OUTAGE_S),
        ),
        RAMP: Load(RAMP, f"ramp:{low:.3g}-{high:.3g}", minutes, seed + 6, 1.0),
    }


def _written(
    home: Path, found: Calibration, taught: list[tuple[Load, Played]], even_runs: list[Run], held: dict[str, Load],
    speed: Speed,
) -> Written:  # fmt: skip
    """The model, fitted, and what it expects, second by second. even_runs: those of taught, at even speed."""
    night = night_file(home, None)
    lessons = [Lesson(load.case(night), one.counts, one.figures, speed.slow(one.work_us)) for load, one in taught]
    model = of_calibration(found, [(one.case, run) for one, run in zip(lessons, even_runs, strict=True)])
    print("fitting what a request waits for", flush=True)
    model = fitted(model, lessons, _say)
    for (load, _), one in zip(taught, lessons, strict=True):
        _show(load.name, "learned: ", model.figures(one.case, one.counts, one.slow), one.seen)
    return Written(model, {name: _even(model, _case(home, load)) for name, load in held.items()}, speed)


def _even(model: Model, case: Case) -> list[Track]:
    usual: FloatArray = np.ones(case.end_s * PARTS)
    return model.tracks(case, usual)


def _mean(plays: list[Track], seen: Played) -> Figures:
    """What plays of a rehearsal come to on the average, in the seconds of it that count."""
    return mean_of([figures(each, seen.counts, WARM_S, len(seen.counts)) for each in plays])


def read(path: Path, found: Calibration) -> tuple[Written, str]:
    """What the file says, and its SHA-256. Raises Invalid where it does not come from this calibration."""
    data = path.read_bytes()
    try:
        document = json.loads(data)
        even = {name: [track_of_dict(each) for each in plays] for name, plays in document["expected"].items()}
        written = Written(Model.of_dict(found, document["model"]), even, Speed(*map(float, document["speed"])))
        source = str(document["calibration"])
    except (KeyError, TypeError, ValueError):
        raise Invalid(f"{path} was written by another version of this proof: begin anew with --anew") from None
    if source != found.digest:  # with --rough other rehearsals may have been learned from
        raise Invalid(
            f"{path} comes from calibration {source[:16]}, the rehearsals give {found.digest[:16]}: begin anew with "
            "--anew"
        )
    return written, hashlib.sha256(data).hexdigest()


def _case(home: Path, load: Load) -> Case:
    return load.case(night_file(home, load.outage))


def _write(path: Path, written: Written, held: dict[str, Load]) -> None:
    document = {
        "simulated": True,
        "calibration": written.model.found.digest,
        "model": written.model.to_dict(),
        "speed": written.speed,
        "loads": {name: [load.arrivals, load.minutes, load.seed, load.outage] for name, load in held.items()},
        "expected": {name: [each.to_dict() for each in plays] for name, plays in written.even.items()},
    }
    path.write_text(json.dumps(document) + "\n")


def _show(name: str, how: str, expected: Figures, seen: Figures) -> None:
    """How near the model comes to one rehearsal; where it was fitted to it, no proof, but a hint where it is not."""
    pairs = [
        *((role, each, seen.cores[role]) for role, each in expected.cores.items()),
        ("p50", expected.p50_s, seen.p50_s),
        ("p95", expected.p95_s, seen.p95_s),
        ("oldest", expected.oldest_s, seen.oldest_s),
        ("good", expected.good_per_s, seen.good_per_s),
    ]
    told = ", ".join(f"{what} {one:.4g} of {other:.4g}" for what, one, other in pairs)
    print(f"{name:<14}  {how}{told}", flush=True)


def _home(minutes: float, seed: int) -> Path:
    """Where the runs with these options, of this service, are kept."""
    told = f"{minutes:g} {seed} {versions()['service code']}"
    return ROOT / ".launchnight" / "held-out" / hashlib.sha256(told.encode()).hexdigest()[:12]


def _say(text: str) -> None:
    print(f"        {text}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
