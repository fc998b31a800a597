"""`GET /board`: the waiting room as everybody may see it, from a copy that each replica refreshes once a second."""

import asyncio
import math
import time

import msgspec
import structlog

from service.domain.errors import DatabaseUnavailable
from service.ports import Ports
from service.room_ports import Room
from service.web.http import Rendered
from service.web.idempotency import encode
from service.web.operation import Call, Operation

REFRESH = 1.0
MOST_BYTES = 300
_MOST_REASON = 120  # characters; the rest of the board needs at most 160 bytes
_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"public, max-age=1")]

_log = structlog.get_logger()


class Board(msgspec.Struct):
    """`now_serving`: tickets up to this number may claim. `reason`: why it is not open, for people."""

    epoch: int
    state: str
    now_serving: int
    rate_per_s: float
    last_ticket: int
    reason: str


class BoardCopy:
    """What this replica knows of the room; at most about a second old while the database answers."""

    def __init__(self) -> None:
        self._room: Room | None = None
        self._answer: Rendered | None = None
        self.read_at = -math.inf
        """When the database was last read, on the monotonic clock."""

    @property
    def room(self) -> Room:
        """Raises DatabaseUnavailable before the first refresh."""
        if self._room is None:
            raise DatabaseUnavailable(retry_after_s=REFRESH)
        return self._room

    @property
    def answer(self) -> Rendered:
        if self._answer is None:
            raise DatabaseUnavailable(retry_after_s=REFRESH)
        return self._answer

    def show(self, room: Room) -> None:
        serving = min(math.floor(room.frontier), room.last_ticket)
        reason = room.reason
        body = b""
        while not body or len(body) > MOST_BYTES:  # a reason in another script takes several bytes a letter
            reason = reason[:_MOST_REASON] if not body else reason[: len(reason) // 2]
            body = encode(Board(room.epoch, room.state, serving, round(room.rate_per_s, 3), room.last_ticket, reason))
        self._room = room
        self._answer = Rendered(200, _HEADERS, body)

    async def refresh(self, ports: Ports) -> None:
        async with ports.begin(single=True) as tx:
            room = await tx.room.read()
        self.show(room)
        self.read_at = time.monotonic()

    async def keep_fresh(self, ports: Ports) -> None:
        """Refresh once a second until cancelled; while the database is in trouble the old copy is shown."""
        while True:
            await asyncio.sleep(REFRESH)
            try:
                await self.refresh(ports)
            except Exception as error:  # whatever it says: a copy that is refreshed no more would be shown for ever
                _log.warning("board not refreshed", code=getattr(error, "code", type(error).__name__))


def operations(board: BoardCopy) -> list[Operation]:
    async def show(_: Call) -> Rendered:
        return board.answer

    return [
        Operation(
            method="GET",
            path="/board",
            summary="The waiting room as everybody may see it",
            handler=show,
            answer=Board,
            errors=(DatabaseUnavailable,),
        )
    ]
