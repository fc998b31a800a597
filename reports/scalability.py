"""How throughput grows with concurrency, replicas or cores: Gunther's Universal Scalability Law, fitted with intervals.

    X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))

lambda is the rate of one alone, sigma the share of the work that waits its turn, kappa what keeping each other informed
costs. N is concurrency measured in the service (or replicas, or cores), never the offered rate. In y = N / X the law is
a straight sum, y = a + b (N - 1) + c N (N - 1) with a = 1 / lambda, b = sigma / lambda, c = kappa / lambda; errors of X
are relative, so the sum is fitted by least squares with each point weighted by its own size. Intervals are studentized
bootstraps of the residuals (Davison and Hinkley, Bootstrap Methods, 1997, 6.2.4): with a dozen points, quantiles of
resampled estimates alone would be too narrow.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.statistics import ROUNDING, FloatArray
from reports.wording import Said, count, number, percent, say

LEAST_POINTS = 6
"""Twice the terms of the law; below that the scatter is hardly known."""
STILL_RISING = 0.05
"""Of throughput, for each 1 of concurrency, at the largest N: from here on a fit would have to guess where it ends."""
SURELY_RISEN = 0.1
"""The same, at the upper end of its interval."""
WORST_SCATTER = 0.15
"""Of the points about the law, relative: beyond that something else than the law moved them."""
DRAWS = 2000
COVERED = 0.98
"""Asked of the resamples for an interval that covers 95 %: of 8 to 16 points they promise a little too much (asked for
95 %, they held the truth 938 times in 1,000; asked for this, 973 times)."""
_GRID = 64
"""Points at which numbers of replicas are tried at first; then all about the first that is enough."""
_FAR = 64.0
"""Times the largest N measured: beyond that nobody asks for replicas of a law without a peak."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval. Infinite where the law reaches no end: a peak that may never come."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Refusal:
    """No law is told. id: "few-points", "before-the-knee", "negative-terms" or "bad-fit"."""

    id: str
    reason: Said


