"""A small record of a service under load, in which a test strains one resource and leaves the others at ease."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from reports.facts import Facts
from scenarios import record
from scenarios.record import Run, SamplesWriter
from tests.unit.synthetic_run import config

END_S = 40.0
PEOPLE_PER_S = 5.0
WEB = {"job": "web", "instance": "127.0.0.1:2"}
WORKER = {"job": "worker", "instance": "127.0.0.1:3"}
PARTNERS = {"job": "partners", "instance": "127.0.0.1:4"}
HARNESS = {"job": "rehearsal", "instance": "127.0.0.1:5"}

Series = tuple[str, tuple[tuple[str, str], ...]]


def series(name: str, own: dict[str, str], **labels: str) -> Series:
    return name, tuple(sorted({**own, **labels}.items()))


@dataclass
class StrainedRun:
    """grows: counters and what they gain a second; holds: gauges and their level, which a pair lets rise from to."""

    grows: dict[Series, float] = field(default_factory=dict)
    holds: dict[Series, float | tuple[float, float]] = field(default_factory=dict)
    planned: int = int(END_S * PEOPLE_PER_S)

    def __post_init__(self) -> None:
        for program, role, ran in (("web", "web", 0.3), ("worker", "worker", 0.1)):
            self.loop(program, role, ran=ran, waited=0.03)
        for core in ("0", "1"):
            self.grows[series("rehearsal_core_busy_seconds_total", HARNESS, core=core)] = 0.35
        self.grows[series("rehearsal_cpu_seconds_total", HARNESS, role="database")] = 0.2
        self.grows[series("rehearsal_core_wait_seconds_total", HARNESS, role="database")] = 0.05
        self.holds[series("rehearsal_allowed_cores", HARNESS, role="database", program="database")] = 2.0
        self.grows[series("rehearsal_disk_busy_seconds_total", HARNESS, disk="vda")] = 0.1
        self.pool(WEB, used=0.8, waited=0.0, visits=100.0, trip_s=0.0005)
        self.pool(WORKER, used=0.2, waited=0.0, visits=30.0, trip_s=0.0005)
        self.holds[series("registration_door_limit_requests", WEB, route_class="all")] = 20.0
        self.holds[series("registration_door_in_flight_requests", WEB, route_class="all")] = 1.5
        self.holds[series("registration_door_waiting_requests", WEB)] = 0.0
        self.lane("email", "email", rate=5.0, calls=4.5)
        self.lane("sms", "sms", rate=50.0, calls=6.0)
        self.lane("identity", "civil_registry", rate=20.0, calls=5.0)
        self.queue("photo", jobs=10.0, depth=1.0, age=0.1)
        self.inspectors(busy=0.3)

    def loop(self, program: str, role: str, *, ran: float, waited: float) -> None:
        for state, share in (("ran", ran), ("waited", waited)):
            name = "rehearsal_main_thread_seconds_total"
            self.grows[series(name, HARNESS, role=role, program=program, state=state)] = share
        self.holds[series("rehearsal_allowed_cores", HARNESS, role=role, program=program)] = 2.0

    def pool(self, own: dict[str, str], *, used: float, waited: float, visits: float, trip_s: float) -> None:
        """used: connections in use, the mean; waited: requests that wait for one, the mean."""
        self.holds[series("registration_database_connections_limit", own)] = 16.0
        spent = {"used": used, "waited": waited, "round_trip": visits * trip_s, "commit": visits * 0.002}
        for what, seconds in spent.items():
            self.grows[series("registration_database_seconds_total", own, what=what)] = seconds
            self.grows[series("registration_database_visits_total", own, what=what)] = visits

    def lane(self, queue: str, partner: str, *, rate: float, calls: float) -> None:
        """A queue whose partner lets `rate` through and is asked `calls` times a second."""
        self.holds[series("partner_rate_limit_requests_per_second", PARTNERS, partner=partner)] = rate
        self.grows[series("registration_partner_calls_total", WORKER, partner=partner, outcome="ok")] = calls
        self.holds[series("registration_partner_calls_limit", WORKER, partner=partner)] = 20.0
        self.holds[series("registration_partner_calls_in_flight", WORKER, partner=partner)] = 0.5
        self.queue(queue, jobs=calls, depth=1.0, age=0.3)

    def queue(self, name: str, *, jobs: float, depth: float | tuple[float, float],
              age: float | tuple[float, float]) -> None:  # fmt: skip
        self.grows[series("registration_queue_jobs_total", WORKER, queue=name, outcome="done")] = jobs
        self.holds[series("registration_queue_depth", WORKER, queue=name)] = depth
        self.holds[series("registration_queue_oldest_age_seconds", WORKER, queue=name)] = age

    def inspectors(self, *, busy: float) -> None:
        self.holds[series("registration_photo_inspectors_limit", WORKER)] = 1.0
        self.holds[series("registration_photo_inspectors_busy", WORKER)] = busy
        self.grows[series("registration_photo_inspection_seconds_sum", WORKER)] = busy
        self.grows[series("registration_photo_inspections_total", WORKER, outcome="accepted")] = 10.0

    def facts(self, folder: Path) -> Facts:
        """What the report knows of the run, after it was written and read."""
        folder.mkdir(parents=True, exist_ok=True)
        told: dict[str, Any] = {**config(self.planned), "last_arrival_s": END_S - 5.0, "played_s": END_S}
        record.write_config(folder, told)
        people = record.blank_people(self.planned)
        for column in ("due", "started", "ticketed_at", "admitted_at"):
            people[column] = np.arange(self.planned) / PEOPLE_PER_S
        people["ended"] = np.minimum(people["started"] + 20.0, END_S)
        record.write_people(folder, people)
        writer = SamplesWriter()
        for t in np.arange(0.0, END_S + 2.0, 2.0):
            for (name, labels), slope in self.grows.items():
                writer.add(float(t), name, dict(labels), slope * float(t))
            for (name, labels), level in self.holds.items():
                first, last = level if isinstance(level, tuple) else (level, level)
                writer.add(float(t), name, dict(labels), first + (last - first) * float(t) / END_S)
        writer.write(folder)
        return Facts(Run.load(folder))
