"""Opening the waiting room at its hour: every gatekeeper looks for it, whoever is first draws the places.

Beside the gate and not in it: reading a million early comers takes seconds. Most of it is done before the hour.
"""

import asyncio
import time

import structlog

from service.actions import lottery
from service.actions.lottery import Cohort
from service.ports import Ports
from service.room_ports import Room

AHEAD = 10.0
"""Seconds between two readings of who came early: joins wait some milliseconds for each."""
LOOK = 1.0
LEAST_LOOK = 0.05
"""Seconds between two looks; near the hour the next one comes at it."""

log = structlog.get_logger(__name__)


async def run_opening(ports: Ports, stop: asyncio.Event) -> None:
    """Open the room whenever its hour has come, until `stop` is set. Whatever the database says, the hour is kept."""
    cohort: Cohort | None = None
    ahead_due = 0.0
    while not stop.is_set():
        pause = LOOK
        try:
            async with ports.begin(single=True) as tx:
                room = await tx.room.read()
            if room.is_drawn:
                cohort = None
            else:
                if cohort is None or cohort.epoch != room.epoch:
                    cohort, ahead_due = Cohort(room), time.monotonic()
                if lottery.is_due(room) or time.monotonic() >= ahead_due:
                    ahead_due = time.monotonic() + AHEAD
                    await _read_or_open(ports, room, cohort)
                pause = min(max(room.opens_in_s, LEAST_LOOK), LOOK)
        except Exception as error:
            log.warning("hour of opening not looked at", code=getattr(error, "code", type(error).__name__))
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            pass


async def _read_or_open(ports: Ports, room: Room, cohort: Cohort) -> None:
    async with ports.begin_apart() as begin:  # a crowd that has come for this moment must not stand before it
        if not lottery.is_due(room):
            await cohort.read_on(begin)
        elif await cohort.open(begin, ports.vault):
            log.info("opened the waiting room")
