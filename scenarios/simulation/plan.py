"""`launchnight plan NIGHT`: its options, the processes that play, what it writes and prints."""

import argparse
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from scenarios import calibration_file
from scenarios.catalogue import Night, NightError, load
from scenarios.plan_record import FILE, Plan
from scenarios.simulation.figures import NotSimulated
from scenarios.simulation.planning import goals, prices
from scenarios.simulation.planning.crew import Crew, Memory, Reply, WorkerLost
from scenarios.simulation.planning.goals import Goal
from scenarios.simulation.planning.knobs import KNOBS
from scenarios.simulation.planning.order import Order
from scenarios.simulation.planning.plan_view import lines
from scenarios.simulation.planning.planner import LawBroken, Planner
from scenarios.simulation.planning.prices import Prices
from scenarios.simulation.planning.sizing import Start, start
from scenarios.simulation.planning.trials import Trial
from scenarios.simulation.seeds import processes
from scenarios.simulation.simulate import costs_of, end_unheard, people_of

FOUND, CRASH, USAGE, MISSED, INTERRUPTED = 0, 1, 2, 3, 130
BY_HAND = "figures measured by hand"
_VERSIONS_OF = ("launchnight", "numpy", "numba", "scipy")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Say what a night needs to hold: the cheapest set of machines, partners' rates and admission, by simulation of "
        "every person; how sure that is, what hangs on it, and what would have become of the night as it was launched."
    )
    parser.epilog = (
        "exit codes: 0 a set was found, 1 crash or a law was broken, 2 usage or a night that cannot be played, "
        "3 nothing within --most holds, 130 interrupted (what was played is kept: the same command goes on)"
    )
    add = parser.add_argument
    add("night", metavar="NIGHT", help="a name of `launchnight nights`, or a TOML file")
    add("--objective", metavar="ID=BOUND", action="append", default=[], help="sets or adds one; ID=off leaves one out")
    add("--people", metavar="1/N", default="1", help="scale the night; a COUNT of people needs --cut (1)")
    add("--cut", action="store_true", help="only the first --people COUNT arrivals, nothing scaled")
    add("--seed", metavar="S", type=int, default=1, help="the search looks at the people of S and of S + 1 (1)")
    add("--seeds", metavar="K", type=int, default=20, help="runs with other people that the set is proved in (20)")
    add("--reading", metavar="NAME", help="of the launch (the night's default)")
    add("--set", metavar="NAME", dest="partner_set", help="of partners, whose rates are searched (the night's default)")
    add("--speed", metavar="S", type=float, default=1.0, help="the night's clock runs so many times as fast (1)")
    add("--pace", metavar="P", type=float, default=1.0, help="people do things so many times as fast (1)")
    add("--calibration", metavar="NAME", help="what work costs: a name or a .json file (figures measured by hand)")
    add("--prices", metavar="FILE", help="relative prices of what is searched, TOML (an assumption of ours)")
    add("--most", metavar="N", type=float, default=8.0, help="give up at N times what theory says is needed (8)")
    add(
        "--processes",
        metavar="N",
        type=int,
        default=0,
        help="runs beside each other (one a core, as many as fit into memory)",
    )
    add("--out", metavar="DIR", help="folder of the plan; the same again goes on with it (plans/NIGHT)")
    add("--json", action="store_true", help="the plan as one JSON document on standard output")
    add("--quiet", action="store_true", help="no progress")
    add("--language", metavar="CODE", choices=("en", "id"), default="en", help="of the page: en, id (en)")
    add("--hand-over", metavar="FD", type=int, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Plan, write plan.json, print; the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if options.hand_over is not None:
        threading.Thread(target=end_unheard, args=(options.hand_over,), daemon=True).start()
    try:
        asked = asked_of(options)
        folder = Path(options.out or Path("plans") / asked.order.night.name)
        memory = Memory(folder, asked.order)
    except (NightError, ValueError, OSError) as fault:
        return _complain(fault, USAGE)
    progress = Progress(quiet=options.quiet)
    try:
        begun = asked.start(options.seed)
        with Crew(asked.order, processes(options.processes or sys.maxsize, begun.arrivals)) as crew:
            player = Player(crew, memory, progress)
            planner = Planner(
                asked.order, asked.goals, asked.prices, options.seed, options.seeds, options.most, player.play,
                begun, progress.next,
            )  # fmt: skip
            plan = planner.made(lambda: (player.count, round(player.cpu_s, 1)))
    except KeyboardInterrupt:
        progress.end()
        print(f"launchnight plan: interrupted; the same command goes on in {folder}", file=sys.stderr)
        return INTERRUPTED
    except NotSimulated as fault:
        progress.end()
        return _complain(fault, USAGE)
    except (LawBroken, WorkerLost, OSError) as fault:
        progress.end()
        return _complain(fault, CRASH)
    progress.end()
    name = calibration_file.load(options.calibration).name if options.calibration else BY_HAND
    plan = replace(
        plan, id=folder.name, calibration=name, unjudged=tuple(asked.unjudged),
        versions={each: version(each) for each in _VERSIONS_OF},
    )  # fmt: skip
    plan.write(folder)
    return _tell(options, plan, folder)


class Wanted(NamedTuple):
    """What the options ask for."""

    order: Order
    goals: list[Goal]
    unjudged: list[str]
    prices: Prices

    def start(self, seed: int) -> Start:
        """Where the plan begins. Raises NotSimulated."""
        kept, wait_s = (self._bound(name) for name in (goals.CAME_JOINED, goals.LINE_WAIT))
        anything = self.order.setup(Trial.of(dict.fromkeys(KNOBS, 1.0), seed))
        return start(anything, self.order.due_us(seed), kept, wait_s)

    def _bound(self, name: str) -> float:
        return next((goal.bound for goal in self.goals if goal.id == name), goals.OWN[name].bound)


def asked_of(options: argparse.Namespace) -> Wanted:
    """What the options ask for. Raises NightError, ValueError with everything that is wrong."""
    night = load(options.night)
    faults = list(_faults(options, night))
    asked: list[Goal] = []
    unjudged: list[str] = []
    table, costs = None, None
    try:
        asked, unjudged = goals.goals(night, options.objective)
    except ValueError as fault:
        faults.append(str(fault))
    try:
        table = prices.load(Path(options.prices)) if options.prices else prices.load()
    except ValueError as fault:
        faults.append(str(fault))
    try:
        costs = costs_of(options.calibration, night)
    except ValueError as fault:
        faults.append(str(fault))
    if faults or table is None or costs is None:
        raise ValueError("\n".join(faults))
    name, reading = options.partner_set or night.default_set, options.reading or night.curve.default
    order = Order(night, name, reading, options.people, options.cut, options.speed, options.pace, costs)
    return Wanted(order, asked, unjudged, table)


def _faults(options: argparse.Namespace, night: Night) -> Iterator[str]:
    """Options that make no sense, or not for this night."""
    if options.partner_set is not None and options.partner_set not in night.partners:
        yield f"--set must be one of {', '.join(night.partners)}, not {options.partner_set}"
    if options.reading is not None and options.reading not in night.curve.readings:
        yield f"--reading must be one of {', '.join(night.curve.readings)}, not {options.reading}"
    if options.seeds < 1:
        yield f"--seeds must be 1 or more, not {options.seeds}"
    if not 1.0 <= options.most < math.inf:
        yield f"--most must be 1 or more, not {options.most:g}"
    if options.processes < 0:
        yield f"--processes must be 1 or more, not {options.processes}"
    for name in ("speed", "pace"):
        if not 0.0 < getattr(options, name) < math.inf:
            yield f"--{name} must be above 0, not {getattr(options, name):g}"
    try:
        people_of(options.people, options.cut)
    except ValueError as fault:
        yield str(fault)


def _tell(options: argparse.Namespace, plan: Plan, folder: Path) -> int:
    """Print it, or hand it over to whoever draws the page and then prints it; the exit code."""
    code = FOUND if plan.found else MISSED
    document = {**plan.to_dict(), "record": str(folder)}
    text = "\n".join([*lines(plan), f"all of it: {folder / FILE}"])
    if options.hand_over is None:
        print(json.dumps(document) if options.json else text)
        return code
    with os.fdopen(options.hand_over, "w", encoding="utf-8") as heard:
        json.dump({"document": document, "text": text, "json": options.json, "language": options.language,
                   "exit_code": code}, heard)  # fmt: skip
    return code


class Player:
    """Plays trials that nobody has played, beside each other, and counts."""

    def __init__(self, crew: Crew, memory: Memory, progress: "Progress") -> None:
        self._crew, self._memory, self._progress = crew, memory, progress
        self._used: dict[str, float] = {}

    @property
    def count(self) -> int:
        """Runs that the plan rests on, played now or before."""
        return len(self._used)

    @property
    def cpu_s(self) -> float:
        return sum(self._used.values())

    def play(self, trials: Sequence[Trial]) -> list[Reply]:
        """What each came to, in order."""
        new = list({trial.key: trial for trial in trials if self._memory.get(trial) is None}.values())
        self._crew.play(new, self._keep)
        found = []
        for trial in trials:
            reply = self._memory.get(trial)
            assert reply is not None
            self._used[trial.key] = reply["outcome"]["cpu_s"]
            found.append(reply)
        return found

    def _keep(self, trial: Trial, reply: Reply) -> None:
        self._memory.put(trial, reply)
        self._progress.played()


class Progress:
    """One line on standard error: what is looked for, how many runs it took, and about how long it may take yet."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._what, self._ahead, self._runs = "", 0, 0
        self._began = time.monotonic()

    def next(self, what: str, ahead: int) -> None:
        """Another part begins; `ahead` runs at most are left, about."""
        self._what, self._ahead = what, ahead
        self._show()

    def played(self) -> None:
        self._runs += 1
        self._ahead = max(self._ahead - 1, 0)
        self._show()

    def end(self) -> None:
        if not self._quiet and self._what:
            print(file=sys.stderr)

    def _show(self) -> None:
        if self._quiet:
            return
        left = ""
        if self._runs:
            each = (time.monotonic() - self._began) / self._runs
            left = f", {each:.1f} s each, up to {_minutes(self._ahead * each)} to go"
        line = f"{self._what}: {self._runs} runs{left}"
        print(f"\r{line:<100}" if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n",
              file=sys.stderr, flush=True)  # fmt: skip


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _complain(fault: Exception, code: int) -> int:
    for line in str(fault).splitlines() or [type(fault).__name__]:
        print(f"launchnight plan: {line}", file=sys.stderr)
    return code
