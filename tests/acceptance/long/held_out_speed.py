"""How much slower a core is for the service when it is slower for small work beside it: learned, not assumed.

A core that shares caches and pipelines with others of its host slows large programs down more than small work, and by
how much more differs from machine to machine. So the service's slowness is taken for a power of the small work's, and
that power is fitted to the rehearsals that were learned from: processor time of the service against what the small work
took and what was answered, by logarithms, in windows.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scenarios.counters import FloatArray
from tests.acceptance.long.held_out_figures import BoolArray, Track

WINDOW_S = 20
"""Shorter ones tell more of the people's luck than of the core, and hold the power down."""
POWERS = (0.0, 3.0)
FEWEST = 12
"""Windows; of fewer nothing is learned, and the service is taken to be as slow as the small work is."""


class Seen(NamedTuple):
    """A rehearsal that speed is learned from."""

    track: Track
    counts: BoolArray
    """By second, whether it counts."""
    work_us: FloatArray
    """By second, what the small work took."""


class Speed(NamedTuple):
    usual_us: float
    """What the small work takes on a core that is as fast as usual."""
    power: float

    def slow(self, work_us: FloatArray) -> FloatArray:
        """How many times as long as usual the service takes for the same."""
        slow: FloatArray = (work_us / self.usual_us) ** self.power
        return slow


def learned(some: Sequence[Seen], from_s: int) -> Speed:
    """The speed of a core as the rehearsals told it, from that second of each on."""
    usual_us = float(np.mean([each.work_us[from_s:].mean() for each in some]))
    rows = np.concatenate([_windows(each, from_s) for each in some])
    if len(rows) < FEWEST:
        return Speed(usual_us, 1.0)
    cores, work_us, good = np.log(rows).T
    fit, *_ = np.linalg.lstsq(np.column_stack((work_us, good, np.ones(len(rows)))), cores)
    return Speed(usual_us, float(np.clip(fit[0], *POWERS)))


def _windows(seen: Seen, from_s: int) -> FloatArray:
    """By window that counts: processor time of the service, what the small work took, good answers."""
    used: FloatArray = np.sum(list(seen.track.used.values()), axis=0)
    good, end_s = seen.track.good, len(seen.counts)
    rows = [
        (used[start + WINDOW_S] - used[start], seen.work_us[start : start + WINDOW_S].mean(),
         good[start + WINDOW_S] - good[start])
        for start in range(from_s, end_s - WINDOW_S + 1, WINDOW_S)
        if seen.counts[start : start + WINDOW_S].all()
    ]  # fmt: skip
    found = np.array(rows).reshape(-1, 3)
    return found[(found > 0.0).all(axis=1)]
