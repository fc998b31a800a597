"""The rehearsals of the held-out proof: on pinned cores, kept on disk, so that a second start goes on.

Two cores: service and database on the first, swarm, partners and harness on the other. The night is prakerja-wave-1
with a registry that answers so few checks that their queue grows at every load, and with the fault that is asked for.
People leave after nine answers, before the photos, whose inspectors have a niceness of their own.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.cli import parser
from loadtests.harness.errors import Exit
from loadtests.harness.machine import stolen_s
from loadtests.harness.order import STEPS_BEFORE_PHOTOS, order_of
from scenarios.counters import FloatArray
from scenarios.record import Run
from tests.acceptance.long import core_speed
from tests.acceptance.long.held_out_figures import MOST_STOLEN, BoolArray, Figures, figures, of_run, undisturbed
from tests.acceptance.long.held_out_model import Case
from tests.launched import launchnight

NIGHT = Path(__file__).resolve().parents[3] / "scenarios" / "nights" / "prakerja-wave-1.toml"
CHECKS_PER_S = 8.0
"""The registry answers: about half of what comes at 60 % of what one core carries."""
PACE = 60
WARM_S = 20
"""People are at every step by then: a code by e-mail takes 3 s, all else less than a second each at this pace."""
DRAIN_MINUTES = 0.3
SLACK_S = 150.0
"""For programs to come up and go, of one rehearsal."""
TRIES = 6
PROBES, PROBE_EVERY_S = 30, 15.0
"""A host takes its cores for minutes and leaves them for minutes: looks at it before each try, and the time between."""
PROBE_TURNS = 8_000_000
"""Of a hash, on each core at once: some three seconds."""
LEAST = 0.2
"""Share of a rehearsal's seconds that have to count; each figure needs its own, too."""
SLEEP = Path("/dev/cpu_dma_latency")
"""Linux lets cores sleep no deeper than they wake within what is written there, while it is open."""
SPEED = "core.txt"
"""In the folder of a rehearsal: how fast the service's core was (tests.acceptance.long.core_speed)."""
PLAYED = (Exit.OK, Exit.MISSED)
"""A rehearsal that ended so can be read, whether or not objectives of the night were met."""


ROUGHLY = (*PLAYED, Exit.INVALID)
"""On a machine that others use, too, the generator is held up now and then: the way can be tried, no more."""


class Invalid(Exception):
    """A rehearsal that says nothing, however often it is played."""


@dataclass(frozen=True)
class Load:
    """One rehearsal that is wanted."""

    name: str
    arrivals: str
    minutes: float
    seed: int
    share: float
    """Of the knee; 1 where it is reached."""
    outage: tuple[float, float] | None = None
    """Seconds from and to which the database stands still."""

    def case(self, night: Path) -> Case:
        """The order as the verb would take it, for the model."""
        given: Namespace = parser().parse_args(["rehearse", *self.words(night)])
        return Case(order_of(given), WARM_S, round(self.minutes * 60), min(self.share, 1.0))

    def words(self, night: Path) -> list[str]:
        """What follows `launchnight rehearse`."""
        first, other = cores()
        pins = {"service": first, "database": first, "swarm": other, "partners": other, "harness": other}
        return [
            str(night), "--arrivals", self.arrivals, "--minutes", str(self.minutes), "--seed", str(self.seed),
            "--steps", str(STEPS_BEFORE_PHOTOS), "--pace", str(PACE), "--drain-minutes", str(DRAIN_MINUTES), "--quiet",
            "--service", "METRICS_DETAIL=calibration",
            *(word for kind, core in pins.items() for word in ("--pin", f"{kind}={core}")),
        ]  # fmt: skip


@dataclass(frozen=True)
class Played:
    """A rehearsal that was played, and what it came to."""

    run: Run
    counts: BoolArray
    """By second, whether it counts."""
    figures: Figures
    work_us: FloatArray
    """By part of a second, what the same small work took on the service's core (tests.acceptance.long.core_speed)."""


def cores() -> tuple[int, int]:
    """That of the service and its database, and that of all others. Raises Invalid where there is only one."""
    found = sorted(os.sched_getaffinity(0))
    if len(found) < 2:
        raise Invalid("two cores are needed: one for the service and its database, one for those who ask")
    return found[0], found[1]


@contextmanager
def awake() -> Iterator[bool]:
    """Keep the machine's cores from sleeping, and say whether that could be done.

    A virtual core that sleeps has to wait for its host when it is wanted.
    """
    try:
        file = SLEEP.open("wb", buffering=0)
    except OSError:
        yield False
        return
    with file:
        file.write((0).to_bytes(4, "little"))
        yield True