@dataclass(frozen=True)
class Law:
    """A fitted law. n, x: the points that it was fitted to, ascending in n; n in the caller's unit, x per second."""

    n: FloatArray
    x: FloatArray
    rate_of_one: Estimate
    sigma: Estimate
    kappa: Estimate
    scatter: float
    """Relative standard error of the points about the law."""
    terms: FloatArray
    """a, b, c of the sum above, none negative."""
    _free: "_Fit"
    """Without the bound that no term is negative: what intervals are made of."""

    def rate(self, n: ArrayLike) -> FloatArray:
        """X at each n > 0, without interval; shape of `n`."""
        given = np.asarray(n, float)
        found: FloatArray = given / (_sums(np.atleast_1d(given)) @ self.terms).reshape(given.shape)
        return found

    def at(self, n: float) -> Estimate:
        """X at `n` > 0."""
        low, high = self.band(np.array([n]))
        return Estimate(float(self.rate(n)), float(low[0]), float(high[0]))

    def band(self, n: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper end of the interval of X at each n > 0; shape of `n`, the upper one maybe infinite."""
        low, high = self._free.interval_of_sums(_sums(n))
        with np.errstate(divide="ignore"):
            upper = np.where(low > 0.0, n / low, np.inf)
        middle = self.rate(n)
        return np.minimum(n / high, middle), np.maximum(upper, middle)

    @cached_property
    def peak_at(self) -> Estimate:
        """The N beyond which throughput falls, 1 at least; infinite where nothing says that it would."""
        value = float(_peak(self.terms[None])[0])
        if not math.isfinite(value):
            return Estimate(value, float(self.n[-1]), math.inf)
        a, b, c = self._free.terms
        if not (a > b and c > 0.0):  # it only falls, or the free fit has no peak: nothing to take the logarithm of
            least = self.kappa.low
            return _holding(value, 1.0, math.sqrt(max(0.0, 1.0 - self.sigma.low) / least) if least > 0.0 else math.inf)
        told = self._free.interval(lambda terms: 0.5 * np.log((terms[:, 0] - terms[:, 1]) / terms[:, 2]))
        high = math.exp(min(told.high, 700.0)) if self.kappa.low > 0.0 else math.inf
        return _holding(value, max(1.0, math.exp(min(told.low, 700.0))), high)

    @cached_property
    def peak(self) -> Estimate:
        """The highest throughput of all."""
        if math.isfinite(self.peak_at.value):
            return self.at(self.peak_at.value)
        end = self.terms[1]  # without a peak throughput comes ever nearer to lambda / sigma
        value = 1.0 / float(end) if end > 0.0 else math.inf
        low, high = self.band(self.n[-1:])
        return _holding(value, float(low[0]), float(high[0]))

    def replicas_for(self, rate: float) -> Estimate:
        """The least whole N that carries `rate` a second; infinite where the law never does."""
        top = self.peak_at.value if math.isfinite(self.peak_at.value) else _FAR * self.measured_up_to
        grid = np.unique(np.ceil(np.geomspace(1.0, max(top, self.measured_up_to, 2.0), _GRID)))
        while True:
            rates = np.stack([self.rate(grid), *reversed(self.band(grid))])
            reached = rates >= rate * (1.0 - ROUNDING)
            first = reached.argmax(axis=1)
            found = np.where(reached.any(axis=1), grid[first], np.inf)
            finer = [np.arange(grid[max(0, i - 1)], grid[i] + 1.0) for i in first]
            again = np.unique(np.concatenate([grid, *(each[:: max(1, len(each) // _GRID)] for each in finer)]))
            if len(again) == len(grid):
                return Estimate(*map(float, found))
            grid = again

    @property
    def measured_up_to(self) -> float:
        """The largest N measured; what is told beyond it is extrapolated."""
        return float(self.n[-1])


def fit(n: ArrayLike, x: ArrayLike) -> Law | Refusal:
    """The law of these points, or why there is none. n, x: equally long, any order; what is not above 0 is left out."""
    ns, xs = np.asarray(n, float), np.asarray(x, float)
    usable = np.isfinite(ns) & np.isfinite(xs) & (ns > 0.0) & (xs > 0.0)
    order = np.argsort(ns[usable], kind="stable")
    ns, xs = ns[usable][order], xs[usable][order]
    if len(ns) < LEAST_POINTS or len(np.unique(ns)) < LEAST_POINTS - 1:
        told, needed = count(len(np.unique(ns))), count(LEAST_POINTS)
        return Refusal("few-points", say("levels of concurrency that were measured: {told}; {needed} are needed",
                                         told=told, needed=needed))  # fmt: skip
    free = _Fit.of(ns, xs)
    if free.scatter > WORST_SCATTER:
        return Refusal("bad-fit", say("the points lie {scatter} about the law, {allowed} at most are believed",
                                      scatter=percent(free.scatter), allowed=percent(WORST_SCATTER)))  # fmt: skip
    sigma, kappa = free.interval(lambda terms: terms[:, 1] / terms[:, 0]), free.interval(_kappa)
    if sigma.high < 0.0 or kappa.high < 0.0:
        return Refusal("negative-terms", say("throughput grew faster than concurrency, which no law of sharing "
                                             "explains: look at what else changed between the points"))  # fmt: skip
    if not (_has_levelled(free, ns) or (kappa.low <= 0.0 and _has_levelled(_Fit.of(ns, xs, 2), ns))):
        return Refusal("before-the-knee", say("throughput was still rising at the largest concurrency, {last}: "
                                              "the knee was not passed", last=number(float(ns[-1]))))  # fmt: skip
    terms = _without_negative(ns, xs)
    rate_of_one = free.interval(lambda terms: -np.log(terms[:, 0]))
    return Law(
        n=ns,
        x=xs,
        rate_of_one=_holding(1.0 / terms[0], math.exp(rate_of_one.low), math.exp(rate_of_one.high)),
        sigma=_holding(terms[1] / terms[0], max(0.0, sigma.low), max(0.0, sigma.high)),
        kappa=_holding(terms[2] / terms[0], max(0.0, kappa.low), max(0.0, kappa.high)),
        scatter=free.scatter,
        terms=terms,
        _free=free,
    )


_Function = Callable[[NDArray[Any]], NDArray[Any]]
"""Of terms (k, 3) a figure each, (k,); analytic, because slopes are taken by a complex step."""


@dataclass(frozen=True)
class _Fit:
    """Least squares on relative errors, and what resampling its residuals gives."""

    terms: FloatArray
    spread: FloatArray
    """Covariance of the terms, (3, 3), for a scatter of 1."""
    scatter: float
    draws: FloatArray
    """Terms of each resample, (DRAWS, 3)."""
    scatters: FloatArray
    """And its scatter, (DRAWS,)."""

    @classmethod
    def of(cls, n: FloatArray, x: FloatArray, kept: int = 3) -> "_Fit":
        """kept: 3, or 2 for a law in which nobody needs to inform anybody: c is 0."""
        y = n / x
        sums = _sums(n)
        sums[:, kept:] = 0.0
        terms, rows = _least_squares(sums, y)
        spread = _inverse(rows)
        to_terms = spread @ rows.T
        off = y / np.abs(sums @ terms) - 1.0
        freedom = len(n) - kept
        leverage = np.clip(np.einsum("ij,ji->i", rows, to_terms), 0.0, 0.99)
        loose = off / np.sqrt(1.0 - leverage)
        drawn = (loose - loose.mean())[np.random.default_rng(0).integers(len(n), size=(DRAWS, len(n)))]
        moved = drawn @ to_terms.T
        left = drawn - moved @ rows.T
        return cls(
            terms=terms,
            spread=spread,
            scatter=math.sqrt(float(off @ off) / freedom),
            draws=terms + moved,
            scatters=np.maximum(np.sqrt((left**2).sum(axis=1) / freedom), _LEAST_SCATTER),
        )

    def interval(self, of: _Function, covered: float = COVERED) -> Estimate:
        """A figure of the terms. covered: share of the resamples that the interval spans."""
        value = float(of(self.terms[None])[0])
        with np.errstate(all="ignore"):  # of a resample that fits nothing
            off = (of(self.draws) - value) / (self.scatters * self._error(of, self.draws))
        low, high = np.quantile(off[np.isfinite(off)], _ends(covered))
        width = max(self.scatter, _LEAST_SCATTER) * float(self._error(of, self.terms[None])[0])
        return Estimate(value, value - float(high) * width, value - float(low) * width)

    def interval_of_sums(self, sums: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends of y for rows of `sums`, (k, 3); shape (k,)."""
        error = np.sqrt(np.einsum("ij,jk,ik->i", sums, self.spread, sums))
        moved = (self.draws - self.terms) / self.scatters[:, None]
        low, high = np.quantile(moved @ (sums / error[:, None]).T, _ends(COVERED), axis=0)
        width = max(self.scatter, _LEAST_SCATTER) * error
        middle = sums @ self.terms
        return middle - high * width, middle - low * width

    def _error(self, of: _Function, terms: FloatArray) -> FloatArray:
        """Standard error of the figure at each of `terms`, (k, 3), for a scatter of 1; shape (k,)."""
        steps = 1e-20j * np.eye(3) * np.abs(self.terms).max()
        slopes = np.stack([of(terms + step).imag / abs(step.sum()) for step in steps], axis=1)
        found: FloatArray = np.sqrt(np.einsum("ij,jk,ik->i", slopes, self.spread, slopes))
        return found


_LEAST_SCATTER = 1e-9
"""Of points that lie on the law to the last digit; rounding must not be divided by rounding."""


def _ends(covered: float) -> tuple[float, float]:
    return (1.0 - covered) / 2.0, (1.0 + covered) / 2.0


def _sums(n: FloatArray) -> FloatArray:
    """What a, b and c are multiplied with; (k, 3)."""
    return np.stack([np.ones_like(n), n - 1.0, n * (n - 1.0)], axis=1)


def _least_squares(sums: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Terms for the least relative errors, and the rows of `sums`, each by the size of its point on the law."""
    size = y
    for _ in range(_ROUNDS):
        rows = sums / size[:, None]
        terms = _inverse(rows) @ rows.T @ (y / size)
        size = np.maximum(sums @ terms, 0.1 * y)
    return terms, sums / size[:, None]


_ROUNDS = 4
"""Of weighting: the first one takes the points themselves for their size."""


def _inverse(rows: FloatArray) -> FloatArray:
    """Of rows' normal matrix; columns differ by a factor of N squared, so they are scaled first."""
    scale = np.linalg.norm(rows, axis=0)
    scale[scale == 0.0] = 1.0  # of a term that is left out
    scaled = rows / scale
    found: FloatArray = np.linalg.pinv(scaled.T @ scaled, hermitian=True) / np.outer(scale, scale)
    return found


def _without_negative(n: FloatArray, x: FloatArray) -> FloatArray:
    """a, b, c of the best law whose terms are none of them negative."""
    y = n / x
    best = np.zeros(3)
    least = math.inf
    for kept in ((0, 1, 2), (0, 1), (0, 2), (0,)):
        terms = np.zeros(3)
        terms[list(kept)] = _least_squares(_sums(n)[:, kept], y)[0]
        off = float((((_sums(n) @ terms) / y - 1.0) ** 2).sum())
        if (terms >= 0.0).all() and off < least:
            best, least = terms, off
    return best


def _has_levelled(free: _Fit, n: FloatArray) -> bool:
    """Whether throughput hardly rises any more at the largest n."""
    rising = free.interval(lambda terms: _elasticity(terms, float(n[-1])), 0.95)
    return rising.value <= STILL_RISING and rising.high <= SURELY_RISEN


def _kappa(terms: NDArray[Any]) -> NDArray[Any]:
    found: NDArray[Any] = terms[:, 2] / terms[:, 0]
    return found


def _elasticity(terms: NDArray[Any], n: float) -> NDArray[Any]:
    """By how much of itself throughput grows when N grows by a hundredth of itself, in hundredths."""
    a, b, c = terms.T
    found: NDArray[Any] = (a - b - c * n * n) / (a + b * (n - 1.0) + c * n * (n - 1.0))
    return found


def _peak(terms: FloatArray) -> FloatArray:
    """The N of the highest throughput for each of `terms`, (k, 3): 1 where it only falls, infinite where it grows."""
    a, b, c = terms.T
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = np.where(c > 0.0, np.maximum(1.0, np.sqrt(np.maximum(a - b, 0.0) / c)), np.inf)
    return found


def _holding(value: float, low: float, high: float) -> Estimate:
    """With an interval that holds its value, also where the bound at zero moved it."""
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))
