"""B11 on live runs: what was made scarce is what the report names, and nothing where nothing was scarce.

`make acceptance NAME=bottlenecks`: short rehearsals of open arrivals, each with one seeded cause - a burner on the core
that the web process is pinned to, a single connection for each process, a database 120 ms away through the fault proxy,
an e-mail or SMS provider or a civil registry that lets less through than is asked, photo inspectors that run a
twentieth of the time - with several seeds each, and controls without a cause. The report's own `bottleneck.find` must
name every one of them right, and none of them in a control. Ends with 3 when a bar is missed, with 5 when a cause did
not bite, or when three times the generator was the limit or other programs had the machine. `--only KIND` plays one
kind alone, `--keep FOLDER` keeps the runs.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from reports import bottleneck
from reports.facts import Facts
from reports.resources import Watch, average
from scenarios.record import Run
from tests.acceptance.long import scarce_nights as nights
from tests.acceptance.long.swarm_runs import Bars, run_folder
from tests.children import child_process
from tests.launched import launchnight

SEEDS = 3
TRIES = 3
"""What was invalid is played again when the others are done: whatever disturbed it may be over by then."""
WITHIN = 90.0
OTHERS = 0.5
"""Cores: with more of them gone, the machine is what is scarce."""
LATE = 5
"""Exit code of a run whose generator was the limit."""
PLAYED = ["--arrivals", f"constant:{nights.PEOPLE_PER_S:g}", "--minutes", "0.3", "--drain-minutes", "0.1",
          "--pace", "500"]  # fmt: skip
"""18 s of arrivals and 6 s more, in which people go as far as they can."""
BURNERS = 20
"""With so many beside it a loop gets a twentieth of its core, less than half of what it needs."""
BURNT_S = 2.0
"""Of 24: less, and somebody else had the core."""
ASLEEP, AWAKE = 0.24, 0.008
"""Seconds that an inspector is stopped and runs: an inspection of 20 ms takes 620."""
TURNS = 5
"""After so many it is looked again which inspectors there are."""
LEAST_STOPS = 50


class DidNotBite(Exception):
    """A cause that was to be seeded was not there."""


Hands = Callable[[psutil.Process], AbstractContextManager[None]]
"""What is done to the rehearsal's processes while people come, once they are there."""


@dataclass(frozen=True)
class Kind:
    """A cause and the resource that must be named for it; `named` None: a control."""

    named: str | None
    night: Callable[[], str] = nights.ample
    options: tuple[str, ...] = ()
    hands: Hands = lambda _: nullcontext()
    burns: float = 0.0
    """Cores that the cause itself takes, outside the rehearsal."""


@contextmanager
def core_taken(rehearsal: psutil.Process) -> Iterator[None]:
    """The web process on one core, and burners on it too."""
    core = max(os.sched_getaffinity(0))
    (web,) = _of(rehearsal, "web")
    for thread in web.threads():
        os.sched_setaffinity(thread.id, {core})
    with _burning(core, BURNERS) as burners:
        yield
        used = sum(one.cpu_times().user for one in burners)
    if used < BURNT_S:
        raise DidNotBite(f"the burners got {used:.1f} s of the core")


@contextmanager
def _burning(core: int, count: int) -> Iterator[list[psutil.Process]]:
    if not count:
        yield []
        return
    burn = f"import os, sys, threading; os.sched_setaffinity(0, {{{core}}})\n"
    burn += "threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()\nwhile True: pass"
    how = {"stdin": subprocess.PIPE, "start_new_session": True}  # where sessions share a core, each has its own share
    with child_process([sys.executable, "-c", burn], **how) as one, _burning(core, count - 1) as rest:
        yield [psutil.Process(one.pid), *rest]


@contextmanager
def inspectors_slowed(rehearsal: psutil.Process) -> Iterator[None]:
    """Every inspector is stopped for nine tenths of the time, as on a host that gives it no more."""
    over = threading.Event()
    stops = 0

    def slow() -> None:
        nonlocal stops
        while not over.is_set():
            inspectors = _of(rehearsal, "service.storage.photo_inspector")  # they come and go
            for _ in range(TURNS):
                for number, pause in ((signal.SIGSTOP, ASLEEP), (signal.SIGCONT, AWAKE)):
                    for one in inspectors:
                        with suppress(ProcessLookupError):
                            os.killpg(one.pid, number)
                            stops += number == signal.SIGSTOP
                    over.wait(pause)

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if stops < LEAST_STOPS:
        raise DidNotBite(f"the inspectors were stopped {stops} times")


def _of(rehearsal: psutil.Process, word: str) -> list[psutil.Process]:
    """The processes below a rehearsal whose command has this word, without what they forked."""
    found = []
    for one in rehearsal.children(recursive=True):
        with suppress(psutil.Error, ProcessLookupError):  # it ended meanwhile
            if word in one.cmdline() and os.getpgid(one.pid) == one.pid:
                found.append(one)
    return found


