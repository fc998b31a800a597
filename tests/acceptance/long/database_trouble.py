"""R2 on real processes: whatever happens to the database, the service comes back by itself, and nobody is lied to.

`make acceptance NAME=database_trouble` (seven minutes; the module itself takes --only): people keep asking for tickets
and codes at a steady rate while the server is restarted, killed, stopped, filled and locked, in an order drawn from
`--seed`. Judged are the 15 seconds after each trouble against a calm beginning: the share of requests with an answer of
use, and that of the promised codes that come soon. The scenarios of the public comparison of queues must keep 98 % of
both, the others 95 % (90 % where newcomers come last). All the time each request has a definite answer (done, or 503
with Retry-After), no process ends that was not killed, and afterwards nothing promised is lost or was done twice.

Last the negative control: the same restart with a pool that keeps its dead connections, which must not come back.
Ends with 3 when a goal is missed, 5 when a fault did not bite or the generator was late, 6 when something was lost.
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl

mpl.use("svg")

from matplotlib.figure import Figure

from loadtests.faults.processes import DidNotBite
from loadtests.harness.errors import Exit, HarnessError
from loadtests.harness.processes import ROOT
from tests.faults import database_troubles as troubles
from tests.faults.database_load import Load, differences, indefinite
from tests.faults.database_room import House, house
from tests.faults.database_troubles import Trouble

RATE = 30.0
"""Requests a second: a tenth of what the processes can do, so that nothing but the trouble is in their way."""
CALM, AFTER = 10.0, 15.0
ANSWERED_WITHIN = 15.0
"""Seconds for any answer: the longest statement (10), and what stands before it. People wait that long for a page."""
BACK_WITHIN = 15.0
"""Seconds until readiness and the gate are back."""
LATEST_START = 0.1
"""Seconds, of 99 in 100 requests: a tenth of what makes an answer useless."""
COLLAPSED = 0.5
"""What the negative control must stay below."""
PUBLIC, OTHER = 0.98, 0.95
NEWCOMERS_LAST = 0.90
"""Where requests hung, the door goes on keeping newcomers out for some seconds: whoever has come further goes first."""


class Case(NamedTuple):
    text: str
    trouble: Trouble
    least: float


CASES = {
    case.trouble.__name__: case
    for case in (
        Case("server restarted", troubles.restart, PUBLIC),
        Case("backends killed, those at work", troubles.backend_kill, PUBLIC),
        Case("connections used up by idle holders", troubles.pool_exhaustion, PUBLIC),
        Case("kill -9 of the postmaster", troubles.kill_nine, PUBLIC),
        Case("kill -9 of the worker", troubles.worker_kill, PUBLIC),
        Case("repeated kills of worker and postmaster", troubles.repeated_kills, PUBLIC),
        Case("F5 postmaster stopped", troubles.stopped_postmaster, OTHER),
        Case("F5 postmaster stopped, every connection lost", troubles.silent_server, NEWCOMERS_LAST),
        Case("F5 one backend stopped in a transaction", troubles.stopped_backend, OTHER),
        Case("F6 a backend ended five times a second", troubles.steady_termination, OTHER),
        Case("F7 every connection taken", troubles.exhaustion, OTHER),
        Case("F22 deadlocks", troubles.deadlocks, OTHER),
        Case("F22 serialization failures", troubles.serialization_failures, OTHER),
        Case("F22 lock time-outs", troubles.lock_timeouts, OTHER),
        Case("F23 idle in transaction beside a backlog", troubles.idle_in_transaction, OTHER),
        Case("server takes no writes", troubles.read_only, OTHER),
    )
}


@dataclass
class Span:
    """A trouble as it was. Instants are unix seconds."""

    name: str
    began: float
    ended: float
    proof: str
    ready_after: float = -1.0
    """Seconds from the end; negative: never."""
    gate_after: float = -1.0


@dataclass
class Row:
    """What became of one trouble. Shares are those of the calm beginning."""

    name: str
    proof: str
    seconds: float
    during: float
    requests: float
    jobs: float
    """Codes that came within 5 s, of those promised to who asked then."""
    rate: float
    """Codes that came a second, of those asked a second: a backlog that drains makes it more than 1."""
    slowest: float
    ready_after: float
    gate_after: float
    faults: list[str]


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    names = options.only.split(",") if options.only else random.Random(options.seed).sample(list(CASES), len(CASES))
    if unknown := [name for name in names if name not in CASES]:
        print(f"no such trouble: {', '.join(unknown)}; there are {', '.join(CASES)}", file=sys.stderr)
        return Exit.USAGE
    folder = ROOT / ".launchnight" / "runs" / f"database-trouble-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    try:
        return asyncio.run(prove(names, options.seed, folder))
    except DidNotBite as fault:
        print(f"invalid: {fault}")
        return Exit.INVALID
    except HarnessError as error:
        print(f"cannot measure: {error}", file=sys.stderr)
        return error.exit_code


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python -m tests.acceptance.long.database_trouble", description=__doc__)
    root.add_argument("--seed", type=int, default=20200411, help="of the order of the troubles (%(default)s)")
    root.add_argument("--only", default="", metavar="NAME,...", help=f"some of them: {', '.join(CASES)}")
    return root


async def prove(names: Sequence[str], seed: int, folder: Path) -> int:
    async with house(folder / "service") as rooms:
        load, spans = await played(rooms, names, seed)
        lost = await audit(rooms, load)
        control = await controlled(rooms)
    rows = [row_of(load, span) for span in spans]
    draw(load, spans, folder / "goodput.svg")
    (folder / "troubles.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    shutil.rmtree(folder / "service", ignore_errors=True)
    print(table(rows))
    print(f"negative control, a pool that keeps dead connections: {control:.0%} served after a restart")
    print(f"{len(load.asked)} requests, {sum(each.acknowledged for each in load.asked)} of them promised; see {folder}")
    missed = [f"{row.name}: {fault}" for row in rows for fault in row.faults]
    if control >= COLLAPSED:
        missed.append("the negative control came back: this proves nothing")
    for fault in lost + missed:
        print(f"missed: {fault}")
    late = sorted(load.lateness)[int(0.99 * len(load.lateness))]
    if late > LATEST_START:
        print(f"invalid: the generator started one request in a hundred {late * 1e3:.0f} ms late or more")
        return Exit.INVALID
    if lost:
        return Exit.LOST
    return Exit.MISSED if missed else Exit.OK


async def played(rooms: House, names: Sequence[str], seed: int) -> tuple[Load, list[Span]]:
    """The troubles one after the other under load. Raises DidNotBite; HarnessError when a process ended."""
    load = Load(rooms.url, rooms.partners, RATE)
    load.phones += await rooms.invite(int(RATE * CALM))
    spans = []
    async with load.playing():
        await asyncio.sleep(CALM)
        for name in names:
            say(f"{CASES[name].text} ...")
            await (await rooms.operator()).execute("select setseed($1)", seed % 1000 / 1000)
            load.phones += await rooms.invite(int(RATE * (AFTER + 40.0)))
            began = time.time()
            proof = await CASES[name].trouble(rooms, load)
            spans.append(await after(rooms, Span(name, began, time.time(), proof)))
            if ended := rooms.ended():
                raise HarnessError(f"{name}: the process of {', '.join(ended)} ended: {rooms.log(ended[0])[-400:]}")
    return load, spans


async def after(rooms: House, span: Span) -> Span:
    """Wait until the seconds after the trouble are over, and note when readiness and gate came back."""
    operator = await rooms.operator()
    while (now := time.time()) < span.ended + AFTER:
        if span.ready_after < 0.0 and await asyncio.to_thread(rooms.is_ready):
            span.ready_after = now - span.ended
        if span.gate_after < 0.0:
            moved = await operator.fetchval("select extract(epoch from moved_at)::float8 from waiting_room")
            span.gate_after = moved - span.ended
        await asyncio.sleep(0.1)
    return span


async def audit(rooms: House, load: Load) -> list[str]:
    operator = await rooms.operator()
    tickets = {row["number"] for row in await operator.fetch("select number from ticket")}
    requests = {str(row["id"]) for row in await operator.fetch("select id from code_request")}
    left = await operator.fetch("select queue, state, count(*) from job group by queue, state")
    return [
        *differences(load, tickets, requests),
        *[f"{row['count']} jobs of {row['queue']} are left in state {row['state']}" for row in left],
    ]


async def controlled(rooms: House) -> float:
    """Share of the requests that a web process with a broken pool serves after a restart of the server."""
    say("negative control ...")
    await asyncio.to_thread(rooms.start, "web", name="careless", module="tests.faults.keeping_pool")
    load = Load(rooms.children["careless"].url, rooms.partners, RATE, settles=0.0)
    load.phones += await rooms.invite(int(RATE * 30.0))
    async with load.playing():
        await asyncio.sleep(2.0)
        await troubles.restart(rooms, load)
        ended = time.time()
        await asyncio.sleep(AFTER / 2)
    await asyncio.to_thread(rooms.dismiss, "careless", grace=0.0)
    return load.served(ended, ended + AFTER / 2)


def row_of(load: Load, span: Span) -> Row:
    first = load.asked[0].due
    start, end = span.ended, span.ended + AFTER
    row = Row(
        name=span.name,
        proof=span.proof,
        seconds=span.ended - span.began,
        during=load.served(span.began, span.ended),
        requests=load.served(start, end) / load.served(first, first + CALM),
        jobs=load.prompt(start, end) / load.prompt(first, first + CALM),
        rate=load.delivered_per_s(start, end) / (RATE / 2.0),
        slowest=max(each.took for each in load.within(span.began, end)),
        ready_after=span.ready_after,
        gate_after=span.gate_after,
        faults=[],
    )
    least = CASES[span.name].least
    for what, share in (("requests", row.requests), ("jobs", row.jobs)):
        if share < least:
            row.faults.append(f"{what}: {share:.1%} of before, not {least:.0%}")
    for what, seconds in (("readiness", row.ready_after), ("the gate", row.gate_after)):
        if not 0.0 <= seconds <= BACK_WITHIN:
            row.faults.append(f"{what} did not come back")
    if found := indefinite(load.within(span.began, end), ANSWERED_WITHIN):
        row.faults.append(f"{len(found)} requests without a definite answer: {', '.join(sorted(set(found))[:3])}")
    return row


def table(rows: Sequence[Row]) -> str:
    lines = [f"{'':43}  lasts s  served  after: requests   jobs   rate  slowest s  ready s  gate s"]
    for row in rows:
        lines.append(
            f"{CASES[row.name].text:43}  {row.seconds:7.1f}  {row.during:6.0%}  {row.requests:15.1%}  {row.jobs:5.0%}  "
            f"{row.rate:5.0%}  {row.slowest:9.2f}  {row.ready_after:7.1f}  {row.gate_after:6.1f}"
        )
        lines.append(f"{'':4}{row.proof}")
    return "\n".join(lines)


def draw(load: Load, spans: Sequence[Span], path: Path) -> None:
    """Answers of use and codes that came, each second, with the troubles shaded."""
    mpl.rcParams.update({"svg.hashsalt": "database-trouble", "svg.fonttype": "none", "font.size": 8})
    first = load.asked[0].due
    seconds = range(int(load.asked[-1].due - first))
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.subplots()
    served = [sum(each.useful for each in load.within(first + at, first + at + 1.0)) for at in seconds]
    came = [load.delivered_per_s(first + at, first + at + 1.0) for at in seconds]
    axes.step(seconds, served, where="post", color="#1b6ca8", lw=1.0, label="answers within 1 s")
    axes.step(seconds, came, where="post", color="#6a994e", lw=1.0, label="codes that came")
    for span in spans:
        axes.axvspan(span.began - first, span.ended - first, color="#b3402e", alpha=0.15, lw=0)
        axes.text(span.began - first, RATE * 1.75, span.name.replace("_", " "), rotation=90, va="top", fontsize=7)
    axes.set(xlabel="seconds", ylabel="per second", ylim=(0, RATE * 1.8), title="Troubles of the database (shaded)")
    axes.legend(frameon=False, loc="upper left")
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
