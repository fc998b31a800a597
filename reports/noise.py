"""How far two runs may differ by chance: the stationary bootstrap over windows of time, and the spread of repeats.

What is measured in one second of a run resembles what is measured in the next, so single answers, or single windows,
are no independent witnesses. The stationary bootstrap draws blocks of windows, whose mean length the windows' own
autocorrelation decides.

Sources: D. Politis and J. Romano, The stationary bootstrap (1994); D. Politis and H. White, Automatic block-length
selection for the dependent bootstrap (2004), with the correction by A. Patton, D. Politis and H. White (2009).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

from reports.statistics import FloatArray

RESAMPLES = 400
"""A standard error out of 400 is within 4 % of that out of endlessly many."""
CONFIDENCE = 0.95
LONGER = 3.0
"""Times the length by Politis and White, which makes the variance most exact, yet intervals too narrow."""
LEAST_BLOCK_S = 180.0
"""Real rehearsals are slow or quick for a minute on end, too little at a time for autocorrelations to tell it from the
noise of single windows. Without this one comparison in five raised a false alarm, not one in twenty
(docs/decisions.md)."""
LEAST_BLOCKS = 4
"""On the average: with fewer nobody can tell chance from change."""


@dataclass(frozen=True)
class Noise:
    """A standard error, and as how many independent windows or runs it was made from less one."""

    error: float
    freedom: float

    def reach(self, questions: int = 1) -> float:
        """Half of an interval, so wide that the intervals of so many questions hold together with CONFIDENCE.

        Bonferroni's correction of Student's t.
        """
        return float(self.error * stats.t.ppf(1.0 - (1.0 - CONFIDENCE) / (2.0 * questions), max(self.freedom, 1.0)))


def block_length(series: FloatArray) -> float:
    """Mean length of the blocks of a stationary bootstrap of the mean of `series`; at least 1.

    series: float64 of shape (n,). Autocovariances count up to twice the lag beyond which five in a row (more of a long
    series) are no more than chance. Source: Politis and White 2004, with the correction of 2009.
    """
    n = len(series)
    deviation = series - series.mean() if n else series
    if n < 8 or not deviation.any():
        return 1.0
    in_a_row = max(5, math.ceil(math.sqrt(math.log10(n))))
    furthest = min(math.ceil(math.sqrt(n)) + in_a_row, n - 1)
    covariance = np.array([float(deviation[lag:] @ deviation[: n - lag]) / n for lag in range(furthest + 1)])
    chance = 2.0 * math.sqrt(math.log10(n) / n)
    small = np.abs(covariance[1:] / covariance[0]) < chance
    runs = [lag for lag in range(len(small) - in_a_row + 1) if small[lag : lag + in_a_row].all()]
    bandwidth = min(2 * max(runs[0], 1), furthest) if runs else furthest
    lags = np.arange(1, bandwidth + 1)
    weight = np.minimum(1.0, 2.0 * (1.0 - lags / bandwidth))
    spectrum = covariance[0] + 2.0 * float(weight @ covariance[1 : bandwidth + 1])
    slope = 2.0 * float((weight * lags) @ covariance[1 : bandwidth + 1])
    if spectrum <= 0.0:
        return 1.0
    best = (slope / spectrum) ** 2  # its cube root, times that of n
    return float(min(max((best * n) ** (1.0 / 3.0), 1.0), math.ceil(min(3.0 * math.sqrt(n), n / 3.0))))


@lru_cache(maxsize=8)
def drawn(n: int, length: float, seed: int = 0) -> FloatArray:
    """How often each of n windows is in each resample: float64 of shape (RESAMPLES, n), rows summing to n.

    Blocks start anywhere, go on around the end, and have geometric lengths of mean `length`. The same arguments give
    the same array, which is not to be written to.
    """
    rng = np.random.default_rng(seed)
    begins = rng.random((RESAMPLES, n)) < 1.0 / length
    begins[:, 0] = True
    place = np.arange(n)
    since = place - np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    first = np.where(begins, rng.integers(0, n, (RESAMPLES, n)), 0)
    start = np.take_along_axis(first, place - since, axis=1)
    window = (start + since) % n + n * np.arange(RESAMPLES)[:, None]
    weights: FloatArray = np.bincount(window.ravel(), minlength=RESAMPLES * n).reshape(RESAMPLES, n).astype(np.float64)
    weights.flags.writeable = False
    return weights


def of_repeats(before: Sequence[float], after: Sequence[float]) -> Noise:
    """Noise of the difference of two means, from how much the runs of each side differ (pooled)."""
    sides = [np.asarray(values, dtype=np.float64) for values in (before, after)]
    freedom = sum(len(values) - 1 for values in sides)
    pooled = sum(float(((values - values.mean()) ** 2).sum()) for values in sides) / freedom
    return Noise(math.sqrt(pooled * sum(1.0 / len(values) for values in sides)), float(freedom))


def of_windows(drawn_values: FloatArray, n: int, length: float) -> Noise:
    """Noise of a figure, from what it was in each resample of n windows in blocks of mean `length`.

    Taking the mean of the windows themselves for the true one makes the variance too small by 2 length / n.
    """
    known = drawn_values[np.isfinite(drawn_values)]
    error = float(np.std(known, ddof=1)) if len(known) > 1 else math.nan
    return Noise(error / math.sqrt(1.0 - 2.0 * length / n), n / length - 1.0)


def blocks(n: int, lengths: Sequence[float], width_s: float) -> float:
    """Mean length of the blocks to draw n windows of `width_s` seconds in, where their series want `lengths`."""
    return max(1.0, min(max(LONGER * max(lengths), LEAST_BLOCK_S / width_s), n / LEAST_BLOCKS))
