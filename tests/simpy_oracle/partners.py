"""What partners can do at a time, and what of the service is gone: the night's faults and the registry's allowance.

A process lets each change take hold with the first tick at which it is due.
"""

import math
from dataclasses import dataclass

import simpy

from scenarios.capacities import Gateway, PartnerSet, Registry
from scenarios.faults import PARTNERS, Fault
from scenarios.simulation.figures import Setup
from tests.simpy_oracle.clock import Clock
from tests.simpy_oracle.door import Door
from tests.simpy_oracle.instants import US, Process
from tests.simpy_oracle.room import WaitingRoom

PLAYED = (*PARTNERS, "web", "worker", "gatekeeper", "database")
"""What faults are simulated of."""


@dataclass(frozen=True)
class Terms:
    """What a partner does now: how many a second, how long a message is under way, what goes wrong how often."""

    rate_per_s: float
    median_s: float
    sigma: float
    loss: float
    failing: float
    """Calls that are answered by an error, or not at all."""
    silent: float
    """Of these, not at all."""


class Partners:
    """The terms of each partner, and how many checks the registry still allows: None for any number."""

    def __init__(
        self, env: simpy.Environment, setup: Setup, partners: PartnerSet, door: Door, room: WaitingRoom
    ) -> None:
        self.env, self.door, self.room = env, door, room
        self._figures: dict[str, Gateway | Registry] = {
            "email": partners.email,
            "sms": partners.sms,
            "civil_registry": partners.civil_registry,
        }
        self._workers = setup.resources.workers
        self._speed = setup.factors.speed
        self._faults = [fault for fault in setup.night.faults if fault.target in PLAYED]
        self._windows = partners.civil_registry.windows()
        self._changes = self._instants()
        self.terms: dict[str, Terms] = {}
        self.allowance: int | None = None
        self.workers_gone = False

    def next_change_us(self) -> int | None:
        return self._changes[0] if self._changes else None

    def keep(self, clock: Clock) -> Process:
        while True:
            yield clock.tick
            while self._changes and self._changes[0] <= int(self.env.now):
                self._change(self._changes.pop(0))

    def _instants(self) -> list[int]:
        edges = {0.0}
        for fault in self._faults:
            edges |= {fault.start_s / self._speed, fault.end_s / self._speed}
        for window in self._windows:
            edges |= {window.start_s, window.end_s}
        return sorted({round(edge * US) for edge in edges if edge >= 0.0})

    def _change(self, at_us: int) -> None:
        active = [fault for fault in self._faults if self._begins_us(fault) <= at_us < self._ends_us(fault)]
        for name, figures in self._figures.items():
            self.terms[name] = _terms(figures, [fault for fault in active if fault.target == name])
        self._allow(at_us)
        self.room.is_down = any(fault.target == "gatekeeper" for fault in active)
        self.workers_gone = sum(fault.target == "worker" for fault in active) >= self._workers
        for fault in active:
            if self._begins_us(fault) == at_us and fault.target == "web":
                self.door.web.take_away(1, self._ends_us(fault))
            elif self._begins_us(fault) == at_us and fault.target == "database":
                self.door.database.take_away(len(self.door.database.servers), self._ends_us(fault))

    def _allow(self, at_us: int) -> None:
        """An allowance begins anew with each of its windows; outside them all there is none to keep."""
        inside = [window for window in self._windows if _us(window.start_s) <= at_us < _us(window.end_s)]
        beginning = [window for window in inside if _us(window.start_s) == at_us]
        if beginning:
            self.allowance = beginning[-1].count
        elif not inside:
            self.allowance = None

    def _begins_us(self, fault: Fault) -> int:
        return _us(fault.start_s / self._speed)

    def _ends_us(self, fault: Fault) -> int:
        return _us(fault.end_s / self._speed)


def _us(seconds: float) -> int:
    return round(seconds * US)


def _terms(figures: Gateway | Registry, faults: list[Fault]) -> Terms:
    """What a partner does under these faults of its own."""

    def factors(kind: str) -> list[float]:
        return [fault.factor for fault in faults if fault.kind == kind]

    rate = figures.rate_per_s * math.prod(factors("throttled"))
    if any(fault.kind == "outage" for fault in faults):
        rate = 0.0
    erring = max((min(factor, 1.0) for factor in factors("errors")), default=0.0)
    failing, silent = max(factors("failing"), default=0.0), max(factors("silent"), default=0.0)
    if isinstance(figures, Registry):
        failing += max(figures.error_ratio, erring)
        return Terms(rate, 0.0, 0.0, 0.0, failing + silent, silent)
    return Terms(
        rate,
        figures.delay_median_s * math.prod(factors("slow")),
        figures.delay_sigma,
        max(figures.loss, erring),
        failing + silent,
        silent,
    )
