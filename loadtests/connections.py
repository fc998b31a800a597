"""HTTP for a whole crowd: one stack of kept-alive connections, shared by everybody, over geventhttpclient's parser.

Nobody waits for a socket: when none is idle another one is opened, so no waiting hides inside the measured times. The
address is resolved once, the TLS context is built once. A request that met a connection which the server had just
closed is sent once more on a fresh one, as browsers do; every request of a journey can be repeated (idempotency keys,
PUT, offsets). A photo's bytes go over a phone's line (loadtests.lines), which may break.
"""

import select
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent
from gevent import monkey, socket, ssl
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketPoolResponse

from loadtests.lines import AT_ONCE, Broken, Line, Sending, reset
from scenarios.networks import Cut

_BLOCK = 65536
"""Bytes read at a time."""
_CONNECT_TIMEOUT = 10.0
_SILENT_FOR = 60.0
"""Seconds after which a half-open connection is closed for good; the service must have given it up long before."""


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


class _Refused(Exception):
    """The reused connection was closed by the server before it took the request."""


class Connections:
    """Keep-alive connections to one server."""

    def __init__(self, base_url: str) -> None:
        """base_url: http://host:port or https://...; its path goes before every other. Raises ValueError, OSError."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http or https address: {base_url!r}")
        self.prefix = parts.path.rstrip("/")
        self._host = parts.hostname
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._address = socket.getaddrinfo(parts.hostname, port, 0, socket.SOCK_STREAM)[0]
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._head_end = f" HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n"
        self._idle: list[Any] = []
        self._silent: set[Any] = set()
        self._poll = monkey.get_original("select", "poll")
        self.opened = 0
        self.resent = 0

    def send(
        self,
        method: str,
        path: str,
        headers: str = "",
        body: bytes | memoryview = b"",
        *,
        timeout: float,
        line: Line = AT_ONCE,
    ) -> Answer:
        """The answer to one request. headers: lines, each ending in CRLF."""
        head = f"{method} {self.prefix}{path}{self._head_end}{headers}"
        if body or method not in ("GET", "HEAD"):
            head = f"{head}Content-Length: {len(body)}\r\n"
        deadline = gevent.Timeout.start_new(timeout)
        sending = Sending(line)
        try:
            message = f"{head}\r\n".encode("latin-1")
            return self._answer(method, message, body, sending)._replace(sent=sending.left)
        except gevent.Timeout as over:
            if over is not deadline:
                raise
            return Answer(0, {}, b"", "timeout", sending.left)
        except Broken as broken:
            failure = "timeout" if broken.cut == Cut.HALF_OPEN else "transport"
            return Answer(0, {}, b"", failure, sending.left, broken.cut)
        except (OSError, HTTPParseError, _Refused):
            return Answer(0, {}, b"", "transport", sending.left)
        finally:
            deadline.close()

    def _answer(self, method: str, message: bytes, body: bytes | memoryview, sending: Sending) -> Answer:
        idle = self._take_idle()
        if idle is not None:
            try:
                return self._exchange(idle, method, message, body, sending)
            except _Refused:
                self.resent += 1
        if sending.line.round_trip_s:
            gevent.sleep(sending.line.round_trip_s)  # of the handshake
        return self._exchange(self._open(), method, message, body, sending)

    def close(self) -> None:
        """Close the connections that no request uses."""
        while self._idle:
            self._idle.pop().close()
        while self._silent:
            self._silent.pop().close()

    # What geventhttpclient's response expects of a pool.

    def return_socket(self, sock: Any) -> None:
        self._idle.append(sock)

    def release_socket(self, sock: Any) -> None:
        sock.close()

    def _take_idle(self) -> Any | None:
        """An idle connection that the server has not closed."""
        while self._idle:
            sock = self._idle.pop()
            poll = self._poll()
            poll.register(sock.fileno(), select.POLLIN)
            if not poll.poll(0):  # readable while idle: closed, or out of step
                return sock
            sock.close()
        return None

    def _open(self) -> Any:
        family, kind, protocol, _, address = self._address
        sock = socket.socket(family, kind, protocol)
        try:
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
        return sock

    def _exchange(self, sock: Any, method: str, message: bytes, body: bytes | memoryview, sending: Sending) -> Answer:
        try:
            sending.send(sock, message, body)
        except Broken as broken:
            self._break(sock, broken.cut, sending.line.silence_s)
            raise
        except OSError:
            pass  # The service may have answered before the whole body was sent, and closed: that answer may be there.
        except BaseException:
            sock.close()
            raise
        answer = self._read(sock, method)
        if sending.stopped and sock in self._idle:
            self._idle.remove(sock)
            sock.close()
        if sending.line.round_trip_s:
            gevent.sleep(sending.line.round_trip_s / 2.0)
        return answer

    def _break(self, sock: Any, cut: int, silence_s: float) -> None:
        """Leave the connection as the break leaves it; return when the phone has noticed."""
        if cut == Cut.HALF_OPEN:
            self._silent.add(sock)
            gevent.spawn_later(_SILENT_FOR, self._forget, sock)
            gevent.sleep(silence_s)
        else:
            reset(sock)

    def _forget(self, sock: Any) -> None:
        self._silent.discard(sock)
        sock.close()

    def _read(self, sock: Any, method: str) -> Answer:
        # The response gives the socket back or closes it, however it ends.
        try:
            pool: Any = self
            response = HTTPSocketPoolResponse(sock, pool, method=method, block_size=_BLOCK)
        except (HTTPConnectionClosed, ConnectionError) as closed:
            raise _Refused from closed
        body = response.read()
        return Answer(response.status_code, response.info(), body)
