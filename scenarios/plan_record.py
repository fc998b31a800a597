"""The record of a plan: what a night needs to hold, as `launchnight plan` found it by simulation.

One JSON document, plan.json; the dataclasses here are its schema. A record that does not fit it is refused with
`RecordError`. Nothing in it was measured: it is simulated from end to end, and says so.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from scenarios.figures import Count, Ratio, Seconds, Share, Unit
from scenarios.reader import Provenance, Reader
from scenarios.record_files import RecordError, write_whole

SCHEMA = 1
FILE = "plan.json"
_FAULTS_TOLD = 5

Amount = Annotated[float, Unit("of a knob", low=0)]
Number = Annotated[float, Unit("1")]
Seed = Annotated[int, Unit("seed")]


@dataclass(frozen=True)
class Setting:
    """One knob of the set that was found."""

    knob: str
    unit: str
    amount: Amount
    least: Amount
    """What it needs at least, whatever there is of the rest: below it nothing holds."""
    price: Ratio
    breaks_at: Amount | None
    """The next step below; None where there is none."""
    breaks: str
    """The objective that is missed there; empty where none is: then it could be less."""


@dataclass(frozen=True)
class Asked:
    """One objective, and how the set stands to it."""

    id: str
    bound: Number
    at_most: bool
    origin: str
    """night, plan or asked."""
    value: Number | None
    """The worst over the seeds of the search; None where no set was found."""
    met: bool | None


@dataclass(frozen=True)
class Change:
    """The set with one knob changed."""

    asked: Number
    amount: Amount
    joined: Count
    holds: bool
    worst: str


@dataclass(frozen=True)
class Sensitivity:
    """How much hangs on a knob: percent of joins lost for each percent less."""

    knob: str
    elasticity: Number | None
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Point:
    x: Amount
    y: Amount | None


@dataclass(frozen=True)
class Frontier:
    """The least of `y` for each amount of `x`, with plenty of the rest."""

    x: str
    y: str
    points: tuple[Point, ...]
    exchange: Number | None
    """How much less of y one unit more of x saves."""
    worth: Number | None
    """The same in money: what is saved at y for each unit paid for x."""


@dataclass(frozen=True)
class Probability:
    """How often something happened in runs with other people, and the exact interval of its probability."""

    count: Count
    runs: Count
    low: Share
    high: Share
    confidence: Share


@dataclass(frozen=True)
class Proof:
    """The set under seeds that had no part in the search."""

    first_seed: Seed
    misses: Probability
    """Some objective was missed."""
    meltdowns: Probability
    lost: tuple[Share, ...]
    """Of each run the share of people who wanted to join and did not. No mean: runs differ in kind."""
    rounds: Count
    """Sets that were proved so; whatever missed before went into the search."""


@dataclass(frozen=True)
class Blow:
    length_s: Seconds
    melts: bool
    lost: Share
    lost_after: Share | None


@dataclass(frozen=True)
class Tip:
    """The shortest blow to a stage after which the night melts down."""

    knob: str
    slowed: bool
    protected: bool
    start_s: Seconds
    tips_s: Seconds | None
    """None: no blow up to the longest that was tried; 0: it melts down without any."""
    survives_s: Seconds
    tried: tuple[Blow, ...]
    ordered: bool
    lasting: bool


@dataclass(frozen=True)
class Curve:
    """Counts at moments `step_s` apart, from the opening on."""

    step_s: Seconds
    came: tuple[Count, ...]
    joined: tuple[Count, ...]
    line: tuple[Count, ...]
    live: tuple[Count, ...]


@dataclass(frozen=True)
class Lived:
    """One night of two that the same people lived."""

    title: str
    partners: str
    fates: dict[str, Count]
    wanted: Count
    joined: Count
    goals: tuple[Asked, ...]
    curve: Curve


@dataclass(frozen=True)
class Beside:
    """The protected night and the one as launched, person by person."""

    people: Count
    seed: Seed
    protected: Lived
    launched: Lived
    both: Count
    """Joined in both nights."""
    only_protected: Count
    only_launched: Count
    neither: Count


@dataclass(frozen=True)
class Band:
    """What a formula says beside what was simulated."""

    stage: str
    figure: str
    by: str
    low: Number
    high: Number
    found: Number
    inside: bool


@dataclass(frozen=True)
class Order:
    """What was asked."""

    partners: str
    """Name of the set of partners that rates are changed of."""
    reading: str
    people: str
    cut: bool
    speed: Ratio
    pace: Ratio
    seed: Seed
    search_seeds: tuple[Seed, ...]
    """In the end: those that broke a set are added."""
    seeds: Count
    most: Ratio


@dataclass(frozen=True)
class Plan:
    """Everything in plan.json."""

    schema: Count
    id: str
    simulated: bool
    night: str
    title: str
    order: Order
    calibration: str
    calibration_digest: str
    """SHA-256 over all costs that were simulated with."""
    price_unit: str
    prices_assumed: bool
    arrivals: Count
    arrived_by_s: Seconds
    """When the last one comes."""
    goals: tuple[Asked, ...]
    unjudged: tuple[str, ...]
    """Objectives of the night that no simulation can judge."""
    melts_below: Share
    found: tuple[Setting, ...]
    """Empty where nothing holds."""
    cost: Ratio | None
    least_cost: Ratio | None
    """No set that holds can cost less."""
    no_set_because: str
    """The objective that even the most missed."""
    tried: tuple[Setting, ...]
    """Where nothing holds: the most that was tried."""
    sensitivities: tuple[Sensitivity, ...]
    frontiers: tuple[Frontier, ...]
    proof: Proof | None
    tips: tuple[Tip, ...]
    beside: Beside | None
    beside_not_known_because: str
    bands: tuple[Band, ...]
    unordered: Count
    """Pairs of sets of which the larger did worse: 0 where more never hurt in all that was seen."""
    compared: Count
    """Sets that this was looked for in."""
    assumptions: tuple[str, ...]
    remarks: tuple[str, ...]
    """What of this night was not simulated, and the like."""
    runs: Count
    runs_cpu_s: Seconds
    versions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The document of plan.json; ValueError for a number that JSON has not."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False))
        return document

    def write(self, folder: Path) -> None:
        """Write plan.json, whole or not at all. Raises RecordError when it does not fit."""
        document = self.to_dict()
        from_dict(document, FILE)
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_whole(folder / FILE, lambda file: file.write(text.encode()))

    @classmethod
    def load(cls, folder: Path | str) -> Plan:
        """Read plan.json. Raises RecordError, with the file and what is wrong."""
        path = Path(folder) / FILE
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as fault:
            raise RecordError(f"{path}: not a readable plan ({fault.strerror})") from None
        except (ValueError, RecursionError) as fault:
            raise RecordError(f"{path}: not JSON ({str(fault).split(';')[0]})") from None
        return from_dict(document, str(path))

    def amount(self, knob: str) -> float:
        """Of a knob in the set that was found. Raises StopIteration where none was."""
        return next(setting.amount for setting in self.found if setting.knob == knob)


def from_dict(document: Any, where: str) -> Plan:
    """The plan of a document. Raises RecordError with its faults, each at `where`."""
    if not isinstance(document, dict):
        raise RecordError(f"{where}: not a JSON object")
    reader = Reader()
    fields = reader.fields(Plan, document, "", Provenance("simulation", "assumption"))
    faults = [f"{key}: {words}" for key, words in reader.faults]
    if not faults and fields["schema"] != SCHEMA:
        faults.append(f"schema: is {fields['schema']}, not {SCHEMA}, the one this version reads")
    if not faults and not fields["simulated"]:
        faults.append("simulated: must be true: no plan is measured")
    if faults:
        more = len(faults) - _FAULTS_TOLD
        raise RecordError(f"{where}: {'; '.join(faults[:_FAULTS_TOLD])}" + (f"; and {more} more" if more > 0 else ""))
    return Plan(**fields)


def is_plan(folder: Path | str) -> bool:
    """Whether it is the folder of a plan, not of a run."""
    return (Path(folder) / FILE).is_file()
