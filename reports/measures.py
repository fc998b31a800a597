"""What runs are compared by: figures that add up over windows of time, so that windows can be drawn again.

Each measure is a function of sums: of the buckets of a histogram, or of two counts. A run keeps these sums for each
window; its value comes from the sum over all windows: answers and codes outside injected faults, as its objectives
have them, people and processor time over the whole run.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reports import statistics
from reports.facts import Facts
from reports.ledgers import split_difference
from reports.responses import is_upload
from reports.rules import QUICK_HANDOVER_S
from reports.scale import SERVICE_ROLES
from reports.statistics import ROUNDING, FloatArray
from reports.wording import N_
from scenarios.record import Fate, Run

NARROWEST_S = 2.0
"""Of a window: scrapes are a second apart, so that a shorter one would hold one scrape or none by chance."""
MOST_WINDOWS = 512
WAIT_EDGES = np.append(np.geomspace(0.01, 1e6, 931), np.inf)
"""Edges of waits in line, each 2 % above the one before."""


@dataclass(frozen=True)
class Sums:
    """Additive counts by window, float64 of shape (windows, kinds). edges: of buckets, where they are some."""

    counts: FloatArray
    edges: FloatArray | None = None

    def coarser(self, times: int) -> "Sums":
        """Windows so many times as wide."""
        missing = -len(self.counts) % times
        padded = np.pad(self.counts, ((0, missing), (0, 0)))
        return Sums(padded.reshape(-1, times, padded.shape[1]).sum(axis=1), self.edges)

    def padded(self, windows: int) -> "Sums":
        """With empty windows at the end, `windows` in all."""
        return Sums(np.pad(self.counts, ((0, windows - len(self.counts)), (0, 0))), self.edges)


Take = Callable[[Facts, FloatArray], "Sums | None"]
"""A run's sums in the windows between the moments of a grid; None where the record has nothing of it."""


@dataclass(frozen=True)
class Measure:
    """One figure to compare runs by."""

    id: str
    text: str
    """English, said later."""
    unit: str
    """s (a time) or 1 (a share or a ratio)."""
    more_is_better: bool
    relative: bool
    """Its chance is a factor (times, costs) rather than a difference (shares)."""
    take: Take
    q: float | None = None
    """Which quantile of the buckets; None = the first count by the second."""

    def of(self, sums: FloatArray, edges: FloatArray | None) -> FloatArray:
        """Values of rows of sums, float64 of shape (rows,); nan where nothing was counted."""
        if self.q is not None:
            assert edges is not None
            return quantiles(sums, edges, self.q)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(sums[:, 1] > 0, sums[:, 0] / sums[:, 1], np.nan)


@dataclass(frozen=True)
class Seen:
    """What a comparison keeps of a run. grid_s: width of a window."""

    folder: Path
    config: dict[str, Any]
    grid_s: float
    sums: dict[str, Sums]
    lost: float | None
    doubled: float | None

    @property
    def id(self) -> str:
        return str(self.config["id"])

    def value(self, measure: Measure) -> float:
        """nan where the record has nothing of it."""
        own = self.sums.get(measure.id)
        return math.nan if own is None else float(measure.of(own.counts.sum(axis=0, keepdims=True), own.edges)[0])


def seen(run: Run) -> Seen:
    """What a run's comparison needs; the run itself, people and all, may go."""
    facts = Facts(run)
    width = max(NARROWEST_S, facts.step_s)
    while facts.end_s / width > MOST_WINDOWS:
        width *= 2.0
    grid = np.arange(0.0, facts.end_s + width, width)
    taken = {measure.id: measure.take(facts, grid) for measure in MEASURES}
    lost, doubled = (_difference(run.config, half) for half in ("lost", "doubled"))
    sums = {name: own for name, own in taken.items() if own is not None and own.counts.any()}
    return Seen(run.folder, run.config, width, sums, lost, doubled)


def quantiles(sums: FloatArray, edges: FloatArray, q: float) -> FloatArray:
    """Of each row of bucket counts, placed inside its bucket along the tail: float64 of shape (rows,).

    The logarithm of the share beyond falls on a straight line over the logarithm of time. On a straight line between
    the edges, as Prometheus and the report have it, a shift of 5 % inside a bucket shows as 4 %. In the first bucket,
    and where nothing lies beyond, it is that line. One in the open last bucket comes back as that bucket's lower edge:
    it is at least that.
    """
    cumulative = np.cumsum(sums, axis=1)
    total = cumulative[:, -1]
    rank = q * total * (1.0 - ROUNDING)
    place = np.minimum((cumulative < rank[:, None]).sum(axis=1), len(edges) - 1)
    rows = np.arange(len(sums))
    low, high = np.concatenate(([0.0], edges))[place], edges[place]
    below = cumulative[rows, place] - sums[rows, place]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        straight = low + (high - low) * np.clip((rank - below) / sums[rows, place], 0.0, 1.0)
        beyond, least = np.log(total - below), np.log(total - cumulative[rows, place])
        tail = low * (high / low) ** np.clip((beyond - np.log(total - rank)) / (beyond - least), 0.0, 1.0)
        value = np.where((low > 0.0) & np.isfinite(least), tail, straight)
    return np.where(total > 0, np.where(np.isinf(high), low, value), np.nan)


