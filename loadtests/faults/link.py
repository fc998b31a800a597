"""One direction of one connection: what comes from `source` goes to `sink`, through the toxics that hold.

Order of the toxics: latency, black hole, slicer, bandwidth, cuts (reset, limit_data, half_close); slow_close for the
end. Each change of toxics takes hold at once, also of bytes that wait. The link stops reading while it cannot pass on,
so the sender is held back as by a real network: it never holds more than HELD_MOST bytes.
"""

import array
import asyncio
import fcntl
import math
import socket
import termios
import time
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import TypeVar

from loadtests.faults import delay_line
from loadtests.faults.delay_line import Chunk, DelayLine
from loadtests.faults.doses import Dose, Doses
from loadtests.faults.draws import Direction, Purpose, draw
from loadtests.faults.toxics import (
    CHUNK,
    CUTS,
    Bandwidth,
    BlackHole,
    Cut,
    HalfClose,
    Latency,
    LimitData,
    Reset,
    Slicer,
    SlowClose,
    Toxic,
)

HELD_MOST = delay_line.MOST_BYTES + CHUNK
"""Bytes a link holds at most: a full delay line and the chunk that waits for room in it."""
STEP = 0.02
"""Seconds of a limited bandwidth that go out as one piece, and that a late timer may make up for."""

T = TypeVar("T", bound=Toxic)


class Ending(Enum):
    """How a connection ends."""

    CLOSE = "closed"
    RESET = "reset"


class Traffic:
    """What went in one direction, over all connections."""

    def __init__(self) -> None:
        self.bytes = 0
        self.held = 0
        self.held_most = 0
        """The most bytes that one link held."""


