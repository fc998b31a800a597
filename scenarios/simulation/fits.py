"""Distributions of service times, fitted to the counts in the buckets of a classic histogram.

Only between which edges a time lay is known, so the likelihood is multinomial: the probability of a bucket is the
difference of the distribution at its edges. Four families are fitted, and Akaike's criterion chooses. Where even the
best leaves a gap that chance would not, the counts themselves are taken: log time as a monotone cubic of their
cumulative share (Fritsch and Carlson 1980), from bucket edge to bucket edge.

Sources: log-normal, gamma and Weibull as in Johnson, Kotz and Balakrishnan, "Continuous Univariate Distributions",
volume 1, chapters 14, 17 and 21; Akaike 1974.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import minimize
from scipy.special import gammainc, gammaincc, gammaincinv, ndtr, ndtri

from scenarios.calibration_file import FAMILIES, TABLE, Step

FloatArray = NDArray[np.float64]
Tails = tuple[FloatArray, FloatArray]
"""Shares below and above."""

MOST_GAP = 0.02
"""Of a fitted distribution from the counted one: a percentile is then two of a hundred people off at most."""
CHANCE = 1.36
"""A sample of n lies further than this / sqrt(n) from its own distribution in one case of twenty (Kolmogorov 1933)."""
_LEAST = 1e-300
"""Of a probability, so that its logarithm exists."""
_DUST = 1e-9
"""Share of the counts that no step is made for: shares must rise."""
_POINTS = 4096
"""At which a table is averaged."""


@dataclass(frozen=True)
class Family:
    """A family of distributions on times above 0. Parameters come in the order of calibration_file.FAMILIES."""

    tails: Callable[[FloatArray, FloatArray], Tails]
    """(parameters, times above 0, infinity included)."""
    quantile: Callable[[FloatArray, FloatArray], FloatArray]
    """(parameters, shares in [0, 1))."""
    mean: Callable[[FloatArray], float]
    start: Callable[[float, float, float], tuple[float, ...]]
    """Parameters to begin a search with: (mean of the logarithms, their deviation, the least time possible)."""


@dataclass(frozen=True)
class Fit:
    """A distribution that was fitted; parameters by name, steps of a table."""

    family: str
    parameters: dict[str, float]
    gap: float
    behind: dict[str, float]
    """Family -> Akaike's criterion above that of the best family; 0 of the best."""
    steps: tuple[Step, ...] = ()

    def mean(self) -> float:
        return mean(self.family, self.parameters, self.steps)

    def quantile(self, q: float) -> float:
        return float(quantiles(self.family, self.parameters, np.array([q]), self.steps)[0])


# ---------------------------------------------------------------- families


def _log_normal_tails(p: FloatArray, t: FloatArray) -> Tails:
    z = (np.log(t) - math.log(p[0])) / p[1]
    return ndtr(z), ndtr(-z)


def _gamma_tails(p: FloatArray, t: FloatArray) -> Tails:
    return gammainc(p[0], t / p[1]), gammaincc(p[0], t / p[1])


def _weibull_tails(p: FloatArray, t: FloatArray) -> Tails:
    power = np.power(t / p[1], p[0])
    return -np.expm1(-power), np.exp(-power)


def _shifted_tails(p: FloatArray, t: FloatArray) -> Tails:
    return _log_normal_tails(p[1:], np.maximum(t - p[0], 1e-12))


_OF: dict[str, Family] = {
    "log-normal": Family(
        _log_normal_tails,
        lambda p, q: p[0] * np.exp(p[1] * ndtri(q)),
        lambda p: float(p[0] * math.exp(p[1] ** 2 / 2)),
        lambda center, spread, least: (math.exp(center), spread),
    ),
    "gamma": Family(
        _gamma_tails,
        lambda p, q: p[1] * gammaincinv(p[0], q),
        lambda p: float(p[0] * p[1]),
        # A gamma's logarithm has a variance of about 1 / shape.
        lambda center, spread, least: (1.0 / spread**2, math.exp(center + spread**2 / 2) * spread**2),
    ),
    "weibull": Family(
        _weibull_tails,
        lambda p, q: p[1] * np.power(-np.log1p(-q), 1.0 / p[0]),
        lambda p: float(p[1] * math.gamma(1.0 + 1.0 / p[0])),
        # A Weibull's logarithm has the deviation 1.28 / shape, and its mean lies 0.58 / shape below log scale.
        lambda center, spread, least: (1.28 / spread, math.exp(center + 0.58 * spread / 1.28)),
    ),
    "shifted-log-normal": Family(
        _shifted_tails,
        lambda p, q: p[0] + p[1] * np.exp(p[2] * ndtri(q)),
        lambda p: float(p[0] + p[1] * math.exp(p[2] ** 2 / 2)),
        lambda center, spread, least: (0.5 * least, max(math.exp(center) - 0.5 * least, 0.1 * least), spread),
    ),
}


def quantiles(
    family: str, parameters: Mapping[str, float], shares: FloatArray, steps: Sequence[Step] = ()
) -> FloatArray:
    """Times (s) below which these shares lie; shares in [0, 1), shape kept."""
    if family == TABLE:
        at, cumulative = np.array([step.at_s for step in steps]), np.array([step.share for step in steps])
        told: FloatArray = np.exp(PchipInterpolator(cumulative, np.log(at))(shares))
        return told
    return _OF[family].quantile(_ordered(family, parameters), shares)


