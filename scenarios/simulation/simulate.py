"""`launchnight simulate NIGHT`: its options, the run, what it prints."""

import argparse
import json
import os
import resource
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import calibration_file
from scenarios.behaviour import habits
from scenarios.catalogue import Night, NightError, load
from scenarios.factors import Factors, parse_people
from scenarios.fates import Fate, Furthest, Reason
from scenarios.simulation import calibrated, invariants, seeds
from scenarios.simulation.costs import Costs, Resources
from scenarios.simulation.figures import NotSimulated, Setup, photo_bytes
from scenarios.simulation.planning.goals import came_joined
from scenarios.simulation.planning.outcome import outcome
from scenarios.simulation.recorded import Asked, Recording
from scenarios.simulation.run import Progress, Result, arrivals, simulate
from scenarios.simulation.unfinished import Unfinished

USAGE, CRASH, INTERRUPTED = 2, 1, 130
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Play a night in virtual time, person by person and at full size, with the rules of the service and of its "
        "applicants. Its laws are checked after each run; the record and the report are those of a rehearsal, and say "
        "that they are simulated."
    )
    parser.epilog = (
        "exit codes: 0 played, 1 crash or a law was broken, 2 usage or a night that cannot be played, 130 interrupted"
    )
    add = parser.add_argument
    add("night", metavar="NIGHT", help="a night's name, or its .toml file")
    add("--people", metavar="1/N", default="1", help="scale the night; a COUNT of people needs --cut (1)")
    add("--cut", action="store_true", help="only the first --people COUNT arrivals, nothing scaled")
    add("--seed", metavar="S", type=int, default=1, help="of every draw (1)")
    add("--seeds", metavar="K", type=int, default=1, help="play seeds S, S+1, ..., K of them, and tell the spread (1)")
    add("--reading", metavar="NAME", help="of the launch (the night's default)")
    add("--set", metavar="NAME", dest="partner_set", help="of partners' capacities (the night's default)")
    add("--speed", metavar="S", type=float, default=1.0, help="the night's clock runs so many times as fast (1)")
    add("--pace", metavar="P", type=float, default=1.0, help="people do things so many times as fast (1)")
    add("--drain-minutes", metavar="M", type=float, help="minutes after the last arrival at most (until an hour after "
        "the close)")  # fmt: skip
    add("--web", metavar="N", type=int, default=Resources.web, help=f"web processes ({Resources.web})")
    add("--database", metavar="N", type=int, default=Resources.database, help=f"its cores ({Resources.database})")
    add("--inspectors", metavar="N", type=int, default=Resources.inspectors, help=f"({Resources.inspectors})")
    add("--gate-rate", metavar="R", type=float, help="people a second that are let in (as the partner set says)")
    add("--planned-rate", metavar="R", type=float, help="people a second that the gate begins with (--gate-rate)")
    add("--fixed-rate", action="store_true", help="the gate lets in --gate-rate, whatever the stages behind it bear")
    add("--calibration", metavar="NAME", help="what work costs: a name or a .json file (figures measured by hand)")
    add("--unprotected", action="store_true", help="no waiting room, no door, no bounds, no pacing: April 2020")
    add("--runs", metavar="DIR", default="runs", help="where run folders go (runs)")
    add("--out", metavar="DIR", help="the run folder itself, which must not be there yet")
    add("--no-record", action="store_true", help="write nothing, only print what it came to")
    add("--no-report", action="store_true", help="write the record without a report")
    add("--language", metavar="CODE", choices=("en", "id"), default="en", help="of the report: en, id (en)")
    add("--json", action="store_true", help="one JSON document on standard output")
    add("--quiet", action="store_true", help="no progress")
    add("--hand-over", metavar="FD", type=int, help=argparse.SUPPRESS)


@dataclass(frozen=True)
class Game:
    """What the options ask for."""

    setup: Setup
    due_us: NDArray[np.int64]
    asked: Asked
    began: float
    """Processor time of this process when it began to make it."""


