"""What the swarm's long proofs share: one run against the trivial target, and how its people fared."""

import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from loadtests.harness.plain_swarm import PlainSwarm, plain_swarm
from loadtests.harness.processes import ROOT
from scenarios.fates import Fate
from scenarios.record import Column, read_people

EVERYBODY = ("--people", "1", "--pace", "1000")
"""Of a night whose arrivals are named: all of them, and they think for milliseconds."""


@dataclass(frozen=True)
class Ran:
    """What is left of a run."""

    planned: int
    people: dict[str, Column]
    done: dict[str, Any]
    """The swarm's last line."""
    code: int

    @property
    def fates(self) -> Counter[str]:
        return Counter({fate.name.lower(): int(np.count_nonzero(self.people["fate"] == fate)) for fate in Fate})

    def lateness(self, q: float) -> float:
        """Quantile of start minus planned instant, in seconds, over everybody who started; nan if nobody did."""
        late = (self.people["started"] - self.people["due"])[~np.isnan(self.people["started"])]
        return float(np.quantile(late, q)) if len(late) else float("nan")

    @property
    def invalid(self) -> list[str]:
        """Causes for which the swarm called its own run invalid."""
        return [str(audit["cause"]) for audit in self.done["health"] if audit["invalid"]]

    def lost(self) -> list[str]:
        """Planned people who have not exactly one row and one fate, in words; nothing when all have."""
        numbers, found = self.people["number"], []
        if len(np.unique(numbers)) != self.planned or len(numbers) != self.planned:
            found.append(
                f"{self.planned} planned, {len(numbers)} on the list, {len(np.unique(numbers))} of them different"
            )
        if (without := len(numbers) - sum(self.fates.values())) > 0:
            found.append(f"{without} have no fate")
        return found


@dataclass
class Bars:
    """What was asked of a run; each is said as it is judged."""

    missed: list[str] = field(default_factory=list)

    def judge(self, held: bool, text: str) -> None:
        print(f"{'met   ' if held else 'MISSED'}  {text}", flush=True)
        if not held:
            self.missed.append(text)


@contextmanager
def run_folder(name: str) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = ROOT / ".launchnight" / f"{name}-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def begun(url: str, folder: Path, options: Sequence[str], *, workers: int) -> Iterator[PlainSwarm]:
    """A swarm against the target at `url`, which also delivers its codes."""
    with plain_swarm(url, folder, [*EVERYBODY, "--partners-url", url, *options], workers=workers) as swarm:
        yield swarm


def ended(swarm: PlainSwarm, within: float) -> Ran:
    """Wait for its last line, let it go, read its record. Raises HarnessError."""
    done = swarm.done(within)
    planned = int(swarm.child.ready["planned"])
    return Ran(planned, read_people(swarm.folder), done, swarm.code())
