"""Figures out of raw samples: growth of counters, classic histograms, quantiles, levels on a grid of moments.

Counters grow as scenarios.counters has it. Windows are [start, end) in real seconds since the doors opened; growth
between two samples is left out where their interval touches a window.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.counters import growth
from scenarios.record import Samples

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Windows = Sequence[tuple[float, float]]

STALE_AFTER_S = 5.0
"""A level is not drawn further than this beyond a series' last sample: scrapes are 1 s apart, up to 5 s under load."""

ROUNDING = 1e-12
"""Relative slack of comparisons with a wanted share, so that 19 of 20 is 95 % whatever the last bit says."""


def outside(times: FloatArray, windows: Windows) -> BoolArray:
    """Which samples' intervals (from the sample before) touch no window; shape of `times`."""
    before = np.concatenate((times[:1], times[:-1]))
    clear = np.ones(len(times), dtype=np.bool_)
    for start, end in windows:
        clear &= (before >= end) | (times < start)
    return clear


def total(samples: Samples, name: str, windows: Windows = (), **labels: str) -> float:
    """What the counters `name` with these labels gained together outside the windows."""
    return float(
        sum(growth(values)[outside(times, windows)].sum() for _, times, values in samples.select(name, **labels))
    )


def totals_by(samples: Samples, name: str, label: str, windows: Windows = (), **labels: str) -> dict[str, float]:
    """Like `total`, for each value of `label`; sorted by that value."""
    values = {own.get(label, "") for own, _, _ in samples.select(name, **labels)}
    return {value: total(samples, name, windows, **{**labels, label: value}) for value in sorted(values)}


def counted_by(
    samples: Samples, name: str, grid: FloatArray, *, since_first: bool = False, **labels: str
) -> FloatArray:
    """What the counters `name` had gained together by each moment of `grid`; shape of `grid`.

    since_first: leave out what a counter showed when it was first seen above zero: gained at unknown moments before.
    """
    counted = np.zeros(len(grid))
    for _, times, values in samples.select(name, **labels):
        gained = np.concatenate(([0.0], np.cumsum(growth(values))))
        if since_first and values.any():
            gained = np.maximum(gained - values[np.flatnonzero(values)[0]], 0.0)
        counted += gained[np.searchsorted(times, grid, side="right")]
    return counted


def level(samples: Samples, name: str, grid: FloatArray, **labels: str) -> FloatArray:
    """The highest of the gauges `name` at each moment of `grid`; shape of `grid`, nan where none was seen.

    The highest, because replicas that report the same queue report the same level at slightly different moments.
    """
    highest = np.full(len(grid), np.nan)
    for _, times, values in samples.select(name, **labels):
        place = np.searchsorted(times, grid, side="right") - 1
        seen = (place >= 0) & (grid <= times[-1] + STALE_AFTER_S)
        highest = np.fmax(highest, np.where(seen, values[np.maximum(place, 0)], np.nan))
    return highest


@dataclass(frozen=True)
class Histogram:
    """Counts in the buckets of a classic histogram.

    edges: upper bounds in seconds, ascending, the last one infinite; counts: how many fell into each bucket.
    """

    edges: FloatArray
    counts: FloatArray

    @property
    def total(self) -> float:
        return float(self.counts.sum())

    def share_within(self, bound: float) -> float:
        """Share of values <= bound: exact at an edge, else linear between the edges around it; nan when empty."""
        if not self.total:
            return math.nan
        cumulative = np.concatenate(([0.0], np.cumsum(self.counts)))
        edges = np.concatenate(([0.0], self.edges))
        place = int(np.searchsorted(edges, bound, side="right")) - 1
        below = cumulative[place]
        if edges[place] != bound and math.isfinite(edges[place + 1]):
            part = (bound - edges[place]) / (edges[place + 1] - edges[place])
            below += part * self.counts[place]
        return float(below / self.total)

    def quantile(self, q: float) -> float:
        """Value below which the share q lies, linear inside its bucket as Prometheus does; nan when empty.

        A quantile in the last, open bucket comes back as infinity: it is beyond the highest edge, and how far is not
        known.
        """
        if not self.total:
            return math.nan
        cumulative = np.cumsum(self.counts)
        rank = q * self.total * (1 - ROUNDING)
        place = int(np.searchsorted(cumulative, rank, side="left"))
        place = min(place, int(np.nonzero(self.counts)[0][-1]))  # rounding must not lead past the last value
        low = float(self.edges[place - 1]) if place else 0.0
        high = float(self.edges[place])
        if math.isinf(high):
            return math.inf
        inside = float(rank - (cumulative[place - 1] if place else 0.0)) / float(self.counts[place])
        return low + (high - low) * min(max(inside, 0.0), 1.0)


def histogram(samples: Samples, name: str, windows: Windows = (), **labels: str) -> Histogram:
    """All classic histograms `name` with these labels, added up, outside the windows.

    Where processes use different edges only the edges common to all remain; counts at those are still exact. A fall of
    any bucket is a restart for its whole histogram, or a bucket that refilled at once would miss what it had.
    """
    return merged([Histogram(edges, gained.sum(axis=0)) for _, edges, gained in _gains(samples, name, windows, labels)])


