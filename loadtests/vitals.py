"""How a process of the swarm fares: whether its loop runs, whether it gets a core, what it stops for, what it uses up.

A greenlet sleeps 25 ms again and again and notes how much later the loop let it go on: a loop that something blocks is
late for everybody. Once a second it looks at the CPU, every few seconds at files and ports. All of it costs 0.6 % of a
core.
"""

import gc
import os
import resource
import time
from collections import deque
from pathlib import Path
from typing import Any

import gevent

from loadtests.histograms import Histogram

NAP = 0.025
WINDOW = 10.0
"""Seconds over which the use of a core is judged: a shorter rush spoils few answers."""
RUSH = 3.0
"""Seconds over which use and want of a core are noted, to name what made people late."""
LOOK_AT_FILES_EVERY = 5.0
"""Seconds; with 20,000 of them open a look takes 5 ms."""

_RUNS = Path("/proc/self/schedstat")
_FILES = Path("/proc/self/fd")
_SOCKETS = Path("/proc/net/sockstat")
_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


class Vitals:
    """The vital signs of this process, from `watch` to `rest`. Where the system does not tell one, it stays 0."""

    def __init__(self) -> None:
        self.loop_delay = Histogram()
        self.gc_pause = Histogram()
        self.core_wait_s = 0.0
        """Seconds in which the process could have run and had no core."""
        self.open_files = 0
        self.exhausted = {"ports": 0, "files": 0}
        """Connections that could not be opened because none was left."""
        self.sources = 1
        """Addresses that connections leave from; each has the whole range of ports."""
        self._most: dict[str, float] = {}
        self._looks: deque[tuple[float, float, float]] = deque()
        self._began = 0.0
        self._watcher: Any = None

    def watch(self) -> None:
        """Begin."""
        self._watcher = gevent.spawn(self._watch)
        gc.callbacks.append(self._collected)

    def rest(self) -> None:
        """End; the figures stay."""
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher = None
            gc.callbacks.remove(self._collected)

    def figures(self) -> dict[str, float]:
        """What the audits ask for (loadtests.health): the worst so far. Seconds, shares of one core, counts."""
        (loop,) = self.loop_delay.quantiles(0.999)
        return {
            "loop_p99_9_s": loop if self.loop_delay.count else 0.0,
            "loop_max_s": self.loop_delay.greatest,
            "gc_max_s": self.gc_pause.greatest,
            "gc_total_s": self.gc_pause.sum,
            "no_port": self.exhausted["ports"],
            "no_file": self.exhausted["files"],
            **self._most,
        }

    def look(self, now: float, cpu_s: float, core_wait_s: float) -> None:
        """Take a look at the CPU: seconds used and waited for so far, at `now`."""
        self.core_wait_s = core_wait_s
        self._looks.append((now, cpu_s, core_wait_s))
        while len(self._looks) > 2 and self._looks[1][0] <= now - WINDOW:
            self._looks.popleft()
        if now - self._looks[0][0] >= WINDOW:
            self._more("cpu_share", self._shares(self._looks[0])[0])
        recent = [look for look in self._looks if look[0] <= now - RUSH]
        if recent:
            cpu, wait = self._shares(recent[-1])
            if cpu + wait > self._most.get("busy_share", 0.0):
                self._most |= {"busy_share": cpu + wait, "wait_share": wait}

    def _shares(self, look: tuple[float, float, float]) -> tuple[float, float]:
        """Of the time since that look: the shares in which it used a core, and wanted one."""
        now, cpu, wait = (late - early for late, early in zip(self._looks[-1], look, strict=True))
        return cpu / now, wait / now

    def _watch(self) -> None:
        next_look = next_files = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= next_look:
                next_look = now + 1.0
                self.look(now, time.process_time(), _core_wait_s())
            if now >= next_files:
                next_files = now + LOOK_AT_FILES_EVERY
                self._look_at_files()
            asked = time.monotonic()
            gevent.sleep(NAP)
            self.loop_delay.observe(max(0.0, time.monotonic() - asked - NAP))

    def _look_at_files(self) -> None:
        try:
            with os.scandir(_FILES) as entries:
                self.open_files = sum(1 for _ in entries)
            low, high = map(int, _PORTS.read_text().split())
            ports = _ports_in_use()
        except (OSError, ValueError):  # not Linux, or one that shows a container less
            return
        self._more("files", self.open_files)
        self._most["files_limit"] = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._more("ports", ports)
        self._most["ports_limit"] = (high - low + 1) * self.sources

    def _more(self, name: str, value: float) -> None:
        self._most[name] = max(self._most.get(name, 0.0), value)

    def _collected(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.gc_pause.observe(time.perf_counter() - self._began)


def _core_wait_s() -> float:
    """Seconds that this process's loop has waited for a core, as the scheduler counts them."""
    try:
        return int(_RUNS.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _ports_in_use() -> int:
    """TCP connections of this machine, those included that have ended and hold their port for a minute more."""
    for line in _SOCKETS.read_text().splitlines():
        if line.startswith("TCP:"):
            words = line.split()
            return int(words[words.index("inuse") + 1]) + int(words[words.index("tw") + 1])
    return 0
