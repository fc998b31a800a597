"""Histograms of the swarm: quantiles within 1 % after merging, shares at the edges of objectives exactly."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.histograms import COARSEST, EDGES, FINEST, QUANTILES, RELATIVE_ERROR, Histogram
from service.domain.buckets import CALIBRATION


def of(values) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    return histogram


def merged(*parts: Histogram) -> Histogram:
    whole = Histogram()
    for part in parts:
        whole.add(part.packed())
    return whole


def exact(values, share: float) -> float:
    """The least value that `share` of all do not exceed."""
    return float(np.sort(values)[math.ceil(round(share * len(values), 6)) - 1])


@pytest.mark.parametrize("kind", ["lognormal", "pareto", "a freeze"])
def test_a_million_samples_of_five_workers_are_told_within_one_percent(kind):
    """p50 to p99.99 against an exact sort, after merging; count, sum and max exactly."""
    rng = np.random.default_rng(4)
    count = 1_000_000
    values = {
        "lognormal": lambda: rng.lognormal(math.log(0.02), 1.2, count),
        "pareto": lambda: 0.001 * (1.0 + rng.pareto(1.5, count)),
        "a freeze": lambda: np.where(rng.random(count) < 0.01, rng.uniform(0.0, 10.0, count), 0.0004),
    }[kind]().clip(FINEST, COARSEST)  # fmt: skip
    whole = merged(*(of(values[worker::5].tolist()) for worker in range(5)))
    told = whole.quantiles(*QUANTILES.values())
    for share, value in zip(QUANTILES.values(), told, strict=True):
        assert value == pytest.approx(exact(values, share), rel=RELATIVE_ERROR), share
    assert (whole.count, whole.greatest) == (count, values.max())
    assert whole.sum == pytest.approx(values.sum())


def test_classic_buckets_alone_would_not_do():
    """Negative control: the calibration edges are up to 23 % apart, and the middle between them is not good enough."""
    values = np.random.default_rng(4).lognormal(math.log(0.02), 1.2, 100_000)
    counts = np.array(list(of(values.tolist()).cumulative())[:-1])
    place = int(np.searchsorted(counts, 0.9 * len(values)))
    middle = (CALIBRATION[place - 1] + CALIBRATION[place]) / 2.0
    assert abs(middle / exact(values, 0.9) - 1.0) > RELATIVE_ERROR


@given(
    st.lists(st.floats(FINEST, COARSEST, exclude_min=True), min_size=1, max_size=50),
    st.sampled_from(list(QUANTILES.values())),
)
def test_every_quantile_of_any_values_is_within_one_percent(values, share):
    (told,) = of(values).quantiles(share)
    assert told == pytest.approx(exact(values, share), rel=RELATIVE_ERROR)


@given(st.lists(st.lists(st.floats(0.0, 2 * COARSEST), max_size=20), max_size=4))
def test_merging_is_the_same_as_one_histogram_of_all(parts):
    """Also of values that are less than the finest edge or more than the coarsest."""
    apart, together = merged(*map(of, parts)), of(value for part in parts for value in part)
    assert apart.summary() == together.summary()
    assert list(apart.cumulative()) == list(together.cumulative())


def test_edges_rise_by_less_than_two_percent_and_hold_every_calibration_edge():
    assert (np.diff(EDGES) > 0).all()
    assert (EDGES[1:] / EDGES[:-1]).max() < 1.0 + 2.02 * RELATIVE_ERROR
    assert set(CALIBRATION) <= set(EDGES.tolist())


def test_an_edge_belongs_to_its_bucket():
    """As Prometheus counts: at most the edge. So the share under an objective is exact."""
    counts = dict(zip((*CALIBRATION, math.inf), of([1.0, 1.0000001, 1000.0]).cumulative(), strict=True))
    assert (counts[1.0], counts[CALIBRATION[-1]], counts[math.inf]) == (1, 2, 3)


def test_what_is_beyond_the_edges_is_told_as_nothing_or_as_the_greatest():
    assert of([0.0, 1e-6]).quantiles(0.5) == [0.0]
    assert of([5000.0]).quantiles(0.5) == [5000.0]
    assert of([]).summary() == {"count": 0}
    assert math.isnan(of([]).quantiles(0.5)[0])


def test_a_summary_is_plain_numbers():
    told = json.loads(json.dumps(of([0.5] * 10).summary()))
    assert list(told) == ["count", *QUANTILES, "max"]
    assert (told["count"], told["p50"], told["max"]) == (10, pytest.approx(0.5, rel=RELATIVE_ERROR), 0.5)