def histogram_by(
    samples: Samples, name: str, grid: FloatArray, windows: Windows = (), **labels: str
) -> tuple[FloatArray, FloatArray]:
    """Like `histogram`, by span of time: edges of shape (e,), counts of shape (len(grid) - 1, e).

    A span holds what came after its start up to its end; what came before the first or after the last counts in these.
    """
    return merged_by(
        [(edges, _by_span(gained, moments, grid)) for moments, edges, gained in _gains(samples, name, windows, labels)]
    )


def merged_by(parts: Sequence[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """Counts by span of several (edges, counts) together, at the edges common to all; no spans where there are none."""
    if not parts:
        return np.array([math.inf]), np.zeros((0, 1))
    edges = np.array(sorted(set.intersection(*(set(edges.tolist()) for edges, _ in parts))))
    added = sum(np.cumsum(counts, axis=1)[:, np.searchsorted(own, edges)] for own, counts in parts)
    return edges, np.diff(np.asarray(added), axis=1, prepend=0.0)


def gained_by(samples: Samples, name: str, grid: FloatArray, windows: Windows = (), **labels: str) -> FloatArray:
    """Like `total`, by span of time as `histogram_by` has them; float64 of shape (len(grid) - 1,)."""
    gained = np.zeros((len(grid) - 1, 1))
    for _, times, values in samples.select(name, **labels):
        clear = outside(times, windows)
        gained += _by_span(growth(values)[clear, None], times[clear], grid)
    return gained[:, 0]


def _by_span(gained: FloatArray, moments: FloatArray, grid: FloatArray) -> FloatArray:
    """Rows of `gained`, one for each moment, added up by span of the grid; shape (len(grid) - 1, columns)."""
    spans = len(grid) - 1
    columns = gained.shape[1]
    span = np.clip(np.searchsorted(grid, moments, side="left") - 1, 0, spans - 1)
    flat = (span[:, None] * columns + np.arange(columns)).ravel()
    added: FloatArray = np.bincount(flat, gained.ravel(), spans * columns).astype(np.float64)
    return added.reshape(spans, columns)


def merged(histograms: Sequence[Histogram]) -> Histogram:
    """One histogram of all values, at the edges common to all; empty when there are none."""
    if not histograms:
        return Histogram(np.array([math.inf]), np.zeros(1))
    edges = np.array(sorted(set.intersection(*(set(one.edges.tolist()) for one in histograms))))
    cumulative = np.zeros(len(edges))
    for one in histograms:
        cumulative += np.cumsum(one.counts)[np.searchsorted(one.edges, edges)]
    return Histogram(edges, np.diff(cumulative, prepend=0.0))


def _gains(
    samples: Samples, name: str, windows: Windows, labels: Mapping[str, str]
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
    """What each process' buckets gained outside the windows: moments, edges, and counts by moment and bucket."""
    families: dict[tuple[tuple[str, str], ...], dict[float, tuple[FloatArray, FloatArray]]] = {}
    for own, times, values in samples.select(f"{name}_bucket", **labels):
        rest = tuple(sorted((key, value) for key, value in own.items() if key != "le"))
        families.setdefault(rest, {})[float(own["le"])] = (times, values)
    for family in families.values():
        edges = np.array(sorted(family))
        moments = np.unique(np.concatenate([times for times, _ in family.values()]))
        table = np.column_stack([_held(*family[edge], moments) for edge in edges])
        before = np.vstack((np.zeros(len(edges)), table[:-1]))
        restarted = (table < before).any(axis=1, keepdims=True)
        clear = outside(moments, windows)
        gained = np.where(restarted, table, table - before)[clear]
        yield moments[clear], edges, np.diff(gained, axis=1, prepend=0.0)


def _held(times: FloatArray, values: FloatArray, moments: FloatArray) -> FloatArray:
    """The last value at or before each moment, zero before the first."""
    return np.concatenate(([0.0], values))[np.searchsorted(times, moments, side="right")]


def present(starts: FloatArray, ends: FloatArray, grid: FloatArray) -> FloatArray:
    """How many of the spans [start, end) hold each moment of `grid`; spans with a nan start do not count.

    A nan end means that the span never ended. Returns float64 of the shape of `grid`.
    """
    return arrived_by(starts, grid) - arrived_by(np.where(np.isfinite(starts), ends, np.nan), grid)


def ascending(moments: FloatArray) -> FloatArray:
    """The moments that are no nan, in their order. Those in order already are not sorted again."""
    known = moments[np.isfinite(moments)]
    return known if (known[1:] >= known[:-1]).all() else np.sort(known)


def arrived_by(moments: FloatArray, grid: FloatArray) -> FloatArray:
    """How many of `moments` (nan = never) lie at or before each moment of the ascending `grid`.

    Returns float64 of the shape of `grid`. Moments are not sorted: it is the grid that is short.
    """
    first = np.searchsorted(grid, moments, side="left")  # nan comes after the last
    return np.cumsum(np.bincount(first, minlength=len(grid) + 1)[: len(grid)]).astype(np.float64)


def busiest(moments: FloatArray, span_s: float) -> float:
    """Most of `moments` (nan = never) in any window of `span_s` seconds, per second; 0 when there are none."""
    ordered = ascending(moments)
    if not len(ordered):
        return 0.0
    within = np.searchsorted(ordered, ordered + span_s, side="left") - np.arange(len(ordered))
    return float(within.max()) / span_s
