"""Which settings make two runs unlike, and which runs are repeats of each other.

What a run was asked to play counts, and on what machine; who happened to come (seed, plan) does not, and neither does
what is compared: the code and how it fared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COUNTED = (
    "night", "set", "reading", "arrivals", "spacing", "steps", "uploader", "factors", "minutes", "drain_limit_s",
    "workers", "machine", "stack", "simulated", "simulation",
)  # fmt: skip
"""Keys of run.json that say what was played."""
NOT_COUNTED = (
    "schema", "id", "seed", "plan_hash", "planned", "needs", "opens_at", "versions", "rounded", "ledgers", "cpu_s",
    "ended", "exits", "last_arrival_s", "played_s", "photo_bytes_kept", "swarm", "missed",
)  # fmt: skip
"""Keys that name the run, follow from the others or from the seed, or say what came out."""

_OLDER: dict[str, Any] = {"simulated": False, "arrivals": "", "spacing": "random", "steps": 0, "uploader": "patient"}
"""What a record meant that does not say it."""
_NIGHT_APART = ("title", "sources", "figures", "prices", "funnel", "objectives", "objective_reasons", "default_set")
"""Of a night: how its figures are told, bought and judged, which nobody who plays it notices."""
_SIMULATION = ("resources", "calibration", "costs", "cut")
"""Of what a simulated night was played with; the rest follows from it, or came out."""
_MACHINE = ("cpus", "memory_bytes")
_STACK = {"started": True, "replicas": 1, "proxy": None}


@dataclass(frozen=True)
class Difference:
    """A setting that two runs do not share; None where a run has none."""

    key: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.key}: {self.before} and {self.after}"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Every setting in which two configurations (of run.json) are unlike, by dotted key; none for repeats."""
    ours, theirs = settings(before), settings(after)
    keys = [*ours, *(key for key in theirs if key not in ours)]
    return [Difference(k, ours.get(k), theirs.get(k)) for k in keys if ours.get(k) != theirs.get(k)]


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of a configuration, by dotted key."""
    counted = {key: config.get(key, _OLDER.get(key)) for key in COUNTED}
    night = {key: value for key, value in counted["night"].items() if key not in _NIGHT_APART}
    played = night.get("partners", {}).get(config["set"], {})
    counted["night"] = {"manners": {"punctual": 1.0}, **night, "partners": played}
    counted["machine"] = {key: counted["machine"].get(key) for key in _MACHINE}
    memory = counted["machine"].pop("memory_bytes")
    counted["machine"]["memory_gib"] = None if memory is None else round(float(memory) / 2**30)
    if config.get("simulated"):  # the machine that reckoned it changes nothing
        counted["machine"] = {}
    counted["simulation"] = {key: config.get("simulation", {}).get(key) for key in _SIMULATION}
    stack = counted["stack"] or {}
    counted["stack"] = {key: stack.get(key, usual) for key, usual in _STACK.items()}
    if tried := stack.get("settings"):
        counted["stack"]["settings"] = tried
    if pinned := stack.get("pins"):
        counted["stack"]["pins"] = pinned
    return dict(_leaves("", counted))


def repeats(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two runs played the same with the same code: at most the seed differs."""
    return not differences(one, other) and one["versions"] == other["versions"]


def grouped(configs: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Places of runs in sides: repeats together, sides in the order of their first runs."""
    sides: list[list[int]] = []
    for place, config in enumerate(configs):
        own = next((side for side in sides if repeats(configs[side[0]], config)), None)
        if own is None:
            sides.append([place])
        else:
            own.append(place)
    return sides


def _leaves(key: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [leaf for name in sorted(value) for leaf in _leaves(f"{key}.{name}" if key else name, value[name])]
    if isinstance(value, list) and value:
        return [leaf for i, one in enumerate(value) for leaf in _leaves(f"{key}[{i}]", one)]
    return [(key, value)]
