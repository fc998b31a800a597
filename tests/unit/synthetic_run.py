"""A run folder without a run: everybody behaves, every objective is met; a test breaks one part and writes it."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import record
from scenarios.record import Fate, Furthest, Reason, SamplesWriter
from service.domain import buckets

FloatArray = NDArray[np.float64]

ARRIVALS_S = 300.0
END_S = 520.0
STAGE_DELAYS_S = (("account_created", 4.0), ("code_verified", 12.0), ("identity_submitted", 3.0),
                  ("profile_completed", 8.0), ("photos_uploaded", 7.0), ("phone_verified", 9.0),
                  ("assessed", 70.0), ("wave_joined", 2.0))  # fmt: skip
ROUTES = {"tickets": 1, "place": 4, "claims": 1, "accounts": 1, "codes": 2, "sessions": 1, "identity": 1,
          "profile": 3, "files-create": 2, "files-patch": 2, "me": 2, "phone-verification": 1, "assessment": 1,
          "answers": 18, "submission": 1, "join": 1}  # fmt: skip
CPU_PER_S = {"web": 0.62, "worker": 0.09, "gatekeeper": 0.02, "database": 0.41, "swarm": 0.55, "partners": 0.08}


def night() -> dict[str, Any]:
    return {
        "name": "prakerja-wave-1",
        "title": "Prakerja, wave 1",
        "opens_at": "2020-04-11T19:00:00+07:00",
        "closes_at": "2020-04-16T16:00:00+07:00",
        "objectives": {
            "api_p95_s": 1.0, "api_p99_s": 3.0, "server_error_ratio": 0.001, "codes_within_10s_ratio": 0.95,
            "photos_stored_ratio": 0.99, "photo_tries_median": 1.1, "admitted_joined_ratio": 0.95,
            "waits_in_range_ratio": 0.75, "lost": 0, "doubled": 0,
        },
        "objective_reasons": {},
        "funnel": [
            {"at": "2020-04-12T16:00:00+07:00", "registered": 1_432_133, "email_verified": 1_063_028,
             "identity_verified": 624_090, "joined": 77_834},
            {"at": "2020-04-14T12:00:00+07:00", "registered": 3_740_000, "email_verified": None,
             "identity_verified": None, "joined": None},
            {"at": "2020-04-16T16:00:00+07:00", "registered": 5_965_048, "email_verified": 4_428_669,
             "identity_verified": 3_294_190, "joined": 2_078_026},
        ],
    }  # fmt: skip


def config(planned: int) -> dict[str, Any]:
    same = {"client": planned, "database": planned, "partners": None, "unknown": 0, "difference": 0}
    return {
        "schema": 1, "id": "20200411-190000-synthetic", "night": night(), "set": "prepared", "reading": "harsh",
        "seed": 1, "factors": {"people": "1/100", "speed": 1.0, "pace": 20.0}, "minutes": 5, "planned": planned,
        "plan_hash": "ab" * 32, "workers": 1, "drain_limit_s": 720, "opens_at": 1_800_000_000,
        "machine": {"cpus": 2, "memory_bytes": 8 << 30, "python": "3.11.2", "system": "Linux"},
        "versions": {"launchnight": "0.1.0"}, "rounded": [],
        "ledgers": {kind: dict(same) for kind in ("accounts", "codes", "identity_checks", "photos", "joins")},
        "cpu_s": {role: rate * END_S for role, rate in CPU_PER_S.items()}, "ended": "drained",
        "exits": [{"role": role, "code": 0, "expected": True} for role in CPU_PER_S],
        "last_arrival_s": ARRIVALS_S, "played_s": END_S, "photo_bytes_kept": False,
    }  # fmt: skip


def people(planned: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Everyone arrives, waits as promised four times out of five, and joins."""
    columns = record.blank_people(planned)
    due = np.sort(rng.power(0.6, planned) * ARRIVALS_S)
    columns["due"] = due
    columns["started"] = due + rng.exponential(0.001, planned)
    columns["ticketed_at"] = columns["started"] + 0.02
    columns["admitted_at"] = np.maximum(columns["ticketed_at"] + 0.1, np.arange(1, planned + 1) * 330 / planned)
    columns["wait"] = columns["admitted_at"] - columns["ticketed_at"]
    right = rng.random(planned) < 0.8
    columns["wait_low"] = columns["wait"] * np.where(right, 0.8, 1.1)
    columns["wait_high"] = columns["wait"] * 1.3
    moment = columns["admitted_at"]
    for stage, delay in STAGE_DELAYS_S:
        moment = moment + delay * rng.uniform(0.7, 1.3, planned)
        columns[f"{stage}_at"] = moment
    columns["ended"] = moment + 0.1
    columns["fate"][:] = Fate.JOINED
    columns["furthest"][:] = Furthest.WAVE_JOINED
    columns["reason"][:] = Reason.JOINED
    columns["channel"][:] = 1 + (rng.random(planned) < 0.4)
    columns["requests"][:] = sum(ROUTES.values())
    columns["photos_started"][:] = columns["photos_stored"][:] = columns["photo_tries"][:] = 2
    columns["codes_asked"][:] = columns["codes_accepted"][:] = 2
    columns["bytes_sent"][:] = 520_000
    return columns


