"""Cuts connections to the database exactly where it hurts: at COMMIT.

The fault proxy of loadtests knows bytes and time; this one knows the one message that matters. It stands between the
service and PostgreSQL and resets a seeded share of the connections, before, at or after their commit.
"""

import asyncio
import random
import socket
import struct
from collections import Counter
from contextlib import suppress
from enum import Enum
from typing import Self
from urllib.parse import urlsplit, urlunsplit

COMMIT = b"Q\x00\x00\x00\x0bcommit\x00"
"""The simple query message that the pool ends a transaction with."""
ON_ITS_WAY = 0.05
"""Seconds for which a commit is still on its way after its sender has lost the connection: longer than a second look at
the database takes."""
LOOPBACK = "127.0.0.1"


class Cut(Enum):
    BEFORE = "before"
    """In the middle of the work: some other statement never arrives."""
    NEVER_SENT = "never sent"
    """The commit is swallowed: the server undoes everything."""
    ON_ITS_WAY = "on its way"
    """The sender is cut off first, the commit arrives afterwards."""
    ANSWER_LOST = "answer lost"
    """The commit is done, its answer never comes."""


AT_COMMIT = (Cut.NEVER_SENT, Cut.ON_ITS_WAY, Cut.ANSWER_LOST)


class CommitCutter:
    """`share` of the commits are cut, evenly in each of the three ways, and as many transactions before. 0 at first."""

    def __init__(self, database_url: str, *, seed: int) -> None:
        self._parts = urlsplit(database_url)
        self.share = 0.0
        self._random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.commits = 0
        self.cuts: Counter[Cut] = Counter()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """The address of the database behind it."""
        port = self._server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(self._parts._replace(netloc=f"{user}@{LOOPBACK}:{port}"))

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            replies, server = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        except OSError:
            _reset(client)
            return
        back = asyncio.create_task(_pass_on(replies, client))
        try:
            await self._carry(reader, client, server, back)
        except OSError:
            pass
        finally:
            back.cancel()
            server.close()
            client.close()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
        back: "asyncio.Task[None]",
    ) -> None:
        while chunk := await reader.read(65536):
            cut = self._drawn(chunk.endswith(COMMIT))
            if cut is None:
                server.write(chunk)
                await server.drain()
                continue
            self.cuts[cut] += 1
            if cut is Cut.ANSWER_LOST:
                back.cancel()
                await asyncio.wait([back])
                server.write(chunk)
                await asyncio.sleep(ON_ITS_WAY)
            _reset(client)
            if cut is Cut.ON_ITS_WAY:
                await asyncio.sleep(ON_ITS_WAY)
                server.write(chunk)
                await asyncio.sleep(ON_ITS_WAY)
            return

    def _drawn(self, is_commit: bool) -> Cut | None:
        self.commits += is_commit
        if is_commit:
            return self._random.choice(AT_COMMIT) if self._random.random() < self.share else None
        # A transaction has some eight messages beside its commit, and idle workers look for work.
        return Cut.BEFORE if self._random.random() < self.share / 10 else None


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """A reset, as from a host that lost its memory; not an orderly end."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
