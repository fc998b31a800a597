"""`launchnight simulate NIGHT`: its options, the run, what it prints."""

import argparse
import json
import resource
import sys
import time
from fractions import Fraction
from typing import Any

import numpy as np

from scenarios import calibration_file
from scenarios.behaviour import habits
from scenarios.catalogue import Night, NightError, load
from scenarios.factors import Factors, parse_people
from scenarios.fates import Fate, Furthest, Reason
from scenarios.simulation import calibrated, invariants
from scenarios.simulation.costs import Costs, Resources
from scenarios.simulation.figures import NotSimulated, Setup, photo_bytes
from scenarios.simulation.run import Result, arrivals, simulate

USAGE, CRASH = 2, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Play a night in virtual time, person by person and at full size, with the rules of the service and of its "
        "applicants. Its laws are checked after each run."
    )
    parser.epilog = "exit codes: 0 played, 1 crash or a law was broken, 2 usage or a night that cannot be played"
    add = parser.add_argument
    add("night", metavar="NIGHT", help="a night's name, or its .toml file")
    add("--people", metavar="1/N", default="1", help="scale the night; a COUNT of people needs --cut (1)")
    add("--cut", action="store_true", help="only the first --people COUNT arrivals, nothing scaled")
    add("--seed", metavar="S", type=int, default=1, help="of every draw (1)")
    add("--reading", metavar="NAME", help="of the launch (the night's default)")
    add("--set", metavar="NAME", dest="partner_set", help="of partners' capacities (the night's default)")
    add("--speed", metavar="S", type=float, default=1.0, help="the night's clock runs so many times as fast (1)")
    add("--pace", metavar="P", type=float, default=1.0, help="people do things so many times as fast (1)")
    add("--web", metavar="N", type=int, default=Resources.web, help=f"web processes ({Resources.web})")
    add("--database", metavar="N", type=int, default=Resources.database, help=f"its cores ({Resources.database})")
    add("--inspectors", metavar="N", type=int, default=Resources.inspectors, help=f"({Resources.inspectors})")
    add("--gate-rate", metavar="R", type=float, help="people a second that are let in (as the partner set says)")
    add("--calibration", metavar="NAME", help="what work costs: a name or a .json file (figures measured by hand)")
    add("--unprotected", action="store_true", help="no waiting room, no door, no bounds, no pacing: April 2020")
    add("--json", action="store_true", help="one JSON document on standard output")
    add("--quiet", action="store_true", help="no progress")


def run(options: argparse.Namespace) -> int:
    """Play, check, print; the exit code."""
    try:
        setup, most = setup_of(options)
        curve = setup.night.curve.reading(options.reading or setup.night.curve.default)
    except (NightError, ValueError) as fault:
        print(f"launchnight simulate: {fault}", file=sys.stderr)
        return USAGE
    began = time.process_time()
    try:
        due_us = arrivals(setup.night, curve, options.seed, setup.factors, most)
        played = simulate(setup, due_us, progress=_silent if options.quiet or options.json else _tell)
    except NotSimulated as fault:
        print(f"launchnight simulate: {fault}", file=sys.stderr)
        return USAGE
    cpu_s = time.process_time() - began
    broken = invariants.violations(played)
    document = document_of(setup.night, options.seed, played, cpu_s, broken)
    print(json.dumps(document, indent=2) if options.json else text_of(document))
    return CRASH if broken else 0


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
    resources = Resources(options.web, options.database, options.inspectors, gate_per_s=options.gate_rate)
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


def _tell(hours: float, gone: int) -> None:
    print(f"\rhour {hours:.0f} of the night, {gone:,} have gone", end="", file=sys.stderr, flush=True)


def _silent(_hours: float, _gone: int) -> None:
    return