def run(options: argparse.Namespace) -> int:
    """Play, check, record, print; the exit code."""
    before = {each: signal.signal(each, _interrupt) for each in _INTERRUPTS}
    unfinished = Unfinished()
    if options.hand_over is not None:
        threading.Thread(target=end_unheard, args=(options.hand_over, unfinished.end), daemon=True).start()
    try:
        game = game_of(options)
        with _folder(options, game.setup.night, unfinished) as folder:
            told = _of_seeds(options, game, folder) if options.seeds > 1 else _of_one(options, game, folder)
        return _tell(options, told)
    except (NightError, ValueError, OSError) as fault:
        print(f"launchnight simulate: {fault}", file=sys.stderr)
        return USAGE
    except seeds.SeedFailed as fault:
        print(f"launchnight simulate: {fault}", file=sys.stderr)
        return CRASH
    except KeyboardInterrupt:
        print("launchnight simulate: interrupted; nothing is kept", file=sys.stderr)
        return INTERRUPTED
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def game_of(options: argparse.Namespace) -> Game:
    """What the options ask for. Raises NightError, ValueError."""
    began = time.process_time()
    if options.seeds < 1:
        raise ValueError(f"--seeds must be 1 or more, not {options.seeds}")
    if options.drain_minutes is not None and not options.drain_minutes > 0.0:
        raise ValueError(f"--drain-minutes must be above 0, not {options.drain_minutes:g}")
    if options.planned_rate is not None and not options.planned_rate > 0.0:
        raise ValueError(f"--planned-rate must be above 0, not {options.planned_rate:g}")
    setup, most = setup_of(options)
    reading = options.reading or setup.night.curve.default
    due_us = arrivals(setup.night, setup.night.curve.reading(reading), options.seed, setup.factors, most)
    if not len(due_us):
        raise NotSimulated("nobody comes")
    found = calibration_file.load(options.calibration) if options.calibration else None
    asked = Asked(
        set_name=options.partner_set or setup.night.default_set,
        reading=reading,
        cut=most,
        drain_s=None if options.drain_minutes is None else 60.0 * options.drain_minutes,
        calibration=options.calibration or "",
        calibration_digest=found.digest if found is not None else "",
    )
    return Game(setup, due_us, asked, began)


def document(game: Game, folder: Path | None, progress: Progress) -> dict[str, Any]:
    """Play one seed, keep its record in an empty folder, and say what it came to. Raises NotSimulated, OSError.

    folder: None where nothing is kept; the caller removes it when this fails.
    `cpu_s` and `peak_rss_mb` are of the simulation alone, before anything of the record is written.
    """
    setup = game.setup
    recording = None if folder is None else Recording(folder)
    with closing(recording) if recording is not None else nullcontext():
        recorder = recording.recorder if recording is not None else None
        played = simulate(
            setup, game.due_us, progress=progress, drain_s=game.asked.drain_s, recorder=recorder
        )  # fmt: skip
    cpu_s = time.process_time() - game.began - (recorder.cpu_s if recorder is not None else 0.0)
    broken = invariants.violations(played)
    told = document_of(setup.night, setup.seed, played, cpu_s, broken)
    told["came_joined"] = came_joined(outcome(played, setup, broken=broken, cpu_s=cpu_s))
    if recording is not None:
        recording.write(setup, game.due_us, played, game.asked)
        told["record"] = str(recording.folder)
    return told


def _is_heard(options: argparse.Namespace) -> bool:
    """Whether somebody waits to report what is recorded."""
    return options.hand_over is not None and not (options.no_record or options.no_report)


def end_unheard(descriptor: int, end: Callable[[int], object] = os._exit) -> None:
    """End this process when nobody reads the pipe any more: whoever asked for the night has gone."""
    listener = select.poll()
    listener.register(descriptor, 0)
    listener.poll()
    end(INTERRUPTED)


def _interrupt(_number: int, _frame: object) -> None:
    """Once: a second one would interrupt putting things away."""
    for each in _INTERRUPTS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _folder(
    options: argparse.Namespace, night: Night, unfinished: Unfinished
) -> AbstractContextManager[Path | None]:  # fmt: skip
    """Where the record goes; None where none is wanted."""
    if options.no_record:
        return nullcontext()
    return unfinished.made(Path(options.runs), night.name, Path(options.out) if options.out else None)


def _of_one(options: argparse.Namespace, game: Game, folder: Path | None) -> dict[str, Any]:
    return document(game, folder, _silent if options.quiet or options.json else _show)


def _of_seeds(options: argparse.Namespace, game: Game, folder: Path | None) -> dict[str, Any]:
    """Several seeds, each in its process; the first one's record goes into the folder."""
    return seeds.run(options, len(game.due_us), folder, (lambda text: None) if options.quiet else _say)


def _tell(options: argparse.Namespace, told: dict[str, Any]) -> int:
    """Print it, or hand it over to whoever writes the report and then prints it; the exit code."""
    code = CRASH if told["broken_laws"] else 0
    text = seeds.text_of(told) if options.seeds > 1 else text_of(told)
    if _is_heard(options) and told.get("record"):
        # Left open: the pipe ends with this process, and who listens waits for that.
        with os.fdopen(options.hand_over, "w", encoding="utf-8", closefd=False) as heard:
            json.dump({"document": told, "text": text, "json": options.json, "language": options.language,
                       "exit_code": code}, heard)  # fmt: skip
        return code
    print(json.dumps(told, indent=2) if options.json else text)
    return code


