"""R15 on real processes: codes reach a gateway within 10 s, under bulk in another queue and while a provider fails.

`make acceptance NAME=messages`: codes are asked for at a steady rate through the real queue; for each of them wait
twenty identity checks. Then the first SMS provider errs for half a minute, and comes back. Printed: how long codes
took, as a distribution, and how the second provider's share moved. Then the control: the same outage without a second
provider. Ends with 3 when a bar is missed, with 5 when codes were asked for too late or the outage was not felt.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise

from aiohttp import web

from scenarios.partners.app import Partners
from scenarios.partners.misconduct import WELL, Misconduct
from scenarios.partners.settings import Figures
from service.domain.buckets import DEFAULT
from service.domain.codes import Channel
from tests.acceptance.long.worker_house import Bars, House, Invalid, Worker, house, proved, until
from tests.benchmarks.stack import Stack
from tests.integration.worker_room import FAST, HELPFUL

CODES_PER_S, BULK = 5.0, 20
"""Codes asked for a second, by SMS and by e-mail in turns; checks that wait for each of them."""
WITHIN, SHARE = 10.0, 0.99
HEALTHY, OUTAGE, RETURN = 20.0, 30.0, 130.0
"""Seconds. Away in steps of 5 s; back in steps of 30 s of calm, which begin when a trial has closed the circuit."""
LATEST_ASKED = 1.0
"""Seconds behind its plan at which the asking itself is at fault."""
RATES = {"EMAIL_RATE": "200", "SMS_RATE": "200", "CIVIL_REGISTRY_RATE": "100"}
NEVER_ANSWERED = """
    create function stay_pending() returns trigger language plpgsql
        as 'begin new.status := old.status; return new; end';
    create trigger stay_pending before update on identity for each row execute function stay_pending();
"""
BULK_WAITS = """
    insert into job (queue, dedupe, payload, shard)
    select 'identity', 'bulk ' || number,
        jsonb_build_object('account_id', ($1::text[])[1 + number % 20], 'version', 1), number % 32
    from generate_series(1, $2::int) as number
"""
COUNTED = """
    update queue_counter set depth = jobs
    from (select shard, count(*) as jobs from job where queue = 'identity' group by shard) as counted
    where queue = 'identity' and counted.shard = queue_counter.shard
"""
OUT_OF_ORDER = Misconduct(error=1.0)


@dataclass(frozen=True)
class Seen:
    asked: int
    within: Sequence[tuple[float, float]]
    """Codes handed over that no quota held back: seconds, and how many took no longer."""
    shares: Sequence[float]
    """Of the second provider, twice a second."""
    bulk: int
    """Checks that were done meanwhile."""
    unserved: int
    """Calls that the first provider answered with an error."""
    late: int
    """Calls that missed their turn and went back in line: a worker that gets too little CPU."""

    @property
    def on_time(self) -> float:
        """Share within the time, of all that were asked for."""
        return dict(self.within)[WITHIN] / self.asked


async def second_provider(children: AsyncExitStack) -> str:
    """Its address."""
    partners = Partners(Figures(HELPFUL, FAST, FAST), opens_at=time.time(), seed=2)
    runner = web.AppRunner(partners.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    children.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def bulk_waits(place: House, jobs: int) -> None:
    """Checks of twenty persons again and again: an answer that stayed would make the next one nobody's work."""
    await place.room.connection.execute(NEVER_ANSWERED)
    persons = []
    for number in range(20):
        persons.append(await place.room.account(100 + number))
        await place.room.ask_check(persons[-1], number)
    await place.room.connection.execute(BULK_WAITS, [str(person) for person in persons], jobs)
    await place.room.connection.execute(COUNTED)


async def ask(place: House, seconds: float) -> int:
    """Ask for codes by a plan that waits for nobody; how many. Raises Invalid when the plan could not be kept."""
    person, began = await place.room.account(1), time.monotonic()
    codes = int(seconds * CODES_PER_S)
    async with asyncio.TaskGroup() as asking:
        for number in range(codes):
            await asyncio.sleep(began + number / CODES_PER_S - time.monotonic())
            if time.monotonic() - began - number / CODES_PER_S > LATEST_ASKED:
                raise Invalid(f"code {number} was asked for more than {LATEST_ASKED:.0f} s late")
            channel = Channel.SMS if number % 2 else Channel.EMAIL
            asking.create_task(place.room.ask_code(person, channel))
    return codes


