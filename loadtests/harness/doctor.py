"""`launchnight doctor`: what is missing on this machine for which verb, with the fix.

It runs with nothing but Python, so that it can say what to install first.
"""

import json
import os
import platform
import re
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.harness import disk, secret_files
from loadtests.harness.errors import Exit, Refusal

ROOT = Path(__file__).resolve().parents[2]

PYTHON_NEEDED = (3, 11)
ANSWERS_WITHIN = 10.0
"""Seconds for a program to say its version, or for a server to accept a connection."""
MEMORY_COMFORT = 2_000_000_000
"""Bytes: the processes of a small rehearsal hold about 1 GB, the swarm grows with the people inside."""
FILES_COMFORT = 4096
"""Open files of one process: a connection each, kept for 30 s, at a hundred new people a second."""


@dataclass(frozen=True)
class Lack:
    """Something that is missing."""

    what: str
    fix: str


@dataclass(frozen=True)
class Verb:
    """What a person may want to run, and what it lacks here."""

    command: str
    lacks: list[Lack]


@dataclass(frozen=True)
class Diagnosis:
    machine: dict[str, object]
    versions: dict[str, str]
    """Of the programs that were found, by name."""
    verbs: list[Verb]
    warnings: list[str] = field(default_factory=list)
    """What lets everything run, but not well."""

    @property
    def exit_code(self) -> Exit:
        """2 only when nothing can work before something else is installed by hand: Python itself."""
        return Exit.USAGE if python() else Exit.OK


Check = Callable[[], Lack | None]


def diagnose() -> Diagnosis:
    """Look at everything once."""
    checked = {check: check() for checks in VERBS.values() for check in checks}
    verbs = [
        Verb(command, [lack for lack in map(checked.get, checks) if lack is not None])
        for command, checks in VERBS.items()
    ]
    versions = {name: version for name in PROGRAMS if (version := version_of(name))}
    return Diagnosis(machine(), versions, verbs, warnings())


# What a verb may need


def python(version: tuple[int, int] = sys.version_info[:2]) -> Lack | None:
    if version >= PYTHON_NEEDED:
        return None
    needed = ".".join(map(str, PYTHON_NEEDED))
    return Lack(f"Python {needed}", f"install it, then: make setup PYTHON=/path/to/python{needed}")


def venv() -> Lack | None:
    """Debian ships Python without what makes .venv."""
    if (ROOT / ".venv").exists() or find_spec("ensurepip"):
        return None
    return Lack("Python's venv", "apt-get install python3-venv")


def packages(lock: str, fix: str) -> Check:
    """The packages of one lock, in its versions."""

    def check() -> Lack | None:
        pins = re.findall(r"^([\w.-]+)==(\S+) \\$", (ROOT / "requirements" / lock).read_text(), re.M)
        wrong = [name for name, version in pins if _installed(name) != version]
        if not wrong:
            return None
        shown = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "")
        return Lack(f"packages of requirements/{lock}: {shown}", fix)

    return check


def program(name: str) -> Check:
    """A program of PROGRAMS on the PATH, and able to run."""

    def check() -> Lack | None:
        if version_of(name):
            return None
        fix = f"apt-get install {PROGRAMS[name][0]}"
        path = found(name)
        if path is not None:
            return Lack(name, f"{path} does not run; install it anew: apt-get install --reinstall {PROGRAMS[name][0]}")
        return Lack(name, fix)

    check.__name__ = name
    return check


def database() -> Lack | None:
    """A server that DATABASE_URL names must answer; the embedded one is a package."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        return None
    try:
        parts = urlsplit(url)
        socket.create_connection((parts.hostname or "localhost", parts.port or 5432), timeout=ANSWERS_WITHIN).close()
    except (OSError, ValueError):
        return Lack("the server of DATABASE_URL", "start it, correct the address, or unset DATABASE_URL")
    return None


def room() -> Lack | None:
    """Disk for the smallest rehearsal."""
    need = disk.BASE_BYTES + disk.FLOOR_BYTES
    free = disk.free_bytes(ROOT)
    if free >= need:
        return None
    return Lack(f"{_gb(need)} of free disk (there is {_gb(free)})", "make room")


def port(number: int, fix: str) -> Check:
    def check() -> Lack | None:
        try:
            socket.create_server(("127.0.0.1", number)).close()
        except OSError:
            return Lack(f"port {number}, which is in use", fix)
        return None

    return check


def engine() -> Lack | None:
    """A container engine that answers, with Compose."""
    if _output(["docker", "version", "--format", "{{.Server.Version}}"]) is None:
        return Lack("a container engine", "install Docker Engine and start it: docs.docker.com/engine/install")
    if _output(["docker", "compose", "version"]) is None:
        return Lack(
            "Compose", "install the Compose plugin of Docker, for example: apt-get install docker-compose-plugin"
        )
    return None


def secrets() -> Lack | None:
    try:
        names = secret_files.missing(secret_files.FOLDER)
    except Refusal as refusal:
        return Lack("secrets", str(refusal))
    return Lack(f"secrets: {', '.join(names)}", "make secrets") if names else None


PROGRAMS: Mapping[str, tuple[str, str]] = {
    "git": ("git", "--version"),
    "curl": ("curl", "--version"),
    "prometheus": ("prometheus", "--version"),
    "promtool": ("prometheus", "--version"),
    "prometheus-alertmanager": ("prometheus-alertmanager", "--version"),
    "amtool": ("prometheus-alertmanager", "--version"),
    "nginx": ("nginx-light", "-v"),
    "chromium": ("chromium", "--version"),
}
"""Debian's package of each, and how it says its version."""

