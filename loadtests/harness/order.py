"""What was asked for: the options of a rehearsal, checked all at once before anything starts."""

import ipaddress
import os
import shlex
import socket
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from loadtests.harness import disk, pins, proxy, tried_settings
from loadtests.harness.errors import Refusal
from loadtests.harness.pins import Pins
from loadtests.harness.samples import Target
from loadtests.needs import Needs, needs
from loadtests.visitors import OPTIONS as VISITORS
from loadtests.visitors import with_visitors
from scenarios import catalogue, factors
from scenarios.arrival_files import is_file, minutes_unless_said, named, people_unless_said
from scenarios.arrival_kinds import ArrivalsError, Named
from scenarios.arrivals import Plan, Spacing, plan
from scenarios.capacities import PartnerSet
from scenarios.catalogue import Night, NightError
from scenarios.factors import Factors
from scenarios.faults import PARTNERS
from scenarios.uploaders import Uploader

MOST_WORKERS = 64
MOST_STEPS = 1_000
"""Answers that worked: a whole journey needs about forty."""
STEPS_BEFORE_PHOTOS = 9
"""Ticket, claim, account, code, session, identity and the three steps of the profile."""
MOST_REPLICAS = 8
"""Of the web role on one machine: each has its share of the database's connections."""
PROXIES = ("nginx",)
LEAST_DISK_CAP_GB = 0.1
BELOW = 1e9
"""No figure of the command line may be as great."""

T = TypeVar("T")


@dataclass(frozen=True)
class Running:
    """A stack that runs already and is to be rehearsed."""

    target: str
    """Address of the service, without a slash at its end; so is the partners'."""
    partners: str
    ledger: tuple[str, ...]
    """A command that prints the database's ledger; empty = nobody reads the database."""
    metrics: tuple[Target, ...]


@dataclass(frozen=True)
class Order:
    """One rehearsal, checked."""

    night_name: str
    """As the programs take it: a name of the catalogue or a file's absolute path."""
    night: Night
    reading: str
    set_name: str
    manners: str
    """Of all clients; empty = as the night says."""
    uploader: str
    """How phones send photos (scenarios.uploaders.Uploader, in lower case); one_shot switches resuming off."""
    factors: Factors
    arrivals: str
    """What is played instead of the night's curve; empty = the curve. A file by its absolute path."""
    spacing: str
    """How arrivals lie between each other (scenarios.arrivals.Spacing)."""
    onlookers: str
    """People who only look, for each applicant, as given; empty = the night's own."""
    without_javascript: str
    """Share of the people who go by pages, as given; empty = the night's own."""
    steps: int
    """Answers that worked after which an applicant leaves; 0 = the whole journey."""
    minutes: float
    seed: int
    workers: int
    drain_minutes: float
    abort_on_miss: bool
    """End the run when an objective cannot be met any more."""
    keep_photos: bool
    prometheus: str | None
    """`auto`, the address of a running server, or None for the harness's own scraper."""
    replicas: int
    """Processes of the web role that the rehearsal starts."""
    proxy: str
    """What stands before them: one of PROXIES, or nothing."""
    tried: dict[str, str]
    """Settings of the service, without their prefix, that are not their defaults."""
    pins: Pins
    """The cores that programs are held to."""
    running: Running | None
    """None: the rehearsal starts a stack of its own."""
    runs: Path
    work: Path
    """Where clusters and photos of running rehearsals lie."""
    disk_cap_bytes: int
    plan: Plan

    @property
    def partners(self) -> PartnerSet:
        return self.night.partners[self.set_name]

    @cached_property
    def needs(self) -> Needs:
        """What the generator needs for it."""
        return needs(self.plan, self.night.population, self.factors.pace, self.steps, self.workers)

    @property
    def last_arrival_s(self) -> float:
        """Real seconds since the doors open."""
        return float(self.plan.due[-1])

    @property
    def drain_limit_s(self) -> float:
        return self.drain_minutes * 60


