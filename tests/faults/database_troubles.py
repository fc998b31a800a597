"""What can happen to a database, one function each: it returns when the trouble is over, and says how it bit.

Raises DidNotBite when nothing shows that it happened.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import asyncpg

from loadtests.faults.processes import DidNotBite
from tests.faults.database_load import Load
from tests.faults.database_room import House

Trouble = Callable[[House, Load], Awaitable[str]]

DOWN = 2.0
"""Seconds for which a server is away."""
LONG = 6.0
"""Seconds of what does not end by itself: longer than a connect may take (5), so that limits must bite."""
SEEN_WITHIN = 30.0
AHEAD = 10
"""People between now and those in whose way something is put: a busy machine must not be late for them."""
DEADLOCKS = 3
AT_THE_LIMIT = "wait_event_type = 'Lock' and query_start < clock_timestamp() - interval '4.5 s'"
"""Waiting for a lock for nearly as long as the service allows (5 s)."""
BACKLOG_JOBS = 100_000
BACKLOG = f"""
insert into job (queue, dedupe, payload, shard)
select 'identity', 'backlog-' || n, jsonb_build_object('account_id', gen_random_uuid(), 'version', 1), n % 32
from generate_series(1, {BACKLOG_JOBS}) as n
"""
FORBID = """
create sequence bites;
create function bite() returns trigger language plpgsql as $$
begin
    if random() < 0.3 then
        perform nextval('bites');
        raise exception 'forced' using errcode = '40001';
    end if;
    return new;
end $$;
create trigger bites before insert on code_request for each row execute function bite();
"""
"""The sequence counts: it forgets nothing that is rolled back."""


async def restart(house: House, _: Load) -> str:
    """Stopped in order, and up again after a while."""
    pid = house.server.pid
    await asyncio.to_thread(house.server.stop)
    await asyncio.sleep(DOWN)
    await asyncio.to_thread(house.start_server)
    return f"postmaster {pid} ended, {house.server.pid} answers"


async def backend_kill(house: House, _: Load) -> str:
    """Twice a second each backend that is at work or in a transaction."""
    killed = 0
    operator = await house.operator()
    until = time.monotonic() + LONG
    while time.monotonic() < until:
        killed += await operator.fetchval(
            "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
            " and (state in ('active', 'idle in transaction') or random() < 0.2)) as gone"
        )
        await asyncio.sleep(0.5)
    return _bit(killed, f"{killed} backends ended")


async def pool_exhaustion(house: House, _: Load) -> str:
    """Idle connections take whatever the server has left."""
    async with AsyncExitStack() as holders:
        held = await hold_the_rest(house, holders)
        await asyncio.sleep(LONG)
    return _bit(held, f"{held} idle holders until the server let nobody in")


async def kill_nine(house: House, _: Load) -> str:
    """The postmaster, and a start that has to recover."""
    pid = house.server.pid
    await asyncio.to_thread(house.kill_server)
    await asyncio.sleep(DOWN)
    await asyncio.to_thread(house.start_server)
    return f"postmaster {pid} killed, {house.server.pid} recovered"


async def worker_kill(house: House, _: Load) -> str:
    """The worker, and another in its place."""
    await asyncio.to_thread(_kill_worker, house)
    return "1 worker killed"


async def repeated_kills(house: House, load: Load) -> str:
    """Worker and postmaster in turn, three times, no pause long enough to catch up."""
    for _ in range(3):
        await asyncio.to_thread(_kill_worker, house)
        await asyncio.to_thread(house.kill_server)
        await asyncio.to_thread(house.start_server)
        await asyncio.sleep(1.0)
    return "3 workers and 3 postmasters killed"


async def stopped_postmaster(house: House, _: Load) -> str:
    """SIGSTOP: whoever has a connection is served, whoever needs one waits. Half of the service's are lost."""
    return await _stop_postmaster(house, share=0.5, seconds=LONG)


async def silent_server(house: House, _: Load) -> str:
    """The same with all of the service's connections lost, for longer than two connects may take."""
    return await _stop_postmaster(house, share=1.0, seconds=2 * LONG)


