"""Who is still there, told by this replica and counted with the others: a task beside the board's."""

import asyncio
import time
from uuid import uuid4

import structlog

from service.actions import presence
from service.metrics import Metrics
from service.ports import Ports
from service.web.board import BoardCopy

_log = structlog.get_logger()


async def keep_census(ports: Ports, board: BoardCopy, metrics: Metrics) -> None:
    """Tell and learn who is there every few seconds until cancelled; without the database the last count stays."""
    replica = uuid4()
    while True:
        await asyncio.sleep(presence.EVERY)
        try:
            await presence.tell(ports.begin, ports.lookout, replica, board.room, time.monotonic())
        except Exception as error:  # whatever the database says: it is tried again
            _log.warning("presence not told", code=getattr(error, "code", type(error).__name__))
        else:
            metrics.live_people.set(ports.lookout.live_people)
