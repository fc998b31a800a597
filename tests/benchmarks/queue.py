"""The durable queue: jobs a second against two others on the same server, and what a million waiting jobs cost.

Every run drives the three one after the other (`queue_drive.py`): same jobs, connections, batch and
synchronous_commit (on), each in a fresh database of one embedded server. The others are installed in an environment of
their own. Growth is that of our statements' p99 between two databases, one with 1,000 jobs waiting and one with a
million, measured in turns.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg

from loadtests.harness.errors import HarnessError
from loadtests.harness.processes import ROOT
from service.storage.migrate import migrate_url
from service.storage.queue import PostgresQueue
from tests.benchmarks.rows import Row, alone, paired
from tests.benchmarks.stack import Stack, say, stack

RIVALS = ("pgqueuer==1.6.0", "procrastinate==3.10.0", "asyncpg==0.32.0")
DRIVE = Path(__file__).with_name("queue_drive.py")
RUNS = int(os.environ.get("BENCH_RUNS", "7"))
JOBS = int(os.environ.get("BENCH_JOBS", "4000"))
"""Fewer of both to try the benchmark itself; five runs at least."""
LANES = 8
BATCH = 10
FEW, MANY = 1_000, 1_000_000
TURNS = 300
"""Claims of a growth run in either database; ten enqueues go with each."""
FILL = """
    insert into job (queue, dedupe, payload, shard, expires_at)
    select 'sms', 'waiting ' || number, '{"code_request": "0191e2b4-7f2f-7c3e-9b1a-2f6f0c1f7a55"}', number % 32,
        now() + interval '1 day'
    from generate_series(1, $1::int) as number
"""

COUNT = """
    update queue_counter set depth = jobs
    from (select shard, count(*) as jobs from job group by shard) as counted
    where queue = 'sms' and counted.shard = queue_counter.shard
"""


def rows() -> Iterator[Row]:
    rivals = _installed()
    with stack() as server:
        yield from _jobs_per_second(server, rivals)
        yield from _growth(server)


def _installed() -> Path:
    """The Python of the rivals' environment, made when it is not there. Raises HarnessError."""
    folder = ROOT / ".launchnight" / "rivals"
    python = folder / "bin" / "python"
    wanted = json.dumps(RIVALS)
    stamp = folder / "installed.json"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    say(f"installing {', '.join(RIVALS)}")
    venv.create(folder, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *RIVALS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HarnessError(f"cannot install the queues to compare with: {done.stderr.strip()[-500:]}")
    stamp.write_text(wanted)
    return python


def _jobs_per_second(server: Stack, rivals: Path) -> Iterator[Row]:
    systems = {"ours": Path(sys.executable), "pgqueuer": rivals, "procrastinate": rivals}
    rates: dict[str, list[float]] = {system: [] for system in systems}
    halves: dict[str, list[float]] = {"enqueue_s": [], "drain_s": []}
    for run in range(RUNS + 1):
        for system, python in systems.items():
            url = server.database(f"{system}_{run}")
            if system == "ours":
                asyncio.run(migrate_url(url))
            seconds = _driven(system, python, url)
            if run == 0:
                continue  # files, caches and imports are warm now
            rates[system].append(JOBS / sum(seconds.values()))
            if system == "ours":
                for half, taken in seconds.items():
                    halves[half].append(JOBS / taken)
        if run:
            say(f"run {run} of {RUNS}: " + ", ".join(f"{name} {each[-1]:.0f}/s" for name, each in rates.items()))
    yield paired("queue.jobs_vs_pgqueuer", "jobs/s", rates["ours"], rates["pgqueuer"])
    yield paired("queue.jobs_vs_procrastinate", "jobs/s", rates["ours"], rates["procrastinate"])
    yield alone("queue.enqueued", "jobs/s", halves["enqueue_s"])
    yield alone("queue.claimed_and_finished", "jobs/s", halves["drain_s"])


def _driven(system: str, python: Path, url: str) -> dict[str, float]:
    # -P: this folder has modules with names of the standard library.
    command = [str(python), "-P", str(DRIVE), system, url, str(JOBS), str(LANES), str(BATCH)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT) if system == "ours" else ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    if done.returncode:
        raise HarnessError(f"{system} broke: {done.stderr.strip()[-1000:]}")
    seconds: dict[str, float] = json.loads(done.stdout)
    return seconds


def _growth(server: Stack) -> Iterator[Row]:
    claims, enqueues = asyncio.run(_grown(server.database("few"), server.database("many")))
    yield paired("queue.claim_growth_1m", "s", claims[MANY], claims[FEW])
    yield paired("queue.enqueue_growth_1m", "s", enqueues[MANY], enqueues[FEW])


async def _grown(few: str, many: str) -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    """p99 of claims and of enqueues in each run, with few and with many jobs waiting."""
    waiting = {FEW: await _filled(few, FEW), MANY: await _filled(many, MANY)}
    claims: dict[int, list[float]] = {FEW: [], MANY: []}
    enqueues: dict[int, list[float]] = {FEW: [], MANY: []}
    try:
        for run in range(RUNS + 1):
            for number, connection in waiting.items():
                claim, enqueue = await _turns(connection, f"{run}-{number}")
                if run:
                    claims[number].append(claim)
                    enqueues[number].append(enqueue)
            if run:
                text = ", ".join(f"{number:,}: {claims[number][-1] * 1e3:.1f} ms" for number in waiting)
                say(f"growth {run} of {RUNS}: claim p99 with {text}")
    finally:
        for connection in waiting.values():
            await connection.close()
    return claims, enqueues


async def _filled(url: str, number: int) -> asyncpg.Connection:
    say(f"filling a queue with {number:,} jobs")
    await migrate_url(url)
    connection = await asyncpg.connect(url, statement_cache_size=200)
    await connection.execute("set statement_timeout = 0")  # a million rows take longer than any statement of ours may
    await connection.execute(FILL, number)
    await connection.execute(COUNT)
    await connection.execute("vacuum analyze")
    await connection.execute("checkpoint")
    return connection


async def _turns(connection: asyncpg.Connection, prefix: str) -> tuple[float, float]:
    """p99 of a claim of BATCH jobs and of an enqueue, with as many waiting after each turn as before it."""
    queue = PostgresQueue(connection)
    claims, enqueues = [], []
    for turn in range(TURNS):
        for n in range(BATCH):
            began = time.perf_counter()
            async with connection.transaction():
                added = await queue.enqueue("sms", f"{prefix}-{turn}-{n}", {}, limit=2 * MANY, expires_in=3600.0)
            enqueues.append(time.perf_counter() - began)
            assert added
        began = time.perf_counter()
        async with connection.transaction():
            claim = await queue.claim("sms", most=BATCH, rate_per_s=1e6, lease_s=60.0)
        claims.append(time.perf_counter() - began)
        assert len(await queue.finish_all(claim.jobs)) == BATCH
    return _p99(claims), _p99(enqueues)


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(0.99 * len(values))]