async def _stop_postmaster(house: House, share: float, seconds: float) -> str:
    operator = await house.operator()
    await asyncio.to_thread(house.faults.stop, house.server.pid)
    pids = await house.backends()
    lost = pids[: round(len(pids) * share)]
    await operator.fetch("select pg_terminate_backend(pid) from unnest($1::int[]) as pid", lost)
    await asyncio.sleep(seconds)
    proof = await asyncio.to_thread(house.faults.resume, house.server.pid)
    return f"stopped for {proof.stopped_for:.1f} s with {len(lost)} of {len(pids)} connections lost"


async def stopped_backend(house: House, _: Load) -> str:
    """SIGSTOP of one backend in the middle of a transaction: whoever uses it waits."""
    pids = await _seen(house, "state = 'idle in transaction' and application_name = 'launchnight'")
    await asyncio.to_thread(house.faults.stop, pids[0])
    await asyncio.sleep(LONG)
    proof = await asyncio.to_thread(house.faults.resume, pids[0])
    return f"backend {pids[0]} stopped for {proof.stopped_for:.1f} s"


async def steady_termination(house: House, _: Load) -> str:
    """`pg_terminate_backend` five times a second, whoever it hits."""
    operator, killed = await house.operator(), 0
    until = time.monotonic() + LONG
    while time.monotonic() < until:
        killed += await operator.fetchval(
            "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'launchnight' order by random() limit 1) as gone"
        )
        await asyncio.sleep(0.2)
    return _bit(killed, f"{killed} backends ended")


async def exhaustion(house: House, _: Load) -> str:
    """Idle holders take every place of the server, also those of the service; a worker is started meanwhile."""
    operator, refused, over = await house.operator(), 0, False
    holders: list[asyncpg.Connection] = []

    async def take() -> None:
        while not over:
            try:
                holders.append(await asyncpg.connect(house.server.url, timeout=10))
            except asyncpg.TooManyConnectionsError:
                await asyncio.sleep(0.01)

    takers = [asyncio.create_task(take()) for _ in range(4)]
    newcomer = None
    began = time.monotonic()
    while time.monotonic() < began + 2 * LONG or not refused:
        if time.monotonic() > began + 4 * LONG:
            break
        gone = await house.backends()
        await operator.fetch("select pg_terminate_backend(pid) from unnest($1::int[]) as pid", gone)
        refused += not await asyncio.to_thread(house.is_ready)
        if newcomer is None and refused:
            newcomer = asyncio.create_task(asyncio.to_thread(house.start, "worker", name="newcomer"))
        await asyncio.sleep(0.1)
    waited = newcomer is not None and not newcomer.done()
    over = True
    await asyncio.gather(*takers)
    for holder in holders:
        holder.terminate()
    if newcomer is not None:
        await newcomer
        await asyncio.to_thread(house.dismiss, "newcomer")
    _bit(refused * waited, f"readiness said no {refused} times, the worker that was started waited: {waited}")
    return f"{len(holders)} idle holders; readiness said no {refused} times; a worker that was started waited"


async def deadlocks(house: House, load: Load) -> str:
    """With the next who ask for codes: each holds what the other needs, and the server ends the service's side."""
    operator = await house.operator()
    count = "select deadlocks from pg_stat_database where datname = current_database()"
    before = await operator.fetchval(count)
    async with _connection(house) as rival:
        await rival.execute("set deadlock_timeout = '1min'")
        behind = f"{rival.get_server_pid()} = any(pg_blocking_pids(pid))"  # others wait for each other all the time
        for _ in range(DEADLOCKS):
            phone = load.phones[AHEAD]
            async with rival.transaction():
                await rival.execute("select from account where phone = $1 for update", phone)
                await _seen(house, behind)
                await rival.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", phone)
    deadline, found = time.monotonic() + SEEN_WITHIN, 0
    while not found and time.monotonic() < deadline:
        await asyncio.sleep(0.2)  # backends tell the statistics once a second
        found = await operator.fetchval(count) - before
    return _bit(found, f"{found} deadlocks")


