"""Rehearsals as a command, and a stack for them that the rehearsal did not start."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.harness.http_json import ask
from loadtests.harness.processes import Child, once, python
from tests.launched import launchnight

SEED = "196"
"""Of the first 200 the one whose luck with deliveries and networks lets everybody join soonest."""
# About 14 people in 9 seconds, the 25-minute test in 3; codes and photos take the time they take.
NIGHT = ["prakerja-wave-1", "--reading", "harsh", "--people", "1/100", "--pace", "500", "--seed", SEED]
REHEARSE = ["rehearse", *NIGHT, "--minutes", "0.15"]
FEW = ["--minutes", "0.07"]
"""Four people in 4 seconds, for what does not depend on how many there are."""
PARTNERS = ["--night", "prakerja-wave-1", "--set", "prepared", "--people", "1/100", "--seed", SEED]
BEHIND_NGINX = ["--replicas", "2", "--proxy", "nginx"]
LATE = 5
"""The exit code where only the generator was late, because other programs had the machine."""


@dataclass(frozen=True)
class Done:
    """What a rehearsal said and left."""

    code: int
    document: dict[str, Any]
    said: str
    folder: Path

    @property
    def run(self) -> Path:
        (run,) = self.folder.glob("runs/*")
        return run

    @property
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = json.loads((self.run / "run.json").read_text())
        return config

    @property
    def verdict(self) -> dict[str, Any]:
        verdict: dict[str, Any] = json.loads((self.run / "verdict.json").read_text())
        return verdict

    def differences(self) -> dict[str, int | None]:
        return {kind: row["difference"] for kind, row in self.document["ledgers"].items()}

    def missed(self) -> list[str]:
        """Ids of the objectives that the run missed."""
        return [one["id"] for one in self.document["verdict"]["objectives"] if one["met"] is False]


def rehearsing(folder: Path, *more: str) -> "AbstractContextManager[subprocess.Popen[str]]":
    """A rehearsal in `folder`, under way."""
    return launchnight(folder, *REHEARSE, "--json", *more)


def ended(process: "subprocess.Popen[str]", folder: Path) -> Done:
    """What became of it, once it has ended."""
    output, said = process.communicate(timeout=200)
    return Done(process.returncode, json.loads(output or "{}"), said, folder)


def rehearsed(folder: Path, *more: str) -> Done:
    with rehearsing(folder, *more) as process:
        return ended(process, folder)


@dataclass(frozen=True)
class Served:
    """A stack that runs: two web processes of one database, worker, gatekeeper and partners."""

    urls: list[str]
    """Of the web processes."""
    partners: str
    metrics: list[str]
    photos: Path
    ledger: str
    """The command that prints the database's ledger."""

    def target(self, *more: str) -> list[str]:
        return ["--target", self.urls[0], "--partners", self.partners, *more]


@contextmanager
def served(folder: Path, database_url: str) -> Iterator[Served]:
    """Start one on `database_url`, which asks its partners as often as they allow, and end it."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "DATABASE_URL": database_url,
        "REGISTRATION_SECRET_KEY": "33" * 32,
        "REGISTRATION_PORT": "0",
        "REGISTRATION_PHOTO_DIR": str(folder / "photos"),
        "REGISTRATION_SYNTHETIC_PEOPLE": "on",
        "REGISTRATION_DATABASE_CONNECTIONS": "8",
    }
    children: list[Child] = []
    with ExitStack() as ending:

        def start(role: str, *command: str) -> Child:
            child = Child(role, python(*command, "--lifeline"), settings=settings, logs=folder)
            ending.callback(child.stop, grace=10)
            children.append(child)
            return child

        partners = start("partners", "-m", "scenarios.partners", *PARTNERS)
        partners.wait_ready(40)
        settings["REGISTRATION_PARTNERS_URL"] = partners.url
        for partner, figures in ask("GET", f"{partners.url}/settings").items():
            settings[f"REGISTRATION_{partner.upper()}_RATE"] = repr(figures["rate_per_s"])
        once("migrate", python("-m", "service", "migrate"), settings=settings, logs=folder, within=40)
        webs = [start(name, "-m", "service", "web") for name in ("web", "web-2")]
        rest = [start(role, "-m", "service", role) for role in ("worker", "gatekeeper")]
        for child in (*webs, *rest):
            child.wait_ready(40)
        metrics = [f"http://127.0.0.1:{child.ready['metrics_port']}/metrics" for child in (*webs, *rest)]
        words = [f"{name}={value}" for name, value in settings.items()]
        ledger = " ".join(["env", *words, sys.executable, "-m", "service", "ledger", "--json"])
        yield Served([child.url for child in webs], partners.url, metrics, folder / "photos", ledger)
