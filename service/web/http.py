"""Reading requests and sending answers on plain ASGI: no object is made that most requests do not need."""

import asyncio
from dataclasses import dataclass

from starlette.types import Receive, Send

from service.domain.errors import BodyTooLarge, BodyTooSlow, UnsupportedMediaType

MOST_BODY_BYTES = 16 * 1024
"""Our largest honest body is under 3 KB; sixteen leave room and cost an attacker more than us."""
BODY_LIMIT = 10.0
"""Seconds for a body: uvicorn itself would wait for ever for the next byte."""

Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_PRIVATE = (b"cache-control", b"no-store")


class ClientGone(Exception):
    """The client closed the connection before it had sent its request; nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer that is already bytes, with all its headers but the length."""

    status: int
    headers: Headers
    body: bytes


async def read_json(receive: Receive, headers: dict[bytes, bytes]) -> bytes:
    """The body of a JSON request.

    Raises UnsupportedMediaType, BodyTooLarge, BodyTooSlow; ClientGone when there is nobody to answer.
    """
    content_type = headers.get(b"content-type", b"")
    if content_type != b"application/json":
        _check_media_type(content_type)
    try:
        async with asyncio.timeout(BODY_LIMIT):
            return await _read_body(receive)
    except TimeoutError:
        raise BodyTooSlow from None


async def _read_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > MOST_BODY_BYTES:
            raise BodyTooLarge(f"At most {MOST_BODY_BYTES} bytes are read.", limit_bytes=MOST_BODY_BYTES)
        more = message.get("more_body", False)
    return body


def _check_media_type(content_type: bytes) -> None:
    """Only JSON: a form of another site cannot send it without asking first. Only UTF-8: the decoder knows no other."""
    media_type, _, parameters = content_type.lower().partition(b";")
    if media_type.strip() != b"application/json":
        raise UnsupportedMediaType
    for parameter in parameters.split(b";"):
        name, _, charset = parameter.partition(b"=")
        if name.strip() == b"charset" and charset.strip(b' "') not in (b"utf-8", b"utf8"):
            raise UnsupportedMediaType


async def send_json(send: Send, status: int, body: bytes) -> None:
    headers = [_JSON, _PRIVATE, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_empty(send: Send) -> None:
    """204 No Content."""
    await send({"type": "http.response.start", "status": 204, "headers": [_PRIVATE]})
    await send({"type": "http.response.body", "body": b""})


async def send_rendered(send: Send, answer: Rendered) -> None:
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
