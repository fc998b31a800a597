"""B10 on real processes: a clock that lies by 5 % is caught by Little's law, and an honest one is left alone.

`make acceptance NAME=clocks`: a swarm of two workers against a target that costs next to nothing and stands still for a
second now and then, so that there is something to time; ever more people come. Once straight; once with the crowd's
clock 5 % fast, once 5 % slow; once with all clocks of the swarm's processes 5 % fast, which only the record's own clock
can tell. Then the straight record's answers stamped three seconds late, and an eleventh of them lost. Ends with 3 when
a bar is missed, with 5 when too little could be judged. About three minutes.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loadtests.harness.errors import Exit, HarnessError
from loadtests.harness.http_json import ask
from loadtests.harness.plain_swarm import plain_swarm
from loadtests.harness.processes import ROOT
from loadtests.harness.samples import Target
from loadtests.harness.scraper import Scraper
from reports import little
from reports.little import ALLOWED
from scenarios.record import Samples, SamplesWriter
from tests.acceptance.long.swarm_runs import EVERYBODY, Bars, run_folder
from tests.trivial_target import trivial_target

LIES = ROOT / "tests" / "lying_clocks"
ARRIVALS, SECONDS = "ramp:40-200", 40.0
WORKERS = 2
STANDS_STILL, EVERY = 1.0, 4.0
LEFT_OVER = 30.0
LEAST_JUDGED = 4
"""Windows of each run: two of each worker. Fewer and nothing was proved."""
TIMED = "swarm_request_seconds_sum"
Change = Callable[[float, float], tuple[float, float]]
"""Of a sample of the timed answers, (time, value)."""


@dataclass(frozen=True)
class Clocks:
    """How a swarm's clocks go in one run."""

    what: str
    rate: float = 1.0
    names: tuple[str, ...] = ()
    """Of the clocks in Python's module `time` that go so."""

    def settings(self) -> dict[str, str]:
        path = os.pathsep.join([str(LIES), str(ROOT)])
        return {"PYTHONPATH": path, "LYING_CLOCKS": " ".join([repr(self.rate), *self.names])}


RUNS = (
    Clocks("straight"),
    Clocks("the crowd's clock 5 % fast", 1.05, ("monotonic",)),
    Clocks("the crowd's clock 5 % slow", 0.95, ("monotonic",)),
    Clocks("all its clocks 5 % fast", 1.05, ("monotonic", "time", "perf_counter")),
)
TAMPERED: dict[str, Change] = {
    "answers stamped 3 s late": lambda t, value: (t + 3.0, value),
    "1 answer in 11 lost": lambda t, value: (t, value / 1.1),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=clocks", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals (%(default)s)")
    options = parser.parse_args()
    bars = Bars()
    try:
        for clocks in RUNS:
            with run_folder("clocks") as folder:
                samples = play(clocks, folder, options.seed)
                if not judge(clocks.what, samples, bars, lies=bool(clocks.names)):
                    return Exit.INVALID
                if not clocks.names:
                    for what, change in TAMPERED.items():
                        judge(what, tampered(samples, change, folder / "tampered"), bars, lies=True)
    except HarnessError as error:
        print(f"cannot prove: {error}", file=sys.stderr)
        return error.exit_code
    print("met" if not bars.missed else "not met")
    return Exit.MISSED if bars.missed else Exit.OK


def play(clocks: Clocks, folder: Path, seed: int) -> Samples:
    """One run, as the harness's scraper records it. Raises HarnessError."""
    asked = [
        *EVERYBODY, "--arrivals", ARRIVALS, "--minutes", repr(SECONDS / 60.0), "--steps", "1",
        "--seed", str(seed), "--drain-minutes", repr(LEFT_OVER / 60.0),
    ]  # fmt: skip
    scraper = Scraper()
    with (
        trivial_target() as target,
        plain_swarm(
            target.url, folder, [*asked, "--partners-url", target.url], workers=WORKERS, settings=clocks.settings()
        ) as swarm,
    ):
        opens_at = time.time()
        for number in range(int(SECONDS / EVERY)):
            ask("POST", f"{target.url}/freeze", {"seconds": STANDS_STILL, "at": opens_at + 2.0 + EVERY * number})
        places = [place.rsplit(":", 1) for place in swarm.metrics]
        scraper.watch([Target("swarm", host, int(port)) for host, port in places])
        swarm.done(SECONDS + LEFT_OVER + 60.0)
        writer = SamplesWriter()
        scraper.finish(writer, opens_at)
        swarm.code()
    writer.write(folder)
    return Samples.load(folder)


def judge(what: str, samples: Samples, bars: Bars, *, lies: bool) -> bool:
    """One line of figures and its bar; False where there was too little to judge."""
    judged = [one for one in little.windows(samples) if one.is_judged]
    if len(judged) < LEAST_JUDGED:
        print(f"INVALID: {what}: {len(judged)} windows could be judged, {LEAST_JUDGED} are needed")
        return False
    gaps = sorted(one.gap for one in judged)
    found = little.broken(samples)
    told = f"{what}: {len(judged)} windows, gaps {gaps[0]:+.2%} to {gaps[-1]:+.2%} ({ALLOWED:.0%} allowed)"
    bars.judge((found is not None) == lies, f"{told}; {found[0] if found else 'Little’s law holds'}")
    return True


def tampered(samples: Samples, change: Change, folder: Path) -> Samples:
    """The same record, its timed answers changed."""
    folder.mkdir(exist_ok=True)
    writer = SamplesWriter()
    for name in samples.names:
        for own, times, values in samples.select(name):
            for sample in zip(times.tolist(), values.tolist(), strict=True):
                t, value = change(*sample) if name == TIMED else sample
                writer.add(t, name, own, value)
    writer.write(folder)
    return Samples.load(folder)


if __name__ == "__main__":
    sys.exit(main())
