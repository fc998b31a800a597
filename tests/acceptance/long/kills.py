"""R1 on real processes: twenty seeded `kill -9` over web, worker and database under load, and nothing lost or doubled.

`make acceptance NAME=kills` rehearses a night whose timeline kills a process every few seconds; the harness starts each
again a second later. What clients were told, what the database holds and what the partners saw must agree, and people
must go on joining. Then the control: the same database kills with a server that answers before it has written, where
the same audit must find losses. Ends with 3 when a bar is missed, with 5 when the run proves nothing.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from loadtests.harness import proxy
from loadtests.harness.errors import Exit
from loadtests.harness.processes import ROOT
from scenarios import catalogue
from tests.launched import launchnight

KILLS = {"web": 8, "worker": 7, "database": 5}
FIRST, EVERY = 6.0, 7.0
"""Seconds after the opening; each kill has a slot of its own and a random moment in its first two seconds."""
GONE = 1.0
"""Until its supervisor starts it again."""
JOINED = 0.9
"""Share of all who came that must have joined by the end, although most of them lived through several kills."""
LATEST_MS = 100.0
"""At p99: then the crowd came as planned. A rehearsal's 10 ms guard response times, which are not judged here."""
CONTROL_KILLS = 3
"""Of the database alone, at half the pace."""
CROWD = ["--reading", "expected", "--people", "1/100", "--pace", "300", "--drain-minutes", "1.2"]
"""About three people a second, for whom the gate has room: nobody may wait in line when the run ends."""
NIGHT = Path(catalogue.__file__).parent / "nights" / "prakerja-wave-1.toml"
FAULT = '\n[[faults]]\nkind = "killed"\ntarget = "{}"\nstart_s = {:.2f}\nend_s = {:.2f}\n'

CARELESS = """
alter database registration set synchronous_commit = off;
alter system set wal_writer_delay = '10s';
alter system set wal_writer_flush_after = '1GB';
select pg_reload_conf();
select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = 'registration';
"""
"""From now on every session is told that its commit is done up to ten seconds before it is written."""


@dataclass(frozen=True)
class Played:
    """A rehearsal that has ended."""

    run: Path
    document: dict[str, Any]
    """Its verdict.json."""
    events: list[dict[str, Any]]

    def kills(self, edge: str) -> list[dict[str, Any]]:
        return [one for one in self.events if (one["kind"], one["name"], one.get("edge")) == ("fault", "killed", edge)]

    def found(self, *subjects: str) -> list[str]:
        """What the verdict finds about these."""
        return [one["text"] for one in self.document["verdict"]["findings"] if one["subject"] in subjects]

    def differences(self, half: str) -> dict[str, int | None]:
        """Things lost or doubled, by kind; None where the ledgers could not be compared."""
        return {kind: row.get(half) for kind, row in self.document["ledgers"].items()}


def main() -> int:
    options = arguments().parse_args()
    folder = ROOT / ".launchnight" / "runs" / f"kills-{time.strftime('%Y%m%d-%H%M%S')}"
    targets = shuffled(options.seed)
    replicas = ["--replicas", "2", "--proxy", "nginx"] if proxy.executable() else []
    stack = "two web processes behind nginx" if replicas else "one web process"
    print(f"{len(targets)} kills, seed {options.seed}, {stack}")
    played = play(folder / "kills", targets, options.seed, *replicas)
    print(table(played))
    print(f"report: {played.run / 'report.html'}")
    if why := invalid(played, len(targets)):
        print(f"invalid: {why}")
        return Exit.INVALID
    missed = judged(played, len(targets))
    careless = play_careless(folder / "control", options.seed)
    missed += held(careless)
    for one in missed:
        print(f"missed: {one}")
    if not missed and (why := unbitten(careless, CONTROL_KILLS)):
        print(f"invalid: of the control {why}")
        return Exit.INVALID
    return Exit.MISSED if missed else Exit.OK


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=kills", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the order and the moments of the kills (%(default)s)")
    return parser


def shuffled(seed: int) -> list[str]:
    """Who is killed, first to last; never one kind twice in a row, so that it has time to come back."""
    targets = [target for target, number in KILLS.items() for _ in range(number)]
    draw = random.Random(seed)
    while any(one == other for one, other in pairwise(targets)):
        draw.shuffle(targets)
    return targets


def night(folder: Path, targets: list[str], seed: int, every: float) -> tuple[Path, float]:
    """A night with a kill every so many seconds, and how many minutes of it they take."""
    draw = random.Random(seed)
    folder.mkdir(parents=True)
    starts = [FIRST + every * place + draw.uniform(0.0, 2.0) for place in range(len(targets))]
    faults = [FAULT.format(target, start, start + GONE) for target, start in zip(targets, starts, strict=True)]
    path = folder / "night.toml"
    path.write_text(NIGHT.read_text() + "".join(faults))
    return path, (FIRST + every * len(targets)) / 60


