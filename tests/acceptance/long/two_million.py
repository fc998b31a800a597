"""B3 on real processes: two million people are replayed, and nobody is lost between four books.

`make acceptance NAME=two-million`: the first hours of the night in its gentle reading, drawn as a curve file with two
million people on it and its clock run faster, one request each, against a target that costs next to nothing. Then the
plan, the fates in the swarm's record, the target's own counter, and what a real Prometheus server scraped of swarm and
target must agree to the person. Ends with 3 when they do not, with 2 without a `prometheus` on the PATH.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil

from loadtests.harness import prometheus
from loadtests.harness.errors import Exit, HarnessError, NotReady
from loadtests.harness.http_json import ask
from loadtests.harness.processes import Child
from scenarios import catalogue
from tests.acceptance.long.swarm_runs import Bars, Ran, begun, ended, run_folder
from tests.trivial_target import TrivialTarget, trivial_target

PEOPLE = 2_000_000
SECONDS = 1100.0
"""For their arrivals: 1,800 a second in the mean, 3,300 at the peak."""
HOURS = 3.0
"""Of the night, from the opening on."""
POINTS = 400
DRAIN = 600.0
SCRAPED_WITHIN = 40.0
"""Seconds: the swarm stays up for a minute after its last line."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=two-million", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the people (%(default)s)")
    parser.add_argument("--planned", type=int, default=PEOPLE, help="people on the curve (%(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="in which they arrive (%(default)g)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2, help="of the swarm (%(default)s)")
    options = parser.parse_args()
    bars = Bars()
    began = time.monotonic()
    try:
        with run_folder("two-million") as folder:
            play(options, folder, bars)
    except HarnessError as error:
        print(f"cannot prove: {error}", file=sys.stderr)
        return error.exit_code
    print(f"        {time.monotonic() - began:.0f} s in all")
    print("met" if not bars.missed else "not met")
    return Exit.MISSED if bars.missed else Exit.OK


def play(options: argparse.Namespace, folder: Path, bars: Bars) -> None:
    """One replay, and its books side by side. Raises HarnessError."""
    curve = folder / "night.csv"
    draw(curve, options.planned, options.seconds)
    asked = [
        "--arrivals", str(curve), "--minutes", repr(2 * options.seconds / 60.0), "--steps", "1",
        "--seed", str(options.seed), "--drain-minutes", repr(DRAIN / 60.0),
    ]  # fmt: skip
    children: list[Child] = []
    try:
        targets = folder / "targets" / "all.json"
        targets.parent.mkdir()
        server = prometheus.start(folder / "prometheus", targets, logs=folder, started=children.append)
        with trivial_target() as target, begun(target.url, folder, asked, workers=options.workers) as swarm:
            watched = {"swarm": swarm.metrics, "stub": [target.url.partition("://")[2]]}
            groups = [{"targets": addresses, "labels": {"job": job}} for job, addresses in watched.items()]
            draft = targets.with_suffix(".draft")
            draft.write_text(json.dumps(groups))
            draft.replace(targets)  # the server watches the folder and must never read half a file
            print(f"        {swarm.child.ready['planned']:,} planned for {options.seconds:g} s", flush=True)
            swarm.done(options.seconds + DRAIN + 300.0)
            memory = family_mb(swarm.child.pid)
            scraped_since(server, time.time(), sum(map(len, watched.values())))
            books = scraped(server)
            ran = ended(swarm, 1.0)
            judge(ran, target, books, options.planned, bars)
            print(f"        the swarm's processes held {', '.join(f'{each:.0f}' for each in memory)} MB at the end")
    finally:
        for child in children:
            child.stop(grace=5.0)


def draw(path: Path, people: int, seconds: float) -> None:
    """Write the launch as points of a rate: the night's first HOURS in `seconds`, with exactly `people` on it."""
    curve = catalogue.load("prakerja-wave-1").curve.reading("gentle")
    edges = np.linspace(0.0, HOURS * 3600.0, POINTS)
    rates = np.array([curve.rate(float(t)) for t in edges])
    times = edges / edges[-1] * seconds
    held = float(np.sum(np.diff(times) * (rates[1:] + rates[:-1]) / 2.0))
    rates *= people / held * (1.0 + 1e-12)  # above, not below, by less than a person
    lines = [f"{t!r},{rate!r}" for t, rate in zip(times.tolist(), rates.tolist(), strict=True)]
    path.write_text("t_s,per_s\n" + "\n".join(lines) + "\n")


def scraped_since(server: str, moment: float, targets: int) -> None:
    """Wait until each target was scraped after `moment`. Raises NotReady."""
    deadline = time.monotonic() + SCRAPED_WITHIN
    while time.monotonic() < deadline:
        moments = [float(series["value"][1]) for series in query(server, "timestamp(up)")]
        if len(moments) == targets and min(moments) >= moment:
            if query(server, "sum(up)")[0]["value"][1] == str(targets):
                return
            break
        time.sleep(0.3)
    raise NotReady(f"Prometheus did not scrape all {targets} targets at the end")


def scraped(server: str) -> dict[str, float]:
    """What Prometheus holds, added up over the processes."""
    asked = {
        "planned": "sum(swarm_planned_applicants)",
        "arrivals": "sum(swarm_arrivals_total)",
        "late or not": "sum(swarm_lateness_seconds_count)",
        "fates": "sum(swarm_fates_total)",
        "abandoned": 'sum(swarm_fates_total{fate="abandoned"})',
        "answered": 'sum(swarm_requests_total{route="tickets",outcome="ok"})',
        "requests": "sum(swarm_requests_total)",
        "on their way": "sum(swarm_live_applicants)",
        "the target's": "sum(stub_requests_total)",
    }
    return {name: float(query(server, text)[0]["value"][1]) for name, text in asked.items()}


def query(server: str, text: str) -> list[dict[str, Any]]:
    answer = ask("POST", f"{server}/api/v1/query", form=urlencode({"query": text}))
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def judge(ran: Ran, target: TrivialTarget, books: dict[str, float], people: int, bars: Bars) -> None:
    """Book by book, to the person."""
    counts = target.counts()
    late = [ran.lateness(q) * 1e3 for q in (0.5, 0.99, 1.0)]
    print(f"        late {late[0]:.2f} ms in the median, {late[1]:.2f} at p99, {late[2]:.1f} at most; {ran.invalid}")
    bars.judge(ran.planned == people, f"the plan holds {ran.planned:,} of {people:,} people")
    bars.judge(not ran.lost(), f"in the record everybody has one row and one fate: {ran.lost() or dict(+ran.fates)}")
    bars.judge(ran.fates["abandoned"] == people, f"{ran.fates['abandoned']:,} were answered and left, as they were to")
    bars.judge(counts == {"tickets": people}, f"the target counted {counts}")
    told = {"on their way": 0.0} | {name: float(people) for name in books if name != "on their way"}
    for name, value in books.items():
        bars.judge(value == told[name], f"Prometheus, {name}: {value:,.0f}, a difference of {value - told[name]:,.0f}")


def family_mb(pid: int) -> list[float]:
    """Resident memory of a process and its children, in MB."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return [each.memory_info().rss / 1e6 for each in family]


if __name__ == "__main__":
    sys.exit(main())
