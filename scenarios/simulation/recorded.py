"""The record of a simulated night: a run folder as a rehearsal leaves one, which says that it is simulated.

scenarios.record has the shape. `simulated` in run.json is true, `simulation` holds what it was played with (resources,
calibration by name and digest, costs, remarks) and how its laws stood; the samples' instance is "simulated".
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import record
from scenarios.arrivals import hash_of
from scenarios.calibration_file import ROLES
from scenarios.factors import queue_limits, scaled
from scenarios.fates import Furthest, Reason
from scenarios.journey_state import Action, Result
from scenarios.simulation import invariants
from scenarios.simulation.assumptions import ASSUMPTIONS
from scenarios.simulation.compiled import ROOT, source_digest
from scenarios.simulation.figures import IDENTITY, Setup
from scenarios.simulation.recorded_people import RecordedPeople
from scenarios.simulation.recorded_samples import MINUTE_S, RecordedSamples
from scenarios.simulation.recorder import Recorder
from scenarios.simulation.rows import ACCOUNT, JOINED, Phase
from scenarios.simulation.run import AFTER_CLOSE_S
from scenarios.simulation.run import Result as Played
from scenarios.simulation.timeline import is_played
from scenarios.simulation.world import DATABASE, INSPECTION, WEB
from service.domain.identity import IdentityStatus

VERSIONS_OF = ("launchnight", "numpy", "numba")


@dataclass(frozen=True)
class Asked:
    """What the command was asked for, beside the setup. drain_s: None, when nothing was said of it."""

    set_name: str
    reading: str
    drain_s: float | None = None
    cut: int | None = None
    """Arrivals that were played at most."""
    calibration: str = ""
    """Its name; empty: the costs of scenarios.simulation.costs."""
    calibration_digest: str = ""


class Recording:
    """A run folder in the making: `write` makes it whole."""

    def __init__(self, folder: Path) -> None:
        """folder: an empty one, which the caller removes when nothing comes of it. Raises OSError."""
        self.folder = folder
        self._notes = Path(tempfile.mkdtemp(prefix=".notes-", dir=folder))
        self.recorder = Recorder(self._notes)

    def close(self) -> None:
        """Nothing more is noted, whether or not the night was played to its end."""
        self.recorder.finish()

    def write(self, setup: Setup, due_us: NDArray[np.int64], played: Played, asked: Asked) -> None:
        """All files of the record. Raises OSError."""
        people = RecordedPeople(setup, played.rows, due_us, self.recorder)
        samples = RecordedSamples(setup, played, self.recorder.marks, people)
        record.write_series(self.folder, samples.all())
        record.write_people_by_column(self.folder, people.column)
        for event in sorted(_events(setup, due_us, played), key=lambda one: one[0]):
            t, kind, name, edge, facts = event
            record.add_event(self.folder, t, kind, name, edge=edge, **facts)
        record.write_config(self.folder, config_of(self.folder.name, setup, due_us, played, asked))
        shutil.rmtree(self._notes)


def config_of(name: str, setup: Setup, due_us: NDArray[np.int64], played: Played, asked: Asked) -> dict[str, Any]:
    """run.json of the run of this name."""
    night, factors, last_s = setup.night, setup.factors, float(due_us.max()) / 1e6
    cut_off = played.world[0]["ended"] < len(due_us) or bool((played.rows["reason"] == Reason.RUN_ENDED).any())
    return {
        "schema": record.SCHEMA,
        "id": name,
        "simulated": True,
        "simulation": simulation_of(setup, played, asked),
        "night": night.to_dict(),
        "set": asked.set_name,
        "reading": asked.reading,
        "seed": setup.seed,
        "factors": {"people": str(factors.people), "speed": factors.speed, "pace": factors.pace},
        "minutes": setup.habits.closes_s * factors.speed / 60.0,
        "planned": len(due_us),
        "plan_hash": hash_of(due_us / 1e6),
        "workers": 0,
        "drain_limit_s": (setup.habits.closes_s + AFTER_CLOSE_S) if asked.drain_s is None else asked.drain_s,
        "opens_at": night.opens_at.timestamp(),
        "machine": _machine(),
        "versions": _versions(),
        "rounded": [*scaled(setup.partners, factors)[1], *queue_limits(setup.partners, factors)[1]],
        "ledgers": ledgers(played),
        "cpu_s": _cpu_s(played),
        "ended": "limit" if cut_off else "drained",
        "exits": [],
        "stack": {
            "started": True,
            "replicas": setup.resources.web,
            "proxy": None,
            "target": "",
            "partners": "",
            "ledger": True,
            "remarks": list(played.remarks),
        },
        "last_arrival_s": last_s,
        "played_s": played.ended_us / 1e6,
        "photo_bytes_kept": False,
    }


def simulation_of(setup: Setup, played: Played, asked: Asked) -> dict[str, Any]:
    """What was played with, and how the laws stood, as JSON values."""
    spent = {
        name: getattr(setup.costs, name)
        for name in ("request_web_s", "request_database_s", "photo_web_s_per_mb", "poll_web_s", "refusal_web_s",
                     "inspection_s", "sigma")
    }  # fmt: skip
    return {
        "step_s": MINUTE_S,
        "cut": asked.cut,
        "resources": asdict(setup.resources),
        "calibration": {"name": asked.calibration, "digest": asked.calibration_digest},
        "costs": spent,
        "assumptions": list(ASSUMPTIONS),
        "remarks": list(played.remarks),
        "digest": played.digest(),
        "events": played.events,
        "little": [law.to_dict() for law in invariants.little(played)],
        "broken_laws": invariants.violations(played),
    }


def ledgers(played: Played) -> dict[str, dict[str, int | None]]:
    """What clients were told, what the service holds and what partners saw, of each kind, as an audit has them.

    Unknown: requests that ended without an answer, which may have taken effect.
    """
    crowd, world = played.rows, played.world[0]
    came = crowd[crowd["phase"] != Phase.EXPECTED]

    def reached(stage: Furthest) -> int:
        return int((came["furthest"] >= stage).sum())

    def unknown(*actions: Action) -> int:
        lost = [Result.TIMEOUT, Result.ERROR, Result.KILLED]
        return int(sum(played.tally.answered[:, action, lost].sum() for action in actions))

    def held(mark: int) -> int:
        return int((came["marks"] & mark != 0).sum())

    given = (came["identity"] >= 0) & (came["identity"] != IdentityStatus.NOT_ELIGIBLE)
    submitted, told = reached(Furthest.IDENTITY_SUBMITTED), int(played.tally.answered[:, Action.JOIN, Result.OK].sum())
    no_answer = unknown(Action.IDENTITY, Action.CORRECT)
    return {
        "accounts": _ledger(reached(Furthest.ACCOUNT_CREATED), held(ACCOUNT), None, unknown(Action.ACCOUNT)),
        "identity_checks": _ledger(submitted, int(given.sum()), int(world["handed"][IDENTITY]), no_answer),
        "joins": _ledger(told, held(JOINED), None, unknown(Action.JOIN)),
    }


def _ledger(client: int, database: int, partners: int | None, unknown: int) -> dict[str, int | None]:
    """A difference is something acknowledged but missing, or done without any request that may have done it."""
    lost, doubled = max(client - database, 0), max(database - client - unknown, 0)
    return {
        "client": client, "database": database, "partners": partners, "unknown": unknown,
        "difference": lost + doubled, "lost": lost, "doubled": doubled,
    }  # fmt: skip


def _events(
    setup: Setup, due_us: NDArray[np.int64], played: Played
) -> Iterator[tuple[float, str, str, str | None, dict[str, Any]]]:
    """Time, kind, name, edge and facts of each event."""
    last_s, ended_s = float(due_us.max()) / 1e6, played.ended_us / 1e6
    for name, start, end in (("arrivals", 0.0, last_s), ("drain", last_s, max(ended_s, last_s))):
        yield start, "phase", name, "start", {}
        yield end, "phase", name, "end", {}
    for number, fault in enumerate(setup.night.faults):
        start, end = fault.start_s / setup.factors.speed, fault.end_s / setup.factors.speed
        if is_played(fault) and start < ended_s:
            facts = {"target": fault.target, "number": number}
            yield start, "fault", fault.kind, "start", facts
            yield min(end, ended_s), "fault", fault.kind, "end", {**facts, "bit": True}
    for remark in played.remarks:
        yield 0.0, "note", "simulation", None, {"text": remark}


def _cpu_s(played: Played) -> dict[str, float]:
    """Core seconds of each role of the simulated service."""
    world = played.world[0]
    if world["shares_core"]:
        return {role: float(us) / 1e6 for role, us in zip(ROLES, world["role_us"], strict=True)}
    spent = (world["busy_us"] + world["spread_us"]) / 1e6
    return {"web": float(spent[WEB]), "database": float(spent[DATABASE]), "worker": float(spent[INSPECTION])}


def _machine() -> dict[str, Any]:
    """What the simulation ran on; nothing in the record depends on it."""
    return {
        "cpus": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
    }


def _versions() -> dict[str, str]:
    found = {"simulation code": source_digest(ROOT)[:12]}
    for name in VERSIONS_OF:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
