"""How fast a core is, 50 times a second: the same small work each time, and the processor time that it took.

A core of a virtual machine is not as fast in one second as in the next, for others share its caches and its clock; all
that runs on it takes longer then, alike. Mostly it is one of two: alone on its physical core, or with another machine
on the other half of that, and which of both changes many times a second; so what counts of a second is the mean. The
work is Python's compiler, which goes through much code and memory as the service does: a loop of few instructions does
not notice when caches are shared.
`timed` has a program beside a rehearsal write that down.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from scenarios.counters import FloatArray
from tests.children import child_process

EVERY_S = 0.02
SOURCE = """
def handler(request, limit=10):
    found = {}
    for key, value in request.items():
        if value is None:
            continue
        found[key] = str(value)[:limit]
    return [each for each in sorted(found) if each]
"""
"""What is compiled: some 0.2 to 0.3 ms, so a hundredth of the core is all."""
PARTS = 6
"""Of a second, each told by itself: how fast a core is goes with what it was half a second before, and at 90 % of what
it can do people wait for what it does in such times."""
MOST = 2.5
"""Times the middle of a rehearsal: what took longer was interrupted."""


@contextmanager
def timed(core: int, path: Path) -> Iterator[None]:
    """While the block runs, lines are added to the file: unix time, and microseconds that the work took."""
    command = [sys.executable, "-m", "tests.acceptance.long.core_speed", str(core), str(path)]
    with child_process(command, cwd=Path(__file__).resolve().parents[3]):
        yield


def by_part(path: Path, from_s: float, seconds: int) -> FloatArray:
    """Microseconds that the work took on average, in each part of a second from a unix time on.

    Shape (seconds * PARTS,).
    Parts in which it was not looked at take after those around them. Raises ValueError where there is none.
    """
    at, took = np.loadtxt(path, ndmin=2, unpack=True) if path.stat().st_size else np.zeros((2, 0))
    number = np.floor((at - from_s) * PARTS).astype(int)
    known = np.intersect1d(number, np.arange(seconds * PARTS))
    if not len(known):
        raise ValueError(f"{path} tells nothing of these seconds")
    held = np.minimum(took, MOST * np.median(took))
    means = [held[number == each].mean() for each in known]
    told: FloatArray = np.interp(np.arange(seconds * PARTS), known, means)
    return told


def by_second(parts: FloatArray) -> FloatArray:
    """The mean of each second's parts."""
    means: FloatArray = parts.reshape(-1, PARTS).mean(axis=1)
    return means


def _look_on(core: int, path: Path) -> None:
    os.sched_setaffinity(0, {core})
    with path.open("w", buffering=1) as file:
        while True:
            time.sleep(EVERY_S)
            file.write(f"{time.time():.3f} {_work_us():.1f}\n")


def _work_us() -> float:
    began = time.thread_time_ns()
    compile(SOURCE, "<work>", "exec")
    return (time.thread_time_ns() - began) / 1e3


if __name__ == "__main__":
    _look_on(int(sys.argv[1]), Path(sys.argv[2]))
