"""HTTP/1.1 by hand: the cases send what no library would, and see what a library would hide."""

import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from urllib.parse import urljoin, urlsplit

PATIENCE = 30.0
"""Seconds: a busy machine answers late."""
VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = "application/offset+octet-stream"


@dataclass(frozen=True)
class Answer:
    """`headers` by lower-case name; of a name that came twice, the values joined by a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def offset(self) -> int | None:
        text = self.headers.get("upload-offset")
        return int(text) if text is not None and text.isdecimal() else None


class Connection:
    """One connection to a server, for a request that is sent in pieces."""

    def __init__(self, url: str) -> None:
        self.url = url
        where = urlsplit(url)
        assert where.hostname and where.port
        self._host = where.netloc
        self._path = where.path + (f"?{where.query}" if where.query else "")
        self._socket = socket.create_connection((where.hostname, where.port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._method = ""

    def ask(self, method: str, headers: Mapping[str, str]) -> None:
        """Send the head of a request."""
        self._method = method
        lines = [f"{method} {self._path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def send(self, data: bytes) -> None:
        """A server that has answered already may refuse the rest: then its answer tells."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def may_continue(self) -> bool:
        """After `Expect: 100-continue`: whether the server asks for the body. If not, its answer is there to read."""
        while len(start := self._socket.recv(12, socket.MSG_PEEK)) < 12 and start:
            pass
        if not start.startswith(b"HTTP/1.1 100"):
            return False
        seen = b""
        while not seen.endswith(b"\r\n\r\n") and (byte := self._socket.recv(1)):
            seen += byte  # no more than the interim answer: the final one follows
        return True

    def answer(self) -> Answer:
        response = HTTPResponse(self._socket, method=self._method)
        try:
            response.begin()
            headers: dict[str, str] = {}
            for name, value in response.getheaders():
                key = name.lower()
                headers[key] = f"{headers[key]}, {value}" if key in headers else value
            body = response.read()
        finally:
            response.close()
        return Answer(response.status, headers, body)

    def ends_within(self, seconds: float) -> bool:
        """Whether the server closes the connection, with an answer before it or without."""
        self._socket.settimeout(seconds)
        try:
            while self._socket.recv(4096):
                pass
        except TimeoutError:
            return False
        except ConnectionResetError:
            pass
        return True

    def reset(self) -> None:
        """End the connection as a vanished phone does, with a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        self._socket.close()


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    connection = Connection(url)
    try:
        yield connection
    finally:
        connection.close()


def exchange(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
    """One request with the given headers and no others but Host, Connection and Content-Length."""
    sent = {**(headers or {}), "Connection": "close"}
    if body or method in ("POST", "PATCH", "PUT"):
        sent.setdefault("Content-Length", str(len(body)))
    with connected(url) as connection:
        connection.ask(method, sent)
        connection.send(body)
        return connection.answer()


def in_chunks(pieces: Iterable[bytes]) -> bytes:
    """A body as Transfer-Encoding: chunked sends it."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def absolute(base: str, location: str) -> str:
    return urljoin(base, location)
