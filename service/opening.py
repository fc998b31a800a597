"""Opening the waiting room at its hour: every gatekeeper looks for it, whoever is first draws the places.

Beside the gate and not in it: reading who came early takes a second for a million people, and nobody is let in yet.
"""

import asyncio

import structlog

from service.actions import lottery
from service.ports import Ports

LOOK = 1.0
LEAST_LOOK = 0.05
"""Seconds between two looks; near the hour the next one comes at it."""

log = structlog.get_logger(__name__)


async def run_opening(ports: Ports, stop: asyncio.Event) -> None:
    """Open the room whenever its hour has come, until `stop` is set. Whatever the database says, the hour is kept."""
    while not stop.is_set():
        pause = LOOK
        try:
            async with ports.begin(single=True) as tx:
                room = await tx.room.read()
            if lottery.is_due(room):
                async with ports.begin_apart() as begin:  # not before a crowd that has come for this moment
                    if await lottery.open_by_lot(begin, ports.vault, room):
                        log.info("opened the waiting room")
            elif room.opened_at is None and room.opens_at is not None:
                pause = min(max(room.opens_in_s, LEAST_LOOK), LOOK)
        except Exception as error:
            log.warning("hour of opening not looked at", code=getattr(error, "code", type(error).__name__))
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            pass