SET_UP: tuple[Check, ...] = (python, venv)
REHEARSE: tuple[Check, ...] = (*SET_UP, packages("load.txt", "make setup"), database, room)
DEVELOP: tuple[Check, ...] = (
    *SET_UP,
    packages("dev.txt", "make check, which installs them first"),
    room,
    program("git"),
)
PROMETHEUS = program("prometheus")
NGINX = program("nginx")

VERBS: Mapping[str, tuple[Check, ...]] = {
    "make setup": SET_UP,
    "launchnight rehearse": REHEARSE,
    "launchnight rehearse --prometheus auto": (*REHEARSE, PROMETHEUS),
    "launchnight rehearse --proxy nginx": (*REHEARSE, NGINX),
    "launchnight serve": (
        *REHEARSE,
        port(8000, "end what listens there, or choose another: launchnight serve --port 0"),
        port(8100, "end what listens there, or choose another: launchnight serve --partners-port 0"),
    ),
    "launchnight uploads": (
        *REHEARSE,
        port(8080, "end what listens there, or choose another: launchnight uploads --port 0"),
    ),
    "make check": DEVELOP,
    "make test": (*DEVELOP, program("curl"), PROMETHEUS),
    "make test-browser": (*DEVELOP, program("chromium")),
    "make test-dashboards": (
        *DEVELOP,
        PROMETHEUS,
        program("promtool"),
        program("prometheus-alertmanager"),
        program("amtool"),
    ),
    "make test-faults": DEVELOP,
    "make test-stack": (*DEVELOP, NGINX),
    "make test-uploads": (*DEVELOP, program("chromium")),
    "docker compose up": (engine, secrets),
}
"""What each verb needs."""


# The machine


def machine() -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "system": _system(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_free_bytes": memory_free(),
        "disk_free_bytes": disk.free_bytes(ROOT),
        "open_files": _open_files(),
    }


def warnings() -> list[str]:
    notes = []
    facts = machine()
    if facts["cores"] == 1:
        notes.append("one core: swarm and service share it, and a run may come out invalid (exit 5); use fewer people")
    free = memory_free()
    if free is not None and free < MEMORY_COMFORT:
        notes.append(f"{_gb(free)} of memory is free: below {_gb(MEMORY_COMFORT)} rehearse with 1/500 of the people")
    if _open_files() < FILES_COMFORT:
        notes.append(f"a process may open {_open_files():,} files: before large rehearsals, ulimit -n {FILES_COMFORT}")
    return notes


def memory_free() -> int | None:
    """Bytes that programs can still have; None where the system does not say."""
    try:
        line = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.M)
    except OSError:
        return None
    return int(line[1]) * 1024 if line else None


def _open_files() -> int:
    """How many one process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


@cache
def version_of(name: str) -> str:
    """What the program says of itself, for example `2.42.0`; empty when it is not on the PATH or does not run."""
    said = _output([name, PROGRAMS[name][1]])
    if said is None:
        return ""
    version = re.search(r"\d+(\.\d+)+", said)
    return version[0] if version else "unknown"


def found(name: str) -> str | None:
    """The program's path. Debian's PATH for people lacks /usr/sbin, where nginx is; the harness looks there too."""
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join([*path, *(["/usr/sbin"] if "/usr/bin" in path else [])]))


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package).removeprefix("v")
    except metadata.PackageNotFoundError:
        return None


def _output(command: list[str]) -> str | None:
    """What it printed; None when it is not there or fails."""
    path = found(command[0])
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=ANSWERS_WITHIN,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def _gb(size: int) -> str:
    return f"{size / disk.GB:.1f} GB"


# On the screen


def show(diagnosis: Diagnosis, *, as_json: bool) -> Exit:
    """Print what was found; returns the exit code."""
    if as_json:
        print(json.dumps({**asdict(diagnosis), "exit_code": diagnosis.exit_code}))
        return diagnosis.exit_code
    facts = diagnosis.machine
    parts = [f"Python {facts['python']}", f"{facts['system']}", f"{facts['cores']} cores"]
    free = memory_free()
    parts += [f"{_gb(free)} of memory free"] if free is not None else []
    parts += [f"{_gb(disk.free_bytes(ROOT))} of disk free", f"{_open_files():,} open files"]
    print(", ".join(parts))
    print(", ".join(f"{name} {version}" for name, version in diagnosis.versions.items()) or "no programs beside Python")
    print()
    for verb in diagnosis.verbs:
        missing = ", ".join(lack.what for lack in verb.lacks)
        print(f"  {verb.command:<40} {'missing: ' + missing if missing else 'ready'}")
    if fixes := {lack: None for verb in diagnosis.verbs for lack in verb.lacks}:
        print("\nHow to get it")
        for lack in fixes:
            print(f"  {lack.what}: {lack.fix}")
    if diagnosis.warnings:
        print("\nWorth knowing")
        for warning in diagnosis.warnings:
            print(f"  {warning}")
    return diagnosis.exit_code
