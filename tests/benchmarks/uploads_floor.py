"""The floor of an upload: a bare ASGI function on the server that the service uses, and no database.

It does what any server must that acknowledges durable bytes: write them, hash them, fdatasync. Whoever asks may send.
It is frozen: the floor must not move when the service gets better.

    python -m tests.benchmarks.uploads_floor --folder DIR --lifeline
"""

import argparse
import asyncio
import hashlib
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Floor:
    """The ASGI function."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        chunks = [(message := await receive())["body"]]
        while message["more_body"]:
            chunks.append((message := await receive())["body"])
        if scope["method"] == "POST":
            status, headers = (
                201,
                [(b"location", b"/files/" + os.urandom(16).hex().encode()), (b"content-length", b"0")],
            )
        else:
            size, digest = await asyncio.to_thread(self._keep, scope["path"].rpartition("/")[2], chunks)
            status, headers = 204, [(b"upload-offset", b"%d" % size), (b"etag", digest.encode())]
        headers.append((b"tus-resumable", b"1.0.0"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _keep(self, name: str, chunks: list[bytes]) -> tuple[int, str]:
        digest = hashlib.sha256()
        file = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for chunk in chunks:
                digest.update(chunk)
                os.write(file, chunk)
            os.fdatasync(file)
        finally:
            os.close(file)
        return sum(map(len, chunks)), digest.hexdigest()


class Server(uvicorn.Server):
    """Says when it is ready, on standard output."""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(json.dumps({"ready": True, "role": "floor", "host": "127.0.0.1", "port": port}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.uploads_floor")
    parser.add_argument("--folder", required=True, type=Path)
    parser.add_argument("--lifeline", action="store_true")
    options = parser.parse_args()
    config = uvicorn.Config(
        Floor(options.folder), port=0, loop="uvloop", http="httptools", lifespan="off", access_log=False,
        server_header=False, log_level="warning",
    )  # fmt: skip
    server = Server(config)

    def end_with_input() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        server.should_exit = True

    if options.lifeline:
        threading.Thread(target=end_with_input, daemon=True).start()
    server.run()


if __name__ == "__main__":
    main()
