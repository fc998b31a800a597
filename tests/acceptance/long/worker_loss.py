"""B6 on the real service: two of the swarm's four workers are lost in mid-run, and everybody has exactly one fate.

`make acceptance NAME=worker-loss` rehearses a night; one worker is killed (SIGKILL), later another is stopped
(SIGSTOP), so that only its silence tells. The others must have started whoever was due within five seconds, and
clients, database and partners must agree, although what the lost ones were told last is not known. The database must
hold some of that, or nothing was proved. Ends with 3 when a bar is missed, with 5 when the run proves nothing.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from loadtests.harness.errors import Exit
from loadtests.harness.processes import ROOT
from scenarios.fates import Fate, Reason
from scenarios.record import Column, read_people
from tests.launched import launchnight

WORKERS = 4
ACTS = ((25.0, signal.SIGKILL), (50.0, signal.SIGSTOP))
"""Seconds after the opening, and what is done to the next worker."""
CROWD = ["--reading", "expected", "--people", "1/50", "--minutes", "1.5", "--pace", "200", "--drain-minutes", "1.2"]
"""About six people a second; half a minute or more on their way, most of it in line and waiting for codes."""
TAKEN_OVER_WITHIN = 5.0
JOINED = 0.5
"""Share of those who came late because of a lost worker, and not into another one, that must have joined."""


@dataclass(frozen=True)
class Loss:
    """A worker that was lost."""

    how: str
    pid: int
    at: float
    """Unix time."""


@dataclass(frozen=True)
class Played:
    run: Path
    config: dict[str, Any]
    people: dict[str, Column]
    losses: list[Loss]

    @property
    def takeovers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.config["swarm"].get("takeovers", [])
        return found

    def late(self, number: int) -> "Column":
        """Who started late because of the loss `number`: rows of `people`."""
        began = self.losses[number].at - self.config["opens_at"]
        later = [loss.at - self.config["opens_at"] for loss in self.losses[number + 1 :]]
        started = self.people["started"]
        return np.flatnonzero(self.people["taken_over"] & (started >= began) & (started < min([*later, np.inf])))

    def took_s(self, number: int) -> float:
        """From the loss until its shards were dealt anew and the last who was overdue had started."""
        moments = [self.takeovers[number]["at_s"], *self.people["started"][self.late(number)].tolist()]
        return float(max(moments) - self.losses[number].at + self.config["opens_at"])

    @property
    def untold(self) -> dict[str, int]:
        """By kind: effects in the database that no client is known to have been told of."""
        return {kind: row["database"] - row["client"] for kind, row in self.config["ledgers"].items()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=worker-loss", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="same seed, same people (%(default)s)")
    options = parser.parse_args()
    folder = ROOT / ".launchnight" / "runs" / f"worker-loss-{time.strftime('%Y%m%d-%H%M%S')}"
    played = play(folder, options.seed)
    if played is None:
        return Exit.INVALID
    print(table(played))
    print(f"report: {played.run / 'report.html'}")
    if why := invalid(played):
        print(f"INVALID: {why}")
        return Exit.INVALID
    missed = judged(played)
    for one in missed:
        print(f"missed: {one}")
    print("not met" if missed else "met")
    return Exit.MISSED if missed else Exit.OK


def play(folder: Path, seed: int) -> Played | None:
    """One rehearsal with its losses; None when it did not get as far as a record."""
    more = ["--workers", str(WORKERS), "--seed", str(seed), "--json"]
    print(f"a night of 3 minutes, {WORKERS} workers of the swarm, seed {seed}", file=sys.stderr)
    with launchnight(folder, "rehearse", "prakerja-wave-1", *CROWD, *more) as process:
        assert process.stderr is not None
        for line in process.stderr:
            print(line, end="", file=sys.stderr)
            if "the doors are open" in line:
                break
        opened, losses = time.monotonic(), []
        with shown(process):
            for (moment, how), worker in zip(ACTS, workers(process.pid), strict=False):
                time.sleep(max(0.0, opened + moment - time.monotonic()))
                os.kill(worker.pid, how)
                losses.append(Loss(how.name, worker.pid, time.time()))
                print(f"{how.name} to worker process {worker.pid} at {moment:.0f} s", file=sys.stderr)
            process.wait(420)
    runs = list((folder / "runs").iterdir())
    if not runs or not (runs[0] / "people.npz").exists() or len(losses) < len(ACTS):
        print("INVALID: the rehearsal did not get as far as losing workers")
        return None
    return Played(runs[0], json.loads((runs[0] / "run.json").read_text()), read_people(runs[0]), losses)


@contextmanager
def shown(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Pass on what it says, so that it never waits for a reader."""

    def follow(stream: Any) -> None:
        for line in stream:
            print(line, end="", file=sys.stderr)

    followers = [threading.Thread(target=follow, args=(stream,)) for stream in (process.stderr, process.stdout)]
    for each in followers:
        each.start()
    yield
    for each in followers:
        each.join()


