"""Which cores a rehearsal's programs run on: `--pin service=0 --pin database=0 --pin swarm=1`.

Without it the system moves programs as it likes, and what one costs another is chance. A program is held to its cores
before it begins, so all its threads and children are, PostgreSQL's among them. What is not named may run anywhere.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from loadtests.harness import machine
from loadtests.harness.cpu import OWN_ROLE
from loadtests.harness.programs import SERVICE_KINDS

SERVICE = "service"
KINDS = (*SERVICE_KINDS, "database", "partners", "proxy", "swarm", OWN_ROLE)
"""What can be held to cores; `service` stands for the first three."""
_MOST_CORES = 4096


class Pins:
    """By kind of program the cores that it may use."""

    def __init__(self, cores: Mapping[str, frozenset[int]] | None = None) -> None:
        self._cores = dict(cores or {})
        self._all = machine.cores()

    def __bool__(self) -> bool:
        return bool(self._cores)

    @contextmanager
    def holding(self, kind: str) -> Iterator[None]:
        """What is started meanwhile, by this thread, runs on the cores of its kind."""
        if not self._cores:
            yield
            return
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self._cores.get(kind, self._all))
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)

    def hold_harness(self) -> None:
        """All threads of this process, if it is named itself."""
        wanted = self._cores.get(OWN_ROLE)
        if wanted is None:
            return
        for thread in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):  # it ended
                os.sched_setaffinity(int(thread.name), wanted)

    def let_go_harness(self) -> None:
        """Undo `hold_harness`: this process may go on to something else."""
        if OWN_ROLE in self._cores:
            for thread in Path("/proc/self/task").iterdir():
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(int(thread.name), self._all)

    def to_dict(self) -> dict[str, str]:
        """Kind -> its cores in words, as they were asked for."""
        return {kind: ",".join(map(str, sorted(cores))) for kind, cores in sorted(self._cores.items())}


def read(given: Iterable[str], faults: list[str]) -> Pins:
    """The pins of each `KIND=CORES`; what cannot be is added to `faults`."""
    found: dict[str, frozenset[int]] = {}
    for text in given:
        kind, _, cores = text.partition("=")
        kinds = SERVICE_KINDS if kind == SERVICE else (kind,)
        if not set(kinds) <= set(KINDS):
            faults.append(f"--pin: must be KIND=CORES with one of {SERVICE}, {', '.join(KINDS)}, not {text!r}")
        elif not hasattr(os, "sched_setaffinity"):
            faults.append("--pin: this system cannot hold programs to cores; leave it out")
        elif set(kinds) & set(found):
            faults.append(f"--pin: {kind} is held to cores twice")
        elif (numbers := _numbers(cores)) is None:
            faults.append(f"--pin: the cores of {kind} must be numbers such as 0 or 0,2-3, not {cores!r}")
        elif missing := sorted(numbers - machine.cores()):
            there = ",".join(map(str, sorted(machine.cores())))
            faults.append(f"--pin: {kind} cannot run on core {missing[0]}: this process may use {there}")
        else:
            found |= dict.fromkeys(kinds, numbers)
    return Pins(found)


def _numbers(text: str) -> frozenset[int] | None:
    """The cores of `0,2-3`; None where it says none."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            return None
        if not int(first) <= int(last or first) < _MOST_CORES:
            return None
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)
