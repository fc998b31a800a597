"""CPU seconds of each role: its process and everything below it, PostgreSQL's backends included.

A process that ended and was waited for lives on in its parent's children times, so a tree's total never loses the work
of short-lived backends. Of a tree that was killed, what the last sample saw is kept, and its successor's is added.
What the processes of a tree waited for a core is added up in the same way. Of each program's main thread, which runs
its event loop, it is told apart: a loop that waits for a core is as full as one that runs.
"""

import os
import resource
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil

OWN_ROLE = "harness"

LOOK_EVERY = 5
"""Samples between two looks for new processes: a look at all of a machine's processes costs 4 ms, the rest 1 ms. What
a process uses before it is found, or after it was seen last, is not lost: see the module's docstring."""


class Loop(NamedTuple):
    """The main thread of a program: seconds in which it ran, and in which it could run and had no core."""

    role: str
    ran: float
    waited: float
    allowed: int
    """Cores that the program may run on; 0 where the system does not say."""


@dataclass
class _Program:
    """One program of a role: the trees below its roots, and what they have used."""

    role: str
    name: str
    roots: list[int]
    tree: list[psutil.Process] = field(default_factory=list)
    seconds: float = 0.0
    runs: dict[int, tuple[float, float]] = field(default_factory=dict)
    """By process id, of its main thread: seconds that it ran and waited for a core, as last seen."""
    allowed: int = 0

    def sample(self) -> None:
        self.seconds = max(self.seconds, sum(map(_used, self.tree)))
        for process in self.tree:
            if (run := _runs(process.pid)) is not None:
                self.runs[process.pid] = run
        self.allowed = _allowed(self.roots[0]) or self.allowed


class CpuSampler:
    """Samples process trees; a role may have several programs, one after the other or at once."""

    def __init__(self) -> None:
        self._programs: list[_Program] = []
        self._own = 0.0
        self._samples = 0

    def watch(self, role: str, roots: Iterable[int], name: str = "") -> None:
        """Count the trees below the process ids `roots`, of one more program, as `role` from now on.

        name: of the program, where a role has several; the first of the roots is the program itself.
        """
        self._programs.append(_Program(role, name or role, list(roots)))
        self._samples = 0

    @property
    def seconds(self) -> dict[str, float]:
        """CPU seconds by role at the last sample; the harness itself is a role."""
        used: dict[str, float] = {}
        for program in self._programs:
            used[program.role] = used.get(program.role, 0.0) + program.seconds
        return {**used, OWN_ROLE: self._own}

    @property
    def core_waits(self) -> dict[str, float]:
        """Seconds in which processes of a role could run and had no core, added up."""
        waits: dict[str, float] = {}
        for program in self._programs:
            waited = sum(waited for _, waited in program.runs.values())
            waits[program.role] = waits.get(program.role, 0.0) + waited
        return waits

    @property
    def loops(self) -> dict[str, Loop]:
        """By program; of one that was started again, both together."""
        found: dict[str, Loop] = {}
        for program in self._programs:
            before = found.get(program.name, Loop(program.role, 0.0, 0.0, 0))
            ran, waited = program.runs.get(program.roots[0], (0.0, 0.0))
            found[program.name] = Loop(program.role, before.ran + ran, before.waited + waited, program.allowed)
        return found

    def sample(self, *, look: bool = False) -> None:
        """Sample every tree once; `look`: for new processes too, as every fifth sample does anyway."""
        if look or self._samples % LOOK_EVERY == 0:
            self._look()
        self._samples += 1
        for program in self._programs:
            program.sample()
        own = resource.getrusage(resource.RUSAGE_SELF)
        self._own = own.ru_utime + own.ru_stime

    def _look(self) -> None:
        alive: dict[int, psutil.Process] = {}
        children: dict[int, list[int]] = defaultdict(list)
        for process in psutil.process_iter():
            try:
                children[process.ppid()].append(process.pid)
            except psutil.Error:
                continue  # it ended between two looks
            alive[process.pid] = process
        for program in self._programs:
            program.tree = [alive[pid] for pid in _below(program.roots, children) if pid in alive]


def _below(roots: Iterable[int], children: Mapping[int, list[int]]) -> set[int]:
    """The roots and all that descend from them, each once."""
    found = set(roots)
    waiting = list(found)
    while waiting:
        fresh = [pid for pid in children.get(waiting.pop(), ()) if pid not in found]
        found.update(fresh)
        waiting += fresh
    return found


def _used(process: psutil.Process) -> float:
    """Own seconds and those of ended children; 0 when it ended between two looks."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _runs(pid: int) -> tuple[float, float] | None:
    """Seconds that the process's main thread ran and waited for a core; None where the system does not say."""
    try:
        ran, waited = Path(f"/proc/{pid}/schedstat").read_text().split()[:2]
        return int(ran) / 1e9, int(waited) / 1e9
    except (OSError, ValueError):  # not Linux, or it ended between two looks
        return None


def _allowed(pid: int) -> int:
    """Cores that the process may run on; 0 where the system does not say."""
    try:
        return len(os.sched_getaffinity(pid))
    except (AttributeError, OSError):
        return 0
