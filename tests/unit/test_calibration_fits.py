"""Distributions out of bucket counts: quantiles and means against published values, the family found again, and a table
where no family fits."""

import math

import numpy as np
import pytest

from scenarios.calibration_file import FAMILIES, TABLE
from scenarios.simulation import fits
from service.domain import buckets

EDGES = np.array([*buckets.CALIBRATION, math.inf])
COARSE = np.array([*buckets.DEFAULT, math.inf])
MANY = 50_000
TRUTHS = {
    "log-normal": {"median_s": 0.030, "sigma": 0.6},
    "gamma": {"shape": 3.0, "scale_s": 0.015},
    "weibull": {"shape": 1.4, "scale_s": 0.050},
    "shifted-log-normal": {"shift_s": 0.020, "median_s": 0.008, "sigma": 1.0},
}


def expected(family, parameters, edges=EDGES, n=MANY):
    """The counts that chance would give on the average."""
    below = fits.shares_within(family, parameters, edges)
    return n * np.diff(below, prepend=0.0)


@pytest.mark.parametrize(
    ("family", "parameters", "q", "quantile", "mean"),
    [
        # Standard normal: z(0.975) = 1.959964; a log-normal's mean is median * exp(sigma^2 / 2).
        ("log-normal", {"median_s": 1.0, "sigma": 1.0}, 0.975, math.exp(1.959964), 1.648721),
        # Chi-square with 4 degrees of freedom is a gamma of shape 2 and scale 2: its 95 % point is 9.4877.
        ("gamma", {"shape": 2.0, "scale_s": 2.0}, 0.95, 9.4877, 4.0),
        # Rayleigh with sigma 1: median 1.1774, mean 1.2533.
        ("weibull", {"shape": 2.0, "scale_s": math.sqrt(2.0)}, 0.5, 1.1774, 1.2533),
        ("shifted-log-normal", {"shift_s": 0.5, "median_s": 1.0, "sigma": 1.0}, 0.975, 7.599071, 2.148721),
    ],
)
def test_quantiles_and_means_are_those_of_the_tables(family, parameters, q, quantile, mean):
    assert fits.quantiles(family, parameters, np.array([q]))[0] == pytest.approx(quantile, rel=1e-4)
    assert fits.mean(family, parameters) == pytest.approx(mean, rel=1e-4)
    assert fits.shares_within(family, parameters, np.array([quantile]))[0] == pytest.approx(q, abs=1e-4)


@pytest.mark.parametrize("family", TRUTHS)
def test_the_family_and_its_parameters_are_found_again(family):
    """From 64 buckets; and from the 19 default ones, too, as long as the family is the right one."""
    for edges in (EDGES, COARSE):
        found = fits.fit(edges, expected(family, TRUTHS[family], edges))
        assert found.family == family
        assert found.parameters == pytest.approx(TRUTHS[family], rel=0.02)
        assert found.behind[family] == 0.0 and min(found.behind.values()) == 0.0
        assert found.gap < 0.001


def test_every_family_of_the_file_can_be_fitted():
    assert set(TRUTHS) == set(FAMILIES) - {TABLE}


def test_times_of_two_kinds_are_told_by_a_table():
    """Nine in ten from memory, one in ten asked of a slow partner: no family has two humps."""
    quick, slow = ({"median_s": median_s, "sigma": 0.3} for median_s in (0.005, 0.8))
    found = fits.fit(EDGES, expected("log-normal", quick, n=45_000) + expected("log-normal", slow, n=5_000))
    assert found.family == TABLE and not found.parameters
    assert found.mean() == pytest.approx(0.9 * 0.005 * math.exp(0.045) + 0.1 * 0.8 * math.exp(0.045), rel=0.02)
    # Half of all are five ninths of the quick ones: z(0.5556) = 0.1397.
    assert found.quantile(0.5) == pytest.approx(0.005 * math.exp(0.3 * 0.1397), rel=0.05)
    # 99 of 100: nine of ten among the slow ones, z(0.9) = 1.2816.
    assert found.quantile(0.99) == pytest.approx(0.8 * math.exp(0.3 * 1.2816), rel=0.05)


def test_a_gap_that_chance_makes_is_no_reason_for_a_table():
    """The same two humps in 40 times: what a family leaves is within what so few would."""
    rng = np.random.default_rng(3)
    times = rng.lognormal(math.log(0.03), 0.6, 40)
    counts = np.histogram(times, np.concatenate(([0.0], EDGES)))[0].astype(float)
    assert fits.fit(EDGES, counts).family != TABLE


def test_a_table_rises_and_ends_where_counts_do():
    counts = np.zeros(len(EDGES))
    counts[[0, 10, len(EDGES) - 1]] = 5.0, 4.0, 1.0
    steps = fits.table(EDGES, counts)
    assert [step.share for step in steps] == [0.0, 0.5, 0.9, 1.0]
    assert [step.at_s for step in steps] == pytest.approx([0.0005, 0.001, EDGES[10], 1.2 * EDGES[-2]])
    shares = fits.quantiles(TABLE, {}, np.linspace(0.0, 0.999, 50), steps)
    assert (np.diff(shares) >= 0.0).all()


def test_other_counts_are_fitted_by_the_same_family():
    """As windows are drawn again: a family is not chosen anew."""
    first = fits.fit(EDGES, expected("gamma", TRUTHS["gamma"]))
    slower = {"shape": 3.0, "scale_s": 0.018}
    again = fits.again(first, EDGES, expected("gamma", slower))
    assert again.family == "gamma" and again.parameters == pytest.approx(slower, rel=0.02)
