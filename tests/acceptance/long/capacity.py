"""B9 on real processes: the search finds the limit of a counter with clerks, which is known, in few probes.

`make acceptance NAME=capacity`: a counter of aiohttp (tests/counter_target.py) whose clerks together serve so many
people a second, M/M/c; `launchnight capacity` must call that within 5 %, with 8 probes at most. Each seed has another
limit, other clerks and another first rate. Then the control: a limit that no probe reaches must not be called. Ends
with 3 when a bar is missed, with 5 when the generator was the limit.
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loadtests.harness.errors import Exit, HarnessError
from loadtests.harness.processes import ROOT, Child, python
from tests.acceptance.long.swarm_runs import Bars, run_folder
from tests.children import child_process

LIMITS = (300.0, 400.0)
"""People a second: so many that chance moves the half of a probe by little more than 1 %."""
WORKERS = 2
CLERKS = (5, 40)
FIRST = (0.17, 0.25)
"""The first rate of the search, of the limit. Three steps lead past it, and not so far that those who wait become more
than the swarm has connections for."""
WITHIN = 0.05
MOST_PROBES = 8
MINUTES = 0.6
READY_WITHIN = 60.0
NIGHT = "prakerja-wave-1"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=capacity", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="the first one; each search takes the next (%(default)s)")
    parser.add_argument("--searches", type=int, default=3, help="six minutes each (%(default)s)")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of people in each probe (%(default)g)")
    options = parser.parse_args()
    bars = Bars()
    try:
        for seed in range(options.seed, options.seed + options.searches):
            if searched(seed, options.minutes, bars) is Exit.INVALID:
                print("INVALID: the generator was the limit")
                return Exit.MISSED if bars.missed else Exit.INVALID
        unlimited(options, bars)
    except HarnessError as error:
        print(f"cannot prove: {error}", file=sys.stderr)
        return error.exit_code
    print("met" if not bars.missed else "not met")
    return Exit.MISSED if bars.missed else Exit.OK


def searched(seed: int, minutes: float, bars: Bars) -> Exit:
    """One search; judged unless the generator was the limit."""
    draw = random.Random(seed)
    limit, clerks, first = draw.uniform(*LIMITS), draw.randint(*CLERKS), draw.uniform(*FIRST)
    print(f"        seed {seed}: {clerks} clerks serve {limit:.1f} people a second", flush=True)
    with run_folder("capacity") as folder, counter(folder, limit, clerks, seed=seed) as target:
        code, found = capacity(target, folder, seed, "--from", f"{limit * first:.3g}", "--minutes", f"{minutes:g}")
    if code is Exit.INVALID:
        return code
    call = found["found"]["call"]
    probes = len(found["probes"])
    methods = ", ".join(f"{name} {_rate(value)}" for name, value in found["found"]["methods"].items())
    why = found["found"]["no_call_because"]
    said = f"no call, because {why}" if call is None else f"{call:.1f}/s, {call / limit - 1.0:+.1%} off"
    near = call is not None and abs(call / limit - 1.0) <= WITHIN
    bars.judge(near, f"seed {seed}: {said} ({WITHIN:.0%} at most); {methods}")
    bars.judge(probes <= MOST_PROBES, f"seed {seed}: with {probes} probes ({MOST_PROBES} at most)")
    return code


def unlimited(options: argparse.Namespace, bars: Bars) -> None:
    """Control: what was not reached is not called."""
    with run_folder("capacity") as folder, counter(folder, 2000.0, 400, seed=options.seed) as target:
        code, found = capacity(target, folder, options.seed, "--from", "40", "--minutes", "0.1", "--probes", "2")
    told = found["found"]["no_call_because"]
    bars.judge(
        code is Exit.MISSED and found["found"]["call"] is None,
        f"control: a limit that no probe reached is not called: {told}",
    )


@contextmanager
def counter(folder: Path, per_s: float, clerks: int, *, seed: int, manner: str = "orderly") -> Iterator[list[str]]:
    """The options that play against a counter and its partners; both end with the block."""
    asked = ("--per-s", repr(per_s), "--clerks", str(clerks), "--seed", str(seed), "--manner", manner)
    children = [
        Child("counter", python("-m", "tests.counter_target", *asked), settings={}, logs=folder),
        Child("partners", python("-m", "scenarios.partners", "--lifeline"), settings={}, logs=folder),
    ]
    try:
        for child in children:
            child.wait_ready(READY_WITHIN)
        yield ["--target", f"http://127.0.0.1:{children[0].ready['port']}", "--partners", children[1].url]
    finally:
        for child in children:
            child.kill()


def capacity(target: list[str], folder: Path, seed: int, *asked: str) -> tuple[Exit, dict[str, Any]]:
    """What `launchnight capacity` says of it, people leaving after their first answer; each probe's line is shown."""
    command = python(
        "-m", "loadtests.cli", "capacity", NIGHT, *target, "--steps", "1", "--drain-minutes", "0.5", "--no-beyond",
        "--workers", str(WORKERS), "--seed", str(seed), "--runs", str(folder / "runs"), "--json", *asked,
    )  # fmt: skip
    with child_process(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(("probe", "launchnight")):
                print(f"        {line.rstrip()}", flush=True)
        document = process.stdout.read()
        code = Exit(process.wait())
    if not document:
        raise HarnessError(f"the search ended with {code + 0} and said nothing")
    return code, json.loads(document)


def _rate(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f}/s"


if __name__ == "__main__":
    sys.exit(main())