@dataclass
class SyntheticRun:
    """The parts of a run; change one, then `write`. Arrays of seconds hold one entry per request or code."""

    planned: int = 600
    config: dict[str, Any] = field(init=False)
    people: dict[str, NDArray[Any]] = field(init=False)
    service: dict[str, FloatArray] = field(init=False)
    scheduled: dict[str, FloatArray] = field(init=False)
    outcomes: dict[tuple[str, str], float] = field(init=False)
    codes: dict[tuple[str, str], FloatArray] = field(init=False)
    events: list[dict[str, Any]] = field(default_factory=list)
    unread: tuple[str, ...] = ()
    fast: float = 1.0
    """How fast the clock goes by which the swarm times answers."""

    def __post_init__(self) -> None:
        rng = np.random.default_rng(7)
        self.config = config(self.planned)
        self.people = people(self.planned, rng)
        self.service = {
            route: rng.lognormal(math.log(0.02 if not route.startswith("files") else 0.8), 0.7, times * self.planned)
            for route, times in ROUTES.items()
        }
        self.scheduled = {route: took + rng.exponential(0.002, len(took)) for route, took in self.service.items()}
        self.outcomes = {(route, "ok"): float(len(took)) for route, took in self.service.items()}
        self.codes = {(channel, "no"): rng.exponential(1.0, self.planned) for channel in ("email", "sms")}

    def write(self, folder: Path, *, scrape_s: float = 65.0) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        record.write_config(folder, self.config)
        record.write_people(folder, self.people)
        for event in self.events:
            record.add_event(folder, **event)
        writer = SamplesWriter()
        for t in np.arange(0.0, END_S + scrape_s, scrape_s):
            self._scrape(writer, float(t), min(1.0, float(t) / END_S))
        writer.write(folder)
        return folder

    def _scrape(self, writer: SamplesWriter, t: float, done: float) -> None:
        """What every process shows at time t, when the share `done` of all requests has been answered."""
        swarm, web, worker = ({"job": job, "instance": f"127.0.0.1:{port}"} for job, port in
                              (("swarm", 1), ("web", 2), ("worker", 3)))  # fmt: skip
        for name, times in (("swarm_request_seconds", self.service), ("swarm_scheduled_seconds", self.scheduled)):
            for route, took in times.items():
                _histogram(writer, t, name, {**swarm, "route": route}, took[: round(done * len(took))])
        timed = 0.0
        for route, took in self.service.items():
            done_s = float(took[: round(done * len(took))].sum())
            writer.add(t, "swarm_request_seconds_sum", {**swarm, "route": route}, self.fast * done_s)
            timed += done_s
        writer.add(t, "swarm_requests_out_seconds_total", swarm, timed)
        writer.add(t, "swarm_watched_seconds_total", swarm, t)
        for (route, outcome), total in self.outcomes.items():
            writer.add(t, "swarm_requests_total", {**swarm, "route": route, "outcome": outcome}, round(done * total))
        for (channel, bound), took in self.codes.items():
            labels = {**worker, "channel": channel, "quota_bound": bound}
            _histogram(writer, t, "registration_code_handover_seconds", labels, took[: round(done * len(took))])
        verified = float(np.count_nonzero(self.people["identity_submitted_at"] + 20 < t) // 1.1)
        writer.add(t, "registration_stage_total", {**worker, "stage": "identity_verified"}, verified)
        for queue, height, limit in (("email", 40, 300), ("sms", 25, 600), ("identity", 160, 2000)):
            depth = max(0.0, height * math.sin(math.pi * min(t / 400, 1)))
            writer.add(t, "registration_queue_depth", {**worker, "queue": queue}, round(depth))
            writer.add(t, "registration_queue_limit", {**worker, "queue": queue}, limit)
            writer.add(t, "registration_queue_oldest_age_seconds", {**worker, "queue": queue}, depth / 10)
        for role, rate in CPU_PER_S.items():
            used = rate * END_S * (1 - math.exp(-t / 180)) / (1 - math.exp(-END_S / 180))
            writer.add(
                t, "rehearsal_cpu_seconds_total", {"job": "rehearsal", "instance": "harness", "role": role}, used
            )
        writer.add(t, "registration_queue_depth", {**web, "queue": "email"}, 0.0)
        for target in (swarm, web, worker):
            writer.add(t, "up", target, float(target["job"] not in self.unread))


def _histogram(writer: SamplesWriter, t: float, name: str, labels: dict[str, str], values: FloatArray) -> None:
    counts = np.searchsorted(np.sort(values), buckets.CALIBRATION, side="right")
    for edge, count in zip(buckets.CALIBRATION, counts, strict=True):
        writer.add(t, f"{name}_bucket", {**labels, "le": str(edge)}, float(count))
    writer.add(t, f"{name}_bucket", {**labels, "le": "+Inf"}, float(len(values)))
