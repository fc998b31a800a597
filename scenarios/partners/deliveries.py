"""Messages on their way, the inboxes they arrive in, and the standing connections that are told.

One heap of due times and one timer for the earliest: a message costs no task and no sleep.
"""

import asyncio
import heapq
import json
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass

from scenarios.partners.requests import Message
from scenarios.population import number_of

INBOX_LIMIT = 20
"""Messages kept per address: four resends of two codes leave room; older ones fall out."""
SUBSCRIBER_LIMIT = 65_536
"""Lines a standing connection may lag behind: about 16 MB. Then it is cut, which its reader sees; inboxes keep all."""


@dataclass(frozen=True, slots=True)
class Delivered:
    channel: str
    text: str
    delivered_at: float
    """Unix seconds, to the millisecond: no run of six digits beside the code's."""


class Subscriber:
    """One standing connection: the lines it has not yet been sent."""

    def __init__(self, residues: Collection[int], modulus: int) -> None:
        """Of the addresses whose applicant's number leaves one of `residues` when divided by `modulus`."""
        self._residues = frozenset(residues)
        self._modulus = modulus
        self._ended = False
        self._lines: list[bytes] = []
        self._wake = asyncio.Event()

    def wants(self, number: int) -> bool:
        return number % self._modulus in self._residues

    def put_nowait(self, line: bytes) -> None:
        """Hand over one line; over the limit the connection ends instead of growing."""
        if len(self._lines) >= SUBSCRIBER_LIMIT:
            self.end()
            return
        self._lines.append(line)
        self._wake.set()

    def end(self) -> None:
        """Let the connection end."""
        self._ended = True
        self._wake.set()

    async def lines(self, heartbeat: float) -> bytes:
        """All lines since the last call, waiting for the first; b"" once the connection is to end.

        After `heartbeat` seconds of silence an empty line.
        """
        try:
            async with asyncio.timeout(heartbeat):
                await self._wake.wait()
        except TimeoutError:
            return b"\n"
        if self._ended:
            return b""
        self._wake.clear()
        lines, self._lines = self._lines, []
        return b"".join(lines)


class Deliveries:
    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        """wall: the clock that `delivered_at` is read from, in unix seconds."""
        self.subscribers: set[Subscriber] = set()
        self._wall = wall
        self._due: list[tuple[float, int, str, Message, Callable[[], None]]] = []
        self._count = 0  # ties of the heap are broken in order of acceptance
        self._timer: asyncio.TimerHandle | None = None
        self._inboxes: defaultdict[str, list[Delivered]] = defaultdict(list)

    def schedule(self, channel: str, message: Message, delay: float, delivered: Callable[[], None]) -> None:
        """Deliver `message` in `delay` seconds, then call `delivered`."""
        due = asyncio.get_running_loop().time() + delay
        self._count += 1
        heapq.heappush(self._due, (due, self._count, channel, message, delivered))
        if self._due[0][1] == self._count:
            self._set_timer()

    def inbox(self, address: str) -> list[Delivered]:
        """What has arrived at `address`, oldest first."""
        return list(self._inboxes.get(address, ()))

    def close(self) -> None:
        """End the standing connections and stop the timer; what is on its way stays undelivered."""
        self._stop_timer()
        for subscriber in self.subscribers:
            subscriber.end()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        self._stop_timer()
        if self._due:
            self._timer = asyncio.get_running_loop().call_at(self._due[0][0], self._deliver_due)

    def _deliver_due(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._due and self._due[0][0] <= now:
            _, _, channel, message, delivered = heapq.heappop(self._due)
            self._deliver(channel, message)
            delivered()
        self._set_timer()

    def _deliver(self, channel: str, message: Message) -> None:
        arrived = Delivered(channel, message.text, round(self._wall(), 3))
        inbox = self._inboxes[message.to]
        inbox.append(arrived)
        del inbox[:-INBOX_LIMIT]
        number = number_of(message.to)
        line = b""
        for subscriber in self.subscribers:
            if subscriber.wants(number):
                line = line or delivery_line(message.to, arrived)
                subscriber.put_nowait(line)


def delivery_line(to: str, arrived: Delivered) -> bytes:
    """One line of the standing connection: JSON, ended by a line feed."""
    line = {"to": to, "channel": arrived.channel, "text": arrived.text, "delivered_at": arrived.delivered_at}
    return json.dumps(line).encode() + b"\n"
