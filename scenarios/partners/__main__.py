"""`python -m scenarios.partners`: the simulated partners as their own process."""

import argparse
import asyncio
import errno
import json
import logging
import math
import sys
import time
from dataclasses import replace

from aiohttp import web

from scenarios import catalogue, factors
from scenarios.capacities import PAYOUTS, ROUTE_OF_MANY
from scenarios.lifeline import end_event
from scenarios.partners.app import Partners
from scenarios.partners.settings import Figures

USAGE = 2
STOP_GRACE = 1.0
"""Seconds that requests under way may still take when the process is asked to end."""


class CannotStart(Exception):
    """The process cannot start; its text says why and what to do."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scenarios.partners",
        description="The civil registry, the e-mail and SMS gateways and the payout partners of a night.",
    )
    parser.add_argument("--night", default="prakerja-wave-1", metavar="NAME|FILE", help="whose figures (%(default)s)")
    parser.add_argument("--set", default="prepared", metavar="NAME", help="set of partners (%(default)s)")
    parser.add_argument("--people", default="1", metavar="1/N", help="share of the people, thus of all rates")
    parser.add_argument("--speed", default=1.0, type=_speed, metavar="S", help="the night's clock runs S times faster")
    parser.add_argument("--seed", default=1, type=int, metavar="N", help="of every draw (%(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", default=0, type=int, help="port to listen on; 0 takes a free one and says which")
    parser.add_argument("--opens-at", type=float, metavar="UNIX", help="second 0 of the night; now when not given")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input closes")
    return parser


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < math.inf:
        raise argparse.ArgumentTypeError(f"must be greater than 0, not {text}")
    return speed


def figures_of(night: str, set_name: str, people: str, speed: float) -> Figures:
    """The partners' figures per real second. Raises CannotStart with every fault."""
    try:
        sets = catalogue.load(night).partners
        scale = factors.Factors(people=factors.parse_people(people), speed=speed, pace=1.0)
    except ValueError as error:
        raise CannotStart(str(error)) from None
    if set_name not in sets:
        raise CannotStart(f"--set {set_name}: the night {night} has no such set; choose one of: {', '.join(sets)}")
    scaled, _ = factors.scaled(sets[set_name], scale)
    many = replace(ROUTE_OF_MANY, rate_per_s=ROUTE_OF_MANY.rate_per_s * scale.rate)
    payout = replace(PAYOUTS, rate_per_s=PAYOUTS.rate_per_s * scale.rate)
    return Figures(scaled.civil_registry, scaled.email, scaled.sms, many, payout)


async def serve(options: argparse.Namespace) -> None:
    """Listen until a signal, or the end of standard input with --lifeline. Raises CannotStart."""
    figures = figures_of(options.night, options.set, options.people, options.speed)
    opens_at = time.time() if options.opens_at is None else options.opens_at
    partners = Partners(figures, opens_at, options.seed)
    runner = web.AppRunner(partners.application(), access_log=None, shutdown_timeout=STOP_GRACE)
    await runner.setup()
    end = end_event(options.lifeline)
    try:
        port = await _listen(runner, options.host, options.port)
        ready = {"ready": True, "role": "partners", "host": options.host, "port": port, "metrics_port": port}
        print(json.dumps({**ready, "night": options.night, "set": options.set}), flush=True)
        await end.wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> int:
    """The port taken. Raises CannotStart."""
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except OverflowError:
        raise CannotStart(f"--port {port}: must be from 0 (any free one) to 65535") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            fix = "stop what listens there, or choose another with --port (0 takes a free one)"
            raise CannotStart(f"port {port} on {host} is in use: {fix}") from None
        raise CannotStart(f"cannot listen on {host} port {port}: {error.strerror}; choose others") from None
    taken: int = runner.addresses[0][1]
    return taken


def main() -> int:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    try:
        asyncio.run(serve(arguments().parse_args()))
    except CannotStart as error:
        print(error, file=sys.stderr)
        return USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
