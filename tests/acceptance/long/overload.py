"""R3 on real processes: goodput against offered load, up to ten times what the service can do, limiter on and off.

`make acceptance NAME=overload` draws the curve into a run folder and ends with 3 when the limiter misses its goals, or
with 5 when the generator was the limit. The capacity is limited by the database: four connections, and a delay on each
round trip by the fault proxy, so that neither this process nor a core is what runs out. A third of the requests are of
people who are signed in, the others draw tickets.
"""

import asyncio
import json
import random
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import matplotlib as mpl

mpl.use("svg")

from matplotlib.figure import Figure

from loadtests.harness.errors import Exit, HarnessError
from loadtests.harness.http_json import ask
from loadtests.harness.processes import ROOT, Child, python
from tests.benchmarks.stack import Stack, say, stack
from tests.stack.phone import Phone

LOADS = (0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
WARM, MEASURED = 4.0, 8.0
SECONDS_OF_START_UP = 6.0
CONNECTIONS = 4
DELAY = 0.025
"""On each answer of the database: it then bears some 35 requests a second, and ten times as many are easily asked."""
USEFUL = 1.0
"""An answer after more than this is of no use: the objective of the night."""
PATIENCE = 4.0
"""Then the phone gives up and closes its connection."""
LATEST_START = 0.01
PEOPLE = 24
WORK = {"employment_status": "laid_off", "sector": "pariwisata", "last_income": 4_200_000}
"""Saving a step costs about what a ticket does: goodput then does not depend on who is let in."""
SEED = 20200411


@dataclass
class Point:
    """One load. Rates per second; times in seconds."""

    load: float
    offered: float
    goodput: float
    answered_p50: float
    answered_p99: float
    refused: float
    refused_p99: float
    without_retry_after: int
    other_errors: int
    gave_up: int
    signed_in_share: float
    """Of what people who are signed in asked, in time."""
    lateness_p99: float
    limit: float = 0.0


@dataclass
class Seen:
    good: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    signed_in: list[bool] = field(default_factory=list)
    without_retry_after: int = 0
    other_errors: int = 0
    gave_up: int = 0


class Crowd:
    """Open arrivals: nobody waits for the service before coming."""

    def __init__(self, session: aiohttp.ClientSession, url: str, tokens: list[dict[str, str]]) -> None:
        self._session = session
        self._url = url
        self._tokens = tokens
        self._random = random.Random(SEED)

    async def play(self, rate: float, seconds: float, seen: Seen) -> None:
        began = asyncio.get_running_loop().time()
        due = began
        async with asyncio.TaskGroup() as group:
            while (due := due + self._random.expovariate(rate)) < began + seconds:
                ahead = due - asyncio.get_running_loop().time()
                if ahead > 0.0:
                    await asyncio.sleep(ahead)
                group.create_task(self._ask(due, seen))

    async def busy(self, at_once: int, seconds: float) -> float:
        """Answers per second that so many people get who each wait for theirs: what the service can do."""
        until = time.monotonic() + seconds
        seen = Seen()

        async def one() -> None:
            while time.monotonic() < until:
                await self._ask(asyncio.get_running_loop().time(), seen)

        await asyncio.gather(*[one() for _ in range(at_once)])
        return (len(seen.good) + len(seen.late)) / seconds

    async def _ask(self, due: float, seen: Seen) -> None:
        clock = asyncio.get_running_loop().time
        draw = self._random.random()
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        token = self._random.choice(self._tokens)
        seen.lateness.append(clock() - due)
        if draw < 0.67:
            asked = self._session.post(f"{self._url}/tickets", json={}, headers=headers)
        else:
            asked = self._session.put(f"{self._url}/profile/work", json=WORK, headers=token)
        useful = False
        try:
            async with asyncio.timeout(PATIENCE), asked as answer:
                await answer.read()
                took = clock() - due
                if answer.status < 400:
                    useful = took <= USEFUL
                    (seen.good if useful else seen.late).append(took)
                elif answer.status == 503:
                    seen.refused.append(took)
                    seen.without_retry_after += "retry-after" not in answer.headers
                else:
                    seen.other_errors += 1
        except TimeoutError:
            seen.gave_up += 1
        except aiohttp.ClientError:
            seen.other_errors += 1
        if draw >= 0.67:
            seen.signed_in.append(useful)


def main() -> int:
    folder = ROOT / ".launchnight" / "runs" / f"overload-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    try:
        curves = measured()
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
        print(f"invalid: the generator started one request in a hundred {latest * 1e3:.0f} ms late or more")
        return Exit.INVALID
    return Exit.MISSED if faults else Exit.OK


def measured() -> dict[str, list[Point]]:
    """The points with the limiter on and off. Raises HarnessError."""
    with stack() as rooms:
        service = rooms.service("overload")
        phones = [Phone(service.web.url, service.partners.url, f"+6280000001{number:02}") for number in range(PEOPLE)]
        for phone in phones:
            phone.sign_in()
        database = slowed(rooms, service.database)
        doors = {
            name: rooms.start(
                f"web-{name}",
                python("-m", "service", "web", "--lifeline"),
                rooms.settings("overload", database, service.partners.url)
                | {"REGISTRATION_DATABASE_CONNECTIONS": str(CONNECTIONS), "REGISTRATION_OVERLOAD_LIMIT": name},
            )
            for name in ("on", "off")
        }
        tokens = [phone.session for phone in phones]
        return asyncio.run(curves_of(doors, tokens))


def slowed(rooms: Stack, database: str) -> str:
    """The address of the same database behind the fault proxy."""
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(database)
    to = f"{parts.hostname}:{parts.port}"
    command = ("-m", "loadtests.faults", "--listen", "127.0.0.1:0", "--to", to, "--lifeline")
    proxy = rooms.start("faults", python(*command))
    control = f"http://127.0.0.1:{proxy.ready['control_port']}"
    ask("POST", f"{control}/toxics", {"kind": "latency", "direction": "downstream", "delay_s": DELAY})
    user = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{proxy.ready['port']}"))


async def curves_of(doors: dict[str, Child], tokens: list[dict[str, str]]) -> dict[str, list[Point]]:
    curves: dict[str, list[Point]] = {}
    capacity = 0.0
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        for name in ("on", "off"):  # without the limiter a backlog is left behind
            crowd = Crowd(session, doors[name].url, tokens)
            await crowd.busy(1, 1.0)
            if not capacity:
                capacity = await crowd.busy(CONNECTIONS + 1, 5.0)
                say(f"capacity: {capacity:.0f} requests/s")
            await crowd.play(0.7 * capacity, SECONDS_OF_START_UP, Seen())
            curves[name] = []
            for load in LOADS:
                await crowd.play(load * capacity, WARM, Seen())
                seen = Seen()
                await crowd.play(load * capacity, MEASURED, seen)
                point = point_of(load, load * capacity, seen)
                point.limit = limit_of(doors[name])
                curves[name].append(point)
                say(f"limiter {name}, load {load:g}: goodput {point.goodput:.0f}/s")
                await crowd.busy(1, 1.0)
    return curves


def limit_of(door: Child) -> float:
    """What the door of a web process lets in at once."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{door.ready['metrics_port']}/metrics") as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith('registration_door_limit_requests{route_class="all"}'):
                return float(line.rpartition(" ")[2])
    return 0.0


def point_of(load: float, offered: float, seen: Seen) -> Point:
    return Point(
        load=load,
        offered=offered,
        goodput=len(seen.good) / MEASURED,
        answered_p50=quantile(seen.good + seen.late, 0.5),
        answered_p99=quantile(seen.good + seen.late, 0.99),
        refused=len(seen.refused) / MEASURED,
        refused_p99=quantile(seen.refused, 0.99),
        without_retry_after=seen.without_retry_after,
        other_errors=seen.other_errors,
        gave_up=seen.gave_up,
        signed_in_share=sum(seen.signed_in) / max(len(seen.signed_in), 1),
        lateness_p99=quantile(seen.lateness, 0.99),
    )


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)] if values else 0.0


def judged(curves: dict[str, list[Point]]) -> list[str]:
    """What R3 asks of the limiter, and of its absence: without it the same load must hurt."""
    on, off = ({point.load: point for point in curves[name]} for name in ("on", "off"))
    most, calm = on[10.0], on[0.7]
    peak = max(point.goodput for point in on.values())
    asked: list[tuple[bool, Callable[[], str]]] = [
        (most.goodput >= 0.9 * peak, lambda: f"goodput at 10 x is {most.goodput / peak:.0%} of the peak, not 90 %"),
        (
            most.answered_p99 <= 2.0 * calm.answered_p99,
            lambda: f"p99 at 10 x is {most.answered_p99 / calm.answered_p99:.1f} times that at 70 %, not 2",
        ),
        (most.refused_p99 <= 0.05, lambda: f"refusals p99 {most.refused_p99 * 1e3:.0f} ms, not 50"),
        (not any(point.without_retry_after for point in on.values()), lambda: "503 without Retry-After"),
        (not any(point.other_errors for point in on.values()), lambda: "other errors"),
        (most.refused > 0, lambda: "nobody was refused at 10 x: the load was none"),
        (off[10.0].goodput < 0.5 * peak, lambda: "the negative control held: without the limiter it was good enough"),
    ]
    return [say_so() for held, say_so in asked if not held]


def table(curves: dict[str, list[Point]]) -> str:
    lines = [
        "limiter  load  offered/s  goodput/s  p50 ms  p99 ms  refused/s  refused p99 ms  gave up  signed in  limit"
    ]
    for name, points in curves.items():
        lines += [
            f"{name:7}  {each.load:4g}  {each.offered:9.0f}  {each.goodput:9.0f}  {each.answered_p50 * 1e3:6.0f}  "
            f"{each.answered_p99 * 1e3:6.0f}  {each.refused:9.0f}  {each.refused_p99 * 1e3:14.0f}  {each.gave_up:7}  "
            f"{each.signed_in_share:8.0%}  {each.limit:5.1f}"
            for each in points
        ]
    return "\n".join(lines)


def draw(curves: dict[str, list[Point]], path: Path) -> None:
    """Goodput and the time of the slowest answers against the offered load, with and without the limiter."""
    mpl.rcParams.update({"svg.hashsalt": "overload", "svg.fonttype": "none", "font.size": 9})
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    rate, slow = figure.subplots(1, 2)
    peak = max(point.goodput for point in curves["on"])
    for name, color, style in (("on", "#1b6ca8", "-"), ("off", "#b3402e", "--")):
        points = curves[name]
        loads = [point.load for point in points]
        look: dict[str, Any] = {"ls": style, "color": color, "marker": "o", "ms": 3, "label": f"limiter {name}"}
        rate.plot(loads, [point.goodput for point in points], **look)
        slow.plot(loads, [point.answered_p99 * 1e3 for point in points], **look)
    rate.axhline(0.9 * peak, color="#888", lw=0.8, ls=":", label="90 % of the peak")
    calm = next(point for point in curves["on"] if point.load == 0.7)
    slow.axhline(2e3 * calm.answered_p99, color="#888", lw=0.8, ls=":", label="twice that at 70 %")
    rate.set(xlabel="offered load, times the capacity", ylabel="answers within 1 s, per second", title="Goodput")
    slow.set(xlabel="offered load, times the capacity", ylabel="ms", title="99 of 100 answers within", yscale="log")
    for axes in (rate, slow):
        axes.set_xscale("log")
        axes.set_xticks(LOADS, [f"{load:g}" for load in LOADS])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    rate.set_ylim(bottom=0)
    marks = (50, 100, 200, 500, 1000, 2000, 5000)
    slow.set_yticks(marks, [f"{mark}" for mark in marks])
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    sys.exit(main())
