"""The injected faults of a run, each with what shows that it bit, from the events of its record."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reports.names import PARTS, fault_named, named
from reports.wording import N_, Said, clock, count, listed, recorded, say, seconds

Event = Mapping[str, Any]

COUNTS = {
    "asked": N_("{n} requests"),
    "unserved": N_("{n} unserved"),
    "refused": N_("{n} refused"),
    "refused_rate": N_("{n} refused"),
    "errors": N_("{n} errors"),
    "connections": N_("{n} connections hit"),
    "bytes": N_("{n} bytes"),
}
"""Of what partners and fault proxies count: the names, and sentences of them."""


@dataclass(frozen=True)
class Injected:
    """One fault. Times in real seconds since the doors opened; a fault that was never ended lasts to infinity."""

    kind: str
    target: str
    start_s: float
    end_s: float = math.inf
    began: bool = True
    bit: bool = True
    why: str = ""
    """What is known of a fault that could not be begun or ended, or that touched nothing."""
    proof: str = ""
    failed_at: float | None = None

    @property
    def name(self) -> Said:
        return fault_named(self.kind, self.target)

    @property
    def trouble(self) -> str:
        """Why the night was not the one that was asked for; empty when the fault did what it should."""
        if self.began and self.bit and self.failed_at is None:
            return ""
        at = clock(self.start_s if self.failed_at is None else self.failed_at)
        if self.began and self.bit:
            told = say("a fault did not end: {fault} at {at}", fault=self.name, at=at)
        else:
            told = say("a fault did not bite: {fault} at {at}", fault=self.name, at=at)
        return listed((told, recorded(self.why)), ": ") if self.why else told


def injected(events: Iterable[Event]) -> list[Injected]:
    """Every fault that was to be injected, in the order of the starts."""
    lasting: dict[tuple[str, str, Any], Injected] = {}
    found: list[Injected] = []
    for event in events:
        if event["kind"] != "fault":
            continue
        name, target = str(event["name"]), str(event.get("target", ""))
        key = (name, target, event.get("number"))  # of several of a kind one may begin before another has ended
        t, edge, why = float(event["t"]), event.get("edge"), str(event.get("text", ""))
        if edge == "start":
            if key in lasting:
                found.append(lasting[key])
            lasting[key] = Injected(name, target, t, proof=_at_the_start(event))
        elif edge == "end" and key in lasting:
            one = lasting.pop(key)
            bit, proof = bool(event.get("bit", True)), _at_the_end(event) or one.proof
            found.append(replace(one, end_s=t, bit=bit, why=why, proof=proof))
        elif edge == "failed" and key in lasting:
            found.append(replace(lasting.pop(key), why=why, failed_at=t))
        elif edge == "failed":
            found.append(Injected(name, target, t, t, began=False, bit=False, why=why, failed_at=t))
    return sorted([*found, *lasting.values()], key=lambda one: (one.start_s, one.end_s))


def _at_the_start(event: Event) -> str:
    if "role" not in event:
        return ""
    role = named(event["role"], PARTS)
    return say("{role} was killed", role=role) if event["name"] == "killed" else say("{role} was stopped", role=role)


def _at_the_end(event: Event) -> str:
    """The proof in a few words; empty in records that tell none."""
    if "back_after_s" in event:
        took = seconds(float(event["back_after_s"]))
        role = named(event["role"], PARTS)
        return say("{role} was gone, and ready {took} after its new start", role=role, took=took)
    if "stopped_for_s" in event.get("proof", {}):
        stood = seconds(float(event["proof"]["stopped_for_s"]))
        return say("{role} stood still for {stood}", role=named(event["role"], PARTS), stood=stood)
    counted = event.get("counted", {})
    shown = [name for name in COUNTS if isinstance(counted.get(name), int) and counted[name] > 0]
    return listed(say(COUNTS[name], n=count(counted[name])) for name in shown)