async def trouble(place: House) -> None:
    await asyncio.sleep(HEALTHY)
    place.room.partners.conduct.of["sms"] = OUT_OF_ORDER
    await asyncio.sleep(OUTAGE)
    place.room.partners.conduct.of["sms"] = WELL


async def looked_at(worker: Worker, shares: list[float]) -> None:
    while True:
        shares.append(await asyncio.to_thread(worker.metric, "registration_partner_second_share", channel="sms"))
        await asyncio.sleep(0.5)


async def outage(server: Stack, name: str, *, second: bool) -> Seen:
    async with AsyncExitStack() as children, house(server, name) as place:
        seconds = HEALTHY + OUTAGE + (RETURN if second else 0.0)
        await bulk_waits(place, int(seconds * CODES_PER_S * BULK))
        more = {"SMS_SECOND_URL": await second_provider(children)} if second else {}
        worker = await place.worker(**RATES, **more)
        shares: list[float] = []
        looking = asyncio.create_task(looked_at(worker, shares))
        asked, _ = await asyncio.gather(ask(place, seconds), trouble(place))

        def ended() -> float:
            outcomes = ("done", "dead", "expired", "dropped")
            return sum(
                worker.metric("registration_queue_jobs_total", queue=queue, outcome=outcome)
                for queue in ("email", "sms")
                for outcome in outcomes
            )

        await until(lambda: ended() >= asked, 60, "the last codes")
        looking.cancel()
        within = [
            (edge, worker.metric("registration_code_handover_seconds_bucket", quota_bound="no", le=f"{float(edge)}"))
            for edge in DEFAULT
        ]
        done = worker.metric("registration_queue_jobs_total", queue="identity", outcome="done")
        late = worker.metric("registration_queue_jobs_total", outcome="late")
        unserved = place.room.partners.gateways["sms"].ledger.traffic.unserved
        return Seen(asked, within, shares, int(done), unserved, int(late))


def tell(seen: Seen) -> None:
    print(f"        {seen.asked} codes were asked for; {seen.bulk} checks were done meanwhile", flush=True)
    print(f"        {seen.late} calls missed their turn", flush=True)
    for (_, before), (edge, upto) in pairwise([(0.0, 0.0), *seen.within]):
        if upto > before:
            share = (upto - before) / seen.asked
            print(f"        up to {edge:>6.3g} s  {share:6.1%}  {'#' * round(60 * share)}", flush=True)
    held: list[tuple[float, float]] = []
    for at, share in enumerate(seen.shares):
        if not held or held[-1][1] != share:
            held.append((at / 2, share))
    steps = ", ".join(f"{share:.0%} from {at:.0f} s on" for at, share in held)
    print(f"        the second provider's share: {steps}", flush=True)


def turns(shares: Sequence[float]) -> int:
    """How often the share began to move the other way."""
    moves = [after > before for before, after in pairwise(shares) if after != before]
    return sum(before != after for before, after in pairwise(moves))


async def proof(server: Stack, bars: Bars) -> None:
    seen = await outage(server, "two_providers", second=True)
    tell(seen)
    if not seen.unserved:
        raise Invalid("the first provider answered nothing with an error")
    if seen.bulk < seen.asked * BULK / 4:
        raise Invalid(f"only {seen.bulk} checks were done beside {seen.asked} codes: that is no bulk")
    text = f"{seen.on_time:.2%} of all codes were with a gateway within {WITHIN:.0f} s"
    bars.judge(seen.on_time >= SHARE, f"{text} ({SHARE:.0%} at least)")
    bars.judge(max(seen.shares) > 0, f"the second provider was given a share, {max(seen.shares):.0%} at most")
    bars.judge(turns(seen.shares) <= 1, f"the share turned {turns(seen.shares)} times (once at most: there and back)")
    bars.judge(seen.shares[-1] < max(seen.shares), "and it was on its way back at the end")
    alone = await outage(server, "one_provider", second=False)
    tell(alone)
    bars.judge(alone.on_time < SHARE, f"control: with one provider {alone.on_time:.1%} of the codes were in time")


def main() -> int:
    argparse.ArgumentParser(prog="make acceptance NAME=messages", description=__doc__).parse_args()
    return proved(proof)


if __name__ == "__main__":
    sys.exit(main())
