"""A phone's line, played by the client: how fast bytes leave the phone, how long they take, and when it breaks.

Bytes reach the service half a round trip after they left the phone; those that were on the way when the line broke
never do, and count as sent. What is lost and sent again below, by TCP, is not seen here.
"""

import socket
import struct
from time import monotonic
from typing import Any, NamedTuple

import gevent
from gevent import select

from scenarios.networks import SILENCE, Cut

STEP = 0.25
"""Seconds of a line's bytes that are handed over at once: each hand-over costs the loop some 50 us."""
PIECE_LEAST, PIECE_MOST = 2048, 65536
_NO_LINGER = struct.pack("ii", 1, 0)


class Line(NamedTuple):
    """The line of one request. The default holds nothing back and never breaks."""

    bytes_per_s: float = 0.0
    """0: as fast as the other side takes them."""
    round_trip_s: float = 0.0
    cut_s: float = -1.0
    """Seconds of sending until it breaks, -1 = never; only of a line with a speed."""
    cut: int = Cut.NONE + 0
    silence_s: float = SILENCE
    """How long the phone waits on a half-open line."""

    def faster(self, times: float) -> "Line":
        """The same line where the clock runs `times` as fast."""
        return Line(
            self.bytes_per_s * times, self.round_trip_s / times, self.cut_s / times, self.cut, self.silence_s / times
        )  # fmt: skip

    def breaks_within(self, size: int) -> bool:
        """Whether a body of `size` bytes, or the answer to it, does not get through."""
        return 0.0 <= self.cut_s < size / self.bytes_per_s + self.round_trip_s if self.bytes_per_s > 0.0 else False


AT_ONCE = Line()


class Broken(Exception):
    """The line broke; `cut` says how. The caller owns what becomes of the socket."""

    def __init__(self, cut: int) -> None:
        super().__init__(Cut(cut).name)
        self.cut = cut


class Sending:
    """The body of one request on its way. `left` counts the bytes that have left the phone."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.left = 0
        self.stopped = False
        """The service answered before all was sent: it may take what comes next for the rest of the body."""

    def send(self, sock: Any, head: bytes, body: bytes | memoryview) -> None:
        """Return when all is sent or the service has begun to answer. Raises Broken when the line breaks first."""
        line, size = self.line, len(body)
        if line.round_trip_s:
            gevent.sleep(line.round_trip_s / 2.0)
        if line.bytes_per_s <= 0.0:
            whole = head + body if size <= PIECE_MOST else head
            went = sock.send(whole)  # nearly always all of it, and cheaper than sendall
            if went < len(whole):
                sock.sendall(whole[went:])
            if size > PIECE_MOST:
                sock.sendall(body)
            self.left += size
            return
        before = self.left
        breaks = line.breaks_within(size)
        arriving = size
        if breaks:
            arriving = min(size, max(0, int(line.bytes_per_s * (line.cut_s - line.round_trip_s / 2.0))))
        began = monotonic()
        sock.sendall(head)
        self._pace(sock, memoryview(body)[:arriving], began)
        if breaks:
            _sleep_until(began + line.cut_s)
            self.left = before + min(size, int(line.bytes_per_s * line.cut_s))
            raise Broken(line.cut)

    def _pace(self, sock: Any, body: memoryview, began: float) -> None:
        """Each piece leaves when the line has carried it; none after the service has begun to answer."""
        speed = self.line.bytes_per_s
        piece = int(min(PIECE_MOST, max(PIECE_LEAST, speed * STEP)))
        for start in range(0, len(body), piece):
            part = body[start : start + piece]
            _sleep_until(began + (start + len(part)) / speed)
            if start and select.select([sock], [], [], 0)[0]:
                self.stopped = True
                return
            sock.sendall(part)
            self.left += len(part)


def reset(sock: Any) -> None:
    """Close so that the other side sees the connection break, not end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    sock.close()


def _sleep_until(moment: float) -> None:
    ahead = moment - monotonic()
    if ahead > 0:
        gevent.sleep(ahead)
