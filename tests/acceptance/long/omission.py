"""B7 on real processes: what a freeze of ten seconds does to people, as we, arithmetic and stock Locust have it.

`make acceptance NAME=omission` plays the self-test's night (100 arrivals a second, the target stands still for ten
seconds) with our swarm, and the same rate with stock Locust on the same target: a hundred users who each ask once a
second. Ours must fit the arithmetic within 2 %; stock Locust is the control, and must leave most of the delayed out.
Prints the table of docs/swarm.md. Ends with 3 when a bar is missed, with 5 when the swarm called its own run invalid.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from loadtests.harness.errors import Exit, HarnessError, NotReady
from loadtests.harness.processes import once, python
from loadtests.omission import COUNTS_WITHIN, Fit, Standstill, fit
from loadtests.self_test import Measured, measure
from tests.acceptance.long.swarm_runs import Bars, run_folder
from tests.trivial_target import trivial_target

RATE, SECONDS, FREEZE = 100.0, 60.0, 10.0
BEFORE = 15.0
"""Seconds of stock Locust's run before the freeze."""
SHOWN = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=omission", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals (%(default)s)")
    options = parser.parse_args()
    bars = Bars()
    try:
        ours = measure(RATE, SECONDS, FREEZE, options.seed)
        night, stock = measure_stock()
    except HarnessError as error:
        print(f"cannot prove: {error}", file=sys.stderr)
        return error.exit_code
    print(table(ours, night, stock))
    if ours.invalid:
        print(f"INVALID: {'; '.join(ours.invalid)}")
        return Exit.INVALID
    bars.judge(not ours.faults(), f"ours fits: the distributions are {ours.fit.distance:.2%} apart; {ours.faults()}")
    bars.judge(
        abs(ours.fit.delayed / ours.night.delayed - 1.0) <= COUNTS_WITHIN,
        f"{ours.fit.delayed} people waited longer than {ours.night.noticed:g} s ({ours.night.delayed:.0f})",
    )
    p95, expected = stock.quantiles[0.95], night.quantile(0.95)
    bars.judge(
        p95 < 0.5 * expected and stock.distance > 0.1,
        f"control: stock Locust has a p95 of {p95:.2f} s, not {expected:.2f}; it is {stock.distance:.1%} away",
    )
    print("met" if not bars.missed else "not met")
    return Exit.MISSED if bars.missed else Exit.OK


def measure_stock() -> tuple[Standstill, Fit]:
    """The same with Locust as it comes. Raises HarnessError."""
    with run_folder("omission") as folder, trivial_target() as target:
        target.freeze(FREEZE, time.time() + BEFORE)
        took = folder / "took.json"
        command = python(
            "-m", "locust", "-f", str(Path(__file__).with_name("omission_stock.py")), "--headless", "--only-summary",
            "-u", f"{RATE:g}", "-r", f"{RATE:g}", "-t", f"{SECONDS:g}s", "--host", target.url,
        )  # fmt: skip
        settings = {"OMISSION_TOOK": str(took)}
        once("stock", command, settings=settings, logs=folder, within=SECONDS + 60.0)
        freezes = target.state()["freezes"]
        if len(freezes) != 1:
            raise NotReady("the target did not stand still once while stock Locust ran")
        night = Standstill(RATE, SECONDS, freezes[0][1] - freezes[0][0])
        return night, fit(json.loads(took.read_text()), night)


def table(ours: Measured, night: Standstill, stock: Fit) -> str:
    """In Markdown, as docs/swarm.md has it."""
    lines = ["| | by arithmetic | this swarm | stock Locust |", "|---|---|---|---|"]
    expected = ours.night
    people = f"{expected.delayed:,.0f} | {ours.fit.delayed:,} | {stock.delayed:,}"
    lines.append(f"| waited longer than {expected.noticed:g} s | {people} |")
    for q in SHOWN:
        name = "max" if q == 1.0 else f"p{100 * q:g}"
        figures = f"{expected.quantile(q):.2f} s | {ours.fit.quantiles[q]:.2f} s | {stock.quantiles[q]:.2f} s"
        lines.append(f"| {name} | {figures} |")
    lines.append(f"| distance of the distributions | | {ours.fit.distance:.1%} | {stock.distance:.1%} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
