"""The calibration file: what a service takes, as fitted to rehearsals, with intervals and the range that was seen.

One JSON document; the dataclasses here are its schema. `load` checks a file as a night file is checked, everything at
once. Times are seconds, processor time is seconds of one core, intervals hold with 95 %. docs/calibration.md.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from scenarios.figures import OneOf, Ratio, Seconds, Share, Unit
from scenarios.reader import Provenance, Reader
from scenarios.record_files import write_whole

SCHEMA = 1
TABLE = "table"
FAMILIES: dict[str, tuple[str, ...]] = {
    "log-normal": ("median_s", "sigma"),
    "gamma": ("shape", "scale_s"),
    "weibull": ("shape", "scale_s"),
    "shifted-log-normal": ("shift_s", "median_s", "sigma"),
    TABLE: (),
}
"""Family -> names of its parameters, all above 0. A table has steps instead, read as scenarios.simulation.fits does."""
REQUEST, JOB = "request", "job"
ANY = "any"
"""An outcome that was not told apart."""
ROLES = ("web", "worker", "gatekeeper", "database")

Kind = Annotated[str, OneOf((REQUEST, JOB))]
Amount = Annotated[float, Unit("count", low=0)]
PerSecond = Annotated[float, Unit("1/s", low=0)]
Figure = Annotated[float, Unit("s or 1", low=0)]
Plain = Annotated[float, Unit("1")]


class CalibrationError(ValueError):
    """A calibration file that does not fit this description, or rehearsals that nothing can be fitted to."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval of 95 %; low and high are None where the rehearsals do not tell one."""

    value: Figure
    low: Figure | None = None
    high: Figure | None = None


@dataclass(frozen=True)
class Step:
    """The share of times at or below `at_s`."""

    at_s: Seconds
    share: Share


@dataclass(frozen=True)
class Times:
    """How long requests of a route, or jobs of a queue, take where nothing waits: a distribution of seconds."""

    kind: Kind
    name: str
    outcome: str
    """How the request ended, in the words of the service's metrics, or any."""
    metric: str
    """That was fitted."""
    counted: Amount
    """Times that were fitted."""
    family: Annotated[str, OneOf(tuple(FAMILIES))]
    parameters: dict[str, Figure]
    mean: Estimate
    p50: Estimate
    p99: Estimate
    gap: Share
    """The largest between the fitted distribution and the counted one, at any edge."""
    behind: dict[str, Plain]
    """Family -> how much worse its Akaike criterion is than the best one's."""
    counted_mean_s: Seconds | None = None
    """Of the same times, summed up and not fitted; None where they were counted alone."""
    steps: tuple[Step, ...] = ()
    """Of a table: ascending, the last with share 1."""


@dataclass(frozen=True)
class Cost:
    """Processor time that a role gives to one request or job."""

    kind: Kind
    name: str
    outcome: str
    counted: Amount
    seconds: Estimate
    group: Annotated[int, Unit("number", low=0)]
    """Those of one group came in the same proportions in all windows: only what they cost together was seen, and each
    has its part of that by what the event loop measured."""
    loop_s: Seconds | None = None
    """What the event loop of the web role measured itself, of one in five; less than the whole, for it sees neither
    threads nor parsing."""


@dataclass(frozen=True)
class Role:
    """Processor time of a role: `idle` for each process, and for each request or job `costs`.

    At a share u of the machine's cores busy a request costs 1 + load_term * u times as much.
    """

    role: Annotated[str, OneOf(ROLES)]
    idle: Estimate
    """Cores."""
    costs: tuple[Cost, ...]
    windows: Annotated[int, Unit("windows", low=1)]
    condition: Annotated[float, Unit("1", low=1)]
    """Condition number of what was fitted: above 30 the parts cannot be told from each other."""
    explained: Share
    """Share of the windows' variance that the fit explains."""
    residual: Ratio
    """Standard deviation of what it leaves, as a share of the mean."""
    load_term: Plain = 0.0


@dataclass(frozen=True)
class Refused:
    """A span of a run that nothing was fitted to, or, where it is only starved of cores, no times."""

    start_s: Annotated[float, Unit("s")]
    end_s: Annotated[float, Unit("s")]
    why: str


@dataclass(frozen=True)
class Source:
    """A rehearsal that was fitted."""

    run: str
    digest: str
    """SHA-256 over its run.json and samples.npz."""
    cpus: Annotated[int, Unit("cores", low=0)]
    memory_bytes: Amount
    replicas: Annotated[int, Unit("processes", low=1)]
    versions: dict[str, str]
    settings: dict[str, str]
    """Of the service, that were not its defaults."""
    steady: Annotated[int, Unit("windows", low=0)]
    calm: Annotated[int, Unit("windows", low=0)]
    """Of the steady ones, those whose times were fitted."""
    refused: tuple[Refused, ...]
    pins: dict[str, str] = field(default_factory=dict)
    """Kind of program -> the cores that it was held to (`rehearse --pin`); what is not named ran anywhere."""


@dataclass(frozen=True)
class Seen:
    """What loads the steady windows had: beyond them the calibration is extrapolated."""

    requests_per_s_low: PerSecond
    requests_per_s_high: PerSecond
    busy_low: Ratio
    busy_high: Ratio
    """Of the busiest loop of the web role, the share of its core that it wanted."""
    routes_per_s_high: dict[str, PerSecond]

    def holds(self, requests_per_s: float, busy: float) -> bool:
        """Whether such a load was seen; below the lowest is no extrapolation, for the idle service is part of a fit."""
        return requests_per_s <= self.requests_per_s_high and busy <= self.busy_high


