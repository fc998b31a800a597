"""What a run of the swarm is told on its command line, and what the master passes on to its workers."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from loadtests.sources import is_address
from loadtests.visitors import OPTIONS as VISITORS
from loadtests.visitors import with_visitors
from scenarios import arrival_kinds, arrivals, catalogue
from scenarios.arrival_files import minutes_unless_said, named, people_unless_said
from scenarios.arrival_kinds import ArrivalsError
from scenarios.arrivals import Plan, Spacing
from scenarios.factors import parse_people
from scenarios.uploaders import Uploader

OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--night", {"default": "prakerja-wave-1", "help": "Night to play: a name of the catalogue or a TOML file"}),
    ("--reading", {"default": "", "help": "Reading of the launch hour, for example harsh; empty = the night's own"}),
    (
        "--set",
        {"default": "", "dest": "partner_set", "help": "Set of partners; changes no applicant"},
    ),
    ("--manners", {"default": "", "help": "How all clients take refusals, for example naive; empty = the night's own"}),
    (
        "--uploader",
        {"default": "patient", "help": "How phones send photos: patient, tus_js, uppy, or one_shot, without resuming"},
    ),
    (
        "--arrivals",
        {
            "default": "",
            "help": "Instead of the night's curve: constant:1500 (a second), ramp:0-1500, steps:100x60,1500x30 (rate x "
            "seconds), or a .csv or .parquet file of instants (at_s) or curve points (t_s, per_s)",
        },
    ),
    ("--spacing", {"default": "random", "help": "How arrivals lie between each other: random, or exact"}),
    ("--steps", {"type": int, "default": 0, "help": "Applicants leave after so many answers that worked; 0 = never"}),
    *(
        (f"--{name.replace('_', '-')}", {"default": "", "help": f"{text[0].upper()}{text[1:]}"})
        for name, text in VISITORS.items()
    ),
    ("--people", {"default": "", "help": "Share of the people that come: 1/100, or 1 with --arrivals, if empty"}),
    ("--speed", {"type": float, "default": 1.0, "help": "How many times as fast the night's clock runs"}),
    ("--pace", {"type": float, "default": 1.0, "help": "How many times as fast people think and type"}),
    (
        "--minutes",
        {
            "default": "",
            "help": "Minutes of the night's clock in which people arrive: 5 if empty, or all "
            "of --arrivals that have an end",
        },
    ),
    ("--seed", {"type": int, "default": 1, "help": "Seed of everything random; same seed, same people"}),
    ("--partners-url", {"default": "", "help": "Where the simulated partners deliver codes; without it none arrive"}),
    ("--record", {"default": "", "help": "Folder for people.npz and receipts.json"}),
    ("--opens-at", {"type": float, "default": 0.0, "help": "Unix time of the opening; 0 = as soon as all are ready"}),
    (
        "--drain-minutes",
        {"type": float, "default": 12.0, "help": "Real minutes from the last arrival until all are cut"},
    ),
    ("--photo-dir", {"default": ".launchnight/photos", "help": "Where the generated photos are kept"}),
    (
        "--swarm-metrics-port",
        {"type": int, "default": 0, "help": "/metrics: alone P, worker i at P+1+i; 0 = none"},
    ),
    (
        "--most-connections",
        {"type": int, "default": 0, "help": "Open at once in each worker; 0 = what its limit of open files allows"},
    ),
    (
        "--source-addresses",
        {
            "default": "",
            "help": "Addresses that connections start from, with commas; a worker uses those that its machine has. "
            "If empty: on loopback sixteen, and one for each labor office; elsewhere the system's choice",
        },
    ),
)
"""The options added to Locust's own; shown in its web UI too."""

_SENT = (
    "reading", "speed", "pace", "minutes", "seed", "partners_url", "drain_s", "photo_dir", "metrics_port", "host",
    "uploader", "arrivals", "spacing", "steps", "most_connections", "source_addresses",
)  # fmt: skip


class SettingsRefused(ValueError):
    """The run cannot start; the message has one line for each fault."""


