"""A crowd that asks whether or not it is answered, cheap enough that the service runs out first.

Requests are bytes made beforehand, answers are read as far as the proof needs them: 0.2 ms of a core each, where a
whole HTTP client takes 1.5 ms. Connections are kept and used again, the last used first.
"""

import asyncio
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple, cast
from urllib.parse import urlsplit

USEFUL = 1.0
"""An answer after more than this is of no use: the objective of the night."""
PATIENCE = 4.0
"""Then the phone gives up and closes its connection."""
FRESH = 3.0
"""Seconds for which a connection may lie idle: the server closes it after 5, perhaps while a request is on its way."""
SIGNED_IN = 0.33
WORK = {"employment_status": "laid_off", "sector": "pariwisata", "last_income": 4_200_000}

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after: *\d+", re.IGNORECASE)


class Reply(NamedTuple):
    status: int
    has_retry_after: bool


class Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.transport: asyncio.Transport | None = None
        self._received = b""
        self._reply: asyncio.Future[Reply] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own class has its methods, not its name

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or (length is not None and len(body) < int(length[1])):
            return
        self._received = b""
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(Reply(int(head[9:12]), _RETRY_AFTER.search(head) is not None))

    async def ask(self, request: bytes) -> Reply:
        """Raises OSError when the connection ends first."""
        if self.transport is None:
            raise ConnectionResetError
        self._reply = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._reply

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()


@dataclass
class Seen:
    """What became of the requests of one load. Times in seconds from the intended start of each."""

    good: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """Answers of no use any more."""
    refused: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    """How long after it was due each request was started: the generator's own fault."""
    signed_in: list[bool] = field(default_factory=list)
    """Of those who are signed in: whether they got a useful answer."""
    without_retry_after: int = 0
    other_errors: int = 0
    gave_up: int = 0


class Crowd:
    """The phones of one service. sessions: the header of each who is signed in; the others draw tickets."""

    def __init__(self, url: str, sessions: Sequence[dict[str, str]]) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), parts.port or 80
        ticket = b"POST /tickets HTTP/1.1\r\nhost: %s\r\ncontent-type: application/json\r\ncontent-length: 2\r\n"
        self._ticket = ticket % parts.netloc.encode() + b"idempotency-key: %s\r\n\r\n{}"
        work = json.dumps(WORK).encode()
        self._steps = [
            b"PUT /profile/work HTTP/1.1\r\nhost: %s\r\ncontent-type: application/json\r\nauthorization: %s\r\n"
            b"content-length: %d\r\n\r\n%s"
            % (parts.netloc.encode(), session["Authorization"].encode(), len(work), work)
            for session in sessions
        ]
        self._idle: list[Line] = []

    async def play(self, rate: float, seconds: float, random: Random) -> Seen:
        """Open arrivals, `rate` a second: nobody waits for the service before coming."""
        seen = Seen()
        clock = asyncio.get_running_loop().time
        due = began = clock()
        async with asyncio.TaskGroup() as group:
            while (due := due + random.expovariate(rate)) < began + seconds:
                step = random.choice(self._steps) if random.random() < SIGNED_IN else None
                ahead = due - clock()
                if ahead > 0.0:
                    await asyncio.sleep(ahead)
                group.create_task(self._one(step, due, seen))
        return seen

    async def busy(self, at_once: int, seconds: float, random: Random) -> Seen:
        """So many people who each wait for their answer before they ask again: what the service can do."""
        seen = Seen()
        clock = asyncio.get_running_loop().time
        until = clock() + seconds

        async def one() -> None:
            while (now := clock()) < until:
                await self._one(random.choice(self._steps) if random.random() < SIGNED_IN else None, now, seen)

        await asyncio.gather(*[one() for _ in range(at_once)])
        return seen

    async def cost(self, *, signed_in: bool, times: int) -> float:
        """Seconds of one request when there is nobody else: the median."""
        seen = Seen()
        for _ in range(times):
            await self._one(self._steps[0] if signed_in else None, asyncio.get_running_loop().time(), seen)
        return sorted(seen.good)[times // 2]

    def close(self) -> None:
        for line in self._idle:
            line.close()

    async def _one(self, step: bytes | None, due: float, seen: Seen) -> None:
        """step: the request of somebody who is signed in; None: somebody draws a ticket."""
        clock = asyncio.get_running_loop().time
        request = step or self._ticket % secrets.token_hex(8).encode()
        seen.lateness.append(clock() - due)
        useful = False
        try:
            async with asyncio.timeout(PATIENCE):
                reply = await self._ask(request)
        except TimeoutError:
            seen.gave_up += 1
        except OSError:
            seen.other_errors += 1
        else:
            took = clock() - due
            if reply.status < 400:
                useful = took <= USEFUL
                (seen.good if useful else seen.late).append(took)
            elif reply.status == 503:
                seen.refused.append(took)
                seen.without_retry_after += not reply.has_retry_after
            else:
                seen.other_errors += 1
        if step is not None:
            seen.signed_in.append(useful)

    async def _ask(self, request: bytes) -> Reply:
        line = await self._line()
        try:
            reply = await line.ask(request)
        except BaseException:
            line.close()
            raise
        line.idle_since = asyncio.get_running_loop().time()
        self._idle.append(line)
        return reply

    async def _line(self) -> Line:
        loop = asyncio.get_running_loop()
        while self._idle:
            line = self._idle.pop()
            if line.transport is not None and loop.time() - line.idle_since < FRESH:
                return line
            line.close()
        _, line = await loop.create_connection(Line, self._host, self._port)
        return line
