"""Statistics of reports against exact sorts and counts."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import statistics
from reports.statistics import Histogram
from scenarios.record import Samples, SamplesWriter
from service.domain import buckets

EDGES = np.array([*buckets.CALIBRATION, math.inf])


def of_values(values: np.ndarray) -> Histogram:
    cumulative = np.array([np.count_nonzero(values <= edge) for edge in EDGES], dtype=float)
    return Histogram(EDGES, np.diff(cumulative, prepend=0.0))


def written(tmp_path: Path, rows: Sequence[tuple[float, str, dict[str, str], float]]) -> Samples:
    writer = SamplesWriter()
    for row in rows:
        writer.add(*row)
    writer.write(tmp_path)
    return Samples.load(tmp_path)


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_quantile_is_within_a_bucket_of_the_sorted_values(q: float, sigma: float) -> None:
    """The calibration edges lie at most 23 % apart, so a quantile is that near; in the middle it is much nearer."""
    values = np.random.default_rng(1).lognormal(-2, sigma, 100_000)
    exact = float(np.sort(values)[math.ceil(q * len(values)) - 1])
    assert of_values(values).quantile(q) == pytest.approx(exact, rel=0.06)


@pytest.mark.parametrize("bound", [0.005, 1.0, 3.0, 10.0])
def test_share_under_an_edge_is_exact(bound: float) -> None:
    values = np.random.default_rng(2).lognormal(0, 1.5, 20_000)
    assert of_values(values).share_within(bound) == np.count_nonzero(values <= bound) / len(values)


@settings(max_examples=200)
@given(st.lists(st.integers(0, 50), min_size=3, max_size=3).filter(any), st.sampled_from([0.5, 0.95, 0.99]))
def test_share_and_quantile_never_contradict_each_other(counts: list[int], q: float) -> None:
    """`share within an edge >= q` says the same as `q-quantile <= that edge`, or value and verdict could disagree."""
    one = Histogram(np.array([1.0, 3.0, math.inf]), np.array(counts, dtype=float))
    for edge in (1.0, 3.0):
        assert (one.share_within(edge) >= q) == (one.quantile(q) <= edge)


def test_empty_and_open_ended_histograms() -> None:
    empty = Histogram(np.array([1.0, math.inf]), np.zeros(2))
    assert math.isnan(empty.quantile(0.5))
    assert math.isnan(empty.share_within(1.0))
    late = Histogram(np.array([1.0, math.inf]), np.array([1.0, 9.0]))
    assert late.quantile(0.95) == math.inf
    assert late.share_within(1.0) == 0.1
    assert late.share_within(0.5) == 0.05
    assert late.share_within(7.0) == 0.1


def test_growth_survives_a_restart(tmp_path: Path) -> None:
    """A counter that falls started again at zero; what it shows then is all new."""
    seen = [0, 4, 9, 2, 2, 5]
    samples = written(tmp_path, [(t, "hits_total", {"job": "web"}, float(v)) for t, v in enumerate(seen)])
    assert statistics.total(samples, "hits_total") == 9 + 5
    grid = np.array([-1.0, 0.0, 1.5, 2.0, 3.0, 99.0])
    assert statistics.counted_by(samples, "hits_total", grid).tolist() == [0, 0, 4, 9, 11, 14]
    assert statistics.counted_by(samples, "hits_total", grid, since_first=True).tolist() == [0, 0, 0, 5, 7, 10]


def test_a_restarted_histogram_keeps_its_buckets_together(tmp_path: Path) -> None:
    """One bucket refills past its old value at once: the fall of another one shows the restart."""
    rows = []
    for t, (low, high) in enumerate([(2, 3), (5, 6), (4, 9)]):
        rows += [
            (t, "lag_seconds_bucket", {"le": "1.0"}, float(low)),
            (t, "lag_seconds_bucket", {"le": "+Inf"}, float(high)),
        ]
    merged = statistics.histogram(written(tmp_path, rows), "lag_seconds")
    assert merged.counts.tolist() == [5 + 4, 1 + 5]


def test_histograms_of_processes_with_other_edges_meet_at_common_ones(tmp_path: Path) -> None:
    rows = [
        (0, "lag_seconds_bucket", {"job": "a", "le": "1"}, 5.0),
        (0, "lag_seconds_bucket", {"job": "a", "le": "2"}, 7.0),
        (0, "lag_seconds_bucket", {"job": "a", "le": "+Inf"}, 8.0),
        (0, "lag_seconds_bucket", {"job": "b", "le": "1.0"}, 1.0),
        (0, "lag_seconds_bucket", {"job": "b", "le": "+Inf"}, 3.0),
    ]
    samples = written(tmp_path, rows)
    assert statistics.histogram(samples, "lag_seconds").edges.tolist() == [1.0, math.inf]
    assert statistics.histogram(samples, "lag_seconds").counts.tolist() == [6, 5]
    assert statistics.histogram(samples, "lag_seconds", job="a").counts.tolist() == [5, 2, 1]
    assert statistics.histogram(samples, "other").total == 0


def test_windows_leave_out_every_interval_they_touch(tmp_path: Path) -> None:
    samples = written(tmp_path, [(t, "hits_total", {}, float(10 * t)) for t in range(10)])
    assert statistics.total(samples, "hits_total") == 90
    assert statistics.total(samples, "hits_total", [(3.5, 5.0)]) == 90 - 20
    assert statistics.total(samples, "hits_total", [(0.0, math.inf)]) == 0


def test_totals_by_label(tmp_path: Path) -> None:
    rows = [(1.0, "n_total", {"outcome": o, "route": r}, v) for o, r, v in [("ok", "a", 3.0), ("ok", "b", 4.0)]]
    samples = written(tmp_path, [*rows, (1.0, "n_total", {"outcome": "error", "route": "a"}, 1.0)])
    assert statistics.totals_by(samples, "n_total", "outcome") == {"error": 1, "ok": 7}
    assert statistics.totals_by(samples, "n_total", "outcome", route="a") == {"error": 1, "ok": 3}


def test_level_is_the_highest_report_and_ends_with_its_series(tmp_path: Path) -> None:
    rows = [(float(t), "depth", {"instance": "a"}, 5.0) for t in range(5)]
    rows += [(float(t), "depth", {"instance": "b"}, 5.0 + t) for t in range(2, 20)]
    samples = written(tmp_path, rows)
    grid = np.array([-1.0, 0.0, 3.5, 19.0, 24.0, 24.5])
    assert statistics.level(samples, "depth", grid).tolist()[1:5] == [5, 8, 24, 24]
    assert np.isnan(statistics.level(samples, "depth", grid)[[0, 5]]).all()


def test_people_present_are_counted_exactly() -> None:
    starts = np.array([0.0, 1.0, np.nan, 2.0])
    ends = np.array([5.0, np.nan, 9.0, 2.5])
    grid = np.array([0.0, 1.0, 2.0, 2.5, 5.0])
    assert statistics.present(starts, ends, grid).tolist() == [1, 2, 3, 2, 1]
    assert statistics.arrived_by(starts, grid).tolist() == [1, 2, 3, 3, 3]


def test_busiest_window() -> None:
    assert statistics.busiest(np.array([0.0, 10.0, 10.5, 19.9, np.nan, 50.0]), 10.0) == 3 / 10
    assert statistics.busiest(np.array([np.nan]), 10.0) == 0
