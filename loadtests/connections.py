"""HTTP for a whole crowd: one stack of kept-alive connections, shared by everybody, over geventhttpclient's parser.

Nobody waits for a socket: when none is idle another one is opened, so no waiting hides inside the measured times. The
address is resolved once, the TLS context is built once. A request that met a connection which the server had just
closed is sent once more on a fresh one, as browsers do; every request of a journey can be repeated (idempotency keys,
PUT, offsets).
"""

import select
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent
from gevent import monkey, socket, ssl
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketPoolResponse

_CHUNK = 65536
"""Bytes of a photo sent at a time on a slow line."""
_CONNECT_TIMEOUT = 10.0


class Answer(NamedTuple):
    """status 0: there was none; `failure` then is "timeout" or "transport"."""

    status: int
    headers: Any
    """Header fields; `get(name, default)` whatever the case of the name."""
    body: bytes
    failure: str = ""


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
        bytes_per_s: float = 0.0,
    ) -> Answer:
        """The answer to one request. headers: lines, each ending in CRLF; bytes_per_s: of a slow line, 0 = at once."""
        head = f"{method} {self.prefix}{path}{self._head_end}{headers}"
        if body or method not in ("GET", "HEAD"):
            head = f"{head}Content-Length: {len(body)}\r\n"
        deadline = gevent.Timeout.start_new(timeout)
        try:
            message = f"{head}\r\n".encode("latin-1")
            idle = self._take_idle()
            if idle is not None:
                try:
                    return self._exchange(idle, method, message, body, bytes_per_s)
                except _Refused:
                    self.resent += 1
            return self._exchange(self._open(), method, message, body, bytes_per_s)
        except gevent.Timeout as over:
            if over is not deadline:
                raise
            return Answer(0, {}, b"", "timeout")
        except (OSError, HTTPParseError, _Refused):
            return Answer(0, {}, b"", "transport")
        finally:
            deadline.close()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

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

    def _exchange(self, sock: Any, method: str, message: bytes, body: bytes | memoryview, bytes_per_s: float) -> Answer:
        try:
            if len(body) > _CHUNK:
                sock.sendall(message)
                _send_paced(sock, memoryview(body), bytes_per_s)
            else:
                sock.sendall(message + body)
        except OSError:
            # The server may have answered before the whole body was sent, and closed: read that answer if it is there.
            return self._read(sock, method)
        except BaseException:
            sock.close()
            raise
        return self._read(sock, method)

    def _read(self, sock: Any, method: str) -> Answer:
        # The response gives the socket back or closes it, however it ends.
        try:
            pool: Any = self
            response = HTTPSocketPoolResponse(sock, pool, method=method, block_size=_CHUNK)
        except (HTTPConnectionClosed, ConnectionError) as closed:
            raise _Refused from closed
        body = response.read()
        return Answer(response.status_code, response.info(), body)


def _send_paced(sock: Any, body: memoryview, bytes_per_s: float) -> None:
    """Send `body`, no faster than the line; each piece leaves when the line would have carried the ones before it."""
    if bytes_per_s <= 0.0:
        sock.sendall(body)
        return
    began = monotonic()
    for offset in range(0, len(body), _CHUNK):
        early = offset / bytes_per_s - (monotonic() - began)
        if early > 0:
            gevent.sleep(early)
        sock.sendall(body[offset : offset + _CHUNK])
