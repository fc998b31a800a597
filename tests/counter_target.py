"""`python -m tests.counter_target`: a service that is a counter with clerks, so that its limit is known (M/M/c).

Whoever asks for a ticket waits in one line for the first of `--clerks` that is free and is served for an exponential
time; all clerks together serve `--per-s` people a second, no more and, while anybody waits, no fewer: a clerk who is
found free too late by the clock of this process begins when she was free. Whoever leaves the line is not served.

    orderly     the line is as long as it gets
    shedding    whoever would wait for more than SHED_AFTER is told at once to come back later
    thrashing   the longer the line the slower the clerks, as if they had to climb over it
"""

import argparse
import asyncio
import json
import random
from collections import deque
from collections.abc import Awaitable, Callable

from aiohttp import web

from scenarios.lifeline import end_event

SHED_AFTER, COME_BACK = 0.3, 5
"""Seconds of work in the line, and until who was turned away may ask again."""
THRASH = 0.5
"""Service times are longer by this for each second that the line is long."""
BODY = {
    "ticket": "1.".ljust(80, "t"),
    "secret": "s" * 43,
    "number": 1,
    "place": {
        "state": "invited", "number": 1, "place": 1, "ahead": 0, "wait_s": [0.0, 1.0], "reason": "",
        "computed_at": "2020-04-11T19:00:00+07:00", "poll_after_s": 1.0, "place_token": "1.".ljust(110, "p"),
        "ticket": None,
    },
}  # fmt: skip
BUSY = {
    "type": "https://launchnight.example/problems/overloaded", "title": "Too many people at once", "status": 503,
    "detail": "Come back later.", "instance": "/tickets",
}  # fmt: skip
BOARD = {
    "epoch": 1, "state": "open", "now_serving": 1, "rate_per_s": 600.0, "last_ticket": 0, "poll_s": [2, 60],
    "computed_at": "2020-04-11T19:00:00+07:00", "reason": "",
}  # fmt: skip
MANNERS = ("orderly", "shedding", "thrashing")


class Counter:
    """The line and the clerks. Times are those of the running loop."""

    def __init__(self, per_s: float, clerks: int, manner: str, seed: int) -> None:
        self._mean = clerks / per_s
        self._per_s = per_s
        self._manner = manner
        self._random = random.Random(seed)
        self._free = clerks
        self._line: deque[tuple[float, asyncio.Future[None]]] = deque()
        self.served = 0

    async def serve(self) -> bool:
        """Wait in the line and be served; False when told to come back later."""
        loop = asyncio.get_running_loop()
        if self._manner == "shedding" and len(self._line) > SHED_AFTER * self._per_s:
            return False
        done = loop.create_future()
        self._line.append((loop.time(), done))
        self._call(loop.time())
        await done
        return True

    def _call(self, since: float) -> None:
        """Let free clerks take who is next; the one who called is free since then."""
        while self._free and self._line:
            came, done = self._line.popleft()
            if done.done():  # left the line
                continue
            self._free -= 1
            mean = self._mean
            if self._manner == "thrashing":
                mean *= 1.0 + THRASH * len(self._line) / self._per_s
            ends = max(since, came) + self._random.expovariate(1.0 / mean)
            asyncio.get_running_loop().call_at(ends, self._end, ends, done)

    def _end(self, ends: float, done: "asyncio.Future[None]") -> None:
        self._free += 1
        self.served += 1
        if not done.done():
            done.set_result(None)
        self._call(ends)


def application(counter: Counter) -> web.Application:
    async def ticket(request: web.Request) -> web.Response:
        await request.read()
        if await counter.serve():
            return web.json_response(BODY, status=201)
        return web.json_response(
            BUSY, status=503, headers={"Retry-After": str(COME_BACK)}, content_type="application/problem+json"
        )

    def always(body: object) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.Response:
            return web.json_response(body)

        return answer

    app = web.Application()
    app.router.add_post("/tickets", ticket)
    for path, body in {
        "/health/live": {"status": "live"},
        "/health/ready": {"status": "ready"},
        "/board": BOARD,
    }.items():
        app.router.add_get(path, always(body))
    return app


async def serve(options: argparse.Namespace) -> None:
    counter = Counter(options.per_s, options.clerks, options.manner, options.seed)
    runner = web.AppRunner(application(counter), access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
        print(json.dumps({"ready": True, "role": "counter", "port": runner.addresses[0][1]}), flush=True)
        await end_event(lifeline=True).wait()
    finally:
        await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.counter_target", description=__doc__)
    parser.add_argument("--per-s", type=float, required=True, help="people served a second by all clerks together")
    parser.add_argument("--clerks", type=int, required=True)
    parser.add_argument("--manner", choices=MANNERS, default=MANNERS[0])
    parser.add_argument("--seed", type=int, default=1, help="of the service times")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