@dataclass(frozen=True)
class RunSettings:
    night: catalogue.Night
    reading: str
    people: Fraction
    speed: float
    pace: float
    minutes: float
    seed: int
    partners_url: str
    drain_s: float
    photo_dir: str
    metrics_port: int
    host: str
    """Base address of the service."""
    uploader: str = "patient"
    """Name of a scenarios.uploaders.Uploader, in lower case."""
    arrivals: str = ""
    """What is played instead of the night's curve, as it was named; empty = the curve."""
    schedule: arrival_kinds.Named | None = None
    """The same, read; None = the curve."""
    spacing: str = Spacing.RANDOM.value
    steps: int = 0
    """Answers that worked after which an applicant leaves; 0 = the whole journey."""
    most_connections: int = 0
    """Of one worker; 0 = what its limit of open files allows."""
    source_addresses: Sequence[str] = ()
    """As for loadtests.sources.Sources."""
    opens_at: float = 0.0
    record: Path | None = None

    @classmethod
    def parse(cls, options: Namespace, host: str | None) -> "RunSettings":
        """The settings of a command line. Raises SettingsRefused with all faults."""
        faults = [
            f"--{name} must be a number above 0, not {getattr(options, name)}"
            for name in ("speed", "pace")
            if not 0.0 < getattr(options, name) < float("inf")
        ]
        minutes = _minutes(options.minutes, faults)
        schedule = _schedule(options.arrivals, minutes, faults)
        if options.spacing not in (spacings := [each.value for each in Spacing]):
            faults.append(f"--spacing {options.spacing}: there are {', '.join(spacings)}")
        if options.steps < 0:
            faults.append(f"--steps must not be negative, it is {options.steps}")
        if options.most_connections < 0:
            faults.append(f"--most-connections must not be negative, it is {options.most_connections}")
        addresses = [each.strip() for each in options.source_addresses.split(",") if each.strip()]
        faults += [f"--source-addresses: {each} is no address" for each in addresses if not is_address(each)]
        if not options.drain_minutes >= 0:
            faults.append(f"--drain-minutes must not be negative, it is {options.drain_minutes}")
        if not host:
            faults.append("--host is missing: the base address of the service")
        people = Fraction(1)
        try:
            people = parse_people(options.people or people_unless_said(options.arrivals))
        except ValueError as fault:
            faults.append(f"--people: {fault}")
        try:
            night = catalogue.load(options.night)
        except catalogue.NightError as fault:
            raise SettingsRefused("\n".join(faults + fault.faults)) from None
        if options.reading and options.reading not in night.curve.readings:
            faults.append(f"--reading {options.reading}: the night has {', '.join(night.curve.readings)}")
        if options.partner_set and options.partner_set not in night.partners:
            faults.append(f"--set {options.partner_set}: the night has {', '.join(night.partners)}")
        if options.manners:
            try:
                night = night.with_manners(options.manners)
            except ValueError as fault:
                faults.append(f"--manners: {fault}")
        visitors = {name: getattr(options, name) for name in VISITORS}
        night = with_visitors(night, **visitors, steps=options.steps, faults=faults)
        uploaders = [each.name.lower() for each in Uploader]
        if options.uploader not in uploaders:
            faults.append(f"--uploader {options.uploader}: there are {', '.join(uploaders)}")
        if faults:
            raise SettingsRefused("\n".join(faults))
        return cls(
            night=night,
            reading=options.reading or night.curve.default,
            people=people,
            speed=options.speed,
            pace=options.pace,
            minutes=minutes or minutes_unless_said(schedule),
            seed=options.seed,
            partners_url=options.partners_url,
            drain_s=options.drain_minutes * 60.0,
            photo_dir=options.photo_dir,
            metrics_port=options.swarm_metrics_port,
            host=str(host),
            uploader=options.uploader,
            arrivals=options.arrivals,
            schedule=schedule,
            spacing=options.spacing,
            steps=options.steps,
            most_connections=options.most_connections,
            source_addresses=addresses,
            opens_at=options.opens_at,
            record=Path(options.record) if options.record else None,
        )

    def message(self) -> dict[str, Any]:
        """All that a worker needs, the night included, as JSON values."""
        named = None if self.schedule is None else self.schedule.message()
        own = {"night": self.night.to_dict(), "people": str(self.people), "schedule": named}
        return own | {key: getattr(self, key) for key in _SENT}

    @classmethod
    def of_message(cls, data: dict[str, Any]) -> "RunSettings":
        sent = {key: data[key] for key in _SENT}
        if data["schedule"] is not None:
            sent["schedule"] = arrival_kinds.of_message(data["schedule"])
        return cls(night=catalogue.Night.from_dict(data["night"]), people=Fraction(data["people"]), **sent)

    def plan(self) -> Plan:
        """When everybody starts; each process computes it for itself, once."""
        return self._plan

    @cached_property
    def _plan(self) -> Plan:
        schedule = self.schedule or self.night.curve.reading(self.reading)
        spacing = Spacing(self.spacing)
        return arrivals.plan(schedule, self.people, self.speed, self.minutes, self.seed, spacing)


def _minutes(text: object, faults: list[str]) -> float | None:
    """None when none are given, or they are a fault."""
    if text == "":
        return None
    try:
        minutes = float(str(text))
    except ValueError:
        minutes = 0.0
    if 0.0 < minutes < float("inf"):
        return minutes
    faults.append(f"--minutes must be a number above 0, not {text}")
    return None


def _schedule(text: str, minutes: float | None, faults: list[str]) -> arrival_kinds.Named | None:
    """None for the night's curve, or a fault."""
    try:
        return named(text, minutes) if text else None
    except ArrivalsError as refused:
        faults += [f"--arrivals: {fault}" for fault in refused.faults]
        return None
