"""How long requests and jobs take where nothing waits: distributions fitted to the histograms of calm windows.

A queue inside a service time would be counted twice once the simulation adds its own, so busy windows are left out.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from scenarios.calibration_file import ANY, JOB, REQUEST, Times
from scenarios.counters import FloatArray, grown_buckets
from scenarios.simulation import fits
from scenarios.simulation.demands import Work
from scenarios.simulation.estimates import Redraw, estimate
from scenarios.simulation.windows import BoolArray, Windows

FEWEST_TIMES = 100
"""Fewer say next to nothing of the slowest of a hundred."""
FEWEST_WINDOWS = 3
"""That tell how far windows differ."""
COARSE = 1.5
"""Of neighboring edges: wider buckets leave percentiles to the family alone."""
MEASURED = "registration_http_measured_seconds"
FROM_OUTSIDE = "swarm_request_seconds"
INSPECTED = "registration_photo_inspection_seconds"
LINES = "files-"
"""Begin the routes of photos, whose times from outside are those of phones' lines."""
ADVICE = "rehearse with --service METRICS_DETAIL=calibration"
_NOTHING = 1e-6
"""Counts are interpolated between scrapes, and differences of sums leave dust."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Counted:
    """Times of one kind by window and bucket: edges (e,) in seconds, the last infinite; counts (windows, e)."""

    work: Work
    metric: str
    edges: FloatArray
    counts: FloatArray
    total_s: float
    """Sum of the times."""

    @property
    def is_coarse(self) -> bool:
        """Whether neighboring edges that times lie between are far apart."""
        filled = np.flatnonzero(self.counts.any(axis=0))
        inside = filled[(filled > 0) & (filled < len(self.edges) - 1)]
        return bool((self.edges[inside] > COARSE * self.edges[inside - 1]).any())


def found(cuts: Sequence[Windows], calm: float, redraw: Redraw, tell: Progress) -> tuple[list[Times], list[str]]:
    """Every distribution that the calm windows show, and what a reader should know of them.

    calm: the share of its core that the busiest loop of the web role wants at most.
    """
    chosen = [each.calm(calm) for each in cuts]
    if sum(int(each.sum()) for each in chosen) < FEWEST_WINDOWS:
        busy = (window.busy for each in cuts for window in each.all if not window.refused)
        return [], [
            f"no service times: fewer than {FEWEST_WINDOWS} windows are calm (a loop that wants {calm:.0%} of its core "
            f"at most, and cores enough; the calmest of the steady ones wanted {min(busy, default=math.nan):.0%})"
        ]
    told, doubts = counted(cuts, chosen)
    enough = [one for one in told if one.counts.sum() >= FEWEST_TIMES]
    scarce = [f"{' '.join(one.work[1:])} ({one.counts.sum():.0f})" for one in told if one not in enough]
    if scarce:
        doubts.append(f"too few times in calm windows for a distribution ({FEWEST_TIMES}): {', '.join(scarce)}")
    if any(one.is_coarse for one in enough):
        doubts.append(f"percentiles hang on the family: times were told in coarse buckets; {ADVICE}")
    fitted_ = []
    for one in enough:
        tell(f"service times of {' '.join(one.work[1:])}")
        fitted_.append(fitted(one, redraw))
    return fitted_, doubts


def counted(cuts: Sequence[Windows], calm: Sequence[BoolArray]) -> tuple[list[Counted], list[str]]:
    """What calm windows counted: inside the service where it told it, else as the swarm's clients saw it."""
    doubts: list[str] = []
    kinds = {key for each in cuts for key in each.gained_by(f"{MEASURED}_count", "route", "outcome")}
    told = [
        _buckets(cuts, calm, Work(REQUEST, route, outcome), MEASURED, route=route, outcome=outcome)
        for route, outcome in sorted(kinds)
    ]
    if not told:
        routes = {key[0] for each in cuts for key in each.gained_by(f"{FROM_OUTSIDE}_count", "route")}
        told = [
            _buckets(cuts, calm, Work(REQUEST, route, ANY), FROM_OUTSIDE, route=route)
            for route in sorted(routes)
            if not route.startswith(LINES)
        ]
        doubts.append(
            "times are those of the swarm's clients, the way there and back with them, all outcomes together, photos "
            f"left out: the service did not tell them by route; {ADVICE}"
        )
    told.append(_buckets(cuts, calm, Work(JOB, "photo", ANY), INSPECTED))
    return [one for one in told if one.counts.any()], doubts


def _buckets(
    cuts: Sequence[Windows], calm: Sequence[BoolArray], work: Work, metric: str, **labels: str
) -> Counted:  # fmt: skip
    """Counts of the calm windows of all runs at the edges common to them."""
    each = [grown_buckets(one.run.samples, metric, one.edges, **labels) for one in cuts]
    known = [set(buckets) for buckets in each if buckets]
    edges = np.array(sorted(set.intersection(*known))) if known else np.array([np.inf])
    rows = [np.zeros((0, len(edges)))]
    total_s = 0.0
    for one, buckets, own in zip(cuts, each, calm, strict=True):
        if buckets:
            by_edge = np.diff(np.column_stack([buckets[edge] for edge in edges]), axis=0)[own]
            rows.append(np.diff(by_edge, axis=1, prepend=0.0))
            total_s += float(one.gained(f"{metric}_sum", **labels)[own].sum())
    counts = np.concatenate(rows)
    return Counted(work, metric, edges, np.where(counts > _NOTHING, counts, 0.0), total_s)


def fitted(one: Counted, redraw: Redraw) -> Times:
    """The distribution of these times, its intervals from windows drawn again."""
    counts = one.counts.sum(axis=0)
    best = fits.fit(one.edges, counts)
    filled = one.counts[one.counts.any(axis=1)]
    drawn = [
        _points(fits.again(best, one.edges, filled[chosen].sum(axis=0)))
        for chosen in (redraw.of(len(filled)) if len(filled) >= FEWEST_WINDOWS else ())
    ]
    mean, p50, p99 = map(estimate, _points(best), zip(*drawn, strict=True) if drawn else ((), (), ()))
    return Times(
        *one.work,
        metric=one.metric,
        counted=float(counts.sum()),
        family=best.family,
        parameters=best.parameters,
        mean=mean,
        p50=p50,
        p99=p99,
        gap=best.gap,
        behind=best.behind,
        counted_mean_s=one.total_s / float(counts.sum()) if one.total_s else None,
        steps=best.steps,
    )


def _points(fit: fits.Fit) -> tuple[float, float, float]:
    """Mean, median and the slowest of a hundred."""
    return fit.mean(), fit.quantile(0.5), fit.quantile(0.99)
