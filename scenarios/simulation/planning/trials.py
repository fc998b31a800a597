"""What can be tried: a set under a seed, perhaps struck by something, perhaps without its protections."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scenarios.faults import Fault
from scenarios.simulation.planning.knobs import KNOBS, Values

STRUCK = {
    "gate": ("stopped", "gatekeeper"),
    "web": ("stopped", "web"),
    "database": ("stopped", "database"),
    "email": ("outage", "email"),
    "sms": ("outage", "sms"),
    "registry": ("outage", "civil_registry"),
}
"""Knob -> what befalls it when it stands still; nobody waits for the inspectors, so nothing tips with them."""
SLOWED = ("web", "email", "sms", "registry")
"""Knobs of which a half can be gone: the database stands still as a whole, and so does the gate."""


@dataclass(frozen=True)
class Trigger:
    """`knob` stands still for `length_s` from `start_s` on, or, if it is only slowed, at half its rate."""

    knob: str
    start_s: float
    length_s: float
    slowed: bool = False

    def faults(self, values: Values, speed: float) -> tuple[Fault, ...]:
        """As a night's timeline has it, in seconds of its clock. start_s and length_s are real seconds."""
        kind, target = STRUCK[self.knob]
        start_s, end_s = self.start_s * speed, (self.start_s + self.length_s) * speed
        if self.knob == "web":
            gone = int(values["web"])
            gone = max(1, gone // 2) if self.slowed else gone
            return tuple(Fault(kind, target, start_s, end_s) for _ in range(gone))
        if self.slowed:
            return (Fault("throttled", target, start_s, end_s, factor=0.5),)
        return (Fault(kind, target, start_s, end_s),)


@dataclass(frozen=True)
class Trial:
    """One run to be played."""

    amounts: tuple[float, ...]
    """Of each of KNOBS, in order."""
    seed: int
    trigger: Trigger | None = None
    unprotected: bool = False
    """The same machines and partners without any protection."""
    as_launched: bool = False
    """With the partners of that night, whatever `amounts` says of theirs."""
    closely: bool = False
    """Also who joined, and what theory says beside it."""

    @classmethod
    def of(cls, values: Values, seed: int, **more: Any) -> "Trial":
        return cls(tuple(float(values[name]) for name in KNOBS), seed, **more)

    @property
    def values(self) -> dict[str, float]:
        return dict(zip(KNOBS, self.amounts, strict=True))

    @property
    def key(self) -> str:
        """The same for the same trial, in any process."""
        return json.dumps(self.to_dict(), sort_keys=True)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "Trial":
        trigger = None if told["trigger"] is None else Trigger(**told["trigger"])
        return cls(**{**told, "amounts": tuple(told["amounts"]), "trigger": trigger})
