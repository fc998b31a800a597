"""What the whole machine is at, whoever makes it: its cores and its disks, read when they are asked for."""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import psutil
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

IDLE = ("idle", "iowait")
STOLEN = "steal"
INSIDE_USER = ("guest", "guest_nice")
"""Counted in user and nice already."""
BLOCKS = Path("/sys/block")
IN_MEMORY = ("loop", "ram", "zram")
NO_DISK = "none"
"""What stands for the disks of a system that shows none."""


class Machine(Collector):
    """Cores that the harness may use, and disks."""

    def __init__(self) -> None:
        self._disks = _disks()

    def collect(self) -> Iterable[Metric]:
        cores = CounterMetricFamily(
            "rehearsal_core_busy_seconds_total", "Time in which a core was busy, whoever had it.", labels=["core"]
        )
        stolen = CounterMetricFamily(
            "rehearsal_core_stolen_seconds_total",
            "Time in which a core had work and its host let another machine have it; counted as busy, too.",
            labels=["core"],
        )
        for core, times in _core_times().items():
            cores.add_metric([str(core)], _busy(times))
            stolen.add_metric([str(core)], times.get(STOLEN, 0.0))
        yield cores
        yield stolen
        disks = CounterMetricFamily(
            "rehearsal_disk_busy_seconds_total", "Time in which a disk had something to do.", labels=["disk"]
        )
        for disk, seconds in (disk_seconds(self._disks) or {NO_DISK: 0.0}).items():
            disks.add_metric([disk], seconds)
        yield disks


def core_seconds() -> dict[int, float]:
    """Busy seconds since the start of the machine, of each core that this process may run on."""
    return {core: _busy(times) for core, times in _core_times().items()}


def stolen_s() -> float:
    """Seconds since the start of the machine in which cores had work and their host let another machine have them."""
    return sum(times.get(STOLEN, 0.0) for times in _core_times().values())


def _core_times() -> dict[int, dict[str, float]]:
    """Core -> state -> seconds since the start of the machine."""
    times = psutil.cpu_times(percpu=True)
    return {core: times[core]._asdict() for core in sorted(cores()) if core < len(times)}


@cache
def cores() -> frozenset[int]:
    """Cores that this process may run on, as it was when it was first asked: it may hold itself to fewer later."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def disk_seconds(disks: Iterable[str]) -> dict[str, float]:
    """Busy seconds since the start of the machine, of each of these that the system counts."""
    counters = psutil.disk_io_counters(perdisk=True) or {}
    return {disk: counters[disk].busy_time / 1000 for disk in disks if hasattr(counters.get(disk), "busy_time")}


def _busy(times: dict[str, float]) -> float:
    return sum(seconds for name, seconds in times.items() if name not in (*IDLE, *INSIDE_USER))


def _disks() -> list[str]:
    """Whole disks: their partitions would count the same time again."""
    try:
        return sorted(one.name for one in BLOCKS.iterdir() if not one.name.startswith(IN_MEMORY))
    except OSError:
        return []
