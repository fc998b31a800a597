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
LEAST_OPEN = 0.99
"""Of them, to the end: a machine that is busy with something else may turn away a few while they send."""
ASKED = 20
"""Uploads that are asked afterwards how far they came."""


@dataclass(frozen=True)
class Memory:
    """Resident bytes of the web process: with all uploads begun and no byte sent, and the most while all were sent."""

    before: int
    most: int
    open: int
    """Uploads that were open all the time."""

    @property
    def per_upload(self) -> float:
        return (self.most - self.before) / self.open


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
        through = [each for each, task in zip(zip(paths, photos, strict=True), sending, strict=True) if task.result()]
        if len(through) < LEAST_OPEN * OPEN:
            raise HarnessError(f"{OPEN - len(through)} slow uploads were turned away in their middle")
        for path, photo in through[:: len(through) // ASKED]:
            answer = await connection.exchange(request(connection.host, "HEAD", path, photo.headers))
            expect(answer, 200)
            if answer.headers["upload-offset"] != str(FIRST + PACKETS * PACKET):
                raise HarnessError(f"only {answer.headers['upload-offset']} bytes of an upload were kept")
    return Memory(before, most, len(through))


async def _send_slowly(url: str, path: str, photo: Photo, delay: float) -> bool:
    """Begin after `delay` seconds, again when told to come back; False: it was told so in its middle.

    Raises HarnessError when coming back helps as little.
    """
    for _ in range(TRIES):
        await asyncio.sleep(delay)
        sent = await _send_once(url, path, photo)
        if sent:
            return sent == FIRST + PACKETS * PACKET
        delay = INTERVAL
    raise HarnessError(f"a slow upload was told to come back {TRIES} times")


async def _send_once(url: str, path: str, photo: Photo) -> int:
    """One PATCH that ends unfinished: the bytes sent until the end, or until it was told to come back; 0: at once.

    Raises HarnessError on other answers.
    """
    address = urlsplit(url)
    headers = {**photo.headers, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    answer = asyncio.create_task(reader.read(200))
    try:
        writer.write(request(address.netloc, "PATCH", path, headers, photo.data).head + photo.data[:FIRST])
        for sent in range(FIRST, FIRST + PACKETS * PACKET, PACKET):
            await asyncio.sleep(INTERVAL)
            if answer.done():
                if answer.result().startswith(b"HTTP/1.1 503"):
                    return sent - FIRST
                raise HarnessError(f"a slow upload was answered in its middle: {answer.result()[:100]!r}")
            writer.write(photo.data[sent : sent + PACKET])
        await writer.drain()
    finally:
        answer.cancel()
        writer.close()
    return FIRST + PACKETS * PACKET
