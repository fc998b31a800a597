"""CPU seconds of each role: its process and everything below it, PostgreSQL's backends included.

A process that ended and was waited for lives on in its parent's children times, so a tree's total never loses the work
of short-lived backends. Of a tree that was killed, what the last sample saw is kept.
"""

import resource
from collections import defaultdict
from collections.abc import Iterable, Mapping

import psutil

OWN_ROLE = "harness"

LOOK_EVERY = 5
"""Samples between two looks for new processes: a look at all of a machine's processes costs 4 ms, the rest 1 ms. What
a process uses before it is found, or after it was seen last, is not lost: see the module's docstring."""


class CpuSampler:
    """Samples process trees; a role may have several roots."""

    def __init__(self) -> None:
        self._roots: dict[str, list[int]] = {}
        self._trees: dict[str, list[psutil.Process]] = {}
        self._seconds: dict[str, float] = {}
        self._samples = 0

    def watch(self, role: str, roots: Iterable[int]) -> None:
        """Count the trees below the process ids `roots` as `role` from now on."""
        self._roots[role] = list(roots)
        self._seconds.setdefault(role, 0.0)
        self._samples = 0

    @property
    def seconds(self) -> dict[str, float]:
        """CPU seconds by role at the last sample; the harness itself is a role."""
        return dict(self._seconds)

    def sample(self, *, look: bool = False) -> None:
        """Sample every tree once; `look`: for new processes too, as every fifth sample does anyway."""
        if look or self._samples % LOOK_EVERY == 0:
            self._look()
        self._samples += 1
        for role, tree in self._trees.items():
            self._seconds[role] = max(self._seconds[role], sum(map(_used, tree)))
        own = resource.getrusage(resource.RUSAGE_SELF)
        self._seconds[OWN_ROLE] = own.ru_utime + own.ru_stime

    def _look(self) -> None:
        alive: dict[int, psutil.Process] = {}
        children: dict[int, list[int]] = defaultdict(list)
        for process in psutil.process_iter():
            try:
                children[process.ppid()].append(process.pid)
            except psutil.Error:
                continue  # it ended between two looks
            alive[process.pid] = process
        self._trees = {
            role: [alive[pid] for pid in _below(roots, children) if pid in alive] for role, roots in self._roots.items()
        }


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
