"""`GET /board`: the waiting room as everybody may see it, from a copy that each replica refreshes once a second."""

import asyncio
import math
import time
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import msgspec
import structlog

from service.domain import promises
from service.domain.errors import DatabaseUnavailable
from service.ports import Ports
from service.room_ports import Room
from service.web.http import Rendered
from service.web.idempotency import encode
from service.web.operation import Call, Operation

REFRESH = 1.0
PAUSED_AFTER = 5.0
"""Seconds without the database, then the board says from memory that the room is paused: nobody is let in, and nobody
loses a place."""
AWAY = "the database is away"
SETTLED = promises.SPREAD + promises.YIELD_MEMORY
"""Seconds after the opening from which on the pace at which people come in tells how it goes on."""
MOST_BYTES = 300
_MOST_REASON = 120  # characters; the rest of the board needs at most 180 bytes

_log = structlog.get_logger()


class Board(msgspec.Struct):
    """`now_serving`: places up to this one may claim. `reason`: what an operator says, or why nobody is let in.
    `poll_s`: the shortest and the longest usual pause between two looks at a place; each answer names its own."""

    epoch: int
    state: str
    now_serving: int
    rate_per_s: float
    last_ticket: int
    poll_s: Annotated[list[int], msgspec.Meta(min_length=2, max_length=2)]
    computed_at: datetime
    reason: str


class BoardCopy:
    """What this replica knows of the room; at most about a second old while the database answers."""

    def __init__(self) -> None:
        self._room: Room | None = None
        self._answer: Rendered | None = None
        self.read_at = -math.inf
        """When the database was last read, on the monotonic clock."""
        self.made = 0
        """How often the answer was made."""

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

    def show(self, room: Room, now: datetime) -> None:
        serving = min(math.floor(room.frontier), room.last_ticket)
        poll = [int(promises.POLL_LEAST), int(promises.POLL_MOST)]
        rate, at, reason = round(room.rate_per_s, 3), now.replace(microsecond=0), room.reason
        body = b""
        while not body or len(body) > MOST_BYTES:  # a reason in another script takes several bytes a letter
            reason = reason[:_MOST_REASON] if not body else reason[: len(reason) // 2]
            board = Board(room.epoch, room.state, serving, rate, room.last_ticket, poll, at, reason)
            body = encode(board)
        self._room = room
        self._answer = Rendered(200, headers(room), body)
        self.made += 1

    async def refresh(self, ports: Ports) -> None:
        async with ports.begin(single=True) as tx:
            room = await tx.room.read()
        now = ports.clock.now()
        self.show(room, now)
        settled = room.opened_at is None or (now - room.opened_at).total_seconds() >= SETTLED
        in_line = settled and room.last_ticket > room.frontier
        ports.lookout.watch(room.gate_ms, room.admitted, room.rate_per_s, in_line=in_line)
        self.read_at = time.monotonic()

    async def keep_fresh(self, ports: Ports) -> None:
        """Refresh once a second until cancelled; while the database is in trouble the old copy is shown, and after
        a while that the room is paused."""
        reading: asyncio.Task[None] | None = None
        try:
            while True:
                await asyncio.sleep(REFRESH)
                if reading is None:
                    reading = asyncio.create_task(self._try_refresh(ports))
                await asyncio.wait([reading], timeout=REFRESH)
                if reading.done():
                    reading = None
                if time.monotonic() - self.read_at > PAUSED_AFTER:
                    self.show(replace(self.room, state="paused", rate_per_s=0.0, reason=AWAY), ports.clock.now())
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.wait([reading])

    async def _try_refresh(self, ports: Ports) -> None:
        try:
            await self.refresh(ports)
        except Exception as error:  # whatever it says: a copy that is refreshed no more would be shown for ever
            _log.warning("board not refreshed", code=getattr(error, "code", type(error).__name__))


def headers(room: Room) -> list[tuple[bytes, bytes]]:
    """For caches. The tag names the start of the room: what an old start left can be thrown away by it."""
    return [
        (b"content-type", b"application/json"),
        (b"cache-control", b"public, max-age=1"),
        (b"cache-tag", b"board-%d" % room.epoch),
    ]


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
