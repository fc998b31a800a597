"""What a rehearsal and its prediction are compared by: second by second the same track, and one way to read figures.

`of_run` makes a track out of a record, tests.acceptance.long.held_out_model one out of the simulation; the figures of
both come from `figures`, so nothing can differ but what happened.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

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


@dataclass(frozen=True)
class Figures:
    """What is graded, between the warming up and the last arrival."""

    cores: dict[str, float]
    """By role, on average."""
    p50_s: float
    p95_s: float
    good_per_s: float
    calm_per_s: float
    """Up to CALM of the time."""
    best_per_s: float
    """In the best BEST_S seconds of the run."""
    last_per_s: float
    """In the last BEST_S seconds of the arrivals."""
    oldest_s: float

    @property
    def tipped(self) -> bool:
        return self.last_per_s < TIPPED * self.calm_per_s

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; `of_dict` is the way back."""
        return {**asdict(self), "tipped": self.tipped}


def of_dict(document: dict[str, Any]) -> Figures:
    return Figures(**{name: value for name, value in document.items() if name != "tipped"})


def figures(track: Track, warm_s: int, end_s: int) -> Figures:
    """The figures of a track between two of its seconds; best_per_s from its beginning on."""
    span = end_s - warm_s
    calm_s = max(round(CALM * end_s), warm_s + 1)
    counts = track.times[end_s] - track.times[warm_s]
    best = track.good[BEST_S : end_s + 1] - track.good[: end_s + 1 - BEST_S]
    return Figures(
        cores={role: float(used[end_s] - used[warm_s]) / span for role, used in sorted(track.used.items())},
        p50_s=quantile(track.edges, counts, 0.5),
        p95_s=quantile(track.edges, counts, 0.95),
        good_per_s=float(track.good[end_s] - track.good[warm_s]) / span,
        calm_per_s=float(track.good[calm_s] - track.good[warm_s]) / (calm_s - warm_s),
        best_per_s=float(best.max()) / BEST_S,
        last_per_s=float(track.good[end_s] - track.good[end_s - BEST_S]) / BEST_S,
        oldest_s=float(track.oldest[end_s - OLDEST_S : end_s + 1].mean()),
    )


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
