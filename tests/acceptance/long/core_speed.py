"""How fast a core is, twenty times a second: the same small work each time, and the processor time that it took.

A core of a virtual machine is not as fast in one second as in the next, for others share its caches and its clock; all
that runs on it takes longer then, alike. `timed` has a program beside a rehearsal write that down.
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from scenarios.counters import FloatArray
from tests.children import child_process

EVERY_S = 0.05
TURNS = 400
"""Of a hash: some 0.15 ms, twice, so a hundredth of the core is more than all of it takes."""


@contextmanager
def timed(core: int, path: Path) -> Iterator[None]:
    """While the block runs, lines are added to the file: unix time, and microseconds that the work took."""
    command = [sys.executable, "-m", "tests.acceptance.long.core_speed", str(core), str(path)]
    with child_process(command, cwd=Path(__file__).resolve().parents[3]):
        yield


def by_second(path: Path, from_s: float, seconds: int) -> FloatArray:
    """Microseconds that the work took in the middle, in each second from a unix time on; shape (seconds,).

    Seconds in which it was not looked at take after those around them. Raises ValueError where there is none.
    """
    at, took = np.loadtxt(path, ndmin=2, unpack=True) if path.stat().st_size else np.zeros((2, 0))
    number = np.floor(at - from_s).astype(int)
    known = np.intersect1d(number, np.arange(seconds))
    if not len(known):
        raise ValueError(f"{path} tells nothing of these seconds")
    middle = [np.median(took[number == each]) for each in known]
    told: FloatArray = np.interp(np.arange(seconds), known, middle)
    return told


def _look_on(core: int, path: Path) -> None:
    os.sched_setaffinity(0, {core})
    with path.open("w", buffering=1) as file:
        while True:
            time.sleep(EVERY_S)
            file.write(f"{time.time():.3f} {_work_us():.1f}\n")


def _work_us() -> float:
    for _ in range(2):  # the first time fetches what others have put out of the caches
        began = time.thread_time_ns()
        hashlib.pbkdf2_hmac("sha256", b"", b"", TURNS)
    return (time.thread_time_ns() - began) / 1e3


if __name__ == "__main__":
    _look_on(int(sys.argv[1]), Path(sys.argv[2]))