# ---------------------------------------------------------------- where each comes from


def answers(facts: Facts, grid: FloatArray) -> Sums | None:
    """Times of API answers from the intended start, uploads left out."""
    name = "swarm_scheduled_seconds"
    routes = {labels.get("route", "") for labels, _, _ in facts.run.samples.select(f"{name}_bucket")}
    own = [
        statistics.histogram_by(facts.run.samples, name, grid, facts.windows, route=route)
        for route in sorted(routes)
        if not is_upload(route)
    ]
    if not own:
        return None
    edges, counts = statistics.merged_by(own)
    return Sums(counts, edges)


def _errors(facts: Facts, grid: FloatArray) -> Sums | None:
    return _ratio(
        *(
            statistics.gained_by(facts.run.samples, "swarm_requests_total", grid, facts.windows, **labels)
            for labels in ({"outcome": "error"}, {})
        )
    )


def _codes(facts: Facts, grid: FloatArray) -> Sums | None:
    name = "registration_code_handover_seconds"
    edges, counts = statistics.histogram_by(facts.run.samples, name, grid, facts.windows, quota_bound="no")
    return _ratio(counts[:, edges <= QUICK_HANDOVER_S].sum(axis=1), counts.sum(axis=1))


def _photos(facts: Facts, grid: FloatArray) -> Sums | None:
    return _of_people(facts, grid, facts.people["photos_stored"], facts.people["photos_started"], facts.calm)


def _tries(facts: Facts, grid: FloatArray) -> Sums | None:
    return _of_people(facts, grid, facts.people["photo_tries"], facts.people["photos_started"], facts.calm)


def _joined(facts: Facts, grid: FloatArray) -> Sums | None:
    fate = facts.people["fate"]
    return _of_people(facts, grid, fate == Fate.JOINED, np.ones(len(fate)))


def _waits(facts: Facts, grid: FloatArray) -> Sums | None:
    waits, due = facts.people["wait"], facts.people["due"]
    known = np.isfinite(waits)
    if not known.any():
        return None
    bucket = np.searchsorted(WAIT_EDGES, waits[known])
    flat = _window(due[known], grid) * len(WAIT_EDGES) + bucket
    counts = np.bincount(flat, minlength=(len(grid) - 1) * len(WAIT_EDGES)).reshape(-1, len(WAIT_EDGES))
    return Sums(counts.astype(np.float64), WAIT_EDGES)


def _processors(facts: Facts, grid: FloatArray) -> Sums | None:
    """Processor time of the service and its database for each answer, refusals included."""
    samples, name = facts.run.samples, "rehearsal_cpu_seconds_total"
    used = [np.diff(statistics.counted_by(samples, name, grid, since_first=True, role=r)) for r in SERVICE_ROLES]
    asked = statistics.gained_by(samples, "swarm_requests_total", grid)
    return _ratio(np.sum(used, axis=0), asked)


def _of_people(facts: Facts, grid: FloatArray, hits: Any, of: Any, who: Any = None) -> Sums | None:
    due = facts.people["due"]
    counted = np.isfinite(due) if who is None else np.isfinite(due) & who
    window = _window(due[counted], grid)

    def added(part: Any) -> FloatArray:
        return np.bincount(window, np.asarray(part)[counted], len(grid) - 1).astype(np.float64)

    return _ratio(added(hits), added(of))


def _window(moments: FloatArray, grid: FloatArray) -> Any:
    return np.clip(np.searchsorted(grid, moments, side="right") - 1, 0, len(grid) - 2)


def _ratio(hits: FloatArray, of: FloatArray) -> Sums | None:
    return Sums(np.column_stack((hits, of))) if of.any() else None


def _difference(config: dict[str, Any], half: str) -> float | None:
    """What the ledgers show of one half; None where they could not all be compared."""
    ledgers = config["ledgers"] or {}
    if not ledgers or any(ledger["difference"] is None for ledger in ledgers.values()):
        return None
    return float(sum(split_difference(ledger)[half] for ledger in ledgers.values()))


MEASURES = (
    Measure("api_p50_s", N_("Half of the API answers within"), "s", False, True, answers, 0.5),
    Measure("api_p95_s", N_("95 % of the API answers within"), "s", False, True, answers, 0.95),
    Measure("api_p99_s", N_("99 % of the API answers within"), "s", False, True, answers, 0.99),
    Measure("server_error_ratio", N_("Requests that end in a server error"), "1", False, False, _errors),
    Measure("codes_within_10s_ratio", N_("Codes handed over within 10 s"), "1", True, False, _codes),
    Measure("photos_stored_ratio", N_("Started photos that were stored"), "1", True, False, _photos),
    Measure("tries_per_photo", N_("Tries for each photo, the mean"), "", False, True, _tries),
    Measure("wait_median_s", N_("Half of the waits in line within"), "s", False, True, _waits, 0.5),
    Measure("joined_ratio", N_("People who joined the wave"), "1", True, False, _joined),
    Measure("cpu_per_answer_s", N_("Processor time for each answer"), "s", False, True, _processors),
)
"""In the order of the table. Answers are counted from the moment that people meant to act."""
