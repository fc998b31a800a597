"""B5 on real processes: 200,000 people on their way at once, thinking, on one machine.

`make acceptance NAME=live-applicants`: two workers play a night whose people take an hour and more to fill in the first
form, against a target that costs next to nothing. When all are there, the memory that master and workers have gained
since they were ready, before anybody had come, is divided by the people: rows, receipts, agenda, connections and all.
Ends with 3 when somebody takes more than 4 KB, with 4 when they did not all come.
"""

import argparse
import re
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import psutil

from loadtests.harness.errors import Exit, HarnessError, NotReady
from loadtests.harness.plain_swarm import PlainSwarm
from loadtests.harness.processes import ROOT
from tests.acceptance.long.swarm_runs import Bars, begun, run_folder
from tests.trivial_target import trivial_target

PEOPLE = 200_000
RATE = 1500.0
"""Arrivals a second: the harsh peak of the night. In time or late does not matter here."""
WORKERS = 2
MOST_BYTES = 4096
THINKING = 1e8
"""Seconds, in the median, until the form for the account is sent."""
SPARE = 1.01
"""A few have other troubles on the way to that form."""
PATIENCE = 300.0
"""Seconds beyond the last arrival until all have their pass."""
_NIGHT = ROOT / "scenarios/nights/prakerja-wave-1.toml"
_LIVE = re.compile(r"^swarm_live_applicants (\d+)", re.MULTILINE)
_OUT = re.compile(r'^swarm_stage_total\{stage="admitted"\} (\d+)', re.MULTILINE)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make acceptance NAME=live-applicants", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seed", type=int, default=1, help="of the people (%(default)s)")
    parser.add_argument("--people", type=int, default=PEOPLE, help="on their way at once (%(default)s)")
    parser.add_argument("--rate", type=float, default=RATE, help="arrivals a second (%(default)g)")
    options = parser.parse_args()
    bars = Bars()
    try:
        with run_folder("live-applicants") as folder, trivial_target() as target:
            seconds = SPARE * options.people / options.rate
            asked = [
                "--night", str(thoughtful(folder)), "--arrivals", f"constant:{options.rate:g}",
                "--minutes", repr(seconds / 60.0), "--seed", str(options.seed), "--pace", "1", "--onlookers", "0",
                "--without-javascript", "0", "--drain-minutes", "60",
            ]  # fmt: skip
            with begun(target.url, folder, asked, workers=WORKERS) as swarm:
                before = resident_bytes(swarm)
                live = all_there(swarm, options.people, seconds + PATIENCE)
                after = resident_bytes(swarm)
                threads = sum(process.num_threads() for process in processes(swarm))
    except HarnessError as error:
        print(f"cannot prove: {error}", file=sys.stderr)
        return error.exit_code
    gained = {name: after[name] - before[name] for name in after}
    each = sum(gained.values()) / live
    for name in after:
        print(f"        {name}: {before[name] / 1e6:.0f} MB before anybody came, {after[name] / 1e6:.0f} MB now")
    print(f"        {threads} threads in all processes: nobody has one")
    bars.judge(live >= options.people, f"{live:,} people are on their way at once ({options.people:,} asked)")
    bars.judge(each <= MOST_BYTES, f"each takes {each:.0f} bytes, master and workers together ({MOST_BYTES} at most)")
    print("met" if not bars.missed else "not met")
    return Exit.MISSED if bars.missed else Exit.OK


def thoughtful(folder: Path) -> Path:
    """The night, but nobody sends the first form before the proof is over."""
    path = folder / "thoughtful.toml"
    text, found = re.subn(r"(?m)^account_s = .*$", f"account_s = {THINKING:.1f}", _NIGHT.read_text())
    assert found == 1
    path.write_text(text)
    return path


def all_there(swarm: PlainSwarm, people: int, within: float) -> int:
    """Wait until so many have their pass and think; how many are on their way then. Raises NotReady."""
    deadline = time.monotonic() + within
    while True:
        pages = [urlopen(f"http://{address}/metrics", timeout=30).read().decode() for address in swarm.metrics]
        live, thinking = (sum(int(found) for page in pages for found in what.findall(page)) for what in (_LIVE, _OUT))
        print(f"        {live:,} on their way, {thinking:,} of them think", file=sys.stderr, flush=True)
        if thinking >= people:
            return live
        if swarm.child.ended_within(5.0):
            raise swarm.child.failure()
        if time.monotonic() > deadline:
            raise NotReady(f"only {thinking:,} of {people:,} people were there after {within:.0f} s")


def processes(swarm: PlainSwarm) -> list[psutil.Process]:
    """The master, then its workers."""
    master = psutil.Process(swarm.child.pid)
    return [master, *master.children()]


def resident_bytes(swarm: PlainSwarm) -> dict[str, int]:
    """Resident memory of each process."""
    names = ["master", *(f"worker {number}" for number in range(WORKERS))]
    return {name: int(process.memory_info().rss) for name, process in zip(names, processes(swarm), strict=True)}


if __name__ == "__main__":
    sys.exit(main())
