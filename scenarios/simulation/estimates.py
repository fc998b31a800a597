"""Figures with the intervals that windows drawn again give them (bootstrap, Efron 1979)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.calibration_file import Estimate
from scenarios.counters import FloatArray


class Redraw(NamedTuple):
    """How windows are drawn again: the same seed, the same draws."""

    seed: int = 1
    times: int = 200

    def of(self, windows: int) -> Iterator[NDArray[np.int64]]:
        """Numbers of so many windows, as often as each is drawn."""
        rng = np.random.default_rng(self.seed)
        return (rng.integers(windows, size=windows) for _ in range(self.times))


def estimate(value: float, drawn: Sequence[float] | FloatArray) -> Estimate:
    """A figure with the interval that holds 95 % of what was drawn again, and itself; without one of nothing drawn."""
    if not len(drawn):
        return Estimate(float(value))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))
