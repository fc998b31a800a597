"""`python -m loadtests.stub`: serve until SIGTERM; says where it listens in one JSON line."""

import argparse
import asyncio
import contextlib
import json
import resource

import uvloop

from loadtests.stub.server import Connection, Stub
from scenarios.lifeline import end_event

BACKLOG = 4096
"""Connections waiting to be taken: a crowd may knock all at once."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.stub", description=__doc__.partition(":")[0])
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 = any that is free (%(default)s)")
    parser.add_argument("--lifeline", action="store_true", help="end when the standard input closes")
    options = parser.parse_args()
    with contextlib.suppress(OSError, ValueError):  # one for each connection; what the system allows will do
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(options))


async def serve(options: argparse.Namespace) -> None:
    stub = Stub()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(stub), options.host, options.port, backlog=BACKLOG)
    async with server:
        port = server.sockets[0].getsockname()[1]
        print(json.dumps({"ready": True, "role": "stub", "host": options.host, "port": port}), flush=True)
        await end_event(options.lifeline).wait()


if __name__ == "__main__":
    main()
