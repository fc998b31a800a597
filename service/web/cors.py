"""Lets pages of other sites upload here and read the answers (CORS).

For the upload server alone, which knows no accounts: there is nothing that a page could do in somebody's name, so every
origin is welcome, without cookies.
"""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = b"OPTIONS, GET, HEAD, POST, PATCH, DELETE"
EXPOSED = (
    b"Location, Upload-Offset, Upload-Length, Upload-Defer-Length, Upload-Metadata, Upload-Expires, Tus-Resumable, "
    b"Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Content-Disposition, Content-Range, Retry-After"
)
ASKED = (
    b"Content-Type, Tus-Resumable, Upload-Offset, Upload-Length, Upload-Defer-Length, Upload-Metadata, "
    b"Upload-Checksum, X-HTTP-Method-Override, X-Requested-With, Idempotency-Key, Range"
)
REMEMBERED = b"86400"
"""Seconds for which a browser need not ask again; most keep it for two hours at most."""

_NAMES = re.compile(rb"[\w!#$%&'*+.^`|~-]+(?: *, *[\w!#$%&'*+.^`|~-]+)*")


class Cors:
    """Outermost: refusals and failures can be read by the page too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        allowed = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSED)]
        if scope["method"] == "OPTIONS":
            allowed += _preflight(dict(scope["headers"]))

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *allowed]}
            await send(message)

        await self.app(scope, receive, send_allowed)


def _preflight(headers: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """What a browser asks before it sends a request of its page; headers of the page's own are as welcome as ours."""
    if b"access-control-request-method" not in headers:
        return []
    asked = headers.get(b"access-control-request-headers", b"").strip()
    return [
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", asked if _NAMES.fullmatch(asked) else ASKED),
        (b"access-control-max-age", REMEMBERED),
    ]
