"""Launch nights as data: the catalogue of `scenarios/nights/*.toml`, read, checked and frozen.

A file that cannot be used is refused with every fault at once, each with file, line and dotted key.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from scenarios import locate, validate
from scenarios.capacities import AllowanceSpan, Gateway, PartnerSet, Registry, Window
from scenarios.curve import Anchor, Block, Curve, Demand, Reading
from scenarios.fates import Manners
from scenarios.faults import Fault
from scenarios.figures import Figure, Months, People, Ratio, Rupiah, Share
from scenarios.networks import Network
from scenarios.objectives import Objectives
from scenarios.population import Patience, Population, network_steps, steps
from scenarios.reader import Provenance, Reader

__all__ = ["AllowanceSpan", "Anchor", "Block", "Curve", "Demand", "Fault", "Figure", "Gateway", "Network", "Night"]
__all__ += ["NightError", "PartnerSet", "Patience", "Population", "Prices", "Published", "Reading", "Registry"]
__all__ += ["Window", "load", "names"]


_CHOSEN = Provenance("own: chosen for this night", "assumption")
"""Faults are invented, objectives demanded, manners tried out: they need no source, though they may name one."""
_PUNCTUAL = {Manners.PUNCTUAL.name.lower(): 1.0}


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
    memory_gb_per_vcpu: Ratio | None = None
    """GB of memory that come with each processor; None: memory is not reckoned."""
    photos_kept_months: Months | None = None
    """How long photos are stored; None: a month."""


@dataclass(frozen=True)
class Night:
    """A launch night. Its fields are the keys of the file, `figures` excepted."""

    name: str
    title: str
    opens_at: datetime
    closes_at: datetime
    sources: dict[str, str]
    """What each source id stands for; a figure's source is an id, or "id: remark"."""
    curve: Demand
    population: Population
    networks: dict[str, Network]
    default_set: str
    partners: dict[str, PartnerSet]
    prices: Prices
    funnel: tuple[Published, ...]
    manners: dict[str, Share] = field(default_factory=lambda: dict(_PUNCTUAL), metadata={"provenance": _CHOSEN})
    """Share of the people by how their client takes refusals (scenarios.fates.Manners, in lower case)."""
    faults: tuple[Fault, ...] = field(default=(), metadata={"provenance": _CHOSEN})
    objectives: Objectives = field(default_factory=Objectives, metadata={"provenance": _CHOSEN})
    """The defaults where the file sets none."""
    objective_reasons: dict[str, str] = field(default_factory=dict)
    """Why a bound of the whole night is looser than the default, by id; stages and windows say it themselves."""
    joins_open_at: datetime | None = None
    """When the wave can be joined; None: with the doors."""
    figures: tuple[Figure, ...] = ()
    """Every figure of the file with its source and status, in the order of the fields above."""

    @property
    def demand_factor(self) -> float:
        return self.curve.demand_factor

    @cached_property
    def network_steps(self) -> dict[str, list[float]]:
        """By time zone, the edges in [0, 1) between network profiles (scenarios.population)."""
        return network_steps(self.population, self.networks)

    @cached_property
    def all_manners(self) -> list[Manners]:
        return [Manners[name.upper()] for name in self.manners]

    @cached_property
    def manners_steps(self) -> list[float]:
        """The edges in [0, 1) between `all_manners`."""
        return steps(self.manners.values())

    def with_manners(self, name: str) -> Night:
        """The same night with clients of one kind only. Raises ValueError when there is no such kind."""
        known = [each.name.lower() for each in Manners]
        if name not in known:
            raise ValueError(f"must be one of {', '.join(known)}, not {name!r}")
        kept = [figure for figure in self.figures if not figure.key.startswith("manners.")]
        chosen = Figure(f"manners.{name}", 1.0, "share of 1", "own: chosen for this run", "assumption")
        return replace(self, manners={name: 1.0}, figures=(*kept, chosen))

    def with_visitors(self, *, without_javascript: float | None = None, onlookers: float | None = None) -> Night:
        """The same night with another share of people without JavaScript, or as many onlookers for each applicant.

        None leaves a figure as it is. Raises ValueError for what is no share, and where the night has no onlookers.
        """
        people, kept = self.population, list(self.figures)
        if without_javascript is not None:
            if not 0.0 <= without_javascript <= 1.0:
                raise ValueError(f"the share without JavaScript must be from 0 to 1, not {without_javascript}")
            people = replace(people, without_javascript=without_javascript)
            kept = _chosen(kept, "population.without_javascript", without_javascript, "share of 1")
        if onlookers is not None:
            if not 0.0 <= onlookers < float("inf"):
                raise ValueError(f"onlookers must not be negative, they are {onlookers}")
            if people.onlookers is None and onlookers:
                raise ValueError("the night does not say what onlookers do: it has no table population.onlookers")
            if people.onlookers is not None:
                people = replace(people, onlookers=replace(people.onlookers, per_applicant=onlookers))
                kept = _chosen(kept, "population.onlookers.per_applicant", onlookers, "ratio")
        return replace(self, population=people, figures=tuple(kept))

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values (instants as ISO 8601 text); `from_dict` is the way back."""
        return cast("dict[str, Any]", _plain(asdict(self)))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Night:
        """The night that `to_dict` was called on. Raises NightError when `values` is not one."""
        figures = tuple(Figure(**each) for each in values.get("figures", ()))
        document = {key: value for key, value in values.items() if key != "figures"}
        # The figures carry their sources themselves; what is read again here needs none.
        night, faults = _read(document, Provenance("record", "fact"))
        if night is None:
            raise NightError([f"run record: {key}: {text}" for key, text in faults])
        return replace(night, figures=figures)


def _chosen(figures: list[Figure], key: str, value: float, unit: str) -> list[Figure]:
    """The figures with one that was chosen for the run in the place of the night's own."""
    chosen = Figure(key, value, unit, "own: chosen for this run", "assumption")
    return [*(figure for figure in figures if figure.key != key), chosen]


