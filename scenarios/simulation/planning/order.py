"""What a plan is made for: a night, its scale and its costs, as every process that plays it is told."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.behaviour import habits
from scenarios.catalogue import Night
from scenarios.factors import Factors
from scenarios.journey_state import Action
from scenarios.simulation.compiled import ROOT, source_digest
from scenarios.simulation.costs import Costs
from scenarios.simulation.figures import Setup
from scenarios.simulation.planning import knobs
from scenarios.simulation.planning.trials import Trial
from scenarios.simulation.run import arrivals
from scenarios.simulation.simulate import people_of

AS_LAUNCHED = "as-launched"
"""The set of partners of the night as it was, in a night file that has one."""


@dataclass(frozen=True)
class Order:
    """Everything that decides what a trial comes to."""

    night: Night
    partners: str
    reading: str
    people: str
    cut: bool
    speed: float
    pace: float
    costs: Costs

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` is the way back."""
        costs = {name: _plain(value) for name, value in asdict(self.costs).items()}
        own = {name: getattr(self, name) for name in ("partners", "reading", "people", "cut", "speed", "pace")}
        return {"night": self.night.to_dict(), **own, "costs": costs}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "Order":
        costs: dict[str, Any] = {name: _read(value) for name, value in told["costs"].items()}
        return cls(**{**told, "night": Night.from_dict(told["night"]), "costs": Costs(**costs)})

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all of it and over what plays it: two runs of one digest and trial are the same run."""
        text = json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=False) + source_digest(ROOT)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def costs_digest(self) -> str:
        """SHA-256 over all costs, wherever they come from."""
        text = json.dumps(self.to_dict()["costs"], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def scale(self) -> tuple[Factors, int | None]:
        """The factors, and how many come at most."""
        share, most = people_of(self.people, self.cut)
        return Factors(share, self.speed, self.pace), most

    def due_us(self, seed: int) -> NDArray[np.int64]:
        """When people are due, microseconds since the opening."""
        factors, most = self.scale
        return arrivals(self.night, self.night.curve.reading(self.reading), seed, factors, most)

    @property
    def launched(self) -> str:
        """The set of partners of the night as launched; the one that is planned for where the night has no other."""
        return AS_LAUNCHED if AS_LAUNCHED in self.night.partners else self.partners

    def setup(self, trial: Trial) -> Setup:
        """What the trial plays."""
        values = trial.values
        if trial.as_launched:
            partners = self.night.partners[self.launched]
        else:
            partners = knobs.partners(values, self.night.partners[self.partners])
        night = self.night
        if trial.trigger is not None:
            night = replace(night, faults=(*night.faults, *trial.trigger.faults(values, self.speed)))
        return Setup(
            night=night,
            partners=partners,
            resources=knobs.resources(values, protected=not trial.unprotected),
            costs=self.costs,
            habits=habits(night, self.pace, self.speed),
            seed=trial.seed,
            factors=self.scale[0],
        )


def _plain(value: Any) -> Any:
    """JSON has texts as keys: an action is its number."""
    if not isinstance(value, dict):
        return value
    return {str(int(key)) if isinstance(key, Action) else key: each for key, each in value.items()}


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {Action(int(key)) if key.isdigit() else key: each for key, each in value.items()}
