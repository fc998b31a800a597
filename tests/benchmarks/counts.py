"""The public counts with six million applicants: how long an answer takes while people come further, how old it is, how
many changes a second are counted, and what the counting costs a registration.

`counts.answer_*`: one request after the other, beside changes of CHANGES_PER_S people a second.
`counts.database_cpu_per_registration`: notes and counting included, beside the same registrations without triggers.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from random import Random
from statistics import quantiles

import asyncpg

from service.domain.regencies import REGENCIES
from tests.benchmarks.journey import Bench, Cost
from tests.benchmarks.rows import Row, alone, paired
from tests.benchmarks.stack import Service, say, stack
from tests.benchmarks.wire import Connection, request

APPLICANTS = 6_000_000
PORTION = 500_000
CHANGES_PER_S = 5_000
"""What the gate's 600 people a second leave behind, each with some nine changes after the account."""
SECONDS = 60
RUNS = 5
PATIENCE = 120.0
PATHS = ("/counts", "/counts/regencies", "/counts/regencies/3372")
TABLES = ("account", "identity", "profile", "upload", "assessment", "wave_join", "wave_grant")

# Numbers from 2 billion on are nobody's: applicants of a night have nine digits.
_TICKETS = "insert into ticket (number) select n + 2000000000 from generate_series($1::int, $2::int) as n"
_ACCOUNTS = """
    insert into account (id, ticket_number, name, phone, phone_verified_at)
    select lpad(to_hex(n), 32, '0')::uuid, n + 2000000000, 'Siti Aminah', '+62810' || lpad(n::text, 9, '0'), now()
    from generate_series($1::int, $2::int) as n
"""
_PROFILES = """
    insert into profile (account_id, step, data)
    select lpad(to_hex(n), 32, '0')::uuid, 'personal',
           jsonb_build_object('province', r / 100, 'regency', r, 'address', 'Jalan Merdeka 17')
    from generate_series($1::int, $2::int) as n, lateral (select ($3::int[])[1 + n % cardinality($3)] as r) as lives
"""
_IDENTITIES = """
    insert into identity (account_id, nik_index, nik_sealed, family_card_sealed, birth_date_sealed, status)
    select lpad(to_hex(n), 32, '0')::uuid, sha256(n::text::bytea), '', '', '', case when n % 4 = 0 then 2 else 1 end
    from generate_series($1::int, $2::int) as n
"""
_JOINS = """
    insert into wave_join (id, wave_id, account_id)
    select gen_random_uuid(), (select min(id) from wave), lpad(to_hex(n), 32, '0')::uuid
    from generate_series($1::int, $2::int) as n where n % 3 = 0
"""
_COUNTED = "insert into counted_person select * from person_standing where account_id between $1 and $2"
_FURTHER = """
    update account set email_verified_at = case when email_verified_at is null then now() end
    where id = any ($1::uuid[])
"""


def rows() -> Iterator[Row]:
    with stack() as started:
        service = started.service("counts")
        bench = Bench(started)
        registrations = asyncio.run(costs(bench, service))
        yield paired(
            "counts.database_cpu_per_registration", "s", [noted for noted, _ in registrations],
            [bare for _, bare in registrations],
        )  # fmt: skip
        asyncio.run(fill(service.database))
        times, ages, rates = asyncio.run(measure(service))
        for path, name in zip(PATHS, ("everybody", "regencies", "one_regency"), strict=True):
            points = quantiles(times[path], n=100)
            yield alone(f"counts.answer_{name}_p50_ms", "ms", [points[49] * 1e3])
            yield alone(f"counts.answer_{name}_p99_ms", "ms", [points[98] * 1e3])
        yield alone("counts.age_max_s", "s", [max(ages)])
        yield alone("counts.changes_counted_per_s", "changes/s", rates)


async def costs(bench: Bench, service: Service) -> list[tuple[float, float]]:
    """CPU seconds of the database for a registration: with notes and counting, and without."""
    found = []
    bench_register = bench.register
    await asyncio.to_thread(bench_register, service)
    for run in range(1, RUNS + 1):
        pair: list[Cost] = []
        for noted in (True, False):
            await switch(service.database, noted)
            cost, _ = await asyncio.to_thread(bench_register, service)
            pair.append(cost)
        found.append((pair[0].database, pair[1].database))
        say(f"run {run} of {RUNS}: {found[-1][0] * 1e3:.2f} ms a registration, {found[-1][1] * 1e3:.2f} without notes")
    await switch(service.database, True)
    return found


