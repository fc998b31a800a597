"""CPU seconds of each role: its process and everything below it, PostgreSQL's backends included.

A process that ended and was waited for lives on in its parent's children times, so a tree's total never loses the work
of short-lived backends. Of a tree that was killed, what the last sample saw is kept, and its successor's is added.
"""

import resource
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import psutil

OWN_ROLE = "harness"

LOOK_EVERY = 5
"""Samples between two looks for new processes: a look at all of a machine's processes costs 4 ms, the rest 1 ms. What
a process uses before it is found, or after it was seen last, is not lost: see the module's docstring."""


@dataclass
class _Program:
    """One program of a role: the trees below its roots, and what they have used."""

    role: str
    roots: list[int]
    tree: list[psutil.Process] = field(default_factory=list)
    seconds: float = 0.0


class CpuSampler:
    """Samples process trees; a role may have several programs, one after the other or at once."""

    def __init__(self) -> None:
        self._programs: list[_Program] = []
        self._own = 0.0
        self._samples = 0

    def watch(self, role: str, roots: Iterable[int]) -> None:
        """Count the trees below the process ids `roots`, of one more program, as `role` from now on."""
        self._programs.append(_Program(role, list(roots)))
        self._samples = 0

    @property
    def seconds(self) -> dict[str, float]:
        """CPU seconds by role at the last sample; the harness itself is a role."""
        used: dict[str, float] = {}
        for program in self._programs:
            used[program.role] = used.get(program.role, 0.0) + program.seconds
        return {**used, OWN_ROLE: self._own}

    def sample(self, *, look: bool = False) -> None:
        """Sample every tree once; `look`: for new processes too, as every fifth sample does anyway."""
        if look or self._samples % LOOK_EVERY == 0:
            self._look()
        self._samples += 1
        for program in self._programs:
            program.seconds = max(program.seconds, sum(map(_used, program.tree)))
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
