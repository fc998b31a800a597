"""Resumable photo uploads: tus 1.0.0, core and creation, at `/files/`.

Headers are judged before the first byte of a body is asked for, and a request that is refused stores nothing.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service.actions import uploads as actions
from service.actions.once import answered_once
from service.domain import tus
from service.domain.errors import (
    LaunchnightError,
    MethodNotAllowed,
    NotFound,
    TusVersionUnsupported,
    UploadOffsetMismatch,
    UploadTaken,
)
from service.metrics import Metrics
from service.ports import Ports, StoredAnswer
from service.web.authentication import session_of
from service.web.http import Headers, Rendered, send_early
from service.web.idempotency import once_of
from service.web.incoming import End, incoming_body
from service.web.middleware import count_refusal
from service.web.problems import render

UNREAD_BYTES = 256 * 1024  # of a refused body: fewer are read and forgotten, for more the connection is closed
METHODS = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

_VERSION = (b"tus-resumable", tus.VERSION.encode())
_VERSIONS = (b"tus-version", tus.VERSION.encode())
_PRIVATE = (b"cache-control", b"no-store")
_CLOSE = (b"connection", b"close")


class Request:
    """One request: `texts` are its headers, decoded."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.texts = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers.items()}
        self.method = tus.method_of(self.texts, scope["method"])
        self.upload_id: str = scope["path_params"].get("upload_id", "")
        self.receive = receive

    def leaves_much_unread(self) -> bool:
        """A refusal leaves the body on the way."""
        length = self.texts.get("content-length", "0")
        return "transfer-encoding" in self.texts or not length.isdecimal() or int(length) > UNREAD_BYTES


Handler = Callable[[Request], Awaitable[Rendered]]


class Resource:
    """Serves one address by method. Every answer but that of OPTIONS names the version of the protocol."""

    def __init__(self, handlers: Mapping[str, Handler], metrics: Metrics) -> None:
        self._handlers = handlers
        self._metrics = metrics
        self._allow = (b"allow", ", ".join(handlers).encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._serve(request)
        except LaunchnightError as error:
            answer = self._refusal(error, request)
        if request.method != "OPTIONS":
            answer.headers.append(_VERSION)
        if answer.status == 201 or answer.body:
            answer.headers.append((b"content-length", b"%d" % len(answer.body)))
        if _CLOSE in answer.headers:
            await send_early(receive, send, answer.status, answer.headers, answer.body)
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _serve(self, request: Request) -> Rendered:
        handler = self._handlers.get(request.method)
        if handler is None:
            raise MethodNotAllowed
        if request.method != "OPTIONS":
            tus.check_version(request.texts)
            if request.upload_id and not tus.is_upload_id(request.upload_id):
                raise NotFound("There is no such upload.")
        return await handler(request)

    def _refusal(self, error: LaunchnightError, request: Request) -> Rendered:
        count_refusal(self._metrics, error)
        status, headers, body = render(error)
        headers = [header for header in headers if header[0] != b"content-length"]  # set once, for all answers
        if isinstance(error, UploadOffsetMismatch):
            headers.append(_offset(error.facts["expected"]))
        if isinstance(error, TusVersionUnsupported):
            headers.append(_VERSIONS)
        if isinstance(error, MethodNotAllowed):
            headers.append(self._allow)
        if request.leaves_much_unread():
            headers.append(_CLOSE)
        return Rendered(status, headers, body)


class Files:
    """The handlers. `_writers` are the uploads that receive bytes in this process."""

    def __init__(self, ports: Ports, metrics: Metrics, most_bytes: int) -> None:
        self._ports = ports
        self._metrics = metrics
        self._most_bytes = most_bytes
        self._writers = actions.Writers()

    async def options(self, _: Request) -> Rendered:
        headers = [
            _VERSIONS,
            (b"tus-extension", ",".join(tus.EXTENSIONS).encode()),
            (b"tus-max-size", b"%d" % self._most_bytes),
        ]
        return Rendered(204, headers, b"")

    async def create(self, request: Request) -> Rendered:
        """201 with the address to send bytes to; the same one again for the same Idempotency-Key."""
        creation = tus.photo_of(request.texts, most_bytes=self._most_bytes)
        session = session_of(request.headers)
        if b"idempotency-key" not in request.headers:
            return _created(await actions.create(self._ports, None, session, creation))
        asked = (creation.length, creation.metadata)
        once = once_of(request.headers, route="POST /files/", path="/files/", body=asked, status=201)

        async def perform() -> StoredAnswer:
            answer = await actions.create(self._ports, once, session, creation)
            assert isinstance(answer, StoredAnswer)
            return answer

        return _created(await answered_once(self._ports, once, perform))

    async def status(self, request: Request) -> Rendered:
        session = session_of(request.headers)
        upload = await actions.status(self._ports, self._writers, session, request.upload_id)
        headers = [
            _offset(upload.committed),
            (b"upload-length", b"%d" % upload.length),
            (b"upload-metadata", upload.metadata.encode("latin-1")),
            _PRIVATE,
        ]
        return Rendered(200, headers, b"")

    async def append(self, request: Request) -> Rendered:
        """204 with the new offset. What arrived of a body that broke off is kept."""
        chunk = tus.append_of(request.texts)
        session = session_of(request.headers)
        at_once = b"expect" not in request.headers
        self._metrics.uploads_open.inc()
        try:
            async with incoming_body(request.receive, limit=actions.PIECE_BYTES, at_once=at_once) as body:
                upload = await actions.append(
                    self._ports,
                    self._writers,
                    session,
                    request.upload_id,
                    chunk,
                    body,
                    self._metrics.upload_bytes.inc,
                )
        finally:
            self._metrics.uploads_open.dec()
        if body.end is End.LET_GO and upload.finished_at is None:
            raise UploadTaken("Another request continues this upload. Ask for its offset with HEAD.")
        headers = [_offset(upload.committed)]
        if body.end is not End.COMPLETE:
            headers.append(_CLOSE)  # the rest of the body may still be on its way
        return Rendered(204, headers, b"")


def routes(ports: Ports, metrics: Metrics, *, most_bytes: int) -> list[Route]:
    """most_bytes: of one photo."""
    files = Files(ports, metrics, most_bytes)
    collection = Resource({"OPTIONS": files.options, "POST": files.create}, metrics)
    one = Resource({"OPTIONS": files.options, "HEAD": files.status, "PATCH": files.append}, metrics)
    return [
        Route("/files", collection, methods=METHODS),
        Route("/files/", collection, methods=METHODS),
        Route("/files/{upload_id}", one, methods=METHODS),
    ]


def _created(answer: StoredAnswer | actions.NewUpload) -> Rendered:
    if isinstance(answer, StoredAnswer):
        answer = msgspec.json.decode(answer.body, type=actions.NewUpload)
    # A relative address: behind a proxy we do not know our own name.
    headers: Headers = [(b"location", f"/files/{answer.upload_id}".encode()), _PRIVATE]
    return Rendered(201, headers, b"")


def _offset(value: object) -> tuple[bytes, bytes]:
    return (b"upload-offset", f"{value}".encode())
