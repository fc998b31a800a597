"""What the manners of clients do to a service that is down for a minute and then short of room.

`make acceptance NAME=manners` plays the same people against the same outage four times at once, each time with clients
of another kind, over HTTP with the real swarm; the service behind is a stand-in that counts what it is asked. Naive
clients must offer a multiple of the load of polite ones, and adaptive ones less than those. Ends with 3 when a bar is
missed, with 5 when a crowd was late or somebody was never started.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import matplotlib as mpl

mpl.use("svg")

from matplotlib.figure import Figure

from loadtests.harness.errors import Exit
from loadtests.harness.processes import ROOT, free_ports
from scenarios.fates import Manners
from tests.integration.swarm_room import swarm, target
from tests.integration.test_swarm import scraped

OUTAGE, ROOM, RETRY_AFTER = 60.0, 30.0, 5
"""Seconds all is refused, requests a second that are let through from then on, seconds that a refusal names."""
CROWD = ["--night", "prakerja-wave-1", "--reading", "expected", "--people", "1/100", "--minutes", "1", "--pace", "60"]
CROWD += ["--without-javascript", "0", "--onlookers", "0"]  # the target speaks the API alone
"""Some 130 people within a minute, who ask for 5,500 things; who gives up comes back after a minute or so."""
AFTER = 240.0
"""Seconds of the run after the outage; room for all, were it well used. Then everybody is cut, wherever they are."""
START_UP = 30.0
"""Seconds until the doors open: four swarms must be ready by then."""
LATEST_START = 100.0
"""Milliseconds, of 99 people in 100: what is compared are waits of seconds."""
NAIVE_LOAD, ADAPTIVE_LOAD = 2.0, 0.7
"""Bars: requests in the outage, times those of polite clients, at least and at most."""
COLORS = {"naive": "#b3402e", "punctual": "#8a6d1f", "polite": "#1b6ca8", "adaptive": "#3d8b52"}
SPAN = 5
"""Seconds of one point of the picture."""


@dataclass(frozen=True)
class Played:
    """One crowd's night."""

    manners: str
    offered: Sequence[int]
    """Requests that reached the service, by second."""
    served: Sequence[int]
    done: dict[str, Any]
    """What the swarm said at its end."""
    held_back: int

    @property
    def in_outage(self) -> int:
        return sum(self.offered[: int(OUTAGE)])

    @property
    def afterwards(self) -> int:
        return sum(self.offered[int(OUTAGE) :])

    @property
    def useful(self) -> float:
        """Share of what was asked after the outage that was let through."""
        return sum(self.served[int(OUTAGE) :]) / max(self.afterwards, 1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=manners", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="same seed, same people (%(default)s)")
    options = parser.parse_args()
    folder = ROOT / ".launchnight" / "runs" / f"manners-{time.strftime('%Y%m%d-%H%M%S')}"
    played = play(folder, options.seed)
    print(table(played))
    draw(played, folder / "load.svg")
    print(f"picture: {folder / 'load.svg'}")
    late = [one.manners for one in played.values() if one.done["lateness_ms"]["p99"] > LATEST_START]
    if late:
        print(f"INVALID: the crowd of {' and '.join(late)} clients was late: the machine was busy with other things")
        return Exit.INVALID
    missed = judged(played)
    for one in missed:
        print(f"missed: {one}")
    return Exit.MISSED if missed else Exit.OK


def play(folder: Path, seed: int) -> dict[str, Played]:
    """All four nights at once, by manners."""
    opens_at = time.time() + START_UP
    print(f"four crowds at once: {START_UP:.0f} s to get ready, {OUTAGE + AFTER:.0f} s of night", file=sys.stderr)
    with ExitStack() as stack:
        running = {}
        for manners in (each.name.lower() for each in Manners):
            own = folder / manners
            own.mkdir(parents=True)
            url = stack.enter_context(target("--outage", str(OUTAGE), str(ROOM), str(RETRY_AFTER)))
            port = free_ports(1)
            more = ["--manners", manners, "--seed", str(seed), "--opens-at", repr(opens_at)]
            more += ["--drain-minutes", str((OUTAGE + AFTER - 60.0) / 60.0), "--swarm-metrics-port", str(port)]
            running[manners] = url, port, stack.enter_context(swarm(own, url, *CROWD, *more))
        return {manners: outcome(manners, *parts) for manners, parts in running.items()}


def outcome(manners: str, url: str, port: int, crowd: Any) -> Played:
    done = crowd.say("done")
    with urlopen(f"{url}/seconds", timeout=10) as answer:
        seconds = json.load(answer)
    offered, served = (by_second(seconds[name]) for name in ("offered", "served"))
    return Played(manners, offered, served, done, int(scraped(port)["swarm_held_back_total"]))


def by_second(counted: dict[str, int]) -> list[int]:
    return [counted.get(str(second), 0) for second in range(int(OUTAGE + AFTER))]


def judged(played: dict[str, Played]) -> list[str]:
    """What is not as it must be."""
    naive, polite, adaptive = (played[name] for name in ("naive", "polite", "adaptive"))
    missed = []
    if naive.in_outage < NAIVE_LOAD * polite.in_outage:
        missed.append(f"naive clients asked less than {NAIVE_LOAD:g} times as often as polite ones")
    if adaptive.in_outage > ADAPTIVE_LOAD * polite.in_outage:
        missed.append(f"adaptive clients asked more than {ADAPTIVE_LOAD:g} times as often as polite ones")
    if not naive.useful < polite.useful < adaptive.useful:
        missed.append("the better the manners, the more of the requests after the outage should be of use")
    if not polite.held_back == naive.held_back == 0 < adaptive.held_back:
        missed.append("adaptive clients alone hold requests back")
    return missed


HEADS = (
    "clients", "asked in the outage", "times polite", "busiest 5 s, 1/s", "asked after it", "let through",
    "held back", "joined by the end", "generator late p99 ms",
)  # fmt: skip


def table(played: dict[str, Played]) -> str:
    polite = played["polite"].in_outage
    rows = [HEADS]
    for one in sorted(played.values(), key=lambda each: -each.in_outage):
        rows.append(
            (
                one.manners,
                f"{one.in_outage:,}",
                f"{one.in_outage / polite:.1f}",
                f"{max(spans(one.offered)):.0f}",
                f"{one.afterwards:,}",
                f"{one.useful:.0%}",
                f"{one.held_back:,}",
                f"{one.done['fates']['joined']} of {one.done['planned']}",
                f"{one.done['lateness_ms']['p99']:.1f}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def spans(by_second: Sequence[int]) -> list[float]:
    """Means over SPAN seconds."""
    return [sum(by_second[at : at + SPAN]) / SPAN for at in range(0, len(by_second), SPAN)]


def draw(played: dict[str, Played], path: Path) -> None:
    """What each crowd asked for, over time."""
    mpl.rcParams.update({"svg.hashsalt": "manners", "svg.fonttype": "none", "font.size": 9})
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(0, OUTAGE, color="#888", alpha=0.15, linewidth=0, label="everything is refused")
    axes.plot([OUTAGE, OUTAGE + AFTER], [ROOM, ROOM], color="#888", ls=":", label="room")
    for name, color in COLORS.items():
        points = spans(played[name].offered)
        axes.plot([SPAN * (place + 0.5) for place in range(len(points))], points, color=color, label=name)
    axes.set(xlabel="seconds since the doors opened", ylabel="requests per second", xlim=(0, OUTAGE + AFTER))
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, ncols=3)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    sys.exit(main())