KINDS = {
    "web": Kind("web", hands=core_taken, burns=1.0),
    "pool": Kind("pool", night=nights.near_database, options=("--service", "DATABASE_CONNECTIONS=1")),
    "answers": Kind("answers", night=nights.far_database),
    "email": Kind("email", night=nights.little_email),
    "sms": Kind("sms", night=nights.little_sms),
    "identity": Kind("identity", night=nights.little_registry),
    "photo": Kind("photo", hands=inspectors_slowed),
    "control": Kind(None),
}


@dataclass(frozen=True)
class Played:
    kind: str
    seed: int
    named: bottleneck.Named
    took_s: float
    invalid: str = ""

    @property
    def right(self) -> bool:
        """What was seeded is named; in a control nothing that is ever seeded."""
        found = self.named.resource.id if self.named.resource else None
        wanted = KINDS[self.kind].named
        return found == wanted if wanted else found not in {each.named for each in KINDS.values() if each.named}

    def row(self) -> str:
        """One line of the table."""
        found, behind = self.named.resource, self.named.next
        name = f"{found.id} at {found.use:.0%}" if found else "none"
        after = f"{behind.id} at {behind.use:.0%}" if behind else "-"
        return f"{self.kind:9s} {self.seed:4d}  {name:22s} next {after:22s} {self.took_s:4.0f} s"


def play(kind: str, seed: int, folder: Path) -> Played:
    """One run; raises DidNotBite, or RuntimeError when it could not be played."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    night = folder / "scarce.toml"
    night.write_text(KINDS[kind].night())
    started = time.monotonic()
    order = ["rehearse", str(night), *PLAYED, "--seed", str(seed), "--json", *KINDS[kind].options]
    with launchnight(folder, *order) as process:
        said = _read_until(process, "the doors are open")
        with KINDS[kind].hands(psutil.Process(process.pid)):
            said += _read_until(process, "auditing")  # before its processes are told to end, which takes cores too
        output, rest = process.communicate(timeout=WITHIN)
    if not output:
        raise RuntimeError(f"the rehearsal ended with {process.returncode}: {''.join(said[-3:])}{rest}")
    document: dict[str, Any] = json.loads(output)
    run = Run.load(Path(document["report"]).parent)
    troubles = [one.trouble for one in Facts(run).faults if one.trouble]
    if troubles:
        raise DidNotBite(troubles[0])
    invalid = "the generator was the limit" if process.returncode == LATE else ""
    if (others := _others(run) - KINDS[kind].burns) > OTHERS:
        invalid = f"other programs took {others:.1f} cores of the machine"
    return Played(kind, seed, bottleneck.find(Facts(run)), time.monotonic() - started, invalid)


def _others(run: Run) -> float:
    """Cores that were busy with anything else than the rehearsal, while it played."""
    watch = Watch(Facts(run))
    busy = watch.rate("rehearsal_core_busy_seconds_total") - watch.rate("rehearsal_cpu_seconds_total")
    return average(busy, ~watch.never)


def _read_until(process: "subprocess.Popen[str]", words: str) -> list[str]:
    """What it says up to a line with these words, or to its end."""
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if words in line:
            break
    return said


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=bottlenecks", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first run of each kind (%(default)s)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="runs of each kind (%(default)s)")
    parser.add_argument("--only", choices=KINDS, action="append", help="play this kind alone; may be given again")
    parser.add_argument("--keep", type=Path, help="a folder for the runs; thrown away without it")
    options = parser.parse_args()
    asked = deque((kind, options.seed + i, TRIES) for i in range(options.seeds) for kind in options.only or KINDS)
    bars = Bars()
    done = []
    with run_folder("bottlenecks") if options.keep is None else nullcontext(options.keep) as folder:
        while asked:
            kind, seed, tries = asked.popleft()
            try:
                played = play(kind, seed, folder / f"{kind}-{seed}-{TRIES - tries}")
            except DidNotBite as fault:
                print(f"INVALID  {kind}, seed {seed}: {fault}", flush=True)
                return LATE
            if not played.invalid:
                done.append(played)
                print(f"{'right' if played.right else 'WRONG'}  {played.row()}", flush=True)
            elif tries > 1:
                print(f"        {kind}, seed {seed}: {played.invalid}; once more, after the others", flush=True)
                asked.append((kind, seed, tries - 1))
            else:
                print(f"INVALID  {kind}, seed {seed}: {played.invalid}, {TRIES} times", flush=True)
                return LATE
    seeded = [one for one in done if one.kind != "control"]
    controls = [one for one in done if one.kind == "control"]
    right = sum(one.right for one in seeded)
    if seeded:
        bars.judge(right == len(seeded), f"named right in {right} of {len(seeded)} runs with a seeded cause")
    if controls:
        none = sum(one.right for one in controls)
        bars.judge(none == len(controls), f"control: named none in {none} of {len(controls)} runs without a cause")
    slowest = max(one.took_s for one in done)
    print(f"        the longest run took {slowest:.0f} s with its start, all of them "
          f"{sum(one.took_s for one in done) / 60:.1f} minutes", flush=True)  # fmt: skip
    return 3 if bars.missed else 0


if __name__ == "__main__":
    sys.exit(main())
