"""R5 on real processes: partners never see more than their quota, counted at the partner, and most of it is used.

`make acceptance NAME=quota`: two workers at 40/s, undisturbed; then killed, stopped and woken, and with a database
whose clock is set forward and back, all drawn from the seed; at the end the quota is cut in half. Then the control: a
worker without pacing. Ends with 3 when a bar is missed, with 5 when a fault did not bite. Short twins of it run in the
tests (tests/integration/test_worker.py, tests/faults/test_lanes.py, test_quota_clock.py).
"""

import argparse
import asyncio
import random
import sys
import time

from service.storage.queue import PostgresQueue
from tests import jumping_clock
from tests.acceptance.long.worker_house import Bars, House, Invalid, Worker, house, proved, until
from tests.benchmarks.stack import Stack
from tests.integration.queue_room import one
from tests.partner_instants import Instants, watched

RATE, LESS = 40.0, 20.0
SETTLED = 0.5
"""Seconds after a change within which calls that were claimed before it still leave (0.23) and arrive."""
UNDISTURBED = 400
"""Calls: ten windows of 1.03 s and more."""
KILLS, STOPS = 4, 12
STOPPED = (0.02, 1.5)
"""Seconds, from less than a call may be late to longer than a window."""
JUMPS = (5.0, -0.7, 30.0, 1.1, -3.0, 0.5)
"""Seconds. In all less than codes live."""
CODES = 2600


async def calls(seen: Instants, number: int) -> None:
    """Wait until the partner has seen so many more."""
    wanted = len(seen.all) + number
    await until(lambda: len(seen.all) >= wanted, 90, f"call {wanted} of the partner")


async def people_ask(place: House, codes: int) -> None:
    person = await place.room.account(1)
    for _ in range(codes):
        await place.room.ask_code(person)


async def killed(place: House, seen: Instants, draw: random.Random) -> None:
    for _ in range(KILLS):
        await calls(seen, draw.randrange(1, 40))
        place.workers.pop(0).kill()
        await place.worker(SMS_RATE=str(RATE))
        await calls(seen, 40)


async def stopped(place: House, seen: Instants, draw: random.Random) -> None:
    for _ in range(STOPS):
        await calls(seen, draw.randrange(1, 40))
        worker = draw.choice(place.workers)
        worker.stop()
        try:
            await asyncio.sleep(draw.uniform(*STOPPED))
        finally:
            worker.go_on()


async def clock_set(place: House, seen: Instants, draw: random.Random) -> int:
    """How often lanes saw it."""

    def noticed(worker: Worker) -> int:
        return int(worker.metric("registration_queue_clock_jumps_total", queue="sms"))

    before = sum(map(noticed, place.workers))
    async with one(place.url) as operator:
        for seconds in JUMPS:
            await calls(seen, draw.randrange(30, 50))
            await jumping_clock.jump(operator, seconds)
    await calls(seen, 40)
    return sum(map(noticed, place.workers)) - before


async def paced(server: Stack, bars: Bars, draw: random.Random) -> None:
    async with house(server, "paced", SMS_RATE=str(RATE)) as place:
        async with one(place.url) as operator:
            await jumping_clock.install(operator)
        seen = watched(place.room.partners, "sms")
        await people_ask(place, CODES)
        for _ in range(2):
            await place.worker(SMS_RATE=str(RATE))
        await calls(seen, 80)
        begun = len(seen.all)
        await calls(seen, UNDISTURBED)
        used = seen.share_used(begun, len(seen.all) - 1, RATE)
        bars.judge(used >= 0.95, f"undisturbed, {used:.1%} of the quota is used (95 % at least)")
        started = time.monotonic()
        for what, trouble in (("kills", killed), ("stops", stopped)):
            begun = len(seen.all)
            await trouble(place, seen, draw)
            print(f"        with {what}, {seen.share_used(begun, len(seen.all) - 1, RATE):.1%} of it", flush=True)
        late = sum(
            worker.metric("registration_queue_jobs_total", queue="sms", outcome="late") for worker in place.workers
        )
        if late == 0:
            raise Invalid("no call missed its turn, so no stop hit a worker that had one")
        jumps = await clock_set(place, seen, draw)
        if jumps < len(JUMPS):
            raise Invalid(f"the clock was set {len(JUMPS)} times, and lanes saw {jumps}")
        print(f"        {late:.0f} calls missed their turn, {jumps} times a lane saw the clock set", flush=True)
        async with one(place.url) as operator:
            await PostgresQueue(operator).set_rate("sms", LESS)
        cut = time.monotonic()
        await calls(seen, 100)
        most, most_then = seen.most_in_a_second(0.0, cut), seen.most_before_a_call(cut + SETTLED)
        text = f"in any second the partner saw {most} calls at most, in {cut - started:.0f} s of trouble"
        bars.judge(most <= RATE, f"{text} ({RATE:.0f} at most)")
        bars.judge(most_then <= LESS, f"after the cut {most_then} ({LESS:.0f} at most)")


async def unpaced(server: Stack, bars: Bars) -> None:
    async with house(server, "unpaced", SMS_RATE=str(RATE)) as place:
        seen = watched(place.room.partners, "sms")
        await people_ask(place, 150)
        await place.worker(SMS_RATE=str(RATE), PARTNER_PACING="off")
        await calls(seen, 150)
        most = seen.most_in_a_second(0.0, seen.all[-1])
        bars.judge(most > RATE, f"control: without pacing the partner sees {most} in a second")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=quota", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which trouble comes (%(default)s)")
    draw = random.Random(parser.parse_args().seed)

    async def proof(server: Stack, bars: Bars) -> None:
        await paced(server, bars, draw)
        await unpaced(server, bars)

    return proved(proof)


if __name__ == "__main__":
    sys.exit(main())
