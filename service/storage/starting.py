"""A process that starts while its database starts, restarts or is full waits for it.

Ending would only have a supervisor start it again and again, each time at the price of a start.
"""

import asyncio
import random
import socket
import time
from contextlib import suppress

import structlog

from service.domain.errors import DatabaseUnavailable
from service.domain.queues import retry_delay_s
from service.storage.pool import Database

REFUSED_FOR = 10.0
"""Seconds for which nobody may listen at the address: a restart, recovery included. Longer, and it is a wrong one."""
LONGEST_PAUSE = 2.0
"""Seconds between two tries, with full jitter: a fleet that starts together must not keep the server from starting."""
_PASSING = ("53300", "57P03")
"""Too many connections; starting, stopping or recovering: a server is there, and lets us in sooner or later."""
_HUNG_UP = ("57P01", "57P02", "08")
"""Stopped or crashed while we came in: from now on nobody listens, until it is back."""

log = structlog.get_logger(__name__)


async def wait_for_database(url: str, stop: asyncio.Event) -> None:
    """Return when the server lets us in, or `stop` is set.

    Raises DatabaseUnavailable at once for what waiting does not mend: a wrong name, user or password, a silent network.
    """
    refused_until = time.monotonic() + REFUSED_FOR
    tries = 0
    while not stop.is_set():
        try:
            database = await Database.open(url, connections=1, name="start")
        except DatabaseUnavailable as error:
            if not _passes(error.__cause__, time.monotonic() < refused_until):
                raise
        else:
            await database.close()
            return
        if not tries:
            log.warning("waiting for the database")
        tries += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(retry_delay_s(tries, random.random(), 0.2, LONGEST_PAUSE)):
                await stop.wait()


def _passes(cause: BaseException | None, may_be_refused: bool) -> bool:
    """Whether what kept us from connecting may be over soon."""
    state = getattr(cause, "sqlstate", None) or ""
    if state in _PASSING:
        return True
    if state.startswith(_HUNG_UP):
        return may_be_refused
    is_refusal = isinstance(cause, OSError) and not isinstance(cause, TimeoutError | socket.gaierror)
    return is_refusal and may_be_refused
