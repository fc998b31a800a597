"""`launchnight self-test`: can what the swarm measures on this machine be believed?

A stub (loadtests.stub) freezes for a known time while people come on schedule; what they must have waited is arithmetic
(loadtests.omission), and the swarm's record must show it: by its list of people, and by the quantiles it publishes.
"""

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests.harness.errors import Exit, NotReady, Refusal
from loadtests.harness.http_json import ask
from loadtests.harness.plain_swarm import plain_swarm
from loadtests.harness.processes import ROOT, Child, python
from loadtests.omission import FITS_WITHIN, Fit, Standstill, fit
from scenarios.record import read_people

BEFORE = 0.25
"""Of the whole time: when the freeze begins."""
PATIENCE = 14.0
"""Seconds: later on people's browsers ask a second time, and give up at last."""
STUB_WITHIN = 60.0
LEFT_OVER = 60.0
"""Seconds after the last arrival within which a swarm that is not stuck is done."""
ROUTE = "tickets"
"""Of the one request that everybody makes."""
PUBLISHED = {0.5: "p50", 0.9: "p90", 0.95: "p95", 0.99: "p99", 0.999: "p99_9", 1.0: "max"}


@dataclass(frozen=True)
class Measured:
    """One play of the night that stands still."""

    night: Standstill
    """With the freeze as the stub timed it."""
    planned: int
    fit: Fit
    """Of what each person waited from the instant she was due."""
    published: dict[str, float]
    """Quantiles of the scheduled latency as latency.json has them, in seconds."""
    invalid: list[str]
    """Causes for which the swarm itself called its run invalid."""

    def faults(self) -> list[str]:
        """Why the swarm's figures are not to be believed here; nothing when they are."""
        found = [*self.invalid, *self.fit.misfits(self.night)]
        for q, name in PUBLISHED.items():
            exact = self.fit.quantiles[q]
            if exact > self.night.noticed and abs(self.published[name] / exact - 1.0) > FITS_WITHIN:
                found.append(f"{name} is published as {self.published[name]:.3f} s, the people's list has {exact:.3f}")
        return found


def measure(rate: float, length: float, freeze: float, seed: int) -> Measured:
    """Play it once. Raises HarnessError when stub or swarm do not come up."""
    options = [
        "--arrivals", f"constant:{rate:g}", "--people", "1", "--minutes", repr(length / 60.0), "--steps", "1",
        "--seed", str(seed), "--drain-minutes", repr((freeze + LEFT_OVER) / 60.0),
    ]  # fmt: skip
    with _folder() as folder, stub(folder) as target, plain_swarm(target.url, folder, options) as swarm:
        wanted = {"seconds": freeze, "at": swarm.opens_at + BEFORE * length}
        ask("POST", f"{target.url}/freeze", wanted)
        done = swarm.done(length + freeze + LEFT_OVER)
        planned = int(swarm.child.ready["planned"])
        freezes = ask("GET", f"{target.url}/state")["freezes"]
        swarm.code()
        if len(freezes) != 1:
            raise NotReady("the stub did not freeze while people came")
        people = read_people(folder)
        published = json.loads((folder / "latency.json").read_text())[ROUTE]["scheduled"]
    began, ended = freezes[0]
    night = Standstill(rate, length, ended - began)
    waits: NDArray[np.float64] = people["ended"] - people["due"]
    invalid = [audit["cause"] for audit in done["health"] if audit["invalid"]]
    return Measured(night, planned, fit(waits, night), published, invalid)


@contextmanager
def stub(logs: Path) -> Iterator[Child]:
    """A target that answers at once, ready; it ends with the block."""
    child = Child("stub", python("-m", "loadtests.stub", "--lifeline"), settings={}, logs=logs)
    try:
        child.wait_ready(STUB_WITHIN)
        yield child
    finally:
        child.stop(grace=5.0)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = ROOT / ".launchnight" / f"self-test-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(rate: float, seconds: float, freeze: float, seed: int, *, as_json: bool) -> int:
    """The verb: play, print, judge; returns the exit code. Raises HarnessError."""
    if not (rate > 0.0 and 0.0 < freeze < PATIENCE and freeze <= seconds * (1.0 - BEFORE)):
        raise Refusal(
            f"rate above 0, and a freeze of less than {PATIENCE:g} s that is over when {1.0 - BEFORE:.0%} of the "
            f"seconds are; not {rate:g} a second, {freeze:g} s of {seconds:g} s"
        )
    measured = measure(rate, seconds, freeze, seed)
    if as_json:
        print(json.dumps(document(measured)))
    else:
        show(measured, Console())
    return Exit.INVALID if measured.faults() else Exit.OK


def document(measured: Measured) -> dict[str, Any]:
    """What `--json` prints."""
    night, found = measured.night, measured.fit
    return {
        "night": asdict(night),
        "planned": measured.planned,
        "delayed": {"expected": night.delayed, "measured": found.delayed},
        "distance": found.distance,
        "quantiles_s": {
            f"{q:g}": {"expected": night.quantile(q), "measured": value} for q, value in found.quantiles.items()
        },
        "published_s": measured.published,
        "faults": measured.faults(),
    }


def show(measured: Measured, console: Console) -> None:
    """The table of both, and what it means."""
    night, found = measured.night, measured.fit
    console.print(
        f"{measured.planned:,} people, {night.rate:g} a second for {night.length:g} s; "
        f"for {night.freeze:.2f} s of it the target stood still",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False)
    for name in ("waited from the planned instant", "by arithmetic", "measured", "published"):
        table.add_column(name, justify="left" if name.startswith("waited") else "right")
    table.add_row(f"people longer than {night.noticed:g} s", f"{night.delayed:,.0f}", f"{found.delayed:,}", "")
    for q, value in found.quantiles.items():
        name = PUBLISHED.get(q, "")
        published = f"{measured.published[name]:.3f} s" if name else ""
        label = "max" if q == 1.0 else f"p{100 * q:g}"
        table.add_row(label, f"{night.quantile(q):.3f} s", f"{value:.3f} s", published)
    console.print(table)
    console.print(
        f"largest difference of the two distributions: {found.distance:.2%} ({FITS_WITHIN:.0%} at most)",
        highlight=False,
    )
    faults = measured.faults()
    for fault in faults:
        console.print(Text(f"INVALID: {fault}", style="bold red"))
    if not faults:
        console.print(Text("what the swarm measures here can be believed", style="bold green"))
