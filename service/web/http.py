"""Reading requests and sending answers on plain ASGI: no object is made that most requests do not need."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from service.domain.errors import BodyTooLarge, BodyTooSlow, MalformedBody, UnsupportedMediaType

MOST_BODY_BYTES = 16 * 1024
"""Our largest honest body is under 3 KB; sixteen leave room and cost an attacker more than us."""
MOST_FIELDS = 64
"""Of a form: our longest page has ten."""
LINGER = 2.0
"""Seconds to go on reading a body that was refused: a proxy that still sends it meets no closed connection, which it
would report as its own failure, and stops as soon as it has read the answer."""
BODY_LIMIT = 10.0
"""Seconds for a body: uvicorn itself would wait for ever for the next byte."""

ADDRESS_HEADER = "Caller-Address"
"""The caller's network address, set by the proxy in front in place of whatever the caller says."""
LONGEST_ADDRESS = 45
"""Of IPv6 with IPv4 in it."""

WHOLE = "launchnight.whole"
"""An extension of the server, and the key of the body in the message that begins an answer."""

Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_PRIVATE = (b"cache-control", b"no-store")


class ClientGone(Exception):
    """The client closed the connection before it had sent its request; nobody waits for an answer."""


class Rendered(NamedTuple):
    """An answer that is already bytes, with all its headers but the length."""

    status: int
    headers: Headers
    body: bytes


async def read_json(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
    """The body of a JSON request.

    Raises UnsupportedMediaType, BodyTooLarge, BodyTooSlow; ClientGone when there is nobody to answer.
    """
    return await _read_typed(receive, headers, b"application/json")


async def read_form(receive: Receive, headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """The text fields of a form as they were typed; of a name given twice the last one.

    Raises as `read_json` does, and MalformedBody.
    """
    raw = await _read_typed(receive, headers, b"application/x-www-form-urlencoded")
    try:
        return dict(parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS))
    except ValueError:
        raise MalformedBody("The form is not UTF-8, or has too many fields.") from None


async def _read_typed(receive: Receive, headers: Mapping[bytes, bytes], media_type: bytes) -> bytes:
    content_type = headers.get(b"content-type", b"")
    if content_type != media_type:
        _check_media_type(content_type, media_type)
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


def _check_media_type(content_type: bytes, wanted: bytes) -> None:
    """To the API only JSON: a form of another site cannot send it without asking first. Only UTF-8 is decoded."""
    media_type, _, parameters = content_type.lower().partition(b";")
    if media_type.strip() != wanted:
        raise UnsupportedMediaType
    for parameter in parameters.split(b";"):
        name, _, charset = parameter.partition(b"=")
        if name.strip() == b"charset" and charset.strip(b' "') not in (b"utf-8", b"utf8"):
            raise UnsupportedMediaType


async def send_early(
    receive: Receive, send: Send, status: int, headers: Headers, body: bytes, *, linger: float = LINGER
) -> None:
    """Answer while the request's body is still on its way, and forget what comes of it.

    headers: with `connection: close` and the body's length, so that the answer is known to be whole at once.
    """
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    try:
        async with asyncio.timeout(linger):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass
    except TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b""})


async def send_json(send: Send, status: int, body: bytes) -> None:
    headers = [_JSON, _PRIVATE, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_empty(send: Send) -> None:
    """204 No Content."""
    await send({"type": "http.response.start", "status": 204, "headers": [_PRIVATE]})
    await send({"type": "http.response.body", "body": b""})


async def send_rendered(send: Send, answer: Rendered) -> None:
    headers = answer.headers
    if answer.status != 304:  # there a length would be that of the answer that is not sent again
        headers = [*headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def send_whole(scope: Scope, send: Send, status: int, headers: Headers, body: bytes) -> None:
    """An answer of which nothing is left to come; headers: with the body's length where one is due.

    One message where our own server takes it (heads.py), the usual two elsewhere.
    """
    if WHOLE in scope.get("extensions", ()):
        await send({"type": "http.response.start", "status": status, "headers": headers, WHOLE: body})
        return
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
