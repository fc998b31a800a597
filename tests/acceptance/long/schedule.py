"""B1 on real processes: the swarm starts everybody when due, and says by itself when it cannot.

`make acceptance NAME=schedule`: four workers against a target that costs next to nothing. (a) Journeys of one request
at the harsh peak of the night, three times a minute long: each run is valid and 99 % start within 5 ms. (b) Journeys of
eight requests at the same rate, which two cores cannot make: the run ends with 5 and names the cause. Ends with 3 when
a bar is missed, with 5 when this machine is so strong that (b) proves nothing.
"""

import argparse
import sys

from loadtests.harness.errors import Exit, HarnessError
from tests.acceptance.long.swarm_runs import Bars, Ran, begun, ended, run_folder
from tests.trivial_target import trivial_target

WORKERS = 4
RATE = 1500.0
SECONDS = 60.0
RUNS = 3
LATE_P99 = 0.005
SHORT, LONG = 1, 8
"""Requests of a journey."""
DRAIN = 30.0
"""Seconds after the last arrival, then whoever is still on the way is cut: some type their codes ten minutes later."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=schedule", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the first run; each takes the next (%(default)s)")
    parser.add_argument("--rate", type=float, default=RATE, help="arrivals a second (%(default)g)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of arrivals in each run (%(default)g)")
    options = parser.parse_args()
    bars = Bars()
    try:
        for number in range(RUNS):
            kept(play(options, SHORT, options.seed + number), bars)
        beyond = play(options, LONG, options.seed)
    except HarnessError as error:
        print(f"cannot prove: {error}", file=sys.stderr)
        return error.exit_code
    if beyond.code == Exit.OK and beyond.lateness(0.99) <= LATE_P99:
        print(f"INVALID: this machine makes journeys of {LONG} requests in time, too: take a higher --rate")
        return Exit.MISSED if bars.missed else Exit.INVALID
    causes = "; ".join(beyond.invalid)
    said = f"it ends with {beyond.code} ({Exit.INVALID + 0}) and names: {causes or 'nothing'}"
    bars.judge(beyond.code == Exit.INVALID and bool(causes), f"(b) {LONG} requests each: {said}")
    bars.judge(not beyond.lost(), f"(b) nobody lost, however late: {beyond.lost() or dict(+beyond.fates)}")
    print("met" if not bars.missed else "not met")
    return Exit.MISSED if bars.missed else Exit.OK


def play(options: argparse.Namespace, steps: int, seed: int) -> Ran:
    """One run; its figures in a line."""
    with run_folder("schedule") as folder, trivial_target() as target:
        asked = [
            "--arrivals", f"constant:{options.rate:g}", "--minutes", repr(options.seconds / 60.0),
            "--steps", str(steps), "--seed", str(seed), "--drain-minutes", repr(DRAIN / 60.0),
        ]  # fmt: skip
        with begun(target.url, folder, asked, workers=WORKERS) as swarm:
            ran = ended(swarm, options.seconds + DRAIN + 120.0)
        requests = sum(target.counts().values())
    late = [ran.lateness(q) * 1e3 for q in (0.5, 0.99, 1.0)]
    print(
        f"        journeys of {steps}, seed {seed}: {ran.planned:,} planned, {requests:,} requests came; "
        f"late {late[0]:.2f} ms in the median, {late[1]:.2f} at p99, {late[2]:.1f} at most",
        flush=True,
    )
    return ran


def kept(ran: Ran, bars: Bars) -> None:
    """The bars of (a)."""
    p99 = ran.lateness(0.99)
    what = "; ".join(ran.invalid) or "valid"
    bars.judge(ran.code == Exit.OK and not ran.invalid, f"(a) the run is valid: it ends with {ran.code}, {what}")
    bars.judge(p99 <= LATE_P99, f"(a) 99 % start within {p99 * 1e3:.2f} ms ({LATE_P99 * 1e3:g} at most)")
    bars.judge(not ran.lost(), f"(a) everybody has one fate: {ran.lost() or dict(+ran.fates)}")


if __name__ == "__main__":
    sys.exit(main())
