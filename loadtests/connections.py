"""HTTP for a whole crowd: one stack of kept-alive connections, shared by everybody.

The address is resolved once, the TLS context is built once. Connections start at the address of whoever uses them
(loadtests.sources). There is one for each request at a time, up to a bound; beyond it a request waits, and its answer
says how long: that wait is the generator's, and no part of the time that the service took. A request that met a
connection which the server had just closed is sent once more on a fresh one, as browsers do; every request of a journey
can be repeated (idempotency keys, PUT, offsets). A photo's bytes go over a phone's line (loadtests.lines), which may
break.
"""

import errno
import select
from collections.abc import Sequence
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent
from gevent import monkey, socket, ssl
from gevent.lock import BoundedSemaphore
from geventhttpclient.response import HTTPParseError, HTTPSocketPoolResponse

from loadtests.answers import at_a_glance
from loadtests.lines import AT_ONCE, Broken, Line, Sending, reset
from loadtests.sources import ANY, Sources, bind, most_connections
from scenarios.networks import Cut

_BLOCK = 65536
"""Bytes read at a time."""
_CONNECT_TIMEOUT = 10.0
_SILENT_FOR = 60.0
"""Seconds after which a half-open connection is closed for good; the service must have given it up long before."""

_EXHAUSTED = {errno.EADDRNOTAVAIL: "ports", errno.EMFILE: "files", errno.ENFILE: "files"}
"""What an error says that this machine, not the service, has run out of."""

_poll = monkey.get_original("select", "poll")


class Answer(NamedTuple):
    """status 0: there was none; `failure` then is "timeout" or "transport", and `cut` how the phone's line broke."""

    status: int
    headers: Any
    """Header fields; `get(name, default)` whatever the case of the name."""
    body: bytes
    failure: str = ""
    sent: int = 0
    """Bytes of the body that left the phone, those sent once more included."""
    cut: int = Cut.NONE + 0
    blocked: float = 0.0
    """Seconds that the request waited for a connection, before it was sent."""


class _Refused(Exception):
    """The reused connection was closed by the server before it took the request."""


class _Overdue(BaseException):
    """There is no answer, and the client waits no longer. No Exception: nothing on the way may take it for its own."""


class _Wire:
    """One open connection, and whether it can carry another request when the present one has ended."""

    __slots__ = ("_look", "reusable", "sock", "source")

    def __init__(self, sock: Any, source: str) -> None:
        self.sock = sock
        self.source = source
        self.reusable = False
        self._look = _poll()
        self._look.register(sock.fileno(), select.POLLIN)

    def is_quiet(self) -> bool:
        """Of an idle one: nothing to read. Readable while idle is closed by the server, or out of step."""
        return not self._look.poll(0)

    # What geventhttpclient's response expects of a pool.

    def return_socket(self, _: Any) -> None:
        self.reusable = True

    def release_socket(self, _: Any) -> None:
        self.reusable = False


