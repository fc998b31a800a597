"""A bare ASGI function as the process that a benchmark measures: on the server that the service uses."""

import argparse
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import uvicorn

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class Server(uvicorn.Server):
    """Says when it is ready, on standard output."""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(json.dumps({"ready": True, "role": "floor", "host": "127.0.0.1", "port": port}), flush=True)


def serve(
    parser: argparse.ArgumentParser, build: Callable[[argparse.Namespace], App], lifespan: Literal["on", "off"]
) -> None:
    """Serve what `build` makes of the options, on a free port; with --lifeline until standard input closes."""
    parser.add_argument("--lifeline", action="store_true")
    options = parser.parse_args()
    server = Server(
        uvicorn.Config(
            build(options), port=0, loop="uvloop", http="httptools", access_log=False, server_header=False,
            log_level="warning", lifespan=lifespan,
        )
    )  # fmt: skip

    def end_with_input() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        server.should_exit = True

    if options.lifeline:
        threading.Thread(target=end_with_input, daemon=True).start()
    server.run()