def names() -> list[str]:
    """The nights that come with the project."""
    return sorted(path.stem for path in _NIGHTS.glob("*.toml"))


def load(name_or_path: str) -> Night:
    """The night of that name, or of that file (anything with a slash or ending in .toml).

    Raises NightError with all faults: an unknown name, an unreadable file, text that is not TOML, or what
    `scenarios.reader` and `scenarios.validate` find, by line.
    """
    is_path = name_or_path.endswith(".toml") or "/" in name_or_path
    if not is_path and name_or_path not in names():
        raise NightError([f"no night is called {name_or_path}; there are {', '.join(names())} (or name a .toml file)"])
    path = Path(name_or_path) if is_path else _NIGHTS / f"{name_or_path}.toml"
    try:
        text = path.read_text(encoding="utf-8")
        return _night_of(text, path)
    except OSError as error:
        raise NightError([f"{path}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise NightError([f"{path}: is not UTF-8 text"]) from None
    except RecursionError:
        raise NightError([f"{path}: is nested too deeply"]) from None


def _night_of(text: str, path: Path) -> Night:
    """The night that `text`, which stands in the file `path`, describes; NightError otherwise."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NightError([_syntax_fault(path, text, str(error))]) from None
    except ValueError as error:  # a number with thousands of digits: Python does not read it
        raise NightError([f"{path}: not a night: {str(error).split(';')[0]}"]) from None
    at = locate.lines(text)
    night, faults = _read(_whole(document, f"{path}:{at.get(_LIKE, 1)}: {_LIKE}"), Provenance())
    if night is None:
        placed = sorted((locate.line_of(key, at), key, words) for key, words in faults)
        raise NightError([f"{path}:{line}: {key}: {words}" for line, key, words in placed])
    return night


def _whole(document: dict[str, Any], place: str) -> dict[str, Any]:
    """The document with what it leaves to the night that it is like: `like` names one that comes with the project.

    Of each table the keys that it does not have itself come from there; what stands inside them is not mixed. Raises
    NightError.
    """
    if _LIKE not in document:
        return document
    own = dict(document)
    other = own.pop(_LIKE)
    if other not in names():
        raise NightError([f"{place}: no night is called {other}; there are {', '.join(names())}"])
    path = _NIGHTS / f"{other}.toml"
    base = _whole(tomllib.loads(path.read_text(encoding="utf-8")), f"{path}: {_LIKE}")
    mixed = {
        name: {**base[name], **table}
        for name, table in own.items()
        if isinstance(table, dict) and isinstance(base.get(name), dict)
    }
    return {**base, **own, **mixed}


def _read(document: dict[str, Any], around: Provenance) -> tuple[Night | None, list[tuple[str, str]]]:
    """The night of a document, or None and the faults as (key, text)."""
    reader = Reader()
    values = reader.fields(Night, document, "", around, absent=("figures",))
    defaults = {name: value for name, value in _DEFAULTS.items() if name not in values}
    found = SimpleNamespace(**values, **defaults)
    faults = reader.faults + validate.check(found, reader)
    if around.source is None:
        faults += validate.unknown_sources(found.sources or {}, reader.figures)
    if faults:
        return None, faults
    return Night(**values, figures=tuple(reader.figures)), []


_LIKE = "like"
_NIGHTS = Path(__file__).parent / "nights"
_DEFAULTS: dict[str, Any] = {
    "manners": _PUNCTUAL,
    "faults": (),
    "objectives": Objectives(),
    "objective_reasons": {},
    "joins_open_at": None,
}


def _syntax_fault(path: Path, text: str, words: str) -> str:
    """tomllib names the place only in words: "... (at line 3, column 5)" or "... (at end of document)"."""
    found = re.search(r" \(at line (\d+), column \d+\)$", words)
    line = int(found.group(1)) if found else text.count("\n") + 1
    return f"{path}:{line}: not valid TOML: {words[: found.start()] if found else words}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value
