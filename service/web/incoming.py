"""The body of an upload, gathered by a task of its own while the handler waits for database and disk.

The server drops bytes it has buffered when the client vanishes, so they are fetched as soon as they are there.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

from starlette.types import Message, Receive

from service.domain.uploads import Pieces

READ_LIMIT = 15.0  # seconds without a byte: the phone is gone, and its connection does not know it yet
GRACE = 30.0  # seconds before the average rate counts
SLOWEST = 1000  # bytes/s on average; the slowest 2G gives four times as much
LOOK_EVERY = 1.0  # seconds between two looks at a body that has to wait for us
AT_ONCE = 0.05  # seconds in which a whole photo comes over a fast network
AHEAD = 64 * 1024  # bytes that may wait before anybody has asked for more: what the server itself buffers


class End(Enum):
    """Why no more bytes come."""

    COMPLETE = "the body is complete"
    CUT = "the client is gone"
    STALLED = "the client was silent or too slow"
    LET_GO = "another request continues the upload"


class IncomingBody:
    """Fulfils `service.actions.uploads.IncomingBytes`.

    No more wait here than were asked for last (AHEAD, if those were fewer), never above a piece, and one message.
    """

    def __init__(self, receive: Receive, pieces: Pieces) -> None:
        self._receive = receive
        self._pieces = pieces
        self._chunks: list[bytes] = []
        self._size = 0
        self._enough = AHEAD
        self._due = False
        self._timer: asyncio.TimerHandle | None = None
        self._wanted = False
        self._taker: asyncio.Future[None] | None = None
        self._gatherer: asyncio.Future[None] | None = None
        """Who waits: one for bytes, one for room or to be asked. Bytes that come at once have nobody wait."""
        self._began = 0.0
        self._received = 0
        self._awaited_since: float | None = None
        """None: no byte is awaited, those that have come are too many already."""
        self._watch: asyncio.TimerHandle | None = None
        self.end: End | None = None

    async def take(self, most: int) -> bytes:
        """See IncomingBytes; most: at most a piece."""
        if self.end is None:
            await self._wait_for(most)
        data = b"".join(self._chunks)
        data, rest = (data, b"") if len(data) <= most else (data[:most], data[most:])
        self._chunks, self._size = [], 0
        self._stop_timer()
        if rest:
            self._hold(rest)
        _wake(self._gatherer)
        return data

    async def peek(self, most: int) -> bytes:
        """See IncomingBytes; most: at most a piece."""
        if self.end is None:
            await self._wait_for(most)
        head = b""
        for chunk in self._chunks:
            head += chunk[: most - len(head)]
        return head

    async def _wait_for(self, most: int) -> None:
        self._wanted = True
        self._enough = most
        if self._has_room():
            _wake(self._gatherer)
        while self._size < most and self.end is None and not self._due:
            self._taker = asyncio.get_running_loop().create_future()
            await self._taker

    @property
    def exhausted(self) -> bool:
        return self.end is not None and self._size == 0

    @property
    def complete(self) -> bool:
        return self.end is End.COMPLETE

    @property
    def waiting(self) -> int:
        """Bytes that nobody has taken yet."""
        return self._size

    def let_go(self) -> None:
        self._ends(End.LET_GO)

    async def comes_at_once(self) -> bool:
        """Receive for a moment, before anything else is done; whether the body is complete. It fits into a piece."""
        try:
            async with asyncio.timeout(AT_ONCE):
                while self.end is None:
                    self._keep(await self._receive())
        except TimeoutError:  # nothing of a message is lost: the server hands over what has come when it is asked
            pass
        return self.complete

    async def gather(self, *, at_once: bool) -> None:
        """Receive until the body ends. at_once: do not wait for the first `take`."""
        try:
            while not (at_once or self._wanted or self.end is not None):
                await self._sleep()
            await self._gather()
        finally:
            self._ends(End.CUT)  # whatever broke it: nobody may wait for more
            if self._watch is not None:
                self._watch.cancel()

    async def _gather(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._began = self._awaited_since = loop.time()
        self._look(loop, task)
        while self.end is None:
            self._awaited_since = loop.time()
            message = await self._receive()
            self._awaited_since = None
            self._keep(message)
            while not self._has_room() and self.end is None:
                await self._sleep()

    async def _sleep(self) -> None:
        """Of the task that gathers, until something may have changed."""
        self._gatherer = asyncio.get_running_loop().create_future()
        await self._gatherer

    def _look(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
        """End a body whose next byte is late, or look again when it would be: one timer for all bytes."""
        now = loop.time()
        late_at = now + LOOK_EVERY
        if self._awaited_since is not None:
            late_at = min(self._awaited_since + READ_LIMIT, self._began + GRACE + self._received / SLOWEST)
        if late_at <= now:
            self._ends(End.STALLED)
            task.cancel()
        else:
            self._watch = loop.call_at(late_at, self._look, loop, task)

    def _keep(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self._ends(End.CUT)
            return
        data: bytes = message.get("body", b"")
        self._received += len(data)
        self._add(data)
        if not message.get("more_body", False):
            self._ends(End.COMPLETE)

    def _add(self, data: bytes) -> None:
        if data and self.end is None:
            self._hold(data)
            if self._size >= self._enough:
                _wake(self._taker)

    def _hold(self, data: bytes) -> None:
        if not self._chunks and self.end is None:
            self._timer = asyncio.get_running_loop().call_later(self._pieces.hold_s, self._falls_due)
        self._chunks.append(data)
        self._size += len(data)

    def _has_room(self) -> bool:
        return self._size < min(self._pieces.most_bytes, max(self._enough, AHEAD))

    def _falls_due(self) -> None:
        self._due = True
        _wake(self._taker)

    def _stop_timer(self) -> None:
        self._due = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ends(self, end: End) -> None:
        if self.end is not None:
            return
        self.end = end
        self._stop_timer()
        _wake(self._taker)
        _wake(self._gatherer)


def _wake(waiting: "asyncio.Future[None] | None") -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


@asynccontextmanager
async def incoming_body(receive: Receive, pieces: Pieces, *, at_once: bool) -> AsyncIterator[IncomingBody]:
    """The body, being gathered as long as the block runs; at_once: see `gathered`."""
    body = IncomingBody(receive, pieces)
    async with gathered(body, at_once=at_once):
        yield body


class gathered:
    """What is still to come of a body is gathered as long as the block runs.

    at_once: False when the client waits for a 100 Continue, which the first receive would send.
    """

    def __init__(self, body: IncomingBody, *, at_once: bool) -> None:
        self._body = body
        self._at_once = at_once
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        if self._body.end is None:
            self._task = asyncio.create_task(self._body.gather(at_once=self._at_once))

    async def __aexit__(self, *_: object) -> None:
        task = self._task
        if task is None:
            return
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.result()
