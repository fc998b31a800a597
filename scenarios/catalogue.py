"""Launch nights as data: the catalogue of `scenarios/nights/*.toml`, read, checked and frozen.

A file that cannot be used is refused with every fault at once, each with file, line and dotted key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from scenarios.capacities import AllowanceSpan, Gateway, PartnerSet, Registry, Window
from scenarios.curve import Anchor, Block, Curve, Demand, Reading
from scenarios.faults import Fault
from scenarios.figures import Figure, People, Rupiah
from scenarios.networks import Network
from scenarios.population import Patience, Population, network_steps

__all__ = ["AllowanceSpan", "Anchor", "Block", "Curve", "Demand", "Fault", "Figure", "Gateway", "Network", "Night"]
__all__ += ["NightError", "PartnerSet", "Patience", "Population", "Prices", "Published", "Reading", "Registry"]
__all__ += ["Window", "load", "names"]


class NightError(ValueError):
    """The night cannot be used; `faults` has one line for each fault: `file:line: key: text`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("night refused:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class Published:
    """One published count of the funnel; None where no figure was published."""

    at: datetime
    registered: People
    email_verified: People | None = None
    identity_verified: People | None = None
    joined: People | None = None


@dataclass(frozen=True)
class Prices:
    """What things cost, in rupiah; a report turns its bill of capacity into money with these."""

    vcpu_hour: Rupiah
    memory_gb_hour: Rupiah
    stored_gb_month: Rupiah
    transferred_gb: Rupiah
    email_message: Rupiah
    sms_message: Rupiah
    identity_check: Rupiah


@dataclass(frozen=True)
class Night:
    name: str
    title: str
    opens_at: datetime
    closes_at: datetime
    sources: dict[str, str]
    curve: Demand
    population: Population
    networks: dict[str, Network]
    default_set: str
    partners: dict[str, PartnerSet]
    faults: tuple[Fault, ...]
    objectives: dict[str, float]
    """Bound by id, the defaults filled in."""
    objective_reasons: dict[str, str]
    """Why an objective is looser than the default, by id."""
    prices: Prices
    published: tuple[Published, ...]
    figures: tuple[Figure, ...]
    """Every figure of the file with its source and status, in file order."""

    @property
    def demand_factor(self) -> float:
        return self.curve.demand_factor

    @cached_property
    def network_steps(self) -> dict[str, list[float]]:
        return network_steps(self.population, self.networks)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values (instants as ISO 8601 text); `from_dict` is the way back."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Night:
        raise NotImplementedError


def names() -> list[str]:
    """The nights that come with the project."""
    raise NotImplementedError


def load(name_or_path: str) -> Night:
    """The night of that name, or of that file. Raises NightError with all faults."""
    raise NotImplementedError
