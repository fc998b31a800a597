"""What a target that stands still does to people who come on schedule, by arithmetic, and how a measurement fits it.

People arrive at a constant rate for `length` seconds; the target answers at once, except that it stands still for
`freeze` seconds. Whoever is due x seconds before it thaws waits x, everybody else nothing:

    P(latency > t) = (freeze - t) / length        for 0 <= t < freeze

so quantile q is max(0, freeze - (1 - q) length). A tool that waits for an answer before it asks again leaves out
nearly everybody who would have come meanwhile: coordinated omission.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
NOTICED = 0.01
"""Of the freeze: waits below that are answers of a target that stands still for nobody."""
FITS_WITHIN = 0.02
"""Of the distribution functions, and of each quantile that is no small part of the freeze: a thousand answers that come
at once are read within a fifth of a second or so, which is the swarm's own doing."""
COUNTS_WITHIN = 0.05


@dataclass(frozen=True)
class Standstill:
    """The night of the self-test; seconds, and arrivals a second."""

    rate: float
    length: float
    freeze: float

    @property
    def noticed(self) -> float:
        """Waits longer than this count as delayed."""
        return NOTICED * self.freeze

    @property
    def delayed(self) -> float:
        """How many people wait longer than `noticed`."""
        return self.rate * (self.freeze - self.noticed)

    def share_below(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """The distribution function of the latencies, at each t >= 0."""
        return 1.0 - np.clip(self.freeze - t, 0.0, None) / self.length

    def quantile(self, q: float) -> float:
        return max(0.0, self.freeze - (1.0 - q) * self.length)


@dataclass(frozen=True)
class Fit:
    """How far measured latencies are from the arithmetic."""

    delayed: int
    """People who waited noticeably."""
    distance: float
    """The largest difference of the two distribution functions, from `noticed` on."""
    quantiles: dict[float, float]
    """Measured ones."""
    errors: dict[float, float]
    """Relative, of each quantile above half of the freeze."""

    def misfits(self, night: Standstill) -> list[str]:
        """What is farther from the arithmetic than it may be."""
        found = []
        if abs(self.delayed / night.delayed - 1.0) > COUNTS_WITHIN:
            found.append(f"{self.delayed} people were delayed, not {night.delayed:.0f}")
        if self.distance > FITS_WITHIN:
            found.append(f"the distributions are {self.distance:.1%} apart")
        found += [
            f"p{100 * q:g} is {self.quantiles[q]:.3f} s, not {night.quantile(q):.3f}"
            for q, error in self.errors.items()
            if abs(error) > FITS_WITHIN
        ]
        return found


def fit(latencies: Sequence[float] | NDArray[np.float64], night: Standstill) -> Fit:
    """Measured `latencies`, in seconds, against the arithmetic. Raises ValueError when there are none."""
    measured = np.sort(np.asarray(latencies, float))
    if not len(measured):
        raise ValueError("nobody was measured")
    quantiles = {q: _quantile(measured, q) for q in QUANTILES}
    errors = {
        q: quantiles[q] / expected - 1.0 for q in QUANTILES if (expected := night.quantile(q)) > 0.5 * night.freeze
    }
    return Fit(int(np.sum(measured > night.noticed)), _distance(measured, night), quantiles, errors)


def _quantile(measured: NDArray[np.float64], q: float) -> float:
    """The least value that a share q does not exceed."""
    return float(measured[max(0, int(np.ceil(q * len(measured))) - 1)])


def _distance(measured: NDArray[np.float64], night: Standstill) -> float:
    """Kolmogorov and Smirnov's, over t >= night.noticed."""
    at = np.concatenate([[night.noticed], measured[measured > night.noticed]])
    expected = night.share_below(at)
    below = np.searchsorted(measured, at, side="left") / len(measured)
    up_to = np.searchsorted(measured, at, side="right") / len(measured)
    below[0] = up_to[0]  # of the first point only what lies on its right counts
    return float(max(np.abs(expected - below).max(), np.abs(expected - up_to).max()))
