"""What one registration costs, against the floor of the same requests, and whether that grows with the accounts.

Each of the runs plays the same number of registrations three times, one after the other: on a service with few
accounts, as a replay of just these requests on the floor, and on a service with ten times the accounts. CPU is that of
the web process alone; workers, gatekeeper, partners and this client are processes of their own.
"""

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

import asyncpg
import psutil

from loadtests.harness.errors import HarnessError
from loadtests.harness.processes import Child, python
from loadtests.photos import picture
from scenarios import catalogue
from scenarios.population import Person, person
from tests.benchmarks import floor
from tests.benchmarks.growth import ACCOUNTS, add_accounts
from tests.benchmarks.registration import Registration, StepRefused, Trace
from tests.benchmarks.rows import Row, alone, paired
from tests.benchmarks.stack import Service, Stack, say, stack
from tests.benchmarks.wire import Connection

RUNS = 5
REGISTRATIONS = 80
"""Of one run: about 2 s of the web process's CPU, read in steps of 10 ms."""
CONCURRENT = 20
"""Registrations under way: enough that the web process seldom idles while their codes travel."""
PHOTO_BYTES = 300_000
GROWTH = 10
SEED = 1


@dataclass(frozen=True)
class Cost:
    """CPU seconds per registration. What a process does while idle is in it: 3 ms a second of the web process."""

    web: float
    database: float

    @property
    def both(self) -> float:
        return self.web + self.database


def rows() -> Iterator[Row]:
    with stack() as started:
        bench = Bench(started)
        bench.prepare()
        say("warming up")
        bench.replay(bench.register(bench.few)[1])
        bench.register(bench.many)
        few, bare, many, traces = [], [], [], []
        for run in range(1, RUNS + 1):
            cost, walked = bench.register(bench.few)
            few.append(cost)
            traces += walked
            bare.append(bench.replay(walked))
            many.append(bench.register(bench.many)[0])
            say(f"run {run} of {RUNS}: {few[-1].web * 1e3:.1f} ms, floor {bare[-1].web * 1e3:.1f} ms")
    yield paired("journey.cpu_per_registration", "s", [cost.web for cost in few], [cost.web for cost in bare])
    yield paired(
        "journey.database_cpu_per_registration", "s", [cost.database for cost in few], [cost.database for cost in bare]
    )
    yield paired(
        f"journey.cpu_per_registration_{GROWTH}x_accounts",
        "s",
        [cost.both for cost in many],
        [cost.both for cost in few],
    )
    yield alone("journey.requests_per_registration", "requests", [len(trace.exchanges) for trace in traces[:RUNS]])


class Bench:
    """Two services and the floor on one database server, and people who have not registered yet."""

    def __init__(self, started: Stack) -> None:
        self._stack = started
        self._night = catalogue.load("prakerja-wave-1")
        self._numbers = count()
        self._photos = picture(PHOTO_BYTES, False, 1), picture(PHOTO_BYTES, False, 2)

    def prepare(self) -> None:
        self.few = self._stack.service("few")
        self.many = self._stack.service("many")
        say(f"adding {ACCOUNTS:,} and {GROWTH * ACCOUNTS:,} accounts")
        asyncio.run(add_accounts(self.few.database, ACCOUNTS))
        asyncio.run(add_accounts(self.many.database, GROWTH * ACCOUNTS))
        self._floor_database = self._stack.database("floor")
        asyncio.run(_execute(self._floor_database, floor.SCHEMA))
        self._floor_folder = self._stack.folder / "floor"
        self._floor_folder.mkdir()
        options = ["--database", self._floor_database, "--folder", str(self._floor_folder), "--lifeline"]
        self._floor = self._stack.start("floor", python("-m", "tests.benchmarks.floor", *options))

    def register(self, service: Service) -> tuple[Cost, list[Trace]]:
        """The cost of REGISTRATIONS new people on `service`, and what each of them sent."""
        people = [self._next_person() for _ in range(REGISTRATIONS)]
        walks = [Registration(each, service.web.url, service.partners.url, self._photos) for each in people]
        cost = self._measure(service.web, [walk.register for walk in walks])
        return cost, [walk.trace for walk in walks]

    def replay(self, traces: list[Trace]) -> Cost:
        """The cost of the same requests on the floor: same bytes, order, connections and concurrency."""
        asyncio.run(_admit(self._floor_database, traces))
        cost = self._measure(self._floor, [partial(self._send_again, trace) for trace in traces])
        for file in self._floor_folder.iterdir():
            file.unlink()
        return cost

    async def _send_again(self, trace: Trace) -> None:
        async with Connection(self._floor.url) as connection:
            for request, answer in trace.exchanges:
                again = await connection.exchange(request)
                assert again.status == answer.status, f"the floor answers {request.path} with {again.status}"

    def _measure(self, web: Child, tasks: Sequence[Callable[[], Awaitable[object]]]) -> Cost:
        """CPU of `web` and of the database server while the tasks run, CONCURRENT at a time, for each of them."""
        process = psutil.Process(web.pid)
        web_before, database_before = _cpu(process), self._stack.database_cpu()
        asyncio.run(_run_all(tasks))
        return Cost(
            web=(_cpu(process) - web_before) / len(tasks),
            database=(self._stack.database_cpu() - database_before) / len(tasks),
        )

    def _next_person(self) -> Person:
        """Somebody of age who types the right number: everybody goes the same way."""
        while True:
            somebody = person(self._night, SEED, next(self._numbers))
            if not somebody.is_under_age and somebody.typed_nik == somebody.nik:
                return somebody


def _cpu(process: psutil.Process) -> float:
    """CPU seconds of this process alone."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def _run_all(tasks: Sequence[Callable[[], Awaitable[object]]]) -> None:
    room = asyncio.Semaphore(CONCURRENT)

    async def one(task: Callable[[], Awaitable[object]]) -> None:
        async with room:
            await task()

    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(one(task))
    except* StepRefused as refused:
        raise HarnessError(str(refused.exceptions[0])) from None


async def _admit(database: str, traces: Sequence[Trace]) -> None:
    """Let the floor know the sessions of these requests, and nothing of those before."""
    sessions = [(hashlib.sha256(trace.token.encode()).digest(), uuid.uuid4()) for trace in traces]
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("truncate floor_ticket, floor_session, floor_step")
        await connection.executemany(floor.WRITE_SESSION, sessions)
    finally:
        await connection.close()


async def _execute(database: str, statements: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