def order_of(options: Namespace) -> Order:
    """The order that the command line gives. Raises Refusal with every fault."""
    faults: list[str] = []
    night = _night(options.night, faults)
    people = _read("--people", options.people or people_unless_said(options.arrivals), factors.parse_people, faults)
    speed = _positive("--speed", options.speed, faults)
    pace = _positive("--pace", options.pace, faults)
    minutes = _positive("--minutes", options.minutes, faults) if options.minutes else None
    schedule = _schedule(options.arrivals, minutes, faults)
    spacing = _known("--spacing", options.spacing, [each.value for each in Spacing], faults)
    steps = _read("--steps", options.steps, _whole(0, MOST_STEPS), faults)
    drain = _positive("--drain-minutes", options.drain_minutes, faults)
    cap_gb = _read("--disk-cap-gb", options.disk_cap_gb, _at_least(LEAST_DISK_CAP_GB), faults)
    seed = _read("--seed", options.seed, _whole(0, 2**63 - 1), faults)
    workers = _read("--workers", options.workers, _whole(1, MOST_WORKERS), faults)
    prometheus = _read("--prometheus", options.prometheus, _prometheus, faults) if options.prometheus else None
    replicas = _read("--replicas", options.replicas, _whole(1, MOST_REPLICAS), faults)
    uploader = _known("--uploader", options.uploader, [each.name.lower() for each in Uploader], faults)
    tried = tried_settings.read(options.service, faults)
    pinned = pins.read(options.pin, faults)
    running = _running(options, faults)
    if options.target is None:
        _check_proxy(options.proxy, replicas or 1, faults)
    if night is not None:
        faults += _unbreakable(night, target=options.target, proxy_name=options.proxy)
    reading = set_name = ""
    if night is not None:
        reading = _one_of("--reading", options.reading or night.curve.default, list(night.curve.readings), faults)
        set_name = _one_of("--set", options.set or night.default_set, list(night.partners), faults)
        if options.manners:
            night = _read("--manners", options.manners, night.with_manners, faults)
        if night is not None:
            visitors = {name: getattr(options, name) for name in VISITORS}
            night = with_visitors(night, **visitors, steps=steps or 0, faults=faults)
    runs, work = Path(options.runs).absolute(), Path(".launchnight").absolute()
    for folder in (runs, work):
        _check_writable(folder, faults)
    if faults:
        raise Refusal(*faults)
    # None of these is None or empty from here on: a fault would have ended it.
    assert night is not None and people is not None and seed is not None and workers is not None
    assert replicas is not None and steps is not None
    assert speed is not None and pace is not None and drain is not None and cap_gb is not None
    minutes = minutes or minutes_unless_said(schedule)
    try:
        planned = plan(schedule or night.curve.reading(reading), people, speed, minutes, seed, Spacing(spacing))
    except ValueError as fault:
        raise Refusal(str(fault)) from None
    if not planned.planned:
        raise Refusal(f"nobody arrives in {minutes:g} minutes at --people {people}: take more of either")
    cap_bytes = int(cap_gb * disk.GB)
    for folder in (runs, work):
        # The photos of a running stack lie there, and who leaves before sending any leaves none.
        without_photos = running or 0 < steps <= STEPS_BEFORE_PHOTOS
        disk.check_room(folder, planned=0 if without_photos else planned.planned, cap_bytes=cap_bytes)
    named = options.night in catalogue.names()
    return Order(
        night_name=options.night if named else str(Path(options.night).absolute()),
        night=night,
        reading=reading,
        set_name=set_name,
        manners=options.manners or "",
        uploader=uploader,
        factors=Factors(people, speed, pace),
        arrivals=options.arrivals if not is_file(options.arrivals) else str(Path(options.arrivals).absolute()),
        spacing=spacing,
        onlookers=options.onlookers,
        without_javascript=options.without_javascript,
        steps=steps,
        minutes=minutes,
        seed=seed,
        workers=workers,
        drain_minutes=drain,
        abort_on_miss=options.abort_on_miss,
        keep_photos=options.keep_photos,
        prometheus=prometheus,
        replicas=replicas,
        proxy=options.proxy or "",
        tried=tried,
        pins=pinned,
        running=running,
        runs=runs,
        work=work,
        disk_cap_bytes=cap_bytes,
        plan=planned,
    )


def _check_proxy(name: str | None, replicas: int, faults: list[str]) -> None:
    if name is None:
        if replicas > 1:
            faults.append(f"--replicas: {replicas} processes have {replicas} addresses: add --proxy nginx for one")
    elif name not in PROXIES:
        faults.append(f"--proxy: must be {' or '.join(PROXIES)}, not {name!r}")
    elif proxy.executable() is None:
        faults.append(f"--proxy: {proxy.MISSING}")


def _unbreakable(night: Night, *, target: str | None, proxy_name: str | None) -> list[str]:
    """Why faults of the night cannot be brought about; partners can always be troubled."""
    found = []
    for i, fault in enumerate(night.faults):
        why = ""
        if fault.target in PARTNERS:
            continue
        if target is not None:
            why = "the processes and connections of --target are not ours to break"
        elif fault.target == "proxy" and proxy_name is None:
            why = "there is none: add --proxy nginx"
        elif fault.target in ("database", "database_link") and os.environ.get("DATABASE_URL"):
            why = "that of DATABASE_URL is not ours to break: unset it"
        if why:
            found.append(f"faults[{i}]: {fault.kind} of {fault.target}: {why}, or take the fault out of the night")
    return found


