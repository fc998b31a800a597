"""Phones that upload while the replicas they talk to are killed, and that hold the service to every offset it told.

One request a connection, each to another replica. What phones do to a service they do here: chunks that come whole,
chunks that trickle, chunks with a checksum, and connections that are left hanging while the upload goes on elsewhere.
"""

import asyncio
import json
import random
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from typing import Protocol

from tests.integration.upload_room import CHUNK, TUS, Answer, Connection

SMALLEST, LARGEST = 20_000, 400_000
"""Bytes of a file."""
CHUNKS = (4_000, 64_000)
SLICES = (2_000, 24_000)
"""Bytes of a chunk that trickles, each time some leave."""
PAUSE = 1.2
"""Seconds between two slices, at most: about 20 KB/s."""
SLOWEST = 60.0
"""Seconds until a chunk that trickles must be answered."""
THINKING = 0.3
"""Seconds between two requests, at most."""
PATIENCE = 60.0
"""Seconds without a chunk that was taken, after which an upload counts as stuck."""
CHUNK_KINDS = frozenset({"whole", "trickling", "checked"})
"""Requests whose end by a kill is an interruption of the upload."""
LONGEST_WAIT = 0.5
"""Seconds; what a refusal asks for is cut to this."""


class Target(Protocol):
    """A replica. `kills`: how often it was killed so far; `busy`: chunks that are under way to it."""

    port: int
    kills: int
    busy: int


@dataclass
class Tally:
    """What all phones met together."""

    finished: int = 0
    bytes: int = 0
    sent: int = 0
    interruptions: list[int] = field(default_factory=list)
    """Of each finished upload."""
    interrupted: Counter[str] = field(default_factory=Counter)
    """By the kind of request that was cut by a kill."""
    shares: list[float] = field(default_factory=list)
    """How much of the file the service had acknowledged at each of these."""
    answers: Counter[str] = field(default_factory=Counter)
    """Refusals, by their codes."""
    hung: int = 0
    """Connections that were left hanging while the upload went on elsewhere."""
    regressions: list[str] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    """Requests that ended without an answer although nobody killed the replica."""


class Promises:
    """Offsets of one upload: the service may tell none below what it told, nor any above what it was sent."""

    def __init__(self) -> None:
        self.floor = 0
        self.sent = 0

    def broken_by(self, offset: int) -> str | None:
        """What is wrong with an offset that was told now."""
        if offset < self.floor:
            return f"{offset} was told after {self.floor}"
        if offset > self.sent:
            return f"{offset} was told of {self.sent} that were sent"
        self.floor = offset
        return None


class _Stuck(Exception):
    """The service does not let this upload go on."""


