"""`GET /health/live` and `GET /health/ready`.

Neither asks the database: one that is overloaded must not get every replica restarted, and those who look after health
must not add to its load. Readiness tells how long ago the board's copy could be read, which happens once a second.
"""

import time

import msgspec

from service.domain.errors import DatabaseUnavailable
from service.web.board import REFRESH, BoardCopy
from service.web.operation import Call, Operation

READY_WITHIN = 5.0
"""Seconds since the last look: one that failed by the limits of the pool is no reason to leave a replica out."""


class Health(msgspec.Struct):
    status: str


def operations(board: BoardCopy) -> list[Operation]:
    async def live(_: Call) -> Health:
        return Health("live")

    async def ready(_: Call) -> Health:
        if time.monotonic() - board.read_at > READY_WITHIN:
            raise DatabaseUnavailable(retry_after_s=REFRESH)
        return Health("ready")

    return [
        Operation(method="GET", path="/health/live", summary="The process answers", handler=live, answer=Health),
        Operation(
            method="GET",
            path="/health/ready",
            summary="The database answered a moment ago",
            handler=ready,
            answer=Health,
            errors=(DatabaseUnavailable,),
        ),
    ]
