"""What a rehearsal and its prediction are compared by: second by second the same track, and one way to read figures.

`of_run` makes a track out of a record, tests.acceptance.long.held_out_model one out of the simulation; the figures of
both come from `figures`, over the same seconds, so nothing can differ but what happened. Seconds in which the machine's
host let others have its cores count on neither side: the model knows nothing of them, whatever came of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.calibration_file import ROLES
from scenarios.counters import FloatArray, grown, grown_buckets
from scenarios.record import Run

POLLS = "place"
"""Looks at one's place in the line: answered from memory, as often as people are told to. They are no use to anybody,
and neither counted as good answers nor timed."""
PHOTOS = "files-"
BEST_S = 20
"""Of a run, the seconds in which most was answered well, and the last ones of its arrivals."""
CALM = 0.4
"""Of the time in which people come: nothing is broken before."""
TIPPED = 0.7
"""A service has tipped that answers, at the end of the arrivals, less than this share of what it answered before."""
OLDEST_S = 10
"""The age of the oldest job is the mean over so many seconds: workers tell it now and then."""
LOOK_S = 5
"""What the host took is looked at over so many seconds: it comes and goes in tens of them."""
MOST_STOLEN = 0.02
"""Of the cores' time, which are kept awake and so always wanted: above, nobody knows what the service would have done.
Less than a calibration bears (scenarios.simulation.windows), for one request in twenty decides what is compared here.
"""
TIMES = {"p50_s": 0.5, "p75_s": 0.75, "p95_s": 0.95, "p99_s": 0.99}
"""Figures that are quantiles of what answers took, and of what share of them. p50 and p95 are graded."""
BoolArray = NDArray[np.bool_]


class Track(NamedTuple):
    """A run by second, from 0: everything counted up, so that differences are what happened between two seconds."""

    used: Mapping[str, FloatArray]
    """Role -> seconds of processor time."""
    good: FloatArray
    """Answers that were of use."""
    edges: FloatArray
    """Seconds; the last is infinite."""
    times: FloatArray
    """By second and edge: answers that took so long at most."""
    oldest: FloatArray
    """Age of the oldest identity check in the queue."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; `track_of_dict` is the way back."""
        used = {role: each.tolist() for role, each in self.used.items()}
        rest = {name: getattr(self, name).tolist() for name in ("good", "times", "oldest")}
        return {"used": used, **rest, "edges": self.edges[:-1].tolist()}


@dataclass(frozen=True)
class Figures:
    """What is graded, between the warming up and the last arrival; nan for what too few seconds tell of."""

    counted_s: int
    """Seconds that count."""
    cores: dict[str, float]
    """By role, on average."""
    p50_s: float
    p75_s: float
    p95_s: float
    p99_s: float
    good_per_s: float
    calm_per_s: float
    """Up to CALM of the time."""
    best_per_s: float
    """In the best BEST_S seconds of the run, one after the other."""
    last_per_s: float
    """In the last BEST_S seconds of the arrivals that count."""
    oldest_s: float

    @property
    def tipped(self) -> bool:
        return self.last_per_s < TIPPED * self.calm_per_s

    @property
    def unknown(self) -> bool:
        """Whether too few seconds count for some figure."""
        values = (self.p95_s, self.calm_per_s, self.best_per_s, self.last_per_s)
        return any(math.isnan(value) for value in values)


def mean_of(some: Sequence[Figures]) -> Figures:
    """Each figure's mean."""
    cores = {role: fmean(each.cores[role] for each in some) for role in some[0].cores}
    rest = {field.name: fmean(getattr(each, field.name) for each in some) for field in fields(Figures)[2:]}
    return Figures(some[0].counted_s, cores, **rest)


def track_of_dict(document: dict[str, Any]) -> Track:
    used = {role: np.array(each) for role, each in document["used"].items()}
    good, times, oldest = (np.array(document[name], dtype=np.float64) for name in ("good", "times", "oldest"))
    return Track(used, good, np.append(document["edges"], np.inf), times, oldest)