def setup_of(options: argparse.Namespace) -> tuple[Setup, int | None]:
    """What the options ask for, and how many arrivals at most. Raises NightError, ValueError."""
    night = load(options.night)
    name = options.partner_set or night.default_set
    if name not in night.partners:
        raise ValueError(f"--set must be one of {', '.join(night.partners)}, not {name}")
    if options.reading is not None and options.reading not in night.curve.readings:
        raise ValueError(f"--reading must be one of {', '.join(night.curve.readings)}, not {options.reading}")
    people, most = people_of(options.people, options.cut)
    factors = Factors(people, options.speed, options.pace)
    resources = Resources(
        options.web, options.database, options.inspectors, gate_per_s=options.gate_rate,
        follows_stages=not options.fixed_rate, planned_per_s=options.planned_rate,
    )  # fmt: skip
    if options.unprotected:
        resources = resources.unprotected()
    own = habits(night, factors.pace, factors.speed)
    costs = costs_of(options.calibration, night)
    return Setup(night, night.partners[name], resources, costs, own, options.seed, factors), most


def costs_of(name: str | None, night: Night) -> Costs:
    """Those of a calibration, whose rehearsals sent the night's photos; the defaults of None. Raises ValueError."""
    if name is None:
        return Costs()
    sizes = photo_bytes(night.population.photos)
    return calibrated.costs(calibration_file.load(name), sum(sizes) / len(sizes) / 1e6)


def people_of(text: str, cut: bool) -> tuple[Fraction, int | None]:
    """The scale, and how many arrivals are played at most. Raises ValueError."""
    if cut:
        if not text.isdecimal() or int(text) < 1:
            raise ValueError(f"--cut wants a count of people, not {text}")
        return Fraction(1), int(text)
    if text.isdecimal() and int(text) > 1:
        raise ValueError(f"--people {text} is a count: add --cut to play the first {text} arrivals, or scale by 1/N")
    return parse_people(text), None


def document_of(night: Night, seed: int, played: Result, cpu_s: float, broken: list[str]) -> dict[str, Any]:
    """What a run came to, as JSON values. peak_rss_mb: of this process so far."""
    world, rows = played.world[0], played.rows
    return {
        "night": night.name,
        "seed": seed,
        "people": len(rows),
        "events": played.events,
        "cpu_s": round(cpu_s, 3),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "digest": played.digest(),
        "ended_s": played.ended_us / 1e6,
        "fates": _counts(rows["fate"], Fate),
        "reasons": _counts(rows["reason"], Reason),
        "furthest": _counts(rows["furthest"], Furthest),
        "polls": round(float(world["polls"])),
        "admitted": int(world["admitted"]),
        "gate": played.paced.to_dict(),
        "queues": {
            name: {what: int(world[what][queue]) for what in ("handed", "lost", "failed", "expired", "refused")}
            for queue, name in enumerate(("email", "sms", "identity"))
        },
        "busy_core_s": {
            name: round(float(world["busy_us"][place] + world["spread_us"][place]) / 1e6, 1)
            for place, name in enumerate(invariants.STATIONS)
        },
        "turned_away": [int(each) for each in world["turned_away"]],
        "remarks": list(played.remarks),
        "broken_laws": broken,
    }


def _counts(column: np.ndarray[Any, Any], kind: Any) -> dict[str, int]:
    counts = np.bincount(column)
    known = {int(each): each.name.lower() for each in kind}
    return {known[value]: int(count) for value, count in enumerate(counts) if count and value in known}


def text_of(document: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"{document['night']}, seed {document['seed']}: {document['people']:,} people, {document['events']:,} events "
        f"in {document['cpu_s']:.1f} s of CPU, {document['peak_rss_mb']:,} MB",
        *(f"  {count:>10,}  {Fate[name.upper()].phrase}" for name, count in document["fates"].items()),
        *(f"  {remark}" for remark in document["remarks"]),
        *(f"  LAW BROKEN: {each}" for each in document["broken_laws"]),
        f"  digest {document['digest']}",
    ]
    return "\n".join(lines)


def _say(text: str) -> None:
    print(f"launchnight: {text}", file=sys.stderr)


def _show(hours: float, gone: int) -> None:
    print(f"\rhour {hours:.0f} of the night, {gone:,} have gone", end="", file=sys.stderr, flush=True)


def _silent(_hours: float, _gone: int) -> None:
    return