@dataclass(frozen=True)
class Calibration:
    """Everything in a calibration file."""

    schema: int
    name: str
    window_s: Seconds
    calm: Share
    """Above this share of its loop's core a window's times hold waiting, and were not fitted."""
    runs: tuple[Source, ...]
    seen: Seen
    times: tuple[Times, ...]
    roles: tuple[Role, ...]
    doubts: tuple[str, ...] = ()
    """What a reader of anything made from this should know."""

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, whatever the file looked like."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values; `from_dict` is the way back."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    def times_of(self, kind: str, name: str, outcome: str) -> Times | None:
        """Of this outcome; of any, where outcomes were not told apart."""
        found = {each.outcome: each for each in self.times if (each.kind, each.name) == (kind, name)}
        return found.get(outcome, found.get(ANY))

    def cost_of(self, role: str, kind: str, name: str, outcome: str) -> Cost | None:
        """What a request or job costs this role; None where none was seen."""
        wanted = (kind, name, outcome)
        costs = (cost for each in self.roles if each.role == role for cost in each.costs)
        return next((cost for cost in costs if (cost.kind, cost.name, cost.outcome) == wanted), None)


def from_dict(document: Any, where: str) -> Calibration:
    """The calibration of a JSON document. Raises CalibrationError with all faults, each beginning with `where`."""
    if not isinstance(document, dict):
        raise CalibrationError([f"{where}: not a JSON object"])
    reader = Reader()
    fields = reader.fields(Calibration, document, "", Provenance("rehearsal", "fact"))
    if reader.faults:
        raise CalibrationError([f"{where}: {key}: {text}" for key, text in reader.faults])
    found = Calibration(**fields)
    if faults := [f"{where}: {key}: {text}" for key, text in _faults(found)]:
        raise CalibrationError(faults)
    return found


def names() -> list[str]:
    """The calibrations that come with the project."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def load(name_or_path: str) -> Calibration:
    """The calibration of that name, or of that file (anything with a slash or ending in .json).

    Raises CalibrationError with all faults.
    """
    is_path = name_or_path.endswith(".json") or "/" in name_or_path
    if not is_path and name_or_path not in names():
        known = ", ".join(names())
        raise CalibrationError([f"no calibration is called {name_or_path}; there are {known} (or name a .json file)"])
    path = Path(name_or_path) if is_path else _FOLDER / f"{name_or_path}.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except OSError as fault:
        raise CalibrationError([f"{path}: {fault.strerror}"]) from None
    except (ValueError, RecursionError) as fault:
        raise CalibrationError([f"{path}: not JSON ({str(fault).split(';')[0]})"]) from None
    return from_dict(document, str(path))


def write(path: Path, calibration: Calibration) -> None:
    """Write the file, whole or not at all. Raises OSError."""
    text = json.dumps(calibration.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(path, lambda file: file.write(text.encode()))


_FOLDER = Path(__file__).parent / "calibrations"


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _faults(found: Calibration) -> Iterator[tuple[str, str]]:
    """What must hold across keys."""
    if found.schema != SCHEMA:
        yield "schema", f"is {found.schema}, not {SCHEMA}, the one this version reads"
    seen = found.seen
    if seen.requests_per_s_low > seen.requests_per_s_high or seen.busy_low > seen.busy_high:
        yield "seen", "a lowest load is above the highest"
    yield from _twice("times", ((each.kind, each.name, each.outcome) for each in found.times))
    yield from _twice("roles", (each.role for each in found.roles))
    for i, times in enumerate(found.times):
        yield from _times_faults(f"times[{i}]", times)
    for i, role in enumerate(found.roles):
        key = f"roles[{i}]"
        yield from _interval_faults(f"{key}.idle", role.idle)
        yield from _twice(f"{key}.costs", ((each.kind, each.name, each.outcome) for each in role.costs))
        for j, cost in enumerate(role.costs):
            yield from _interval_faults(f"{key}.costs[{j}].seconds", cost.seconds)


def _times_faults(key: str, times: Times) -> Iterator[tuple[str, str]]:
    for name in ("mean", "p50", "p99"):
        yield from _interval_faults(f"{key}.{name}", getattr(times, name))
    wanted = FAMILIES[times.family]
    if set(times.parameters) != set(wanted):
        yield f"{key}.parameters", f"a {times.family} has {', '.join(wanted) or 'none'}"
    if not all(value > 0.0 for value in times.parameters.values()):
        yield f"{key}.parameters", "must all be above 0"
    if times.family != TABLE:
        if times.steps:
            yield f"{key}.steps", f"a {times.family} has none"
        return
    at, shares = [step.at_s for step in times.steps], [step.share for step in times.steps]
    if len(at) < 2 or not _rises(at) or not _rises(shares) or at[0] <= 0.0 or shares[0] != 0.0 or shares[-1] != 1.0:
        yield f"{key}.steps", "must rise in time and share, from a share of 0 above 0 s to a share of 1"


def _interval_faults(key: str, one: Estimate) -> Iterator[tuple[str, str]]:
    if (one.low is None) != (one.high is None):
        yield key, "has half an interval"
    elif one.low is not None and one.high is not None and not one.low <= one.value <= one.high:
        yield key, "lies outside its own interval"


def _twice(key: str, ids: Iterable[object]) -> Iterator[tuple[str, str]]:
    for each, times in Counter(ids).items():
        if times > 1:
            words = " ".join(each) if isinstance(each, tuple) else each
            yield key, f"{words} stands there {times} times"


def _rises(values: list[float]) -> bool:
    return all(one < other for one, other in pairwise(values))
