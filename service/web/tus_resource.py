"""A resource that speaks tus: the method and the version are judged first, and every answer names the version."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import chain

from starlette.types import Receive, Scope, Send

from service.domain import tus
from service.domain.errors import (
    FieldFault,
    InternalError,
    LaunchnightError,
    MethodNotAllowed,
    NotFound,
    ServiceStopping,
    TusVersionUnsupported,
    UploadOffsetMismatch,
)
from service.domain.uploads import UploadHeadersInvalid
from service.metrics import Metrics
from service.web.http import LINGER, Headers, Rendered, send_early, send_whole
from service.web.middleware import count_refusal, report
from service.web.photo_words import PhotoWords
from service.web.problems import render

UNREAD_BYTES = 256 * 1024  # of a refused body: fewer are read and forgotten, for more the connection is closed
STOPPING_LINGER = 0.3  # seconds: a process that ends waits for no phone that does not read its answer

VERSIONS = (b"tus-version", tus.VERSION.encode())
CLOSE = (b"connection", b"close")
_VERSION = (b"tus-resumable", tus.VERSION.encode())
_PASSED_ON = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"})
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")


class Request:
    """One request: `texts` are its headers, decoded."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self._came: list[tuple[bytes, bytes]] = scope["headers"]
        texts = b"\n".join(chain.from_iterable(self._came)).decode("latin-1").split("\n")
        self.texts = dict(zip(texts[::2], texts[1::2], strict=False))  # without any header: one empty text
        self.method = tus.method_of(self.texts, scope["method"])
        self.upload_id: str = scope["path_params"].get("upload_id", "")
        self.receive = receive
        self._scheme: str = scope["scheme"]
        self._path: str = scope["path"]

    def address(self, path: str) -> str:
        """Of a member of this collection: its path with our name as the client wrote it.

        Behind a proxy we know neither our name nor the scheme nor the path: it is told from where the client asked.
        """
        host = self.texts.get("host", "")
        if _HOST.fullmatch(host) and _PASSED_ON.isdisjoint(self.texts):
            return f"{self._scheme}://{host}{path}"
        return path.rpartition("/")[2] if self._path.endswith("/") else path

    def check_headers(self) -> None:
        """Raises UploadHeadersInvalid when a header of the protocol came twice: nobody may guess which one counts."""
        if len(self._came) == len(self.headers):
            return
        names = Counter(name.decode("latin-1") for name, _ in self._came if name.startswith(b"upload-"))
        if faults := [FieldFault(name, "malformed", "Came twice.") for name, times in names.items() if times > 1]:
            raise UploadHeadersInvalid(faults)

    def leaves_much_unread(self) -> bool:
        """An answer now leaves the body on the way."""
        length = self.texts.get("content-length", "0")
        return "transfer-encoding" in self.texts or not length.isdecimal() or int(length) > UNREAD_BYTES


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer whose body comes piece by piece; the headers say how long it is."""

    status: int
    headers: Headers
    pieces: AsyncIterator[bytes]


Handler = Callable[[Request], Awaitable[Rendered | Streamed]]


class TusResource:
    """Serves one address by method. GET is no method of the protocol: browsers ask without a version."""

    def __init__(self, handlers: Mapping[str, Handler], metrics: Metrics, words: PhotoWords | None = None) -> None:
        """words: of refusals, for applicants."""
        self._handlers = handlers
        self._metrics = metrics
        self._words = words
        self._allow = (b"allow", ", ".join(handlers).encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        linger = LINGER
        try:
            answer = await self._serve(request)
        except LaunchnightError as error:
            answer = self._refusal(error, request)
            linger = STOPPING_LINGER if isinstance(error, ServiceStopping) else LINGER
        except Exception as error:  # the boundary would answer it too, and not name the version
            report(error, scope)
            answer = self._refusal(InternalError(), request)
        answer.headers.append(_VERSION)
        if isinstance(answer, Streamed):
            await _send_pieces(answer, receive, send)
            return
        if answer.body or (answer.status != 204 and scope["method"] != "HEAD"):
            answer.headers.append((b"content-length", b"%d" % len(answer.body)))
        if CLOSE in answer.headers:
            await send_early(receive, send, answer.status, answer.headers, answer.body, linger=linger)
            return
        await send_whole(scope, send, answer.status, answer.headers, answer.body)

    async def _serve(self, request: Request) -> Rendered | Streamed:
        handler = self._handlers.get(request.method)
        if handler is None:
            raise MethodNotAllowed
        if request.method != "OPTIONS":
            if request.method != "GET" or "tus-resumable" in request.texts:
                tus.check_version(request.texts)
            if request.upload_id and not tus.is_upload_id(request.upload_id):
                raise NotFound("There is no such upload.")
            request.check_headers()
        return await handler(request)

    def _refusal(self, error: LaunchnightError, request: Request) -> Rendered:
        count_refusal(self._metrics, error, "upload")
        status, headers, body = self._words.render(error, request.headers) if self._words else render(error)
        headers = [header for header in headers if header[0] != b"content-length"]  # set once, for all answers
        if isinstance(error, UploadOffsetMismatch):
            headers.append(offset_header(error.facts["expected"]))
        if isinstance(error, TusVersionUnsupported):
            headers.append(VERSIONS)
        if isinstance(error, MethodNotAllowed):
            headers.append(self._allow)
        if isinstance(error, ServiceStopping):
            headers += _where_to_go_on(error)
        if request.leaves_much_unread() and CLOSE not in headers:
            headers.append(CLOSE)
        return Rendered(status, headers, body)


def _where_to_go_on(error: ServiceStopping) -> Headers:
    """Of an upload that the end of this process interrupted; its connection ends as well."""
    headers: Headers = [CLOSE]
    if "offset" in error.facts:
        headers.append(offset_header(error.facts["offset"]))
    if "location" in error.facts:
        headers.append((b"location", f"{error.facts['location']}".encode()))
    return headers


def offset_header(value: object) -> tuple[bytes, bytes]:
    return (b"upload-offset", f"{value}".encode())


async def _send_pieces(answer: Streamed, receive: Receive, send: Send) -> None:
    """As long as somebody is there: the server takes what nobody will read without a word."""
    gone = asyncio.create_task(_until_gone(receive))
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        async for piece in answer.pieces:
            if gone.done():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        await asyncio.wait([gone])


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
