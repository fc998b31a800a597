"""Just enough HTTP/1.1 for the proxy's control: one request a connection, JSON in and out, everything bounded."""

import asyncio
import json
import sys
import traceback
from collections.abc import Awaitable, Callable
from http import HTTPStatus

LARGEST_HEAD = 16 * 1024
LARGEST_BODY = 64 * 1024
"""Bytes; a toxic needs 200."""
WITHIN = 10.0
"""Seconds for a request to come in and its answer to go out."""
MOST_CALLERS = 64
"""A harness and some curious people; more are turned away, so that none of them costs the proxy its memory."""

Answer = Callable[[str, str, bytes], Awaitable[tuple[int, object]]]
"""(method, path, body) to (status, JSON value)."""


class Unreadable(Exception):
    """The bytes are no request that can be answered; `status` says why."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status = status


class ControlServer:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._callers = 0

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Raises OSError."""
        return await asyncio.start_server(self._serve, host, port, limit=LARGEST_HEAD)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers += 1
        try:
            async with asyncio.timeout(WITHIN):
                writer.write(_response(*await self._answered(reader)))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the caller has left, or is too slow
        finally:
            self._callers -= 1
            writer.close()

    async def _answered(self, reader: asyncio.StreamReader) -> tuple[int, object]:
        try:
            if self._callers > MOST_CALLERS:
                raise Unreadable(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_CALLERS} others are asking: try again")
            return await self._answer(*await _request(reader))
        except Unreadable as fault:
            errors = [{"field": "", "code": "unreadable", "detail": str(fault)}]
            return fault.status, {"error": fault.status.phrase.lower().replace(" ", "-"), "errors": errors}
        except (OSError, asyncio.IncompleteReadError):
            raise
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "crash", "errors": []}


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    """(method, path, body). Raises Unreadable."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise Unreadable(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"at most {LARGEST_HEAD} bytes of head") from None
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Unreadable(HTTPStatus.BAD_REQUEST, "this is no HTTP/1.1 request")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "transfer-encoding" in headers:
        raise Unreadable(HTTPStatus.LENGTH_REQUIRED, "send the body with a Content-Length")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()):
        raise Unreadable(HTTPStatus.BAD_REQUEST, "Content-Length must be a whole number")
    if len(length) > 9 or int(length) > LARGEST_BODY:
        raise Unreadable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {LARGEST_BODY} bytes of body")
    return words[0], words[1].partition("?")[0], await reader.readexactly(int(length))


def _response(status: int, value: object) -> bytes:
    body = json.dumps(value).encode() + b"\n"
    head = (
        f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
