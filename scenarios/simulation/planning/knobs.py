"""What a planner can buy or set, in which steps, and what a set of it is.

Rates are those of the whole night, whatever the scale it is played at; machines are never scaled.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from scenarios.capacities import AllowanceSpan, PartnerSet, Registry
from scenarios.simulation.costs import Resources
from scenarios.simulation.world import MOST_SERVERS

Values = Mapping[str, float]
"""A set: knob -> how much of it."""

_DECADES = range(-2, 5)


@dataclass(frozen=True)
class Knob:
    """One thing that can be had more or less of. `steps` are the amounts there are, ascending."""

    name: str
    what: str
    unit: str
    steps: tuple[float, ...]

    def at_least(self, amount: float) -> float:
        """The least amount there is that is not below; the most there is where none is so high."""
        return next((step for step in self.steps if step >= amount * (1.0 - 1e-9)), self.steps[-1])

    def place(self, amount: float) -> int:
        """Its place among the steps. Raises ValueError for an amount that there is not."""
        return self.steps.index(amount)


def _two_digits() -> tuple[float, ...]:
    """0.10, 0.11 ... 0.99, 1.0, 1.1 ... 99,000: nobody orders 513.7 a second, and no step is above a tenth."""
    return tuple(
        float(f"{mantissa}e{decade - 1}") for decade in _DECADES for mantissa in range(10, 100)
    )  # fmt: skip


_WHOLE = tuple(float(each) for each in range(1, MOST_SERVERS + 1))
_RATES = _two_digits()

GATE = "gate"
KNOBS: dict[str, Knob] = {
    each.name: each
    for each in (
        Knob(GATE, "admission by the waiting room", "people/s", _RATES),
        Knob("web", "web processes", "processes", _WHOLE),
        Knob("database", "database cores", "cores", _WHOLE),
        Knob("inspectors", "photo inspectors", "processes", _WHOLE),
        Knob("email", "e-mail gateway", "messages/s", _RATES),
        Knob("sms", "SMS gateway", "messages/s", _RATES),
        Knob("registry", "civil registry", "checks/s", _RATES),
    )
}
"""In the order in which they are shown. The gate comes first: what it lets in decides how much is needed of the rest.
A registry with an allowance gets it in proportion to its rate."""


def resources(values: Values, *, protected: bool = True) -> Resources:
    """The machines of a set; the gate's rate is a partner set's (`partners`)."""
    had = Resources(
        web=int(values["web"]), database=int(values["database"]), inspectors=int(values["inspectors"])
    )  # fmt: skip
    return had if protected else had.unprotected()


def partners(values: Values, agreed: PartnerSet) -> PartnerSet:
    """The partners of a set: `agreed`, with its rates and its allowance changed."""
    registry = agreed.civil_registry
    times = values["registry"] / registry.rate_per_s if registry.rate_per_s > 0.0 else 1.0
    return replace(
        agreed,
        gate_per_s=values[GATE],
        email=replace(agreed.email, rate_per_s=values["email"]),
        sms=replace(agreed.sms, rate_per_s=values["sms"]),
        civil_registry=replace(registry, rate_per_s=values["registry"], allowance=_times(registry, times)),
    )


def _times(registry: Registry, times: float) -> tuple[AllowanceSpan, ...]:
    return tuple(
        replace(
            span,
            count=None if span.count is None else math.floor(span.count * times),
            per_day=None if span.per_day is None else math.floor(span.per_day * times),
        )
        for span in registry.allowance
    )


def with_(values: Values, name: str, amount: float) -> dict[str, float]:
    """The same set with another amount of one knob."""
    return {**values, name: amount}
