"""R3 on real processes: goodput against offered load, up to ten times what the service can do, limiter on and off.

The capacity is limited by the database: four connections, and a delay on each round trip by the fault proxy, so that
neither the crowd nor a core is what runs out. A third of the requests are of people who are signed in, the others draw
tickets. The curve is drawn into a run folder.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from random import Random

import uvloop

from loadtests.harness.errors import Exit, HarnessError
from loadtests.harness.processes import ROOT, Child, python
from tests.acceptance.long.overload_crowd import PATIENCE, Crowd, Seen
from tests.acceptance.long.overload_curve import Costs, Curves, Point, draw, point_of, quantile, table
from tests.benchmarks.stack import say, stack
from tests.stack.phone import Phone

LOADS = (0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
WARM, MEASURED = 2.5, 7.0
SECONDS_OF_START_UP = 6.0
CONNECTIONS = 4
DELAY = 0.025
"""On each answer of the database: it then bears some 35 requests a second, and ten times as many are easily asked."""
LATEST_START = 0.01
TRIES = 3
"""Of each point: something else on the machine must not spoil six minutes in one of them."""
PEOPLE = 24
SEEDS = 3


def main() -> int:
    arguments = argparse.ArgumentParser(
        prog="make acceptance NAME=overload",
        description="Draw goodput against offered load, limiter on and off.",
        epilog="Ends with 0 when R3 is met, 3 when a goal is missed, 5 when the crowd itself was late.",
    )
    arguments.add_argument("--seed", type=int, default=1, help="the first seed of the arrivals (1)")
    arguments.add_argument("--seeds", type=int, default=SEEDS, help=f"how many with the limiter on ({SEEDS})")
    options = arguments.parse_args()
    folder = ROOT / ".launchnight" / "runs" / f"overload-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    try:
        curves = measured(range(options.seed, options.seed + options.seeds))
    except HarnessError as error:
        print(f"cannot measure: {error}", file=sys.stderr)
        return error.exit_code
    (folder / "curve.json").write_text(
        json.dumps({name: [asdict(point) for point in points] for name, points in curves.items()}, indent=1) + "\n"
    )
    draw(curves, folder / "curve.svg")
    faults = judged(curves)
    print(table(curves))
    print(f"curve: {folder / 'curve.svg'}")
    for fault in faults:
        print(f"missed: {fault}")
    latest = max(point.lateness_p99 for points in curves.values() for point in points)
    if latest > LATEST_START:
        print(f"INVALID: the crowd started one request in a hundred {latest * 1e3:.0f} ms late or more")
        return Exit.INVALID
    return Exit.MISSED if faults else Exit.OK


def measured(seeds: range) -> Curves:
    """The points with the limiter on, of all seeds, and off, of the first. Raises HarnessError."""
    with stack() as rooms:
        service = rooms.service("overload")
        phones = [Phone(service.web.url, service.partners.url, f"+6280000001{number:02}") for number in range(PEOPLE)]
        for phone in phones:
            phone.sign_in()
        database = rooms.slowed(service.database, DELAY)
        doors = {
            name: rooms.start(
                f"web-{name}",
                python("-m", "service", "web", "--lifeline"),
                rooms.settings("overload", database, service.partners.url)
                | {"REGISTRATION_DATABASE_CONNECTIONS": str(CONNECTIONS), "REGISTRATION_OVERLOAD_LIMIT": name},
            )
            for name in ("on", "off")
        }
        sessions = [phone.session for phone in phones]
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, no_collections():
            return runner.run(curves_of(doors, sessions, seeds))


@contextmanager
def no_collections() -> Iterator[None]:
    """Python's collector stands still for up to 40 ms where much was imported: the crowd would be late."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def curves_of(doors: dict[str, Child], sessions: list[dict[str, str]], seeds: range) -> Curves:
    crowd = Crowd(doors["on"].url, sessions)
    random = Random(seeds[0])
    costs = Costs(await crowd.cost(signed_in=True, times=30), await crowd.cost(signed_in=False, times=30), CONNECTIONS)
    seen = await crowd.busy(CONNECTIONS + 1, 5.0, random)
    capacity = (len(seen.good) + len(seen.late)) / 5.0
    say(f"capacity: {capacity:.0f} requests/s; a ticket takes {costs.ticket:.3f} s, a step {costs.signed_in:.3f} s")
    curves = {"on": await points_of(crowd, doors["on"], capacity, seeds, costs)}
    crowd.close()
    crowd = Crowd(doors["off"].url, sessions)  # without the limiter a backlog is left behind, so it comes last
    curves["off"] = await points_of(crowd, doors["off"], capacity, seeds[:1], costs)
    crowd.close()
    return curves


