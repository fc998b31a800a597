"""The stub's wire: HTTP/1.1 as clients of an API speak it, read by hand, because that costs a third of a parser.

    GET /state               what was counted, and the freezes, as JSON
    GET /metrics             the same for Prometheus
    POST /freeze             {"seconds": 10, "at": 1774000000.0}: from then on (default: now) every answer is held back
    GET /deliveries?...      the codes that were asked for, as the simulated partners tell them

These four are answered while it is frozen, too. Bodies must say their length; nothing is kept of photos.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qs

from loadtests.stub.answers import ROUTES, Canned, found
from scenarios.population import number_of

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OFFSET = re.compile(rb"\r\nupload-offset: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_KEPT = 65_536
"""Bytes of a body that are kept while it comes in: more has only a photo, and nobody reads that."""
_LAG = 16_000_000
"""Bytes that a reader of deliveries may lag behind before it is cut off."""
HEARTBEAT = 5.0
_CODE = 123456


class Asked(NamedTuple):
    method: bytes
    target: bytes
    head: bytes
    length: int


class Freeze(NamedTuple):
    """Unix times between which every answer was held back; nan while it lasts."""

    began: float
    ended: float


class Stub:
    """What all connections share: counts, the freeze, the readers of deliveries."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(ROUTES, 0)
        self.freezes: list[Freeze] = []
        self.readers: dict[asyncio.Transport, Callable[[int], bool]] = {}
        self._answered = 0
        self._frozen = False
        self._held: list[Callable[[], None]] = []

    def answer(self, transport: asyncio.Transport, asked: Asked, body: bytes) -> None:
        """Answer one request that has come in whole, or keep its answer for the thaw."""
        control = _CONTROL.get(asked.target.partition(b"?")[0])
        if control is not None:
            control(self, transport, asked, body)
            return
        canned = found(asked.method, asked.target)
        self.counts[canned.route] += 1
        if self._frozen:
            self._held.append(lambda: self._write(transport, canned, asked, body))
        else:
            self._write(transport, canned, asked, body)

    def _write(self, transport: asyncio.Transport, canned: Canned, asked: Asked, body: bytes) -> None:
        answer = canned.answer
        if canned.numbered:
            self._answered += 1
            number = self._answered
            if canned.route == "files-patch":
                offset = _OFFSET.search(asked.head)
                number = asked.length + (int(offset[1]) if offset else 0)
            answer %= number
        transport.write(answer)
        if canned.route == "codes":
            self._deliver(body)
        if _CLOSE.search(asked.head):
            transport.close()

    # ------------------------------------------------------------ control

    def freeze(self, transport: asyncio.Transport, asked: Asked, body: bytes) -> None:
        """POST /freeze."""
        try:
            wanted = json.loads(body)
            seconds, delay = float(wanted["seconds"]), float(wanted.get("at", 0.0)) - time.time()
        except (ValueError, KeyError, TypeError, AttributeError):
            transport.write(_json({"title": "wanted: seconds, and perhaps at"}, "400 Bad Request"))
            return
        asyncio.get_running_loop().call_later(max(0.0, delay), self._stand_still, seconds)
        transport.write(_json({"in_s": max(0.0, delay)}))

    def _stand_still(self, seconds: float) -> None:
        self._frozen = True
        self.freezes.append(Freeze(time.time(), float("nan")))
        asyncio.get_running_loop().call_later(seconds, self._thaw)

    def _thaw(self) -> None:
        self._frozen = False
        self.freezes[-1] = self.freezes[-1]._replace(ended=time.time())
        held, self._held = self._held, []
        for write in held:
            write()

    def state(self, transport: asyncio.Transport, asked: Asked, body: bytes) -> None:
        """GET /state."""
        over = [freeze for freeze in self.freezes if freeze.ended == freeze.ended]
        transport.write(_json({"requests": self.counts, "frozen": self._frozen, "freezes": over}))

    def metrics(self, transport: asyncio.Transport, asked: Asked, body: bytes) -> None:
        """GET /metrics."""
        lines = ["# HELP stub_requests_total Requests that came in whole.", "# TYPE stub_requests_total counter"]
        lines += [f'stub_requests_total{{route="{route}"}} {count}' for route, count in self.counts.items()]
        lines += ["# HELP process_cpu_seconds_total CPU time of this process."]
        lines += ["# TYPE process_cpu_seconds_total counter", f"process_cpu_seconds_total {time.process_time()!r}", ""]
        transport.write(_whole("200 OK", "text/plain; version=0.0.4", "\n".join(lines).encode()))

    # ------------------------------------------------------------ deliveries

    def subscribe(self, transport: asyncio.Transport, asked: Asked, body: bytes) -> None:
        """GET /deliveries: a connection that stays, JSON lines in chunks."""
        query = parse_qs(asked.target.partition(b"?")[2].decode())
        try:
            residues = frozenset(map(int, query.get("residue", ["0"])[0].split(",")))
            modulus = int(query.get("modulus", ["1"])[0])
        except ValueError:
            transport.write(_json({"title": "wanted: residues and a modulus"}, "400 Bad Request"))
            return
        transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.readers[transport] = lambda number: number % modulus in residues
        self.beat(transport)

    def beat(self, transport: asyncio.Transport) -> None:
        """An empty line now and then shows that the connection lives."""
        if transport in self.readers:
            transport.write(b"1\r\n\n\r\n")
            asyncio.get_running_loop().call_later(HEARTBEAT, self.beat, transport)

    def _deliver(self, body: bytes) -> None:
        """Tell whoever reads for this person that the code is there."""
        try:
            address = json.loads(body)["address"]
        except (ValueError, KeyError, TypeError):
            return
        number = number_of(address)
        channel = "email" if "@" in address else "sms"
        message = {"to": address, "channel": channel, "text": f"Kode Anda {_CODE}.", "delivered_at": time.time()}
        line = json.dumps(message).encode() + b"\n"
        for reader, wants in list(self.readers.items()):
            if reader.get_write_buffer_size() > _LAG:
                reader.abort()
            elif wants(number):
                reader.write(b"%x\r\n%b\r\n" % (len(line), line))