class Phone:
    """Uploads one file, which is not finished before it was interrupted `kills` times."""

    def __init__(
        self,
        route: Callable[[], Target],
        draw: random.Random,
        tally: Tally,
        *,
        kills: int,
        patience: float = PATIENCE,
        thinking: float = THINKING,
        largest: int = LARGEST,
        chunks: tuple[int, int] = CHUNKS,
    ) -> None:
        self._route = route
        self._draw = draw
        self._tally = tally
        self._kills = kills
        self.content = draw.randbytes(draw.randrange(SMALLEST, largest))
        self.path = ""
        self.interruptions = 0
        self._promises = Promises()
        self._offset: int | None = 0
        self._patience = patience
        self._thinking = thinking
        self._chunks = chunks
        self._moved_at = 0.0
        self.under_way = False
        self.is_ripe = False
        """The service took a chunk of it since its last interruption, or is taking one that trickles."""
        self._compared = False
        self._left: list[Connection] = []

    async def upload(self) -> None:
        """Until it is stored, or stuck."""
        tally = self._tally
        self._moved_at = time.monotonic()
        self.under_way = True
        try:
            while not self.path:
                await self._try("create", self._create)
            while self._promises.floor < len(self.content):
                await self._step()
                await asyncio.sleep(self._draw.uniform(0.0, self._thinking))
            while not self._compared:
                await self._try("get", self._compare)
        except _Stuck as reason:
            tally.stuck.append(f"{self.path}: {reason}")
            return
        finally:
            self.under_way = False
            for connection in self._left:
                await connection.close()
        tally.finished += 1
        tally.bytes += len(self.content)
        tally.sent += self._promises.sent
        tally.interruptions.append(self.interruptions)

    @property
    def _may_not_end(self) -> bool:
        """It was not interrupted often enough: the last byte stays here."""
        return self.interruptions < self._kills

    async def _step(self) -> None:
        if self._offset is None:
            await self._try("head", self._ask_offset)
            return
        (kind,) = self._draw.choices(("whole", "trickling", "checked", "hanging"), (8, 5, 3, 1))
        if self._may_not_end and self._offset >= len(self.content) - 1:
            kind = "trickling"  # and waits for its kill
        acts = {
            "whole": self._send_whole,
            "trickling": self._send_slowly,
            "checked": self._send_checked,
            "hanging": self._leave_hanging,
        }
        await self._try(kind, acts[kind])

    async def _try(self, kind: str, act: Callable[[Connection], Awaitable[None]]) -> None:
        """Make a request of some replica; whatever cuts it, the offset is asked for next."""
        target = self._route()
        before = target.kills
        try:
            connection = Connection(*await asyncio.open_connection("127.0.0.1", target.port))
        except OSError:  # it is down, or was killed before it took us in
            await asyncio.sleep(0.05)
            return
        connected, left = target.kills, len(self._left)
        target.busy += kind in CHUNK_KINDS
        try:
            await act(connection)
        except (OSError, asyncio.IncompleteReadError) as cut:
            self._offset = None
            if target.kills == before:
                self._tally.unexplained.append(f"{kind}: {cut!r}")
            elif target.kills > connected and kind in CHUNK_KINDS:
                self.interruptions += 1
                self.is_ripe = False
                self._moved_at = time.monotonic()
                self._tally.interrupted[kind] += 1
                self._tally.shares.append(self._promises.floor / len(self.content))
        finally:
            target.busy -= kind in CHUNK_KINDS
            if len(self._left) == left:
                await connection.close()

    async def _create(self, connection: Connection) -> None:
        await connection.head("POST", "/files/", TUS | {"Upload-Length": str(len(self.content)), "Content-Length": "0"})
        answer = await connection.answer()
        if await self._accepted(answer, 201):
            self.path = answer.headers["location"]

    async def _ask_offset(self, connection: Connection) -> None:
        await connection.head("HEAD", self.path, TUS)
        answer = await connection.answer("HEAD")
        if await self._accepted(answer, 200):
            self._told(answer)

    async def _send_whole(self, connection: Connection) -> None:
        start, end = self._chunk()
        await self._announce(connection, start, end)
        await self._send(connection, start, end)
        await self._acknowledged(connection)

    async def _send_slowly(self, connection: Connection) -> None:
        """The rest in slices; the last byte leaves when the upload was interrupted as often as it shall be."""
        start, size = self._offset or 0, len(self.content)
        await self._announce(connection, start, size)
        place, last = start, size - self._may_not_end
        answering = asyncio.create_task(connection.answer(within=SLOWEST))
        try:
            self.is_ripe = True
            while place < last and not answering.done():  # a refusal comes early
                end = min(place + self._draw.randrange(*SLICES), last)
                await self._send(connection, place, end)
                place = end
                await asyncio.wait([answering], timeout=self._draw.uniform(0.0, PAUSE))
            await self._taken(await answering)
        finally:
            answering.cancel()
            await asyncio.wait([answering])

    async def _send_checked(self, connection: Connection) -> None:
        start, end = self._chunk()
        digest = b64encode(sha1(self.content[start:end]).digest()).decode()
        await self._announce(connection, start, end, {"Upload-Checksum": f"sha1 {digest}"})
        await self._send(connection, start, end)
        await self._acknowledged(connection)

    async def _leave_hanging(self, connection: Connection) -> None:
        """Half a chunk, and the connection stays; the upload goes on elsewhere, with all that may arrive of it."""
        start, end = self._chunk()
        await self._announce(connection, start, len(self.content))
        await self._send(connection, start, (start + end) // 2)
        self._left.append(connection)
        self._offset = None
        self._tally.hung += 1

    async def _compare(self, connection: Connection) -> None:
        await connection.head("GET", self.path, {})
        answer = await connection.answer()
        self._compared = await self._accepted(answer, 200)
        if self._compared and sha256(answer.body).digest() != sha256(self.content).digest():
            self._tally.mismatches.append(f"{self.path}: {len(answer.body)} bytes of {len(self.content)}")

    def _chunk(self) -> tuple[int, int]:
        """Where the next one starts and ends; without the last byte while kills are still to come."""
        start = self._offset or 0
        last = len(self.content) - self._may_not_end
        return start, max(start, min(start + self._draw.randrange(*self._chunks), last))

    async def _announce(
        self, connection: Connection, start: int, end: int, more: Mapping[str, str] | None = None
    ) -> None:
        headers = CHUNK | {"Upload-Offset": str(start), "Content-Length": str(end - start)} | dict(more or {})
        await connection.head("PATCH", self.path, headers)

    async def _send(self, connection: Connection, start: int, end: int) -> None:
        self._promises.sent = max(self._promises.sent, end)
        await connection.send(self.content[start:end])

    async def _acknowledged(self, connection: Connection) -> None:
        await self._taken(await connection.answer())

    async def _taken(self, answer: Answer) -> None:
        if await self._accepted(answer, 204):
            self._moved_at = time.monotonic()
            self.is_ripe = True
            self._told(answer)
        else:
            self._offset = None

    def _told(self, answer: Answer) -> None:
        self._offset = answer.offset
        if broken := self._promises.broken_by(answer.offset):
            self._tally.regressions.append(f"{self.path}: {broken}")
            raise _Stuck(broken)

    async def _accepted(self, answer: Answer, status: int) -> bool:
        """False after a refusal that trying again may heal, and a moment. Raises _Stuck."""
        if answer.status == status:
            return True
        code = str(json.loads(answer.body)["type"]).rpartition("/")[2] if answer.body else str(answer.status)
        self._tally.answers[code] += 1
        if answer.status not in (409, 503) or time.monotonic() - self._moved_at > self._patience:
            raise _Stuck(f"{answer.status} {code}")
        wait = float(answer.headers.get("retry-after", 0.1))
        await asyncio.sleep(min(wait, LONGEST_WAIT) * self._draw.uniform(0.2, 1.0))
        return False
