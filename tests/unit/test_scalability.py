"""The scalability law: the truth is inside its intervals, and where the knee was not passed there is none (B8)."""

import math

import numpy as np
import pytest

from reports.scalability import Law, Refusal, fit
from reports.statistics import FloatArray

SEEDS = 100
INSIDE = 93


class Service:
    """A synthetic service: its law, and what is measured of it with errors of 1 to 5 %."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.sigma = self._rng.uniform(0.01, 0.15)
        self.peak_at = self._rng.uniform(12.0, 80.0)
        self.kappa = (1.0 - self.sigma) / self.peak_at**2
        self.rate_of_one = self._rng.uniform(5.0, 200.0)

    def rate(self, n: FloatArray) -> FloatArray:
        return self.rate_of_one * n / (1.0 + self.sigma * (n - 1.0) + self.kappa * n * (n - 1.0))

    def measured(self, reach: float) -> tuple[FloatArray, FloatArray]:
        """Points from one alone up to `reach` times the peak."""
        n = np.geomspace(1.0, reach * self.peak_at, self._rng.integers(8, 17))
        return n, self.rate(n) * self._rng.lognormal(0.0, self._rng.uniform(0.01, 0.05), len(n))


def told(seed: int, reach: float) -> Law | Refusal:
    return fit(*Service(seed).measured(reach))


def test_the_truth_is_inside_the_intervals() -> None:
    """Of 100 synthetic services: sigma, kappa, the rate of one, the peak, and twice as far as was measured."""
    inside = dict.fromkeys(("sigma", "kappa", "rate_of_one", "peak_at", "beyond"), 0)
    for seed in range(SEEDS):
        service, law = Service(seed), told(seed, reach=1.5 + seed % 16 / 10)
        if isinstance(law, Refusal):
            continue
        beyond = 2.0 * law.measured_up_to
        figures = {name: (getattr(law, name), getattr(service, name)) for name in inside if name != "beyond"}
        figures["beyond"] = law.at(beyond), float(service.rate(np.array([beyond]))[0])
        for name, (estimate, truth) in figures.items():
            assert estimate.low <= estimate.value <= estimate.high
            inside[name] += estimate.low <= truth <= estimate.high
    assert min(inside.values()) >= INSIDE, inside


def test_before_the_knee_there_is_no_law() -> None:
    """Points that end before six tenths of the peak would be guessed at; those that pass it are not refused so."""
    before = [told(seed, reach=0.25 + seed % 8 / 20) for seed in range(SEEDS)]
    assert all(isinstance(one, Refusal) and one.id == "before-the-knee" for one in before)
    assert all(isinstance(told(seed, reach=2.5), Law) for seed in range(20))


def test_exact_points_give_the_law_itself() -> None:
    """Gunther's own worked figures: sigma 0.02 and kappa 0.0005 peak at sqrt(0.98 / 0.0005) = 44.3."""
    n = np.array([1.0, 4.0, 8.0, 16.0, 32.0, 48.0, 64.0, 96.0])
    law = fit(n, 40.0 * n / (1.0 + 0.02 * (n - 1.0) + 0.0005 * n * (n - 1.0)))
    assert isinstance(law, Law)
    assert (law.rate_of_one.value, law.sigma.value, law.kappa.value) == pytest.approx((40.0, 0.02, 0.0005))
    assert law.peak_at.value == pytest.approx(math.sqrt(0.98 / 0.0005))
    assert law.peak.value == pytest.approx(float(law.rate(law.peak_at.value)))
    assert law.replicas_for(float(law.rate(20.0))).value == 20.0
    assert law.replicas_for(1.01 * law.peak.value).value == math.inf


def test_a_ceiling_is_a_knee_too() -> None:
    """Amdahl's law: nothing falls, yet at 600 all but a thirtieth of the ceiling is there."""
    n = np.array([1.0, 2, 4, 8, 16, 32, 64, 128, 256, 400, 600])
    law = fit(n, 10.0 * n / (1.0 + 0.05 * (n - 1.0)) * np.random.default_rng(3).lognormal(0.0, 0.03, len(n)))
    assert isinstance(law, Law)
    assert law.peak_at.value == law.peak_at.high == math.inf
    assert law.peak.low < 200.0 < law.peak.high


def scattered(n: FloatArray) -> FloatArray:
    return np.random.default_rng(1).lognormal(3.0, 1.0, len(n))


@pytest.mark.parametrize(
    ("n", "x", "refusal"),
    [
        ([], [], "few-points"),
        ([8.0] * 20, [90.0] * 20, "few-points"),
        ([1, 2, 4, math.nan, 16, 32, 64], [10, 20, 38, 60, 0, 110, 120], "few-points"),
        (np.arange(1.0, 12.0), scattered(np.arange(1.0, 12.0)), "bad-fit"),
        (np.arange(1.0, 12.0), 10.0 * np.arange(1.0, 12.0) ** 1.1, "negative-terms"),
        (np.arange(1.0, 12.0), 10.0 * np.arange(1.0, 12.0), "before-the-knee"),
    ],
)
def test_what_is_no_law_is_refused_with_the_reason(n: FloatArray, x: FloatArray, refusal: str) -> None:
    found = fit(n, x)
    assert isinstance(found, Refusal)
    assert found.id == refusal
    assert found.reason


def test_the_same_points_in_any_order_give_the_same_law() -> None:
    n, x = Service(5).measured(2.0)
    one, other = fit(n, x), fit(n[::-1], x[::-1])
    assert isinstance(one, Law) and isinstance(other, Law)
    assert (one.sigma, one.kappa) == (other.sigma, other.kappa)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_service_that_was_full_all_along_has_a_law_and_a_peak_within_its_interval(seed: int) -> None:
    """Throughput that only scatters while more wait: by chance the fit may say that it falls from the first one on."""
    n = np.linspace(5.0, 200.0, 20)
    law = fit(n, 100.0 * (1.0 + 0.05 * np.random.default_rng(seed).standard_normal(20)))
    assert isinstance(law, Law)
    assert 1.0 <= law.peak_at.low <= law.peak_at.value <= law.peak_at.high
    assert law.peak.low <= 100.0 * 1.05 and law.peak.high >= 100.0 * 0.95


def test_a_law_that_falls_from_the_first_one_on_peaks_there() -> None:
    n = np.linspace(5.0, 200.0, 20)
    law = fit(n, 2000.0 / n)
    assert isinstance(law, Law)
    assert (law.peak_at.value, round(law.peak.value, 3)) == (1.0, 2000.0)