class Connections:
    """Keep-alive connections to one server."""

    def __init__(self, base_url: str, most: int = 0, addresses: Sequence[str] = ()) -> None:
        """base_url: http://host:port or https://...; its path goes before every other. Raises ValueError, OSError.

        most: connections open at once, 0 = what the limit of open files allows; addresses: as for Sources.
        """
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http or https address: {base_url!r}")
        self.prefix = parts.path.rstrip("/")
        self._host = parts.hostname
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._address = socket.getaddrinfo(parts.hostname, port, 0, socket.SOCK_STREAM)[0]
        self.sources = Sources(addresses, str(self._address[4][0]))
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._head_end = f" HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n"
        self.most = most or most_connections()
        self._free = BoundedSemaphore(self.most)
        """What is left of the bound for requests; idle connections are closed when one needs their place."""
        self._idle: dict[str, list[_Wire]] = {}
        self._idling = 0
        self._silent: set[_Wire] = set()
        self.opened = 0
        self.resent = 0
        self.exhausted = {"ports": 0, "files": 0}
        """Requests that found none left to connect with."""

    @property
    def busy(self) -> int:
        """Connections that a request uses."""
        return self.most - int(self._free.counter)

    @property
    def open(self) -> int:
        """Those in use, idle ones, and those that phones left half open."""
        return self.busy + self._idling + len(self._silent)

    def send(
        self,
        method: str,
        path: str,
        headers: str = "",
        body: bytes | memoryview = b"",
        *,
        timeout: float,
        line: Line = AT_ONCE,
        source: str = ANY,
    ) -> Answer:
        """The answer to one request. headers: lines, each ending in CRLF; source: the address to start at.

        timeout: seconds from when there is a connection for it.
        """
        blocked = 0.0
        if not self._free.acquire(blocking=False):
            asked = monotonic()
            self._free.acquire()
            blocked = monotonic() - asked
        head = f"{method} {self.prefix}{path}{self._head_end}{headers}"
        if body or method not in ("GET", "HEAD"):
            head = f"{head}Content-Length: {len(body)}\r\n"
        sending = Sending(line)
        deadline = gevent.get_hub().loop.timer(timeout)  # a gevent.Timeout costs six times as much
        deadline.start(gevent.getcurrent().throw, _Overdue)
        try:
            status, fields, content = self._answer(source, method, f"{head}\r\n".encode("latin-1"), body, sending)
            return Answer(status, fields, content, "", sending.left, Cut.NONE + 0, blocked)
        except _Overdue:
            return Answer(0, {}, b"", "timeout", sending.left, Cut.NONE + 0, blocked)
        except Broken as broken:
            failure = "timeout" if broken.cut == Cut.HALF_OPEN else "transport"
            return Answer(0, {}, b"", failure, sending.left, broken.cut, blocked)
        except (OSError, HTTPParseError, _Refused) as fault:
            resource = _EXHAUSTED.get(getattr(fault, "errno", 0))
            if resource:
                self.exhausted[resource] += 1
            return Answer(0, {}, b"", "transport", sending.left, Cut.NONE + 0, blocked)
        finally:
            deadline.stop()
            deadline.close()
            self._free.release()

    def close(self) -> None:
        """Close the connections that no request uses."""
        for idle in self._idle.values():
            while idle:
                self._idling -= 1
                idle.pop().sock.close()
        while self._silent:
            self._silent.pop().sock.close()

    def _answer(
        self, source: str, method: str, message: bytes, body: bytes | memoryview, sending: Sending
    ) -> tuple[int, Any, bytes]:
        idle = self._take_idle(source)
        if idle is not None:
            try:
                return self._exchange(idle, method, message, body, sending)
            except _Refused:
                self.resent += 1
        if sending.line.round_trip_s:
            gevent.sleep(sending.line.round_trip_s)  # of the handshake
        return self._exchange(self._open(source), method, message, body, sending)

    def _take_idle(self, source: str) -> _Wire | None:
        """An idle connection from `source` that the server has not closed."""
        idle = self._idle.get(source)
        while idle:
            wire = idle.pop()
            self._idling -= 1
            if wire.is_quiet():
                return wire
            wire.sock.close()
        return None

    def _open(self, source: str) -> _Wire:
        if self.open > self.most:
            self._close_longest_idle()
        family, kind, protocol, _, address = self._address
        sock = socket.socket(family, kind, protocol)
        try:
            bind(sock, source)
            sock.settimeout(_CONNECT_TIMEOUT)
            sock.connect(address)
            sock.settimeout(None)  # the deadline of the whole exchange is cheaper than one for each wait
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_hostname=self._host)
        except BaseException:
            sock.close()
            raise
        self.opened += 1
        return _Wire(sock, source)

    def _close_longest_idle(self) -> None:
        """Make room for a connection from an address that has none to spare."""
        for idle in self._idle.values():
            if idle:
                self._idling -= 1
                idle.pop(0).sock.close()
                return

    def _exchange(
        self, wire: _Wire, method: str, message: bytes, body: bytes | memoryview, sending: Sending
    ) -> tuple[int, Any, bytes]:
        wire.reusable = False
        try:
            try:
                sending.send(wire.sock, message, body)
            except Broken as broken:
                self._break(wire, broken.cut, sending.line.silence_s)
                raise
            except OSError:
                pass  # The service may have answered before it had all, and closed: that answer may be there.
            answer = self._read(wire, method)
        except BaseException:
            if wire not in self._silent:
                wire.sock.close()
            raise
        if wire.reusable and not sending.stopped:
            self._idle.setdefault(wire.source, []).append(wire)
            self._idling += 1
        else:
            wire.sock.close()
        if sending.line.round_trip_s:
            gevent.sleep(sending.line.round_trip_s / 2.0)
        return answer

    def _break(self, wire: _Wire, cut: int, silence_s: float) -> None:
        """Leave the connection as the break leaves it; return when the phone has noticed."""
        if cut == Cut.HALF_OPEN:
            self._silent.add(wire)
            gevent.spawn_later(_SILENT_FOR, self._forget, wire)
            gevent.sleep(silence_s)
        else:
            reset(wire.sock)

    def _forget(self, wire: _Wire) -> None:
        self._silent.discard(wire)
        wire.sock.close()

    def _read(self, wire: _Wire, method: str) -> tuple[int, Any, bytes]:
        sock = wire.sock
        if self._tls is None:
            sock._wait(sock._read_event)  # trying to read at once would only tell that there is nothing yet
        try:
            data = sock.recv(_BLOCK)
        except ConnectionError as closed:
            raise _Refused from closed
        if not data:
            raise _Refused
        answer = at_a_glance(data, method)
        if answer is not None:
            wire.reusable = True
            return answer
        pool: Any = wire
        response = HTTPSocketPoolResponse(sock, pool, method=method, block_size=_BLOCK, pre_buffered=data)
        body = response.read()
        return response.status_code, response.info(), body
