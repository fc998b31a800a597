"""`launchnight capacity NIGHT`: how many people a second the service carries within the night's objectives.

Plays probes (loadtests.harness.search says which) until the limit is bracketed and confirmed, then past it. All that is
known stands in the folder after each probe, so a search that was interrupted goes on with `--resume FOLDER`.
"""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.harness import probing, search
from loadtests.harness.errors import Exit, Refusal
from loadtests.harness.hunt import NOT_OVER, FindKnee, Hunt
from loadtests.harness.order import Order
from loadtests.harness.probing import Judge, Prober, Stopped
from loadtests.harness.progress import display_for
from loadtests.harness.run_folder import free_id, machine, versions
from loadtests.harness.search import Course, Step
from loadtests.harness.signals import Interrupted, Signals
from scenarios.capacity_record import Capacity, Outcome, Phase, Probe, RecordError, Search

MOST_PROBES = 50
OWN = ("run", "night", "resume", "from_per_s", "probes", "no_beyond", "json", "quiet")
"""Options of the search, not of its probes."""
AGAIN = ("run", "resume", "probes", "json", "quiet", "language")
"""Options that --resume goes together with."""


def run(
    options: Namespace, usual: Namespace, rehearsal: Namespace, *, judge: Judge, knee: FindKnee
) -> tuple[Path, Exit]:
    """Begin a search or go on with one. Returns its folder, and the exit code.

    options: of the verb; usual, rehearsal: those of the verb and of a rehearsal as they are when nobody gives any;
    judge: writes a run's report; knee: says where it is. Raises HarnessError when it cannot begin, or a probe could not
    be played.
    """
    with Signals() as signals, display_for(quiet=options.quiet) as display:
        if options.resume:
            found, folder, given = _resumed(options, usual, rehearsal)
        else:
            found, folder, given = _begun(options, rehearsal)
        course = _course(found)
        display.say(_announced(found, course, folder))
        hunt = Hunt(found, course, folder, Prober(given, folder, judge, display, signals), knee)
        try:
            over = hunt.go_on()
        except (Stopped, Interrupted) as ended:
            display.say(f"{ended or 'interrupted'}\n{_goes_on(folder)}")
            return folder, ended.exit_code if isinstance(ended, Stopped) else Exit.INTERRUPTED
        except Exception:
            display.say(_goes_on(folder))
            raise
    if hunt.found.search.call is not None:
        return folder, Exit.OK
    return folder, Exit.INVALID if over.invalid else Exit.MISSED


def _begun(options: Namespace, rehearsal: Namespace) -> tuple[Capacity, Path, Namespace]:
    """A new search with its folder. Raises Refusal with every fault."""
    if not options.night:
        raise Refusal("NIGHT is missing: a name of `launchnight nights` or a TOML file; or --resume FOLDER")
    from_per_s, probes = _rate(options.from_per_s), _probes(options.probes)
    asked = {name: value for name, value in vars(options).items() if name not in OWN}
    given = Namespace(**{**vars(rehearsal), **asked, "night": options.night})
    if not given.seed.isdecimal():
        raise Refusal(f"--seed: must be a whole number, not {given.seed!r}")
    order = probing.probe_order(given, Step(Phase.RAMP, from_per_s, int(given.seed)))
    if order.plan.planned < search.FEWEST:
        raise Refusal(
            f"--from: {from_per_s:g} people a second are {order.plan.planned} in a probe, and fewer than "
            f"{search.FEWEST} show nothing: begin higher, or take more --minutes"
        )
    folder = order.runs / free_id(order, "capacity")
    folder.mkdir(parents=True)
    stored = {name: value for name, value in vars(given).items() if name != "run"}
    found = Capacity(
        id=folder.name,
        night=order.night.to_dict(),
        order=_document(order, from_per_s, probes, beyond=not options.no_beyond, options=stored),
        machine=machine(),
        versions=versions(),
        search=Search(no_call_because=NOT_OVER),
    )
    found.write(folder)
    return found, folder, given