def night_file(home: Path, outage: tuple[float, float] | None) -> Path:
    """The night of a rehearsal as a file below `home`."""
    text, times = re.subn(
        r"(\[partners\.prepared\.civil_registry\]\nrate_per_s = )[\d.]+", rf"\g<1>{CHECKS_PER_S}", NIGHT.read_text()
    )
    assert times == 1, "the night's registry is not written as it was"
    name = "held-out"
    if outage is not None:
        name = "held-out-outage"
        start, end = outage
        text += f'\n[[faults]]\nkind = "stopped"\ntarget = "database"\nstart_s = {start}\nend_s = {end}\n'
    text = text.replace('name = "prakerja-wave-1"', f'name = "{name}"', 1)
    home.mkdir(parents=True, exist_ok=True)
    path = home / f"{name}.toml"
    path.write_text(text)
    return path


def rehearsed(home: Path, load: Load, *, roughly: bool = False, shared: bool = False) -> Played:
    """The rehearsal, from disk where it was played before; again where it says nothing, TRIES in all. Raises Invalid.

    roughly: one whose generator was held up is taken for what it is; shared: all its seconds count, whatever the host
    took of its cores.
    """
    end_s = round(load.minutes * 60)
    for again in range(TRIES):
        place = home / (load.name if not again else f"{load.name}-{again + 1}")
        code = _code_of(place)
        if code is None:
            shutil.rmtree(place, ignore_errors=True)
            if not shared:
                _wait_for_the_host(load.name)
            print(f"{load.name:<14}  {load.arrivals}, seed {load.seed}: rehearsing", flush=True)
            code = _play(place, load, night_file(home, load.outage))
            (place / "code.json").write_text(json.dumps(code))
        why = f"the rehearsal ended with {_named(code)}"
        if code in (ROUGHLY if roughly else PLAYED):
            played = _read(place, end_s, shared=shared)
            counted = played.figures.counted_s / (end_s - WARM_S)
            if counted >= LEAST and not played.figures.unknown:
                print(f"{load.name:<14}  {counted:.0%} of its seconds count", flush=True)
                return played
            (place / "code.json").unlink()  # a later start plays it anew, when the host may have time
            why = f"the machine's host took so much that {counted:.0%} of its seconds count"
        print(f"{load.name:<14}  INVALID: {why}, see {place}", flush=True)
    raise Invalid(f"{load.name} could not be rehearsed, {TRIES} times")


def _wait_for_the_host(name: str) -> None:
    """Until it leaves the cores alone, as far as one can see; not for ever."""
    for probe in range(PROBES):
        taken = _probe()
        if taken <= MOST_STOLEN:
            return
        if probe == 0:
            print(f"{name:<14}  the machine's host takes {taken:.0%} of its cores: waiting", flush=True)
        time.sleep(PROBE_EVERY_S)


def _probe() -> float:
    """The share of its time that a busy machine does not get."""
    began = stolen_s(), time.monotonic()
    both = cores()
    with ThreadPoolExecutor(len(both)) as pool:  # the hash lets other threads run
        for each in [pool.submit(hashlib.pbkdf2_hmac, "sha256", b"", b"", PROBE_TURNS) for _ in both]:
            each.result()
    return (stolen_s() - began[0]) / (len(both) * (time.monotonic() - began[1]))


def _read(place: Path, end_s: int, *, shared: bool) -> Played:
    run = Run.load(next((place / "runs").glob("*/")))
    counts = undisturbed(run, end_s)
    if shared:
        counts[:] = True
    try:
        work_us = core_speed.by_part(place / SPEED, float(run.config["opens_at"]), end_s)
    except (OSError, ValueError) as fault:
        raise Invalid(f"how fast the core was is not known ({fault}): begin anew with --anew") from None
    return Played(run, counts, figures(of_run(run, end_s), counts, WARM_S, end_s), work_us)


def _code_of(place: Path) -> int | None:
    try:
        return int(json.loads((place / "code.json").read_text()))
    except (OSError, ValueError):  # never played to its end
        return None


def _play(place: Path, load: Load, night: Path) -> int:
    place.mkdir(parents=True, exist_ok=True)
    with core_speed.timed(cores()[0], place / SPEED), launchnight(place, "rehearse", *load.words(night)) as process:
        try:
            told, complained = process.communicate(timeout=load.minutes * 60 + DRAIN_MINUTES * 60 + SLACK_S)
        except subprocess.TimeoutExpired:
            return Exit.NOT_READY
        (place / "told.txt").write_text(told + complained)
        return int(process.returncode)


def _named(code: int) -> str:
    names = {each.value: each.name.lower().replace("_", " ") for each in Exit}
    return f"exit code {code} ({names.get(code, 'unknown')})"
