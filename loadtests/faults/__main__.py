"""`python -m loadtests.faults`: the fault proxy as its own process."""

import argparse
import asyncio
import errno
import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from loadtests.faults import addresses
from loadtests.faults.control import Control
from loadtests.faults.events import EventLog
from loadtests.faults.proxy import Proxy
from loadtests.faults.wire import MOST_CALLERS, ControlServer
from scenarios.lifeline import end_event

USAGE = 2
LOOPBACK = "127.0.0.1"
"""Where the control listens: who may break things sits on this machine."""
CONNECTIONS = 2000
SPARE_FILES = 64 + MOST_CALLERS
"""Open files beside two for each connection: the standard ones, listeners, the event log, callers of the control."""

T = TypeVar("T")


class CannotStart(Exception):
    """The process cannot start; its text says why and what to do."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.faults",
        description="A TCP proxy that spoils connections on demand. docs/faults.md describes toxics and control.",
    )
    parser.add_argument(
        "--listen", required=True, type=_read(addresses.parse_tcp), metavar="HOST:PORT", help="port 0 takes a free one"
    )
    parser.add_argument(
        "--to", required=True, type=_read(addresses.parse), metavar="HOST:PORT|unix:PATH", help="the server"
    )
    parser.add_argument(
        "--control",
        default=0,
        type=_read(addresses.parse_port),
        metavar="PORT",
        help=f"of the control on {LOOPBACK}; 0 takes a free one and says which (%(default)s)",
    )
    parser.add_argument("--seed", default=1, type=int, metavar="N", help="of every draw (%(default)s)")
    parser.add_argument("--events", type=Path, metavar="FILE", help="appends what happens as JSON lines")
    parser.add_argument(
        "--connections",
        default=CONNECTIONS,
        type=_read(_connections),
        metavar="N",
        help="at a time; more wait to be accepted (%(default)s)",
    )
    parser.add_argument("--lifeline", action="store_true", help="end when standard input closes")
    return parser


def _read(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` as argparse wants it: with a text of its own for each fault."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except ValueError as fault:
            raise argparse.ArgumentTypeError(str(fault)) from None

    return read


def _connections(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and int(text) >= 1):
        raise ValueError(f"must be a whole number from 1 to 999999, not {text!r}")
    return int(text)


def make_room(connections: int) -> None:
    """Raise this process's limit of open files to what so many connections need. Raises CannotStart."""
    needed = 2 * connections + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and needed > hard:
        most = max(1, (hard - SPARE_FILES) // 2)
        raise CannotStart(
            f"--connections {connections} needs {needed} open files, the limit is {hard}: "
            f"raise it (ulimit -Hn), or give at most {most}"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


async def serve(options: argparse.Namespace) -> None:
    """Proxy until a signal, or the end of standard input with --lifeline. Raises CannotStart."""
    if options.to == options.listen and options.listen.port:
        raise CannotStart("--to is the address of --listen: the proxy would lead to itself")
    make_room(options.connections)
    end = end_event(options.lifeline)
    try:
        events = EventLog(options.events)
    except OSError as error:
        raise CannotStart(f"--events {options.events} cannot be written ({error.strerror}): name another") from None
    try:
        await _proxy(options, events, end)
    finally:
        events.write("ended")
        events.close()


async def _opened(proxy: Proxy, options: argparse.Namespace) -> asyncio.Server:
    """The control's server, once both listen. Raises CannotStart."""
    try:
        server = await ControlServer(Control(proxy).answer).listen(LOOPBACK, options.control)
    except OSError as error:
        raise _cannot_listen(error, f"--control: port {options.control}") from None
    try:
        proxy.open()
    except OSError as error:
        raise _cannot_listen(error, f"--listen: {options.listen}") from None
    return server


async def _proxy(options: argparse.Namespace, events: EventLog, end: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        proxy = Proxy(group, options.listen, options.to, seed=options.seed, most=options.connections, events=events)
        server = await _opened(proxy, options)
        ready = {
            "ready": True,
            "role": "faults",
            "host": proxy.listen.host,
            "port": proxy.listen.port,
            "control_port": server.sockets[0].getsockname()[1],
            "to": str(proxy.target),
            "seed": options.seed,
        }
        events.write("listening", **ready)
        print(json.dumps(ready), flush=True)
        await end.wait()
        server.close()
        await proxy.end()


def _cannot_listen(error: OSError, what: str) -> CannotStart:
    if error.errno == errno.EADDRINUSE:
        return CannotStart(f"{what} is in use: stop what listens there, or choose another port (0 takes a free one)")
    return CannotStart(f"{what} cannot be listened on ({error.strerror}): choose another address")


def main() -> int:
    code = 0
    try:
        asyncio.run(serve(arguments().parse_args()))
    except* CannotStart as faults:  # a task group wraps what ends it
        for fault in faults.exceptions:
            print(fault, file=sys.stderr)
        code = USAGE
    return code


if __name__ == "__main__":
    sys.exit(main())