async def switch(database: str, on: bool) -> None:
    connection = await asyncpg.connect(database)
    try:
        for table in TABLES:
            await connection.execute(f"alter table {table} {'enable' if on else 'disable'} trigger user")
    finally:
        await connection.close()


async def fill(database: str) -> None:
    """Six million people as they stand after five days, counted by the view itself."""
    await switch(database, False)
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("set statement_timeout = 0")  # so many rows take longer than any statement of ours may
        for first in range(1, APPLICANTS, PORTION):
            span = first, first + PORTION - 1
            say(f"people {first:,} to {span[1]:,}")
            for statement in (_TICKETS, _ACCOUNTS, _IDENTITIES, _JOINS):
                await connection.execute(statement, *span)
            await connection.execute(_PROFILES, *span, list(REGENCIES))
            async with connection.transaction():
                await connection.execute("set local enable_seqscan = off")
                await connection.execute(_COUNTED, *(f"{n:032x}" for n in span))
        say("adding up and analyzing")
        await connection.execute("truncate regency_count")
        await connection.execute(
            "insert into regency_count select regency, stage, count(*)"
            " from (select regency, unnest(stages) as stage from counted_person) as each group by 1, 2"
        )
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()
    await switch(database, True)


async def measure(service: Service) -> tuple[dict[str, list[float]], list[float], list[float]]:
    """Seconds of each answer by path, the ages that they told, and changes counted a second under a backlog."""
    over = asyncio.Event()
    changing = asyncio.create_task(come_further(service.database, over))
    times: dict[str, list[float]] = {path: [] for path in PATHS}
    ages = []
    until = time.monotonic() + SECONDS
    async with Connection(service.web.url) as connection:
        while time.monotonic() < until:
            for path in PATHS:
                began = time.perf_counter()
                answer = await connection.exchange(
                    request(connection.host, "GET", path, {"Accept": "application/json"})
                )
                times[path].append(time.perf_counter() - began)
                assert answer.status == 200, answer.body[:300]
                told = json.loads(answer.body)
                ages.append(told["age_s"] + float(answer.headers["age"]))
            await asyncio.sleep(0.01)
    over.set()
    await changing
    return times, ages, [await backlog_rate(service.database, run) for run in range(RUNS)]


async def come_further(database: str, over: asyncio.Event) -> None:
    """Random people, CHANGES_PER_S a second."""
    connection, draw = await asyncpg.connect(database), Random(1)
    try:
        due = time.monotonic()
        while not over.is_set():
            await connection.execute(
                _FURTHER, [f"{draw.randint(1, APPLICANTS):032x}" for _ in range(CHANGES_PER_S // 10)]
            )
            due += 0.1
            await asyncio.sleep(max(due - time.monotonic(), 0.0))
    finally:
        await connection.close()


async def backlog_rate(database: str, run: int) -> float:
    """Changes a second of a hundred thousand people that wait at once."""
    connection = await asyncpg.connect(database)
    try:
        draw = Random(100 + run)
        people = [f"{draw.randint(1, APPLICANTS):032x}" for _ in range(100_000)]
        await counted(connection)
        async with connection.transaction():
            await connection.execute("select from count_state for update")  # nobody counts before all have changed
            await connection.execute(_FURTHER, people)
        began = time.perf_counter()
        await counted(connection)
        rate = len(set(people)) / (time.perf_counter() - began)
        say(f"{rate:,.0f} changes a second are counted")
        return rate
    finally:
        await connection.close()


async def counted(connection: asyncpg.Connection) -> None:
    """Return when no change waits."""
    deadline = time.monotonic() + PATIENCE
    while await connection.fetchval("select exists (select from changed_person)"):
        assert time.monotonic() < deadline, "the gatekeeper does not keep up"
        await asyncio.sleep(0.02)
