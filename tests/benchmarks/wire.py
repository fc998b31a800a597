"""The plainest HTTP/1.1 client: one kept-alive connection, requests one after the other, bytes as they are sent."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

PATIENCE = 30.0
"""Seconds until an exchange is given up: nothing here takes more than one."""


@dataclass(frozen=True)
class Request:
    """One request as it goes over the wire."""

    method: str
    path: str
    head: bytes
    """From the request line to the empty line."""
    body: bytes


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def request(host: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Request:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if body or method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {len(body)}")
    return Request(method, path, "\r\n".join([*lines, "", ""]).encode("ascii"), body)


class Connection:
    """`async with Connection(url)`: opened once, opened again only when the server has closed it."""

    def __init__(self, url: str) -> None:
        """url: http://host:port."""
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self.host = parts.netloc
        self._address = parts.hostname, parts.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def exchange(self, request: Request) -> Response:
        """The answer to one request. Raises OSError, or TimeoutError after PATIENCE."""
        async with asyncio.timeout(PATIENCE):
            if self._streams is None or self._streams[0].at_eof():
                self._close()
                self._streams = await asyncio.open_connection(*self._address)
            reader, writer = self._streams
            writer.write(request.head)
            if request.body:
                writer.write(request.body)
            await writer.drain()
            response = await _read(reader, request.method)
        if response.headers.get("connection", "").lower() == "close":
            self._close()
        return response

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _read(reader: asyncio.StreamReader, method: str) -> Response:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if method == "HEAD" or status in (204, 304):
        return Response(status, headers, b"")
    if headers.get("transfer-encoding") == "chunked":
        return Response(status, headers, await _read_chunks(reader))
    return Response(status, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body