async def points_of(crowd: Crowd, door: Child, capacity: float, seeds: range, costs: Costs) -> list[Point]:
    seen: dict[float, list[Seen]] = {load: [] for load in LOADS}
    limits: dict[float, float] = {}
    for seed in seeds:
        random = Random(seed)
        await crowd.play(0.7 * capacity, SECONDS_OF_START_UP, random)
        for load in LOADS:
            await crowd.play(load * capacity, WARM, random)
            seen[load].append(await in_time(crowd, load * capacity, random))
            limits[load] = limit_of(door)
            say(f"{door.role}, seed {seed}, load {load:g}: goodput {len(seen[load][-1].good) / MEASURED:.0f}/s")
            await crowd.busy(1, 0.5, random)
    return [point_of(load, load * capacity, seen[load], MEASURED, costs, limits[load]) for load in LOADS]


async def in_time(crowd: Crowd, rate: float, random: Random) -> Seen:
    """What the crowd saw when it was not late itself; the last try, late or not, after TRIES of them."""
    for left in reversed(range(TRIES)):
        seen = await crowd.play(rate, MEASURED, random)
        late = quantile(seen.lateness, 0.99)
        if late <= LATEST_START or not left:
            break
        say(f"the crowd was {late * 1e3:.0f} ms late: once more")
    return seen


def limit_of(door: Child) -> float:
    """What the door of a web process lets in at once; 0 when it stands open."""
    with urllib.request.urlopen(f"http://127.0.0.1:{door.ready['metrics_port']}/metrics") as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith('registration_door_limit_requests{route_class="all"}'):
                return float(line.rpartition(" ")[2])
    return 0.0


def judged(curves: Curves) -> list[str]:
    """What R3 asks of the limiter, and of its absence: without it the same load must hurt."""
    on, off = ({point.load: point for point in curves[name]} for name in ("on", "off"))
    most, calm = on[10.0], on[0.7]
    peak = max(point.goodput for point in on.values())
    kept = share(most.goodput, peak)
    worked = share(most.work, max(point.work for point in on.values()))
    slower = share(most.answered_p99, calm.answered_p99)
    asked = [
        (kept >= 0.9, f"goodput at 10 x is {kept:.0%} of the peak, not 90 %"),
        (worked >= 0.9, f"useful work at 10 x is {worked:.0%} of the most, not 90 %"),
        (slower <= 2.0, f"p99 at 10 x is {slower:.1f} times that at 70 %, not 2"),
        (not any(point.without_retry_after for point in on.values()), "503 without Retry-After"),
        (not any(point.other_errors for point in on.values()), "errors other than 503"),
        (not any(point.gave_up for point in on.values()), f"some were told nothing within {PATIENCE:g} s"),
        (most.refused > most.goodput, "hardly anybody was refused at 10 x: the load was none"),
        (off[10.0].goodput < 0.5 * peak, "the negative control held: without the limiter it was good enough"),
    ]
    asked += [
        (point.refused_p99 <= 0.05, f"refusals at {point.load:g} x: p99 {point.refused_p99 * 1e3:.0f} ms, not 50")
        for point in on.values()
        if point.load > 1.0
    ]
    return [fault for held, fault in asked if not held]


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


if __name__ == "__main__":
    sys.exit(main())
