"""The ear of a replica: others ask it to let go of an upload that it is receiving.

LISTEN on a connection apart, which also carries the replica's name: whoever asks sees whether anybody hears it. A
notification may still get lost, so nobody waits for long.
"""

import asyncio
import random
from collections.abc import Callable

import asyncpg
import structlog

from service.domain.queues import retry_delay_s
from service.storage.pool import Database

PROBE = 10.0
"""Seconds between two looks at a connection on which nothing comes: a network can swallow it without a word."""
LONGEST_PAUSE = 5.0
"""Seconds between two tries to connect, with full jitter. Takeovers meanwhile cost bytes on their way, not offsets."""

log = structlog.get_logger(__name__)


def channel_of(replica: str) -> str:
    """Also the name of its connection; `ask_to_let_go` of queries/uploads.sql spells it too."""
    return f"uploads_{replica}"


async def hear_releases(url: str, replica: str, let_go: Callable[[str], None]) -> None:
    """Until cancelled: tell `let_go` the id of each upload that another replica wants. Outlives the database."""
    tries = 0

    def heard(*notification: object) -> None:
        let_go(str(notification[-1]))

    while True:
        try:
            database = await Database.open(url, connections=1, name=channel_of(replica))
            try:
                async with database.connection() as connection:
                    await connection.add_listener(channel_of(replica), heard)
                    tries = 0
                    await _lost(connection)
            finally:
                await database.close()
        except Exception as error:  # whatever the database says, uploads go on without an ear
            log.warning("cannot hear other replicas", code=getattr(error, "code", type(error).__name__))
        tries += 1
        await asyncio.sleep(retry_delay_s(tries, random.random(), 0.2, LONGEST_PAUSE))


async def _lost(connection: asyncpg.Connection) -> None:
    """Return when the connection is closed; raises when it does not answer any more."""
    closed = asyncio.Event()
    connection.add_termination_listener(lambda _: closed.set())
    while not closed.is_set():
        try:
            async with asyncio.timeout(PROBE):
                await closed.wait()
        except TimeoutError:
            await connection.execute("select 1")