async def serialization_failures(house: House, _: Load) -> str:
    """Three in ten who ask for a code meet one."""
    operator = await house.operator()
    await operator.execute(FORBID)
    await asyncio.sleep(LONG)
    await operator.execute("drop trigger bites on code_request; drop function bite()")
    bites = await operator.fetchval("select last_value from bites")
    await operator.execute("drop sequence bites")
    return _bit(bites - 1, f"{bites} transactions refused")


async def lock_timeouts(house: House, load: Load) -> str:
    """The accounts of the next thirty who ask are locked for longer than a statement may wait."""
    waited = 0
    async with _connection(house) as rival, rival.transaction():
        await rival.execute("select from account where phone = any($1) for update", load.phones[AHEAD : AHEAD + 30])
        until = time.monotonic() + 2 * LONG
        while time.monotonic() < until:
            slow = await house.backends(
                "wait_event_type = 'Lock' and query_start < clock_timestamp() - interval '4.5 s'"
            )
            waited = max(waited, len(slow))
            await asyncio.sleep(0.1)
    return _bit(waited, f"up to {waited} backends at the limit at once")


async def idle_in_transaction(house: House, _: Load) -> str:
    """Beside a backlog somebody holds an old snapshot and a counter of the codes' queue, and does nothing more, until
    the server ends the session."""
    operator = await house.operator()
    await operator.execute(BACKLOG)
    began = time.monotonic()
    async with _connection(house) as holder:
        ended = asyncio.Event()
        holder.add_termination_listener(lambda _: ended.set())
        await holder.execute("begin")
        await holder.execute("select txid_current()")
        await holder.execute("select from queue_counter where queue = 'sms' order by shard limit 1 for update")
        with suppress(TimeoutError):
            async with asyncio.timeout(25):
                await ended.wait()
        if not ended.is_set():
            raise DidNotBite("the server did not end the session")
    held = time.monotonic() - began
    await operator.execute("delete from job where queue = 'identity'")
    await operator.execute("update queue_counter set depth = 0 where queue = 'identity'")
    return f"{BACKLOG_JOBS:,} jobs waited; the session was ended after {held:.0f} s"


async def read_only(house: House, _: Load) -> str:
    """The server comes back from a fail-over and takes no writes for a while."""
    operator = await house.operator()
    await operator.execute("alter system set default_transaction_read_only = on")
    await operator.execute("select pg_reload_conf()")
    await asyncio.sleep(LONG)
    said = await operator.fetchval("show default_transaction_read_only")
    await operator.execute("set transaction_read_only = off")
    await operator.execute("set default_transaction_read_only = off")
    await operator.execute("alter system reset default_transaction_read_only")
    await operator.execute("select pg_reload_conf()")
    await operator.execute("reset default_transaction_read_only")
    return _bit(said == "on", f"read only: {said}")


async def hold_the_rest(house: House, holders: AsyncExitStack) -> int:
    """Connect until the server refuses; how many there are."""
    held = 0
    while True:
        try:
            holder = await asyncpg.connect(house.server.url, timeout=10, server_settings={"application_name": "holder"})
        except asyncpg.TooManyConnectionsError:
            return held
        holders.push_async_callback(holder.close)
        held += 1


def _kill_worker(house: House) -> None:
    house.faults.kill(house.children["worker"].pid)
    house.children["worker"].kill()
    house.start("worker")


@asynccontextmanager
async def _connection(house: House) -> AsyncIterator[asyncpg.Connection]:
    """One of the trouble's own."""
    connection = await asyncpg.connect(house.server.url)
    try:
        yield connection
    finally:
        connection.terminate()  # it may have been ended, or stand in the middle of something


async def _seen(house: House, condition: str) -> list[int]:
    """The service's backends for which the condition holds, as soon as there is one."""
    deadline = time.monotonic() + SEEN_WITHIN
    while not (pids := await house.backends(condition)):
        if time.monotonic() > deadline:
            raise DidNotBite(f"no backend was seen with {condition}")
        await asyncio.sleep(0.005)
    return pids


def _bit(count: int, said: str) -> str:
    if count <= 0:
        raise DidNotBite(said)
    return said