def workers(harness: int) -> list[psutil.Process]:
    """The worker processes of the swarm that this rehearsal started."""
    family = psutil.Process(harness).children(recursive=True)
    swarm = {one.pid for one in family if "locust" in one.cmdline()}
    return sorted((one for one in family if one.pid in swarm and one.ppid() in swarm), key=lambda one: one.pid)


def invalid(played: Played) -> str:
    """Why the run proves nothing; empty if it does."""
    if len(played.losses) < len(ACTS):
        return f"only {len(played.losses)} workers were there to be lost"
    if not played.people["taken_over"].any():
        return "nobody was due between the losses and the takeovers"
    if (played.people["reason"] == Reason.WORKER_LOST).sum() == 0:
        return "nobody was on the way in the lost workers"
    if sum(played.untold.values()) <= 0:
        return "the lost workers had been told nothing that they had not passed on"
    return ""


def judged(played: Played) -> list[str]:
    """Bars that were not met."""
    people, planned, missed = played.people, played.config["planned"], []
    if people["number"].tolist() != list(range(planned)):
        missed.append(f"{len(people['number'])} rows for {planned} planned people")
    if without := planned - int(np.isin(people["fate"], list(Fate)).sum()):
        missed.append(f"{without} people have no fate")
    if never := int(np.isnan(people["started"]).sum()):
        missed.append(f"{never} people never started")
    if len(played.takeovers) != len(played.losses):
        missed.append(f"{len(played.takeovers)} takeovers for {len(played.losses)} losses")
    cut = sum(one["cut"] for one in played.takeovers)
    if (noted := int((people["reason"] == Reason.WORKER_LOST).sum())) != cut:
        missed.append(f"{noted} people are cut for a lost worker, {cut} were on their way there")
    for number, loss in list(enumerate(played.losses))[: len(played.takeovers)]:
        if (took := played.took_s(number)) > TAKEN_OVER_WITHIN:
            missed.append(f"{loss.how}: taken over after {took:.1f} s, not {TAKEN_OVER_WITHIN:g}")
    for kind, row in played.config["ledgers"].items():
        if row["difference"] != 0:
            missed.append(f"{kind}: the ledgers differ by {row['difference']}")
    late = people["fate"][people["taken_over"] & (people["reason"] != Reason.WORKER_LOST)]
    if (share := float(np.mean(late == Fate.JOINED)) if len(late) else 1.0) < JOINED:
        missed.append(f"{share:.0%} of those taken over joined, not {JOINED:.0%}")
    return missed


def table(played: Played) -> str:
    people = played.people
    fates = ", ".join(f"{fate.name.lower()} {(people['fate'] == fate).sum()}" for fate in Fate)
    lines = [f"planned {played.config['planned']}, started {(~np.isnan(people['started'])).sum()}; {fates}"]
    for number, (loss, takeover) in enumerate(zip(played.losses, played.takeovers, strict=False)):
        lines.append(
            f"{loss.how:8} noticed after {takeover['at_s'] - loss.at + played.config['opens_at']:.2f} s, "
            f"made good after {played.took_s(number):.2f} s; {len(played.late(number))} people started late, "
            f"{takeover['cut']} were on their way and are cut; {takeover['shards']} shards to {takeover['takers']}"
        )
    lines.append(f"{'ledger':16} {'clients':>8} {'database':>9} {'unknown':>8} {'difference':>11}")
    for kind, row in played.config["ledgers"].items():
        counts = "".join(f"{row[name]!s:>{width}}" for name, width in (("client", 9), ("database", 10), ("unknown", 9)))
        lines.append(f"{kind:16}{counts} {row['difference']!s:>11}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