def mean(family: str, parameters: Mapping[str, float], steps: Sequence[Step] = ()) -> float:
    """Mean time (s)."""
    if family == TABLE:
        return float(quantiles(family, parameters, (np.arange(_POINTS) + 0.5) / _POINTS, steps).mean())
    return _OF[family].mean(_ordered(family, parameters))


def shares_within(
    family: str, parameters: Mapping[str, float], times: FloatArray, steps: Sequence[Step] = ()
) -> FloatArray:
    """Shares of times at or below `times` (s, above 0); shape kept."""
    if family == TABLE:
        at, cumulative = np.array([step.at_s for step in steps]), np.array([step.share for step in steps])
        within: FloatArray = np.interp(np.log(times), np.log(at), cumulative)
        return within
    return _OF[family].tails(_ordered(family, parameters), times)[0]


def _ordered(family: str, parameters: Mapping[str, float]) -> FloatArray:
    return np.array([parameters[name] for name in FAMILIES[family]])


# ---------------------------------------------------------------- fitting


def fit(edges: FloatArray, counts: FloatArray) -> Fit:
    """The distribution that explains the counts best.

    edges: upper edges of the buckets in seconds, ascending, the last infinite; counts: float64 >= 0 of the same shape,
    with at least one above 0. Source: this module's docstring.
    """
    found = {family: _searched(family, edges, counts, _start(family, edges, counts)) for family in _OF}
    criterion = {family: 2.0 * cost + 2.0 * len(p) for family, (p, cost) in found.items()}
    best = min(criterion, key=lambda family: criterion[family])
    behind = {family: each - criterion[best] for family, each in criterion.items()}
    chosen = found[best][0]
    gap = _gap(best, edges, counts, chosen)
    if gap > max(MOST_GAP, CHANCE / math.sqrt(counts.sum())):
        return Fit(TABLE, {}, 0.0, behind, table(edges, counts))
    return Fit(best, _named(best, chosen), gap, behind)


def again(one: Fit, edges: FloatArray, counts: FloatArray) -> Fit:
    """The same kind of distribution for other counts, as a resampled set of windows has them."""
    if one.family == TABLE:
        return Fit(TABLE, {}, 0.0, one.behind, table(edges, counts))
    chosen, _ = _searched(one.family, edges, counts, _ordered(one.family, one.parameters))
    return Fit(one.family, _named(one.family, chosen), one.gap, one.behind)


def table(edges: FloatArray, counts: FloatArray) -> tuple[Step, ...]:
    """The cumulative shares at the edges that times lie between.

    The first bucket begins at half its edge, the open one ends a fifth above the highest edge: further is not known.
    """
    filled = np.flatnonzero(counts > _DUST * counts.sum())
    upper = np.where(np.isinf(edges), 1.2 * edges[-2], edges)
    lowest = upper[filled[0] - 1] if filled[0] else 0.5 * upper[0]
    shares = np.cumsum(counts[filled]) / counts.sum()
    shares[-1] = 1.0
    steps = [Step(float(at), float(share)) for at, share in zip(upper[filled], shares, strict=True)]
    return (Step(float(lowest), 0.0), *steps)


def _start(family: str, edges: FloatArray, counts: FloatArray) -> FloatArray:
    """Parameters to begin with, from where the buckets lie."""
    upper = np.where(np.isinf(edges), 1.2 * edges[-2], edges)
    lower = np.concatenate(([0.5 * upper[0]], upper[:-1]))
    middle = 0.5 * (np.log(lower) + np.log(upper))
    center = float(np.average(middle, weights=counts))
    spread = math.sqrt(float(np.average((middle - center) ** 2, weights=counts)))
    least = float(lower[np.flatnonzero(counts)[0]])
    return np.array(_OF[family].start(center, max(spread, 0.05), least))


def _searched(family: str, edges: FloatArray, counts: FloatArray, start: FloatArray) -> tuple[FloatArray, float]:
    """(parameters, negative log-likelihood) of the most likely member of a family.

    The search is in logarithms, so that parameters stay above 0. It needs no derivatives: the likelihood of a shift has
    none at the edge of the first bucket.
    """
    used = np.flatnonzero(counts)
    n = counts[used]
    tails = _OF[family].tails

    def unlikely(logs: FloatArray) -> float:
        with np.errstate(all="ignore"):
            below, above = tails(np.exp(logs), edges)
            share = np.where(below < 0.5, np.diff(below, prepend=0.0), -np.diff(above, prepend=1.0))[used]
            return -float(n @ np.log(np.maximum(np.nan_to_num(share), _LEAST)))

    found = minimize(unlikely, np.log(start), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-3})
    return np.exp(found.x), float(found.fun)


def _gap(family: str, edges: FloatArray, counts: FloatArray, parameters: FloatArray) -> float:
    with np.errstate(all="ignore"):  # far out a power overflows to infinity, and its share is 1
        below, _ = _OF[family].tails(parameters, edges)
    return float(np.abs(below - np.cumsum(counts) / counts.sum()).max())


def _named(family: str, parameters: FloatArray) -> dict[str, float]:
    return dict(zip(FAMILIES[family], map(float, parameters), strict=True))
