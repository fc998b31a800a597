"""What an open upload costs in memory: many phones that send slowly, all at the same time, to one web process."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from loadtests.harness.errors import HarnessError
from tests.benchmarks.uploads_client import Photo, create, expect
from tests.benchmarks.wire import Connection, request

OPEN = 2_000
FIRST = 60_000
"""Bytes that a phone sends at once: just not enough to be acknowledged as a piece."""
PACKET, INTERVAL = 8_000, 2.0
"""4 KB/s: the slowest 2G."""
OPENED_IN = 8.0
"""Seconds in which all of them begin, evenly."""
PACKETS = 10
"""Of each: all are open for 12 s and more, twice as long as anything waits to be acknowledged."""
TRIES = 5
"""On a busy machine some are told to come back: nothing of those is stored or held."""
ASKED = 20
"""Uploads that are asked afterwards how far they came."""


@dataclass(frozen=True)
class Memory:
    """Resident bytes of the web process: with all uploads begun and no byte sent, and the most while all were sent."""

    before: int
    most: int

    @property
    def per_upload(self) -> float:
        return (self.most - self.before) / OPEN


async def measure(url: str, pid: int, photos: Sequence[Photo]) -> Memory:
    """photos: OPEN ones that nobody has begun. Raises HarnessError when one is refused or its bytes are not stored."""
    process = psutil.Process(pid)
    async with Connection(url) as connection:
        paths = [await create(connection, photo) for photo in photos]
        before = most = process.memory_info().rss
        async with asyncio.TaskGroup() as phones:
            sending = [
                phones.create_task(_send_slowly(url, path, photo, OPENED_IN * place / OPEN))
                for place, (path, photo) in enumerate(zip(paths, photos, strict=True))
            ]
            while not all(task.done() for task in sending):
                await asyncio.sleep(0.1)
                most = max(most, process.memory_info().rss)
        for path, photo in list(zip(paths, photos, strict=True))[:: OPEN // ASKED]:
            answer = await connection.exchange(request(connection.host, "HEAD", path, photo.headers))
            expect(answer, 200)
            if answer.headers["upload-offset"] != str(FIRST + PACKETS * PACKET):
                raise HarnessError(f"only {answer.headers['upload-offset']} bytes of an upload were kept")
    return Memory(before, most)


async def _send_slowly(url: str, path: str, photo: Photo, delay: float) -> None:
    """Begin after `delay` seconds, again when told to come back. Raises HarnessError when that helps as little."""
    for _ in range(TRIES):
        await asyncio.sleep(delay)
        if await _has_sent_slowly(url, path, photo):
            return
        delay = INTERVAL
    raise HarnessError(f"a slow upload was told to come back {TRIES} times")


async def _has_sent_slowly(url: str, path: str, photo: Photo) -> bool:
    """One PATCH that ends unfinished; False: there was no room for it yet. Raises HarnessError on other answers."""
    address = urlsplit(url)
    headers = {**photo.headers, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    answer = asyncio.create_task(reader.read(200))
    try:
        writer.write(request(address.netloc, "PATCH", path, headers, photo.data).head + photo.data[:FIRST])
        for sent in range(FIRST, FIRST + PACKETS * PACKET, PACKET):
            await asyncio.sleep(INTERVAL)
            if answer.done():
                if sent == FIRST and answer.result().startswith(b"HTTP/1.1 503"):
                    return False
                raise HarnessError(f"a slow upload was answered in its middle: {answer.result()[:100]!r}")
            writer.write(photo.data[sent : sent + PACKET])
        await writer.drain()
    finally:
        answer.cancel()
        writer.close()
    return True
