"""The floor of an upload: a bare ASGI function on the server that the service uses, and no database.

It does what any server must that acknowledges durable bytes: write them, hash them, fdatasync. Whoever asks may send.
It is frozen: the floor must not move when the service gets better.

    python -m tests.benchmarks.uploads_floor --folder DIR --lifeline
"""

import argparse
import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

from tests.benchmarks.serving import Receive, Send, serve


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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.uploads_floor")
    parser.add_argument("--folder", required=True, type=Path)
    serve(parser, lambda options: Floor(options.folder), lifespan="off")


if __name__ == "__main__":
    main()
