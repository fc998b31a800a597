"""samples.npz of a simulated night: the metrics that a rehearsal of it would have shown and a simulation can know.

Names, labels and edges are those of rehearsals (docs/metrics.md, loadtests/swarm_metrics.py), so that reports read both
alike; the instance is "simulated". Counters and levels are told once a minute, histograms of long nights less often.
What only a measurement can know is absent: how late the generator was, how processes shared their cores.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.factors import queue_limits, scaled
from scenarios.fates import Fate, Furthest
from scenarios.journey_state import Result
from scenarios.record import FloatArray, Series
from scenarios.simulation.calibrated import ROUTES
from scenarios.simulation.figures import QUEUES, Setup
from scenarios.simulation.recorded_people import RecordedPeople
from scenarios.simulation.run import Result as Played
from scenarios.simulation.tally import LEVELS
from scenarios.simulation.world import DATABASE, HANDOVER_MS, INSPECTION, WEB
from service.domain import buckets
from service.domain.slow_loop import WAITED_AT

INSTANCE = "simulated"
MOST_TOLD = 720
"""Moments at which a histogram is told, at most: of five days every ten minutes."""
MINUTE_S = 60.0
OUTCOMES: dict[Result, str] = {
    **dict.fromkeys((Result.OK, Result.WAIT, Result.PARTIAL, Result.FARTHER, Result.MISMATCH), "ok"),
    Result.BUSY: "busy",
    Result.TIMEOUT: "timeout",
    Result.ERROR: "transport",
    Result.KILLED: "transport",
}
"""How clients count each end of a request; every other is `refused`."""
LEFT = ("timeout", "transport")
"""Outcomes of requests that nobody waited for any more when they were done."""
PARTNERS = ("email", "sms", "civil_registry")
ROLES = {WEB: "web", DATABASE: "database", INSPECTION: "worker"}


class RecordedSamples:
    """All series of a run."""

    def __init__(self, setup: Setup, played: Played, marks: NDArray[Any], people: RecordedPeople) -> None:
        """marks: scenarios.simulation.recorder.MARK, at each whole minute and at the end."""
        self._setup, self._tally, self._marks, self._people = setup, played.tally, marks, people
        self._times: FloatArray = marks["at_us"] / 1e6
        self._minutes = np.minimum(np.ceil(self._times / MINUTE_S).astype(np.int64), len(played.tally.answered))
        told = np.arange(0, len(marks), max(1, -(-len(marks) // MOST_TOLD)))
        self._told = told if told[-1] == len(marks) - 1 else np.append(told, len(marks) - 1)

    def all(self) -> Iterator[Series]:
        """Every series, ready for scenarios.record.write_series."""
        yield from self._of_people()
        yield from self._requests()
        yield from self._times_of_requests()
        yield from self._queues()
        yield from self._line()
        yield from self._processors()
        yield from self._work()
        yield from self._photos()

    def _one(self, job: str, name: str, values: Any, at: Any = None, **labels: str) -> Series:
        times = self._times if at is None else self._times[at]
        return name, {"job": job, "instance": INSTANCE, **labels}, times, np.asarray(values, np.float64)

    def _gained(self, by_minute: NDArray[Any]) -> FloatArray:
        """What counts by minute, axis 0, came to by each mark; those after the end belong to the last one."""
        total = np.concatenate([np.zeros((1, *by_minute.shape[1:])), np.cumsum(by_minute, axis=0, dtype=np.float64)])
        found: FloatArray = total[self._minutes]
        found[-1] = total[-1]
        return found

    def _of_people(self) -> Iterator[Series]:
        marks = self._marks
        due = np.searchsorted(self._people.column("due"), self._times, side="right")
        yield self._one("swarm", "swarm_planned_applicants", np.full(len(marks), len(self._people.column("due"))))
        yield self._one("swarm", "swarm_due_applicants", due)
        yield self._one("swarm", "swarm_arrivals_total", marks["arrived"])
        yield self._one("swarm", "swarm_live_applicants", marks["arrived"] - marks["ended"])
        for stage in Furthest:
            if stage is not Furthest.NONE:
                reached = self._by(self._people.stage(stage))
                yield self._one("swarm", "swarm_stage_total", reached, stage=stage.name.lower())
        fates, ended = self._people.column("fate"), self._people.column("ended")
        for fate in Fate:
            yield self._one("swarm", "swarm_fates_total", self._by(ended[fates == fate]), fate=fate.name.lower())
        yield self._one("web", "registration_stage_total", marks["matched"], stage="identity_verified")

    def _by(self, moments: FloatArray) -> NDArray[Any]:
        """How many of these moments, nan for never, lie at or before each mark."""
        first = np.searchsorted(self._times, moments, side="left")
        return np.cumsum(np.bincount(first, minlength=len(self._times) + 1)[: len(self._times)])

    def _requests(self) -> Iterator[Series]:
        """Looks of people in line are among them, though nobody played each."""
        by_outcome: dict[tuple[str, str], FloatArray] = {}
        answered = self._gained(self._tally.answered)
        for action, route in ROUTES.items():
            for result in Result:
                key = route, OUTCOMES.get(result, "refused")
                by_outcome[key] = by_outcome.get(key, 0.0) + answered[:, action, result]
        by_outcome["place", "ok"] = by_outcome["place", "ok"] + np.floor(self._marks["polls"])
        for (route, outcome), counted in by_outcome.items():
            if counted[-1]:
                yield self._one("swarm", "swarm_requests_total", counted, route=route, outcome=outcome)
        for route in sorted({route for route, _ in by_outcome}):
            if asked := [each for (own, _), each in by_outcome.items() if own == route and each[-1]]:
                whole = np.sum(asked, axis=0)
                yield self._one("web", "registration_http_requests_total", whole, route=route)

    def _times_of_requests(self) -> Iterator[Series]:
        """People act at the moment they mean to, so both clocks of a response show the same."""
        times, spent = self._gained(self._tally.times)[self._told], self._gained(self._tally.spent_us)[self._told]
        for route in sorted(set(ROUTES.values())):
            actions = [action for action, own in ROUTES.items() if own == route]
            counted = times[:, actions].sum(axis=1)
            if counted[-1].any():
                spent_s = spent[:, actions].sum(axis=1) / 1e6
                for name in ("swarm_request_seconds", "swarm_scheduled_seconds"):
                    yield from self._histogram("swarm", name, buckets.CALIBRATION, counted, spent_s, route=route)

    def _histogram(
        self, job: str, name: str, edges: tuple[float, ...], counted: FloatArray, sums: FloatArray, **labels: str
    ) -> Iterator[Series]:
        """counted: by moment of `_told` and bucket, the last one open; sums: seconds, by moment."""
        below = np.cumsum(counted, axis=1)
        for place, edge in enumerate((*map(str, edges), "+Inf")):
            yield self._one(job, f"{name}_bucket", below[:, place], self._told, **labels, le=edge)
        yield self._one(job, f"{name}_count", below[:, -1], self._told, **labels)
        yield self._one(job, f"{name}_sum", sums, self._told, **labels)

    def _queues(self) -> Iterator[Series]:
        marks, levels = self._marks, self._levels()
        partners, _ = scaled(self._setup.partners, self._setup.factors)
        bounded = self._setup.resources.bounded_queues
        for place, (queue, partner) in enumerate(zip(QUEUES, PARTNERS, strict=True)):
            own = {"queue": queue}
            yield self._one("worker", "registration_queue_depth", levels[f"{queue}_depth"], **own)
            oldest = levels[f"{queue}_oldest_ms"] / 1e3
            yield self._one("worker", "registration_queue_oldest_age_seconds", oldest, **own)
            if bounded:
                limit = np.full(len(marks), self._limits[place])
                yield self._one("worker", "registration_queue_limit", limit, **own)
            for outcome, ended in (("done", marks["handed"]), ("dropped", marks["dropped"] + marks["expired"])):
                yield self._one("worker", "registration_queue_jobs_total", ended[:, place], **own, outcome=outcome)
            calls = {"accepted": marks["handed"][:, place], "failed": marks["failed"][:, place]}
            for outcome, made in calls.items():
                told = {"partner": partner, "outcome": outcome}
                yield self._one("worker", "registration_partner_calls_total", made, **told)
                yield self._one("partners", "partner_requests_total", made, **told)
            rate = np.full(len(marks), getattr(partners, partner).rate_per_s)
            yield self._one("partners", "partner_rate_limit_requests_per_second", rate, partner=partner)
        handed = marks["handed_over"].reshape(len(marks), 4, len(HANDOVER_MS) + 1)[self._told]
        name = "registration_code_handover_seconds"
        for kind in range(4):
            labels = {"channel": QUEUES[kind // 2], "quota_bound": "yes" if kind % 2 else "no"}
            sums = marks["handover_ms"][self._told, kind] / 1e3
            yield from self._histogram("worker", name, buckets.DEFAULT, handed[:, kind], sums, **labels)

    @property
    def _limits(self) -> list[int]:
        limits, _ = queue_limits(self._setup.partners, self._setup.factors)
        return [limits[name] for name in QUEUES]

    def _levels(self) -> Mapping[str, NDArray[Any]]:
        """At the beginning of each minute, as the marks lie; the last mark shows the minute that it is in."""
        rows = np.minimum((self._times // MINUTE_S).astype(np.int64), len(self._tally.levels) - 1)
        return {name: self._tally.levels[rows, place] for place, name in enumerate(LEVELS)}

    def _line(self) -> Iterator[Series]:
        marks = self._marks
        gated = self._setup.resources.waiting_room and marks["rate_per_s"][0] > 0.0
        switch = np.full(len(marks), float(gated))
        yield self._one("web", "registration_switch_on", switch, switch="waiting_room")
        if gated:
            line = np.maximum(marks["tickets"] - marks["frontier"].astype(np.int64), 0)
            yield self._one("gatekeeper", "registration_waiting_room_live_people", line)
            yield self._one("gatekeeper", "registration_waiting_room_rate_people_per_second", marks["rate_per_s"])
            for place, stage in enumerate(WAITED_AT):
                own = {"stage": stage}
                yield self._one("gatekeeper", "registration_waiting_room_bound", marks["bound"] == place + 1, **own)
                strain = marks["strain"][:, place]
                yield self._one("gatekeeper", "registration_waiting_room_strain_ratio", strain, **own)
        if self._setup.resources.overload_limit:
            yield self._one("web", "registration_door_shed_total", marks["turned_away"].sum(axis=1))

    def _processors(self) -> Iterator[Series]:
        """Core seconds that were worked off by then: what was given to servers, less what is left over."""
        marks, resources = self._marks, self._setup.resources
        servers = {WEB: resources.web, DATABASE: resources.database, INSPECTION: resources.inspectors}
        for station, role in ROLES.items():
            given = marks["busy_us"][:, station] + marks["spread_us"][:, station]
            done = np.maximum.accumulate(np.maximum(given - marks["left_over_us"][:, station], 0)) / 1e6
            labels = {"role": role, "program": role}
            yield self._one("harness", "rehearsal_cpu_seconds_total", done, **labels)
            if station != INSPECTION:
                waited = marks["waited_us"][:, station] / 1e6
                yield self._one("harness", "rehearsal_core_wait_seconds_total", waited, **labels)
                allowed = np.full(len(marks), servers[station])
                yield self._one("harness", "rehearsal_allowed_cores", allowed, **labels)

    def _work(self) -> Iterator[Series]:
        """Processor time of the web role by route and outcome: of those let in, each at the run's mean for its step."""
        marks = self._marks
        answered = self._gained(self._tally.answered)
        requests: dict[tuple[str, str], FloatArray] = {}
        spent: dict[tuple[str, str], FloatArray] = {}
        for action, route in ROUTES.items():
            counts = {name: np.zeros(len(marks)) for name in ("ok", "refused", "busy", "left")}
            for result in Result:
                outcome = OUTCOMES.get(result, "refused")
                counts["left" if outcome in LEFT else outcome] += answered[:, action, result]
            kept_back = np.minimum(marks["kept_back"][:, action], counts["busy"])
            let_in = float(sum(count[-1] for count in counts.values()) - kept_back[-1])
            each_s = float(marks["web_work_us"][-1, action]) / 1e6 / max(let_in, 1.0)
            for name, count in counts.items():
                key = route, name
                turned = kept_back if name == "busy" else np.zeros(len(marks))
                door_s = marks["door_work_us"][:, action] / 1e6 if name == "busy" else 0.0
                requests[key] = requests.get(key, 0.0) + count
                spent[key] = spent.get(key, 0.0) + (count - turned) * each_s + door_s
        for (route, outcome), count in requests.items():
            if count[-1]:
                labels = {"route": route, "outcome": outcome}
                worked = np.maximum.accumulate(spent[route, outcome])
                yield self._one("web", "registration_http_measured_total", count, **labels)
                yield self._one("web", "registration_http_cpu_seconds_total", worked, **labels)

    def _photos(self) -> Iterator[Series]:
        marks = self._marks
        for which in ("sent", "stored"):
            yield self._one("swarm", "swarm_photo_bytes_total", marks[f"photo_{which}"], bytes=which)
        yield self._one("web", "registration_upload_bytes_total", marks["photo_taken"])
        inspected = marks["served"][:, INSPECTION]
        limit = np.full(len(marks), self._setup.resources.inspectors)
        given_s = marks["busy_us"][:, INSPECTION] / 1e6
        yield self._one("worker", "registration_photo_inspectors_limit", limit)
        yield self._one("worker", "registration_photo_inspections_total", inspected)
        yield self._one("worker", "registration_photo_inspection_seconds_sum", given_s)
        left_over = marks["left_over_us"][:, INSPECTION] / 1e6
        each_s = self._setup.costs.inspection_s
        waiting = np.maximum(left_over / each_s - limit, 0.0) if each_s > 0.0 else np.zeros(len(marks))
        yield self._one("worker", "registration_queue_depth", np.floor(waiting), queue="photo")
        oldest = marks["left_over_us"][:, INSPECTION] / 1e6 / self._setup.resources.inspectors
        yield self._one("worker", "registration_queue_oldest_age_seconds", np.floor(oldest), queue="photo")