class Link:
    def __init__(
        self,
        direction: Direction,
        source: socket.socket,
        sink: socket.socket,
        *,
        draw_of: tuple[int, int],
        traffic: Traffic,
        end: Callable[[Ending], None],
        on_bite: Callable[[Dose], None],
    ) -> None:
        """draw_of: (seed, number of the connection). end: ends the whole connection. on_bite: told the first bites."""
        self.direction = direction
        self.passed = 0
        """Bytes passed on."""
        self._source = source
        self._sink = sink
        self._draw_of = draw_of
        self._traffic = traffic
        self._end = end
        self._on_bite = on_bite
        self._doses: Doses = {}
        self._toxics: dict[type[Toxic], Toxic] = {}
        self._bitten: set[Dose] = set()
        self._change = asyncio.Event()
        self._line = DelayLine()
        self._held = 0
        self._hole: Dose | None = None
        """The black hole that holds something back now."""
        self._free_at = -math.inf
        self._pieces = 0
        self._marks: dict[type[Cut], int] = {}
        """At how many passed bytes each cut comes."""
        self._closed_by: Dose | None = None
        """The half-close that has come."""
        self._ended = False
        """The end of the stream was passed on."""
        self._ending = False
        """A cut ends the whole connection, and in a moment this link."""

    def take(self, doses: Doses) -> None:
        """From now on these toxics hold, and no others."""
        before = self._toxics
        self._doses = doses
        self._toxics = {kind: dose.toxic for kind, dose in doses.items()}
        if BlackHole not in doses:
            self._leave_hole()
        for kind in CUTS:
            cut = self._now(kind)
            if cut is None:
                self._marks.pop(kind, None)
            elif before.get(kind) is not cut:
                self._marks[kind] = self.passed + cut.after_bytes
        self._change.set()
        self._change = asyncio.Event()
        self._cut_when_due()

    def drop(self) -> None:
        """Its connection has ended, though the sockets are still open: nothing is held any more."""
        self._leave_hole()
        self._hold(-self._held)

    def _leave_hole(self) -> None:
        """Count what a black hole held back beside the chunk in hand: bytes that were never read."""
        if self._hole is not None:
            self._bite(self._hole, self._unread())
            self._hole = None

    async def run(self, group: asyncio.TaskGroup) -> None:
        """Carry everything until the source has ended; tasks that this takes are of `group`."""
        drainer: asyncio.Task[None] | None = None
        number = 0
        while True:
            chunk = Chunk(0.0, number, await self._read())
            number += 1
            if self._line or Latency in self._toxics:
                drainer = drainer or group.create_task(self._drain())
                await self._line.put(chunk._replace(arrived=time.monotonic()))
            else:
                await self._deliver(chunk)
            if not chunk.data:
                break
        await self._line.emptied()
        if drainer is not None:
            drainer.cancel()

    async def _read(self) -> bytes | None:
        """What has come; empty at the end, None when the source was reset."""
        try:
            data = await asyncio.get_running_loop().sock_recv(self._source, CHUNK)
        except OSError:
            return None
        self._hold(len(data))
        return data

    async def _drain(self) -> None:
        """Deliver the chunks of the delay line, each when it is due."""
        while True:
            chunk = await self._line.first()
            if await self._until(partial(self._due, chunk)):
                self._bite(self._doses.get(Latency), chunk.size)
            await self._deliver(chunk)
            self._line.drop_first()

    def _due(self, chunk: Chunk) -> float:
        latency = self._now(Latency)
        if latency is None:
            return -math.inf
        luck = draw(*self._draw_of, Purpose.JITTER, self.direction, chunk.number)
        return chunk.arrived + latency.delay_s + (2 * luck - 1) * latency.jitter_s

    async def _deliver(self, chunk: Chunk) -> None:
        if not chunk.data:
            await self._finish(reset=chunk.data is None)
            return
        rest = memoryview(chunk.data)
        while rest and self._closed_by is None:
            size = await self._next_piece(len(rest)) if self._toxics else len(rest)
            if self._ending:
                await self._wait_for_the_end()
            if size:
                await self._send(rest[:size])
                if size < len(rest):
                    self._bite(self._doses.get(Slicer), size)
                rest = rest[size:]
                await self._rest()
        if rest:
            self._swallow(len(rest))

    async def _next_piece(self, size: int) -> int:
        """How many of `size` bytes may go out now, once they may; 0 = the toxics have changed, ask again."""
        await self._out_of_hole(size)
        size = self._piece(size)
        await self._pace(size)
        if BlackHole in self._toxics:
            return 0
        return min(size, self._until_cut())

    async def _send(self, piece: memoryview) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self._sink, piece)
        except OSError:
            if self._closed_by is not None:
                self._swallow(len(piece))
                return
            self._end(Ending.RESET)  # nobody is there any more: a network would answer with a reset
            await self._wait_for_the_end()
        self._hold(-len(piece))
        self.passed += len(piece)
        self._traffic.bytes += len(piece)
        if self._marks and self._closed_by is None:
            self._cut_when_due()

    def _swallow(self, size: int) -> None:
        """These bytes came after a half-close."""
        self._bite(self._closed_by, size)
        self._hold(-size)

    async def _finish(self, *, reset: bool) -> None:
        """Pass on the end of the stream, or its reset."""
        if reset:
            await self._out_of_hole(0)
            self._end(Ending.RESET)
            return
        ended = time.monotonic()
        if await self._until(lambda: ended + self._slow_close()):
            self._bite(self._doses.get(SlowClose), 0)
        await self._out_of_hole(0)
        if self._closed_by is None:
            self._close_sink()

    def _slow_close(self) -> float:
        slow = self._now(SlowClose)
        return -math.inf if slow is None else slow.delay_s

    def _close_sink(self) -> None:
        self._ended = True
        try:
            self._sink.shutdown(socket.SHUT_WR)
        except OSError:  # it was reset; whoever reads from it finds that out
            pass

    # What single toxics do

    async def _out_of_hole(self, size: int) -> None:
        """Wait while a black hole holds `size` bytes back."""
        while (dose := self._doses.get(BlackHole)) is not None:
            if self._hole is not dose:
                self._hole = dose
                self._bite(dose, size)
            await self._change.wait()

    def _piece(self, size: int) -> int:
        """How many of `size` bytes go out next."""
        slicer, bandwidth = self._now(Slicer), self._now(Bandwidth)
        if slicer is not None:
            luck = draw(*self._draw_of, Purpose.SLICE, self.direction, self._pieces)
            self._pieces += 1
            least = slicer.size_bytes - slicer.variation_bytes
            size = min(size, least + int(luck * (2 * slicer.variation_bytes + 1)))
        if bandwidth is not None:
            size = min(size, max(1, int(bandwidth.rate_bytes_per_s * STEP)))
        return size

    async def _pace(self, size: int) -> None:
        """Wait until the bandwidth allows `size` bytes."""
        if Bandwidth not in self._toxics:
            return
        start = max(self._free_at, time.monotonic() - STEP)
        if await self._until(lambda: start + self._takes(size)):
            self._bite(self._doses.get(Bandwidth), size)
        self._free_at = start + self._takes(size)

    def _takes(self, size: int) -> float:
        """Seconds of the bandwidth that `size` bytes use."""
        bandwidth = self._now(Bandwidth)
        return -math.inf if bandwidth is None else size / bandwidth.rate_bytes_per_s

    async def _rest(self) -> None:
        """The slicer's pause after a piece. Without one the others still get their turn."""
        if Slicer not in self._toxics:
            return
        sent = time.monotonic()
        if not await self._until(lambda: sent + self._slicer_pause()):
            await asyncio.sleep(0)

    def _slicer_pause(self) -> float:
        slicer = self._now(Slicer)
        return -math.inf if slicer is None else slicer.pause_s

    def _until_cut(self) -> int:
        """Bytes that may pass before the next cut."""
        return min((mark - self.passed for mark in self._marks.values()), default=CHUNK)

    def _cut_when_due(self) -> None:
        for kind, mark in self._marks.items():
            if self.passed >= mark and not self._ending and self._closed_by is None:
                self._cut(kind, self._doses[kind])

    def _cut(self, kind: type[Cut], dose: Dose) -> None:
        if kind is HalfClose:
            if self._ended:
                return
            self._closed_by = dose
            self._bite(dose, 0)
            self._close_sink()
        else:
            assert kind in (Reset, LimitData)
            self._ending = True
            self._bite(dose, self._held + self._unread())
            self._end(Ending.RESET if kind is Reset else Ending.CLOSE)

    # Common means

    def _hold(self, size: int) -> None:
        self._held += size
        self._traffic.held += size
        self._traffic.held_most = max(self._traffic.held_most, self._held)

    def _now(self, kind: type[T]) -> T | None:
        """The toxic of this kind that holds now."""
        toxic = self._toxics.get(kind)
        assert toxic is None or isinstance(toxic, kind)
        return toxic

    def _bite(self, dose: Dose | None, size: int) -> None:
        """Count that it touched `size` bytes here. None = it was taken away in the same moment."""
        if dose is None:
            return
        first = dose not in self._bitten
        dose.bit(size, first=first)
        if first:
            self._bitten.add(dose)
            self._on_bite(dose)

    async def _until(self, moment: Callable[[], float]) -> bool:
        """Wait until `moment()`, which may move when the toxics change. False when there was nothing to wait for."""
        waited = False
        while (left := moment() - time.monotonic()) > 0:
            waited = True
            try:
                async with asyncio.timeout(left):
                    await self._change.wait()
            except TimeoutError:
                pass
        return waited

    def _unread(self) -> int:
        """Bytes that came and were not read."""
        count = array.array("i", [0])
        try:
            fcntl.ioctl(self._source, termios.FIONREAD, count)
        except OSError:
            return 0
        return count[0]

    async def _wait_for_the_end(self) -> None:
        """The connection ends and cancels this."""
        await asyncio.get_running_loop().create_future()
