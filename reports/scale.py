"""What is measured, what is scaled, and what is extrapolated: never mixed up.

Measured figures are this run's. A scaled figure is the plan's own: a rate of this run times N / S is what the night
file asks for. An extrapolated figure assumes that everything which does not scale here (processors, database, disk)
grows with the night; nobody has measured it.
"""

import math
from dataclasses import dataclass

import numpy as np

from reports import statistics
from reports.facts import Facts
from reports.names import FACTORS, named
from reports.wording import N_, number, say

PEOPLE_PER_S = N_("{n} people/s")
SCALED, EXTRAPOLATED = N_("scaled"), N_("extrapolated")
SERVICE_ROLES = ("proxy", "web", "worker", "gatekeeper", "database")


@dataclass(frozen=True)
class Rate:
    """A rate in its busiest minute: here (per real second) and at full scale (per second of the night).

    unit: a sentence with the number as `{n}`.
    """

    id: str
    label: str
    here: float
    full: float
    unit: str
    kind: str


def busiest_minutes(facts: Facts) -> list[Rate]:
    """Rates of this run in their busiest minute, and what they stand for."""
    factor = facts.full / facts.speed
    rates = [
        ("offered", N_("people offered"), statistics.busiest(facts.moments("started"), 60), PEOPLE_PER_S, SCALED),
        ("admitted", N_("people admitted"), statistics.busiest(facts.moments("admitted_at"), 60), PEOPLE_PER_S, SCALED),
        ("joined", N_("people joined"), statistics.busiest(facts.moments("wave_joined_at"), 60), PEOPLE_PER_S,
         EXTRAPOLATED),
        ("requests", N_("requests"), steepest(facts, "swarm_requests_total"), N_("{n} requests/s"), EXTRAPOLATED),
        ("photo_bytes", N_("photo bytes stored"), steepest(facts, "registration_upload_bytes_total") / 1e6,
         N_("{n} MB/s"), EXTRAPOLATED),
        ("service_cores", N_("cores of the service with its database"), _service_cores(facts),
         N_("{n} cores"), EXTRAPOLATED),
    ]  # fmt: skip
    same = facts.is_simulated and factor == 1.0
    return [
        Rate(name, say(label), here, here * factor, unit, say("simulated") if same else say(kind))
        for name, label, here, unit, kind in rates
    ]


def steepest(facts: Facts, name: str, **labels: str) -> float:
    """Most that the counters gained in any 60 s, per second; nan when there are none."""
    if not facts.run.samples.select(name, **labels):
        return math.nan
    return _most_a_second(
        statistics.counted_by(facts.run.samples, name, _seconds(facts), since_first=facts.is_sampled_late, **labels)
    )


def _service_cores(facts: Facts) -> float:
    """Cores busy in the service's busiest minute, all its roles together; nan when not sampled."""
    grid, name = _seconds(facts), "rehearsal_cpu_seconds_total"
    if not any(facts.run.samples.select(name, role=role) for role in SERVICE_ROLES):
        return math.nan
    since_first = facts.is_sampled_late
    used = [
        statistics.counted_by(facts.run.samples, name, grid, since_first=since_first, role=role)
        for role in SERVICE_ROLES
    ]
    return _most_a_second(np.sum(used, axis=0))


def _seconds(facts: Facts) -> statistics.FloatArray:
    return np.arange(0.0, max(facts.end_s, 60.0) + 1.0)


def _most_a_second(counted: statistics.FloatArray) -> float:
    return float((counted[60:] - counted[:-60]).max()) / 60


@dataclass(frozen=True)
class Factor:
    """One factor of the run and what it does."""

    name: str
    value: str
    scales: str
    leaves: str


def factors(facts: Facts) -> list[Factor]:
    """The three factors of this run, for the reader who wants to know what was made smaller or faster."""
    return [
        Factor(
            named("people", FACTORS),
            str(facts.config["factors"]["people"]),
            say("persons, partner rates and allowances, the gate, and bounds of queues that a partner limits"),
            say("the machine: processors, database and disk are what they are"),
        ),
        Factor(
            named("speed", FACTORS),
            number(facts.speed, source="config:factors.speed"),
            say("the night's clock: curve, calendars of partners and faults"),
            say("everything a person or the service does"),
        ),
        Factor(
            named("pace", FACTORS),
            number(facts.pace, source="config:factors.pace"),
            say("what people do by themselves: thinking, the 25-minute test, coming back hours later"),
            say("reactions to the system, retry delays, deliveries, timeouts, lifetimes, transfers"),
        ),
    ]
