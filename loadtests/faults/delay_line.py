"""Chunks on their way, first in, first out, bounded."""

import asyncio
from collections import deque
from typing import NamedTuple

MOST_BYTES = 1024 * 1024
"""What one direction may have under way: enough for 10 MB/s at 100 ms. Who sends more waits, as on a real line."""
MOST_CHUNKS = 4096
"""A chunk of one byte costs a hundred times that; so their number is bounded too."""


class Chunk(NamedTuple):
    """`data` as it was read at `arrived` (monotonic seconds); empty = the stream's end, None = a reset."""

    arrived: float
    number: int
    data: bytes | None

    @property
    def size(self) -> int:
        return len(self.data) if self.data else 0


class DelayLine:
    """One task puts, one task looks at the first and drops it when it is delivered; until then it takes room."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()
        self._bytes = 0
        self._moved = asyncio.Event()

    def __bool__(self) -> bool:
        return bool(self._chunks)

    async def put(self, chunk: Chunk) -> None:
        """Wait for room, then add. The caller has read no more than this chunk."""
        while self._chunks and (self._bytes + chunk.size > MOST_BYTES or len(self._chunks) >= MOST_CHUNKS):
            await self._wait()
        self._chunks.append(chunk)
        self._bytes += chunk.size
        self._moved.set()

    async def first(self) -> Chunk:
        """Wait for a chunk; it stays in the line."""
        while not self._chunks:
            await self._wait()
        return self._chunks[0]

    def drop_first(self) -> None:
        self._bytes -= self._chunks.popleft().size
        self._moved.set()

    async def emptied(self) -> None:
        while self._chunks:
            await self._wait()

    async def _wait(self) -> None:
        self._moved.clear()
        await self._moved.wait()
