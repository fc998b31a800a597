"""What a run of the swarm is told on its command line, and what the master passes on to its workers."""

from argparse import Namespace
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from scenarios import arrivals, catalogue
from scenarios.arrivals import Plan
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
    ("--people", {"default": "1/100", "help": "Share of the night's people, for example 1/100"}),
    ("--speed", {"type": float, "default": 1.0, "help": "How many times as fast the night's clock runs"}),
    ("--pace", {"type": float, "default": 1.0, "help": "How many times as fast people think and type"}),
    ("--minutes", {"type": float, "default": 5.0, "help": "Minutes of the night in which people arrive"}),
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
)
"""The options added to Locust's own; shown in its web UI too."""

_SENT = (
    "reading", "speed", "pace", "minutes", "seed", "partners_url", "drain_s", "photo_dir", "metrics_port", "host",
    "uploader",
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
    opens_at: float = 0.0
    record: Path | None = None

    @classmethod
    def parse(cls, options: Namespace, host: str | None) -> "RunSettings":
        """The settings of a command line. Raises SettingsRefused with all faults."""
        faults = [
            f"--{name.replace('_', '-')} must be above 0, not {getattr(options, name)}"
            for name in ("speed", "pace", "minutes")
            if not getattr(options, name) > 0
        ]
        if not options.drain_minutes >= 0:
            faults.append(f"--drain-minutes must not be negative, it is {options.drain_minutes}")
        if not host:
            faults.append("--host is missing: the base address of the service")
        people = Fraction(1)
        try:
            people = parse_people(options.people)
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
            minutes=options.minutes,
            seed=options.seed,
            partners_url=options.partners_url,
            drain_s=options.drain_minutes * 60.0,
            photo_dir=options.photo_dir,
            metrics_port=options.swarm_metrics_port,
            host=str(host),
            uploader=options.uploader,
            opens_at=options.opens_at,
            record=Path(options.record) if options.record else None,
        )

    def message(self) -> dict[str, Any]:
        """All that a worker needs, the night included, as JSON values."""
        return {"night": self.night.to_dict(), "people": str(self.people)} | {key: getattr(self, key) for key in _SENT}

    @classmethod
    def of_message(cls, data: dict[str, Any]) -> "RunSettings":
        sent = {key: data[key] for key in _SENT}
        return cls(night=catalogue.Night.from_dict(data["night"]), people=Fraction(data["people"]), **sent)

    def plan(self) -> Plan:
        """When everybody starts; each process computes it for itself."""
        return arrivals.plan(self.night.curve.reading(self.reading), self.people, self.speed, self.minutes, self.seed)
