"""Who writes to which upload: a reconnecting phone ends the request of its dead connection, wherever that one hangs.

Whoever comes later wins. The holder of an upload is asked to let go; it stores and acknowledges what has arrived, and
ends. One that does not in time is fenced: its epoch is over, so it cannot acknowledge anything any more.
"""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol

from service.domain.errors import ServiceStopping
from service.photo_ports import Upload
from service.ports import Ports

LET_GO_LIMIT = 0.5
"""Seconds; a writer that needs longer is stuck or gone. What has arrived takes a few milliseconds to be stored."""
STOPPED_FOR = 2.0
"""Seconds; another replica answers at once, and the only one needs about so long to start again."""
LOOK_EVERY = 0.02
"""Seconds between two looks at an upload that another replica shall let go of."""
BEGUN_FOR = 10.0
"""Seconds for which this process remembers an upload that it has begun: its photo follows at once, or takes longer."""
MOST_BEGUN = 1000
"""Of these; at 400 bytes each they take less than one photo."""


class IncomingBytes(Protocol):
    """The body of a request."""

    async def take(self, most: int) -> bytes:
        """The next `most` bytes; fewer at the end of the body, or when the first of them has waited for some seconds.

        b"" when nothing is left. The end is the end for whatever reason: complete, cut, too slow, or told to let go.
        """

    async def peek(self, most: int) -> bytes:
        """What `take` would return, left where it is."""

    @property
    def exhausted(self) -> bool:
        """Nothing is left and nothing more will come."""

    @property
    def complete(self) -> bool:
        """All of the body has come."""

    def let_go(self) -> None:
        """Take no more bytes from the network."""


class Takeover(Enum):
    """How an upload came free that somebody was writing to."""

    SAME_PROCESS = "same_process"
    RELEASED = "released"
    """By another replica, which was asked."""
    FENCED = "fenced"
    """Nobody let go: stuck, stopped or killed."""


class _Begun(NamedTuple):
    upload: Upload
    session: bytes | None
    until: float


class Writers:
    """Who writes in this process. `replica` is its name among all."""

    def __init__(self, taken_over: Callable[[Takeover], None] = lambda how: None) -> None:
        """taken_over: counts."""
        self.replica = secrets.token_hex(8)
        self.taken_over = taken_over
        self.stopping = False
        self._turns: dict[str, _Turn] = {}
        self._begun: OrderedDict[str, _Begun] = OrderedDict()

    def __len__(self) -> int:
        return len(self._turns)

    def begun(self, upload: Upload, session: bytes | None) -> None:
        """This process has made the row of the upload: it is the writer `upload.epoch`, until another takes over."""
        self._begun[upload.id] = _Begun(upload, session, time.monotonic() + BEGUN_FOR)
        if len(self._begun) > MOST_BEGUN:
            self._begun.popitem(last=False)

    def take_begun(self, upload_id: str, session: bytes | None) -> Upload | None:
        """The upload as it was begun; once, as a writer stores each byte once."""
        begun = self._begun.pop(upload_id, None)
        if begun is None or begun.session != session or begun.until < time.monotonic():
            return None
        return begun.upload

    def holds(self, upload_id: str) -> bool:
        return upload_id in self._turns

    def let_go(self, upload_id: str) -> None:
        """Another replica wants it."""
        if turn := self._turns.get(upload_id):
            turn.incoming.let_go()

    def stop(self) -> None:
        """The process ends: everybody stores what has arrived, and nobody begins any more."""
        self.stopping = True
        for turn in self._turns.values():
            turn.incoming.let_go()

    async def settle(self, upload_id: str) -> bool:
        """Have whoever writes to the upload in this process end, and what had arrived acknowledged. False: stuck."""
        while turn := self._turns.get(upload_id):
            turn.incoming.let_go()
            try:
                async with asyncio.timeout(LET_GO_LIMIT):
                    await turn.ended.wait()
            except TimeoutError:
                return False
            self.taken_over(Takeover.SAME_PROCESS)
        return True

    def turn(self, upload_id: str, incoming: IncomingBytes) -> "_Turn":
        """Be the one who writes, until told by a newcomer to let go; as a context. Raises ServiceStopping."""
        return _Turn(self, upload_id, incoming)

    async def _begin(self, upload_id: str, turn: "_Turn") -> None:
        if upload_id in self._turns and not await self.settle(upload_id):
            self.taken_over(Takeover.FENCED)  # by the statement with which who comes now takes over
        if self.stopping:
            raise ServiceStopping(retry_after_s=STOPPED_FOR)
        if stuck := self._turns.get(upload_id):  # who else has waited in vain for one that is stuck
            stuck.incoming.let_go()
        self._turns[upload_id] = turn

    def _end(self, upload_id: str, turn: "_Turn") -> None:
        if self._turns.get(upload_id) is turn:
            del self._turns[upload_id]
        turn.ended.set()


class _Turn:
    """See `Writers.turn`; a generator would cost several times as much."""

    __slots__ = ("_upload_id", "_writers", "ended", "incoming")

    def __init__(self, writers: Writers, upload_id: str, incoming: IncomingBytes) -> None:
        self._writers = writers
        self._upload_id = upload_id
        self.incoming = incoming
        self.ended = asyncio.Event()

    async def __aenter__(self) -> None:
        await self._writers._begin(self._upload_id, self)

    async def __aexit__(self, *_: object) -> None:
        self._writers._end(self._upload_id, self)


async def make_free(ports: Ports, writers: Writers, upload: Upload) -> None:
    """Have whoever writes to `upload` end, here or in another replica; what had arrived is acknowledged then.

    One that does not end in time is fenced. The row tells the offset from which to go on.
    """
    if upload.writing in (None, writers.replica):
        await writers.settle(upload.id)
    elif await _ends_when_asked(ports, upload):
        writers.taken_over(Takeover.RELEASED)
        return
    if upload.writing is None:
        return
    async with ports.begin(single=True) as tx:
        fenced = await tx.uploads.fence(upload)
    if fenced:
        writers.taken_over(Takeover.FENCED)


async def _ends_when_asked(ports: Ports, upload: Upload) -> bool:
    """Whether the writer of `upload`, in another replica, ends within LET_GO_LIMIT."""
    clock = asyncio.get_running_loop().time
    until = clock() + LET_GO_LIMIT
    async with ports.begin(single=True) as tx:
        is_heard = await tx.uploads.ask_to_let_go(upload)
    while is_heard and clock() < until:
        await asyncio.sleep(LOOK_EVERY)
        async with ports.begin(single=True) as tx:
            if not await tx.uploads.is_writing(upload):
                return True
    return False