def _running(options: Namespace, faults: list[str]) -> Running | None:
    """The running stack to play against; None when the options name none."""
    if options.target is None:
        given = {"--partners": options.partners, "--ledger": options.ledger, "--metrics": options.metrics}
        faults += [f"{name}: belongs to --target, which is not given" for name, value in given.items() if value]
        return None
    starting = {
        "--replicas": options.replicas != "1", "--proxy": options.proxy, "--keep-photos": options.keep_photos,
        "--service": options.service, "--pin": options.pin,
    }  # fmt: skip
    faults += [f"{name}: the target is as it is; leave this out" for name, given in starting.items() if given]
    if options.partners is None:
        faults.append("--partners: the address of the target's simulated partners is needed, who deliver the codes")
    target = _read("--target", options.target, _address, faults)
    partners = _read("--partners", options.partners, _address, faults) if options.partners else None
    ledger = _read("--ledger", options.ledger, _command, faults) if options.ledger is not None else ()
    metrics = [_read("--metrics", each, _metrics, faults) for each in options.metrics or ()]
    if target is None or partners is None or ledger is None:
        return None
    return Running(target, partners, ledger, tuple(each for each in metrics if each is not None))


def _night(name: str, faults: list[str]) -> Night | None:
    try:
        return catalogue.load(name)
    except NightError as fault:
        faults += fault.faults
        return None


def _schedule(text: str, minutes: float | None, faults: list[str]) -> Named | None:
    """What --arrivals names; None for the night's curve, or a fault."""
    try:
        return named(text, minutes) if text else None
    except ArrivalsError as refused:
        faults += [f"--arrivals: {fault}" for fault in refused.faults]
        return None


def _read(option: str, text: object, parse: Callable[[str], T], faults: list[str]) -> T | None:
    try:
        return parse(str(text))
    except ValueError as fault:
        faults.append(f"{option}: {fault}")
        return None


def _positive(option: str, text: object, faults: list[str]) -> float | None:
    def parse(given: str) -> float:
        value = _number(given)
        if not 0 < value < BELOW:
            raise ValueError(f"must be more than 0 and less than {BELOW:,.0f}, not {given}")
        return value

    return _read(option, text, parse, faults)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"must be a number, not {text!r}") from None


def _at_least(least: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = _number(text)
        if not least <= value < BELOW:
            raise ValueError(f"must be at least {least:g} and less than {BELOW:,.0f}, not {text}")
        return value

    return parse


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError(f"must be a whole number, not {text!r}") from None
        if not least <= value <= most:
            raise ValueError(f"must be from {least} to {most}, not {text}")
        return value

    return parse


def _prometheus(text: str) -> str:
    if text != "auto" and _parts(text) is None:
        raise ValueError(f"must be auto or the address of a server, such as http://127.0.0.1:9090, not {text!r}")
    return text.rstrip("/")


def _address(text: str) -> str:
    """The root of a server of one's own. Raises ValueError, also for a public address: nobody else's gets a crowd."""
    parts = _parts(text)
    if parts is not None and "@" in parts.netloc:  # it would stand in the record, and nobody asks for it there
        raise ValueError("must be an address without user name and password")
    if parts is None or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(f"must be the address of a server, such as http://127.0.0.1:8080, not {text!r}")
    assert parts.hostname is not None
    try:
        found = {each[4][0] for each in socket.getaddrinfo(parts.hostname, None, type=socket.SOCK_STREAM)}
    except OSError:
        raise ValueError(f"the host name {parts.hostname!r} cannot be resolved") from None
    if public := [one for one in found if not ipaddress.ip_address(str(one).partition("%")[0]).is_private]:
        raise ValueError(
            f"{parts.hostname} is on the public network ({public[0]}): a rehearsal goes to one's own machines only"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _command(text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError as fault:
        raise ValueError(f"cannot be split into words ({fault}): {text!r}") from None
    if not words:
        raise ValueError("must be a command that prints the database's ledger")
    return words


def _metrics(text: str) -> Target:
    parts = _parts(text)
    if parts is None or parts.scheme != "http" or parts.path not in {"", "/", "/metrics"}:
        raise ValueError(f"must be the address of metrics, such as http://127.0.0.1:9101/metrics, not {text!r}")
    return Target("service", str(parts.hostname), parts.port or 80)


def _parts(text: str) -> SplitResult | None:
    """The parts of an http or https address, or None when it is none."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port beyond 65535, or none at all
        return None
    return parts if usable else None


def _one_of(option: str, value: str, known: list[str], faults: list[str]) -> str:
    if value not in known:
        faults.append(f"{option}: this night has no {value!r}; it has {', '.join(known)}")
    return value


def _known(option: str, value: str, known: list[str], faults: list[str]) -> str:
    if value not in known:
        faults.append(f"{option}: must be one of {', '.join(known)}, not {value!r}")
    return value


def _check_writable(folder: Path, faults: list[str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        faults.append(f"{folder}: cannot be made ({error.strerror}): give another with --runs, or start elsewhere")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        faults.append(f"{folder}: cannot be written: give another with --runs, or start elsewhere")
