"""A crowd in a closed loop that costs little itself: bytes made beforehand, answers read as far as needed."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import uvloop

from loadtests.harness.errors import HarnessError

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Read = Callable[[int, bytes, float], None]
"""Takes status, body and seconds of each answer."""


class Phone(asyncio.Protocol):
    """One connection: the next request goes out when the answer is in, until the time is over."""

    def __init__(self, until: float, make: Callable[[], bytes], read: Read) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._until = until
        self._make = make
        self._read = read
        self._received = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class has its methods, not its name
        self._ask()

    def _ask(self) -> None:
        self._sent_at = time.monotonic()
        self._transport.write(self._make())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or length is None or len(body) < int(length[1]):
            return
        self._received = b""
        now = time.monotonic()
        self._read(int(head[9:12]), body, now - self._sent_at)
        if now < self._until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def crowd(url: str, seconds: float, connections: int, make: Callable[[str], bytes], read: Read) -> float:
    """Ask for `seconds` on so many connections; the seconds it took. make: a request, given the host.

    Raises HarnessError when the server does not answer.
    """

    async def ask() -> float:
        began = time.monotonic()
        loop = asyncio.get_running_loop()
        address = urlsplit(url)
        assert address.hostname and address.port
        where = address.hostname, address.port

        def phone() -> Phone:
            return Phone(began + seconds, lambda: make(address.netloc), read)

        phones = [await loop.create_connection(phone, *where) for _ in range(connections)]
        async with asyncio.timeout(seconds + 30.0):
            await asyncio.gather(*(each.done for _, each in phones))
        return time.monotonic() - began

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(ask())
    except (OSError, TimeoutError) as error:
        raise HarnessError(f"{url} does not answer: {error}") from None