def play(folder: Path, targets: list[str], seed: int, *more: str, careless: bool = False) -> Played:
    """Rehearse a night in which these are killed; careless: the database answers before it has written."""
    path, minutes = night(folder, targets, seed, 2 * EVERY if careless else EVERY)
    crowd = [*CROWD, "--minutes", f"{minutes:.3f}", "--seed", str(seed), "--json", *more]
    with launchnight(folder, "rehearse", str(path), *crowd) as process:
        assert process.stderr is not None
        for line in process.stderr:
            print(f"  {line}", end="", file=sys.stderr, flush=True)
            if careless and "the doors are open" in line:
                asyncio.run(make_careless(process))
        process.wait()
    (run,) = folder.glob("runs/*")
    document = json.loads((run / "verdict.json").read_text())
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return Played(run, document, events)


async def make_careless(process: "subprocess.Popen[str]") -> None:
    """Have the rehearsal's database acknowledge what it has not written."""
    family = psutil.Process(process.pid).children(recursive=True)
    server = next(one for one in family if "postgres" in one.name() and "-D" in one.cmdline())
    words = server.cmdline()
    home = Path(words[words.index("-D") + 1]).parents[1]
    connection = await asyncpg.connect(
        host="127.0.0.1",
        port=int(words[words.index("-p") + 1]),
        user="app",
        password=(home / "password").read_text(),
        database="registration",
    )
    try:
        for statement in filter(None, map(str.strip, CARELESS.split(";"))):
            await connection.execute(statement)
    finally:
        await connection.close()


def invalid(played: Played, kills: int) -> str:
    """Why the run shows nothing, whatever came out; empty when it does."""
    why = played.found("ending", "evidence", "faults")
    late = played.document["lateness_ms"]["p99"]
    if late is None or late > LATEST_MS:
        why.append(f"the crowd was late: {late} ms at p99")
    return "; ".join(filter(None, [*why, unbitten(played, kills)]))


def unbitten(played: Played, kills: int) -> str:
    """How many kills bit; empty when all did."""
    bit = sum(one["bit"] for one in played.kills("end"))
    return "" if bit == kills else f"{bit} of {kills} kills bit"


def judged(played: Played, kills: int) -> list[str]:
    """What R1 asks for and did not get."""
    missed = played.found("processes")
    for half in ("lost", "doubled"):
        missed += [f"{half}: {kind} {count}" for kind, count in played.differences(half).items() if count != 0]
    joined, planned = played.document["fates"]["joined"], played.document["planned"]
    if joined < JOINED * planned:
        missed.append(f"{joined} of {planned} joined, not {JOINED:.0%}")
    ledgers = "; ".join(
        f"{kind.replace('_', ' ')} {row['client']}/{row['database']}/{row['partners'] or '-'}"
        for kind, row in played.document["ledgers"].items()
    )
    print(f"{kills} of {kills} kills bit; {joined} of {planned} people joined")
    print(f"clients/database/partners: {ledgers}")
    print(f"lost {sum_of(played, 'lost')}, doubled {sum_of(played, 'doubled')}")
    for text in [one["text"] for one in played.document["verdict"]["findings"]]:
        print(f"besides: {text}")
    return missed


def play_careless(folder: Path, seed: int) -> Played:
    """The control: kills of a database that promises to keep what it has not written."""
    played = play(folder, ["database"] * CONTROL_KILLS, seed, "--drain-minutes", "0.2", careless=True)
    lost = sum_of(played, "lost")
    print(f"control, a database that answers before it has written: {CONTROL_KILLS} kills, {lost} lost")
    return played


def held(careless: Played) -> list[str]:
    """The audit must find what such a database lost; whether it lost anything is known only if all kills bit."""
    if unbitten(careless, CONTROL_KILLS) or sum_of(careless, "lost"):
        return []
    return ["the negative control held: nothing was lost"]


def sum_of(played: Played, half: str) -> int:
    return sum(count or 0 for count in played.differences(half).values())


def table(played: Played) -> str:
    """Each kill with its proof."""
    lines = ["   at s  killed    processes  shown after ms  ready again after s"]
    ends = played.kills("end")
    for start in played.kills("start"):
        end = next((one for one in ends if one["number"] == start["number"]), None)
        proof, back = start["proof"], f"{end['back_after_s']:.2f}" if end else "never"
        gone, shown = len(proof["processes"]), proof["took_s"] * 1e3
        lines.append(f"{start['t']:7.1f}  {start['role']:8}  {gone:9}  {shown:14.0f}  {back:>19}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
