"""The record of a search for capacity: a folder with capacity.json, and the ordinary run folders of its probes.

    capacity.json     what was asked, each probe and how it ended, what the search found
    probes/01/ ...    one run folder for each probe (scenarios.record), each with its own report

Rates are people per real second on the stack that was played against, never scaled to the night. A record that does not
fit this description is refused with `RecordError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from scenarios.record import RecordError, write_whole
from scenarios.record_shapes import capacity_faults

__all__ = (
    "FILE", "SCHEMA", "Beyond", "Capacity", "Outcome", "Phase", "Point", "Probe", "RecordError", "Recovery", "Search",
    "is_capacity",
)  # fmt: skip

SCHEMA = 1
FILE = "capacity.json"
_FAULTS_TOLD = 5


class Phase(StrEnum):
    """What a probe is for."""

    RAMP = "ramp"
    """Ever higher rates, until one breaks."""
    BRACKET = "bracket"
    """Between the highest rate that held and the lowest that broke."""
    CONFIRM = "confirm"
    """The highest rate that held once more, with other people."""
    BEYOND = "beyond"
    """A multiple of the capacity: what is kept of the goodput."""
    RECOVERY = "recovery"
    """A calm rate, a jump, the calm rate again: how long the jump is felt."""


SEARCHING = (Phase.RAMP, Phase.BRACKET, Phase.CONFIRM)
"""Phases that look for the limit."""


class Outcome(StrEnum):
    """How a probe ended."""

    HELD = "held"
    """All objectives that could be judged are met, and as many people finished as at a calm rate."""
    BROKE = "broke"
    INVALID = "invalid"
    """It shows nothing about the service: the generator was the limit, or nothing could be judged."""


@dataclass(frozen=True)
class Probe:
    """One run of the search."""

    number: int
    """From 1 on; names the folder."""
    phase: Phase
    offered_per_s: float
    """People who come in each second; of a recovery those of its calm parts."""
    seed: int
    folder: str
    """Relative to that of the search."""
    outcome: Outcome
    why: str
    """What broke, or what made it invalid, in a line; how it held."""
    exit_code: int
    """Of the run's own verdict."""
    goodput_per_s: float | None
    """People who finished within each second of the second half of the arrivals; None when nobody knows."""
    grew_per_s: float | None
    """People more on their way with each second of that half; None when nobody knows."""


@dataclass(frozen=True)
class Search:
    """What ramp, bracket and confirmation found."""

    low_per_s: float | None = None
    """The highest rate that held, and that no lower one contradicts."""
    high_per_s: float | None = None
    """The lowest rate that broke."""
    methods: dict[str, float | None] = field(default_factory=lambda: {"goodput": None, "objectives": None})
    """The knee by each method."""
    call: float | None = None
    """The capacity: people per second within the objectives; None where the search makes no call."""
    no_call_because: str = ""
    """Why there is no call; empty where there is one."""


@dataclass(frozen=True)
class Point:
    """Goodput at a multiple of the capacity."""

    times: float
    offered_per_s: float
    goodput_per_s: float | None
    kept: float | None
    """Goodput as a share of the most that any probe reached; None when nobody knows."""
    folder: str
    why: str
    """Why nobody knows, else how the probe ended."""


@dataclass(frozen=True)
class Beyond:
    """What the service does with more people than it can serve."""

    peak_per_s: float | None = None
    """The most goodput of any probe."""
    points: tuple[Point, ...] = ()
    not_known_because: str = ""


@dataclass(frozen=True)
class Recovery:
    """What a jump leaves behind."""

    calm_per_s: float | None = None
    jump_per_s: float | None = None
    jump_s: float | None = None
    """How long it lasts."""
    level: float | None = None
    """People on their way at most before the jump."""
    most: float | None = None
    """People on their way at most after it."""
    recovered_s: float | None = None
    """From the end of the jump until no more people are on their way than before it; None when that was not seen."""
    watched_s: float | None = None
    """From the end of the jump until nobody came any more."""
    folder: str = ""
    not_known_because: str = ""


@dataclass(frozen=True)
class Capacity:
    """One search, as far as it has come."""

    id: str
    night: dict[str, Any]
    """As in run.json."""
    order: dict[str, Any]
    """What was asked: `set`, `factors`, `steps`, `minutes`, `length_s` (the same in real seconds), `drain_limit_s`,
    `workers`, `replicas`, `seed`, `from_per_s`, `most_probes`, `beyond` (whether to go there), `target`, and under
    `options` the command line as it was given."""
    machine: dict[str, Any]
    versions: dict[str, str]
    probes: tuple[Probe, ...] = ()
    search: Search = Search()
    beyond: Beyond | None = None
    """None: not asked for, or not come to."""
    recovery: Recovery | None = None

    def write(self, folder: Path) -> None:
        """Write capacity.json, whole or not at all. Raises RecordError when it does not fit."""
        document = self.to_dict()
        _check(document, FILE)
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_whole(folder / FILE, lambda file: file.write(text.encode()))

    def to_dict(self) -> dict[str, Any]:
        """The document of capacity.json; ValueError for a number that JSON has not."""
        document: dict[str, Any] = json.loads(json.dumps({"schema": SCHEMA, **asdict(self)}, allow_nan=False))
        return document

    @classmethod
    def load(cls, folder: Path | str) -> Capacity:
        """Read capacity.json. Raises RecordError, with the file and what is wrong."""
        path = Path(folder) / FILE
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as fault:
            raise RecordError(f"{path}: not a readable search ({fault.strerror})") from None
        except (ValueError, RecursionError) as fault:
            raise RecordError(f"{path}: not JSON ({str(fault).split(';')[0]})") from None
        _check(document, str(path))
        return cls.from_dict(document)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Capacity:
        """Requires a document without faults."""
        beyond, recovery = document["beyond"], document["recovery"]
        return cls(
            id=document["id"],
            night=document["night"],
            order=document["order"],
            machine=document["machine"],
            versions=document["versions"],
            probes=tuple(_probe(each) for each in document["probes"]),
            search=Search(**_known(Search, document["search"])),
            beyond=None if beyond is None else _beyond(beyond),
            recovery=None if recovery is None else Recovery(**_known(Recovery, recovery)),
        )


def is_capacity(folder: Path | str) -> bool:
    """Whether it is the folder of a search, not of a run."""
    return (Path(folder) / FILE).is_file()


def _check(document: Any, where: str) -> None:
    if faults := capacity_faults(document, schema=SCHEMA, phases=tuple(Phase), outcomes=tuple(Outcome)):
        more = len(faults) - _FAULTS_TOLD
        raise RecordError(f"{where}: {'; '.join(faults[:_FAULTS_TOLD])}" + (f"; and {more} more" if more > 0 else ""))


def _known(kind: type[Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Without what a later version may have added."""
    return {each.name: told[each.name] for each in fields(kind)}


def _probe(told: Mapping[str, Any]) -> Probe:
    return Probe(**{**_known(Probe, told), "phase": Phase(told["phase"]), "outcome": Outcome(told["outcome"])})


def _beyond(told: Mapping[str, Any]) -> Beyond:
    points = tuple(Point(**_known(Point, each)) for each in told["points"])
    return Beyond(told["peak_per_s"], points, told["not_known_because"])