def _document(order: Order, from_per_s: float, probes: int, *, beyond: bool, options: dict[str, Any]) -> dict[str, Any]:
    factors = order.factors
    return {
        "set": order.set_name,
        "factors": {"people": str(factors.people), "speed": factors.speed, "pace": factors.pace},
        "steps": order.steps,
        "minutes": order.minutes,
        "length_s": probing.length_s(order),
        "drain_limit_s": order.drain_limit_s,
        "workers": order.workers,
        "replicas": order.replicas,
        "seed": order.seed,
        "from_per_s": from_per_s,
        "most_probes": probes,
        "beyond": beyond,
        "target": None if order.running is None else order.running.target,
        "options": options,
    }


def _resumed(options: Namespace, usual: Namespace, rehearsal: Namespace) -> tuple[Capacity, Path, Namespace]:
    """The search in the folder that --resume names; --probes may give it more from now on.

    Raises Refusal when it cannot go on as it began.
    """
    other = [name for name, value in vars(options).items() if name not in AGAIN and value != getattr(usual, name)]
    if other:
        raise Refusal(*(f"--resume: the search goes on as it began; leave {_option(name)} out" for name in other))
    folder = Path(options.resume).absolute()
    try:
        found = Capacity.load(folder)
    except RecordError as fault:
        raise Refusal(f"--resume: {fault}") from None
    if found.machine != machine():
        raise Refusal(f"--resume: the search began on another machine ({found.machine}): begin a new one here")
    given = Namespace(**{**vars(rehearsal), **found.order["options"]})
    order = probing.probe_order(given, Step(Phase.RAMP, found.order["from_per_s"], found.order["seed"]))
    if order.night.to_dict() != found.night:
        raise Refusal("--resume: the night has changed since the search began: begin a new one")
    most = found.order["most_probes"] if options.probes is None else _probes(options.probes)
    asked = {**found.order, "most_probes": most}
    return replace(found, order=asked, probes=_without_invalid_end(found.probes)), folder, given


def _without_invalid_end(probes: tuple[Probe, ...]) -> tuple[Probe, ...]:
    """What spoiled the last probes may be over: they are played again, in the same folders."""
    while probes and probes[-1].outcome is Outcome.INVALID:
        probes = probes[:-1]
    return probes


def _course(found: Capacity) -> Course:
    asked = found.order
    multiples = Course.beyond if asked["beyond"] else ()
    return Course(asked["from_per_s"], asked["most_probes"], asked["length_s"], asked["seed"], multiples)


def _announced(found: Capacity, course: Course, folder: Path) -> str:
    minutes = (course.length_s + found.order["drain_limit_s"]) * course.most_probes / 60.0
    made = f"{len(found.probes)} probes are made; " if found.probes else ""
    past = ", then some past it" if course.beyond else ""
    return (
        f"{folder}\n{made}at most {course.most_probes} probes to find the limit{past}; people come for "
        f"{course.length_s:g} s in each and have {found.order['drain_limit_s']:g} s to get through: "
        f"at most about {minutes:,.0f} minutes until the limit is known"
    )


def _option(name: str) -> str:
    return {"night": "the night", "from_per_s": "--from"}.get(name, f"--{name.replace('_', '-')}")


def _goes_on(folder: Path) -> str:
    return f"what is known is kept, and the search goes on with: launchnight capacity --resume {folder}"


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        raise Refusal(f"--from: must be people a second, not {text!r}") from None
    if not 0.0 < rate < 1e6:
        raise Refusal(f"--from: must be more than 0 and less than 1,000,000 people a second, not {text}")
    return search.rounded(rate)


def _probes(text: str | None) -> int:
    if text is None:
        return search.PROBES
    if not text.isdecimal() or not 2 <= int(text) <= MOST_PROBES:
        raise Refusal(f"--probes: must be a whole number from 2 to {MOST_PROBES}, not {text!r}")
    return int(text)
