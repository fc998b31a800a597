"""The record of a service whose times and costs are known, as a rehearsal would have written it.

Every window has another mix of requests. A test may change any array before the record is written: they have one entry
for each scrape, and hold what came since the one before.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios import record
from scenarios.record import SamplesWriter
from service.domain import buckets
from service.web.spent import EVERY
from tests.unit import synthetic_run

FloatArray = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], FloatArray]

SCRAPE_S = 5.0
A_MINUTE = 12
"""Scrapes."""
A_MIX = 4
"""Scrapes: as long as a window."""
REPLICAS = 4
SCATTER = 0.3
"""Of what single requests of a kind cost, by their mean."""
EDGES = np.array([*buckets.CALIBRATION, math.inf])
CORES = 2
IDLE = {"web": 0.03, "worker": 0.04, "database": 0.02, "gatekeeper": 0.05}
"""Cores, of each process."""


class Kind(NamedTuple):
    """Requests of a route that end alike: how many a second, what one costs, how long it takes."""

    per_s: float
    web_s: float
    loop_s: float
    database_s: float
    draw: Draw
    mean_s: float
    p99_s: float


def _log_normal(median_s: float, sigma: float) -> tuple[Draw, float, float]:
    return (
        lambda rng, n: rng.lognormal(math.log(median_s), sigma, n),
        median_s * math.exp(sigma**2 / 2),
        median_s * math.exp(2.3263479 * sigma),
    )


def _weibull(shape: float, scale_s: float) -> tuple[Draw, float, float]:
    return (
        lambda rng, n: scale_s * rng.weibull(shape, n),
        scale_s * math.gamma(1 + 1 / shape),
        scale_s * math.log(100) ** (1 / shape),
    )


def _erlang_4(mean_s: float) -> tuple[Draw, float, float]:
    """A gamma of shape 4; half its 99 % point is that of chi-square with 8 degrees of freedom, 20.090."""
    return lambda rng, n: rng.gamma(4.0, mean_s / 4, n), mean_s, 20.0902 / 2 * mean_s / 4


def _shifted(shift_s: float, median_s: float, sigma: float) -> tuple[Draw, float, float]:
    draw, mean_s, p99_s = _log_normal(median_s, sigma)
    return lambda rng, n: shift_s + draw(rng, n), shift_s + mean_s, shift_s + p99_s


KINDS: dict[tuple[str, str], Kind] = {
    ("tickets", "ok"): Kind(40, 0.0012, 0.0007, 0.0010, *_log_normal(0.008, 0.5)),
    ("place", "ok"): Kind(160, 0.0003, 0.0002, 0.0, *_weibull(1.6, 0.004)),
    ("place", "busy"): Kind(80, 0.0005, 0.0003, 0.0, *_log_normal(0.003, 0.4)),
    ("accounts", "ok"): Kind(32, 0.0025, 0.0018, 0.0020, *_shifted(0.012, 0.006, 0.9)),
    ("answers", "ok"): Kind(120, 0.0008, 0.0005, 0.0009, *_erlang_4(0.020)),
    ("files-patch", "ok"): Kind(24, 0.0040, 0.0030, 0.0030, *_log_normal(0.150, 0.7)),
    ("files-patch", "left"): Kind(16, 0.0030, 0.0012, 0.0025, *_log_normal(0.400, 0.6)),
}
JOBS: dict[tuple[str, str], tuple[float, float, float]] = {
    ("sms", "done"): (40.0, 0.0025, 0.0015),
    ("identity", "done"): (40.0, 0.003, 0.0020),
    ("photo", "done"): (12.0, 0.030, 0.0050),
}
"""Jobs a second, and what one costs the worker and the database."""
GATEKEEPER_S = 0.0004
"""For each ticket."""
INSPECTION_S = 0.035


@dataclass
class PlantedService:
    """Arrays of counts and seconds by scrape; `write` makes the run folder."""

    seed: int = 1
    minutes: int = 20
    name: str = "planted"
    growth: float = 0.0
    """A request costs 1 + growth * load times as much."""
    even: bool = False
    """The same mix all the time."""

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.scrapes = self.minutes * A_MINUTE
        part = np.arange(self.scrapes) // A_MIX
        parts = int(part[-1]) + 1

        def counts(per_s: float) -> FloatArray:
            mix = np.ones(parts) if self.even else rng.lognormal(0.0, 0.6, parts)
            return rng.poisson(per_s * SCRAPE_S * mix[part]).astype(np.float64)

        self.requests = {pair: counts(kind.per_s) for pair, kind in KINDS.items()}
        self.jobs = {pair: counts(per_s) for pair, (per_s, _, _) in JOBS.items()}
        self.load = rng.uniform(0.1, 0.8, parts)[part]
        self.in_flight = rng.poisson(3.0, self.scrapes).astype(np.float64)
        self.shed = np.zeros(self.scrapes)
        self.slow = np.ones(self.scrapes)
        """Times are so many times as long."""
        self.events: list[dict[str, Any]] = []
        self.settings: dict[str, str] = {"METRICS_DETAIL": "calibration"}
        self.cpu = {role: self._cpu(rng, role) for role in IDLE}
        self.busy = self.cpu["web"] / (REPLICAS * SCRAPE_S)
        """Of the busiest loop of the web role."""
        self.waited = np.zeros(self.scrapes)
        """Seconds in which the service's processes had no core."""
        self.stolen = np.zeros(self.scrapes)
        """Seconds of each core that its host took."""
        self.tells_times = True
        self.tells_waits = True

    def _cpu(self, rng: np.random.Generator, role: str) -> FloatArray:
        processes = REPLICAS if role == "web" else 1
        whole = np.full(self.scrapes, processes * IDLE[role] * SCRAPE_S)
        growth = (1.0 + self.growth * self.load) if role in ("web", "database") else np.ones(self.scrapes)
        for pair, counts in self.requests.items():
            kind = KINDS[pair]
            own = {"web": kind.web_s, "database": kind.database_s, "worker": 0.0}
            each_s = own.get(role, GATEKEEPER_S if pair[0] == "tickets" else 0.0)
            whole += growth * _spent(rng, counts, each_s)
        for pair, counts in self.jobs.items():
            of_worker, of_database = JOBS[pair][1:]
            each_s = {"worker": of_worker, "database": of_database}.get(role, 0.0)
            whole += growth * _spent(rng, counts, each_s)
        return whole

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        end_s = self.scrapes * SCRAPE_S
        told = {
            **synthetic_run.config(0), "id": self.name, "played_s": end_s, "versions": {"service code": "abc"},
            "stack": {"started": True, "replicas": REPLICAS, "proxy": None, "target": "", "partners": "",
                      "ledger": True, "remarks": [], "settings": self.settings},
        }  # fmt: skip
        record.write_config(folder, told)
        record.write_people(folder, record.blank_people(0))
        for event in self.events:
            record.add_event(folder, **event)
        writer = SamplesWriter()
        self._counters(writer)
        self._gauges(writer)
        if self.tells_times:
            self._times(writer)
        writer.write(folder)
        return folder

    def _counters(self, writer: SamplesWriter) -> None:
        for (route, outcome), counts in self.requests.items():
            swarm = {"job": "swarm", "route": route, "outcome": "timeout" if outcome == "left" else outcome}
            _count(writer, "swarm_requests_total", swarm, counts)
            measured = np.diff(np.cumsum(counts) // EVERY, prepend=0.0)
            web = {"job": "web", "route": route, "outcome": outcome}
            _count(writer, "registration_http_measured_total", web, measured)
            _count(writer, "registration_http_cpu_seconds_total", web, measured * KINDS[route, outcome].loop_s)
        every = np.sum([*self.requests.values()], axis=0)
        _count(writer, "registration_http_requests_total", {"job": "web"}, every)
        for (queue, outcome), counts in self.jobs.items():
            jobs = {"job": "worker", "queue": queue, "outcome": outcome}
            _count(writer, "registration_queue_jobs_total", jobs, counts)
        photos = self.jobs["photo", "done"]
        _count(writer, "registration_photo_inspection_seconds_count", {"job": "worker"}, photos)
        _count(writer, "registration_photo_inspection_seconds_sum", {"job": "worker"}, photos * INSPECTION_S)
        for role, used in self.cpu.items():
            _count(writer, "rehearsal_cpu_seconds_total", {"role": role}, used, 2)
        web = {"job": "web", "instance": "127.0.0.1:2"}
        _count(writer, "registration_process_cpu_seconds_total", web, self.cpu["web"])
        loop = {"role": "web", "program": "web"}
        ran = self.busy * SCRAPE_S
        _count(writer, "rehearsal_main_thread_seconds_total", {**loop, "state": "ran"}, 0.8 * ran)
        _count(writer, "rehearsal_main_thread_seconds_total", {**loop, "state": "waited"}, 0.2 * ran)
        _count(writer, "registration_door_shed_total", {"job": "web", "reason": "full"}, self.shed)
        if self.tells_waits:
            _count(writer, "rehearsal_core_wait_seconds_total", {"role": "web"}, self.waited)
        for core in range(CORES):
            _count(writer, "rehearsal_core_busy_seconds_total", {"core": str(core)}, self.load * SCRAPE_S)
            _count(writer, "rehearsal_core_stolen_seconds_total", {"core": str(core)}, self.stolen)

    def _gauges(self, writer: SamplesWriter) -> None:
        for i, level in enumerate(self.in_flight):
            t = (i + 1) * SCRAPE_S
            writer.add(t, "registration_door_in_flight_requests", {"job": "web", "route_class": "all"}, float(level))
            writer.add(t, "registration_door_waiting_requests", {"job": "web"}, 0.0)
            writer.add(t, "registration_queue_depth", {"job": "worker", "queue": "photo"}, 1.0)

    def _times(self, writer: SamplesWriter) -> None:
        rng = np.random.default_rng([self.seed, 7])
        name = "registration_http_measured_seconds"
        for (route, outcome), counts in self.requests.items():
            labels = {"job": "web", "route": route, "outcome": outcome}
            measured = np.diff(np.cumsum(counts) // EVERY, prepend=0.0).astype(int)
            scrape = np.repeat(np.arange(self.scrapes), measured)
            times = KINDS[route, outcome].draw(rng, len(scrape)) * self.slow[scrape]
            inside = np.zeros((self.scrapes, len(EDGES)))
            np.add.at(inside, (scrape, np.searchsorted(EDGES, times)), 1.0)
            for place, below in enumerate(np.cumsum(inside, axis=1).T):
                edge = "+Inf" if math.isinf(EDGES[place]) else str(EDGES[place])
                _count(writer, f"{name}_bucket", {**labels, "le": edge}, below)
            _count(writer, f"{name}_count", labels, measured)
            _count(writer, f"{name}_sum", labels, np.bincount(scrape, times, self.scrapes))


def _spent(rng: np.random.Generator, counts: FloatArray, each_s: float) -> FloatArray:
    """Processor time of so many requests: each takes its own, SCATTER around the mean."""
    spread = SCATTER**2
    return rng.gamma(np.maximum(counts, 1e-9) / spread, max(each_s, 1e-12) * spread)


def _count(
    writer: SamplesWriter, name: str, labels: dict[str, str], gained: NDArray[Any], digits: int | None = None
) -> None:
    """A counter from 0 on; digits: how exactly it is told."""
    told = np.cumsum(np.concatenate(([0.0], gained)))
    for i, value in enumerate(told if digits is None else np.round(told, digits)):
        writer.add(i * SCRAPE_S, name, {"instance": "127.0.0.1:2", **labels}, float(value))