class Connection(asyncio.Protocol):
    """One client, one request after the other."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._transport: asyncio.Transport
        self._begun = b""
        """A head that is not yet whole."""
        self._asked: Asked | None = None
        """Whose body is still coming in."""
        self._body = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class has its methods, not its name

    def connection_lost(self, error: Exception | None) -> None:
        self._stub.readers.pop(self._transport, None)

    def data_received(self, data: bytes) -> None:
        if self._begun:
            data, self._begun = self._begun + data, b""
        while data:
            if self._asked is None:
                head, end, rest = data.partition(b"\r\n\r\n")
                if not end:
                    self._begun = data
                    return
                data = rest
                self._asked = _read(head)
                self._missing = self._asked.length
            piece, data = data[: self._missing], data[self._missing :]
            self._missing -= len(piece)
            if self._asked.length <= _KEPT:
                self._body += piece
            if self._missing:
                return
            asked, body, self._asked, self._body = self._asked, self._body, None, b""
            self._stub.answer(self._transport, asked, body)


def _read(head: bytes) -> Asked:
    method, _, rest = head[: head.find(b"\r\n")].partition(b" ")
    length = _LENGTH.search(head)
    return Asked(method, rest.partition(b" ")[0], head, int(length[1]) if length else 0)


def _json(value: Any, status: str = "200 OK") -> bytes:
    return _whole(status, "application/json", json.dumps(value).encode())


def _whole(status: str, kind: str, text: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


Control = Callable[[Stub, asyncio.Transport, Asked, bytes], None]
_CONTROL: dict[bytes, Control] = {
    b"/state": Stub.state,
    b"/metrics": Stub.metrics,
    b"/freeze": Stub.freeze,
    b"/deliveries": Stub.subscribe,
}