def figures(track: Track, counts: BoolArray, warm_s: int, end_s: int) -> Figures:
    """The figures of a track between two of its seconds; best_per_s from its beginning on. counts: by second, whether
    what happened from it to the next one counts."""
    seconds = np.arange(end_s)
    inside = np.flatnonzero(counts[:end_s] & (seconds >= warm_s))
    calm_s = max(round(CALM * end_s), warm_s + 1)
    good, times = np.diff(track.good), np.diff(track.times, axis=0)
    answered = times[inside].sum(axis=0)
    whole = np.convolve(counts[:end_s], np.ones(BEST_S), "valid") > BEST_S - 0.5
    best = (track.good[BEST_S : end_s + 1] - track.good[: end_s + 1 - BEST_S])[whole]
    after = inside[inside >= calm_s][-BEST_S:]
    return Figures(
        counted_s=len(inside),
        cores={role: _mean(np.diff(used)[inside]) for role, used in sorted(track.used.items())},
        **{name: quantile(track.edges, answered, share) for name, share in TIMES.items()},
        good_per_s=_mean(good[inside]),
        calm_per_s=_mean(good[inside[inside < calm_s]]),
        best_per_s=float(best.max()) / BEST_S if len(best) else math.nan,
        last_per_s=_mean(good[after]) if len(after) == BEST_S else math.nan,
        oldest_s=float(track.oldest[end_s - OLDEST_S : end_s + 1].mean()),
    )


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else math.nan


def quantile(edges: FloatArray, counts: FloatArray, share: float) -> float:
    """The time that `share` of the answers did not exceed; counts: at or below each edge. Between two edges evenly by
    the logarithm of time; nan where there was no answer."""
    wanted = share * counts[-1]
    if not counts[-1] > 0.0:
        return math.nan
    place = int(np.searchsorted(counts, wanted))
    if place == 0 or not np.isfinite(edges[place]):
        return float(edges[min(place, len(edges) - 2)])
    low, high = edges[place - 1], edges[place]
    inside = (wanted - counts[place - 1]) / (counts[place] - counts[place - 1])
    return float(low * (high / low) ** inside)


def of_run(run: Run, end_s: int) -> Track:
    """The track of a rehearsal, up to `end_s` seconds after its doors opened."""
    moments = np.arange(end_s + 1, dtype=np.float64)
    samples = run.samples
    good = grown(samples, "swarm_requests_total", moments, outcome="ok")
    good -= grown(samples, "swarm_requests_total", moments, outcome="ok", route=POLLS)
    routes = {own["route"] for own, _, _ in samples.select("swarm_request_seconds_count")}
    timed = [route for route in sorted(routes) if route != POLLS and not route.startswith(PHOTOS)]
    by_route = [grown_buckets(samples, "swarm_request_seconds", moments, route=route) for route in timed]
    edges = sorted({edge for each in by_route for edge in each})
    times = np.stack([np.sum([each[edge] for each in by_route], axis=0) for edge in edges], axis=1)
    return Track(
        used={role: grown(samples, "rehearsal_cpu_seconds_total", moments, role=role) for role in ROLES},
        good=good,
        edges=np.array(edges),
        times=times,
        oldest=_level(run, "registration_queue_oldest_age_seconds", moments, queue="identity"),
    )


def _level(run: Run, name: str, moments: FloatArray, **labels: str) -> FloatArray:
    """The highest that any process told last, at each moment; 0 before anybody did."""
    held = [np.zeros(len(moments))]
    for _, times, values in run.samples.select(name, **labels):
        told = np.concatenate(([0.0], np.nan_to_num(values)))
        held.append(told[np.searchsorted(times, moments, side="right")])
    highest: FloatArray = np.max(held, axis=0)
    return highest


def undisturbed(run: Run, end_s: int) -> BoolArray:
    """By second of a rehearsal, whether it counts.

    The host took no more than MOST_STOLEN of the cores' time in its LOOK_S seconds, and in those before, whose backlog
    they have.
    """
    marks = np.append(np.arange(0, end_s, LOOK_S), end_s).astype(np.float64)
    name = "rehearsal_core_stolen_seconds_total"
    cores = sum(1 for _ in run.samples.select(name))
    taken = np.diff(grown(run.samples, name, marks)) > MOST_STOLEN * cores * np.diff(marks)
    taken[1:] |= taken[:-1].copy()
    counts: BoolArray = ~np.repeat(taken, np.diff(marks).astype(int))
    return counts
