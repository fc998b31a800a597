"""Resumable uploads: tus 1.0.0 with creation (also with the first chunk, also of a length told later), expiration,
checksums and termination.

Headers are judged before the first byte of a body is asked for, and a request that is refused stores nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import formatdate
from functools import lru_cache

import msgspec
from starlette.middleware import Middleware

from service.actions import uploads as actions
from service.actions.once import answered_once
from service.actions.upload_writers import STOPPED_FOR, Writers
from service.domain import tus
from service.domain.errors import LaunchnightError, ServiceStopping, UploadTaken
from service.domain.uploads import Append, Creation, check_size
from service.metrics import Metrics
from service.photo_ports import Upload
from service.ports import Ports, StoredAnswer
from service.web.ahead import AheadOfRoutes
from service.web.authentication import session_of
from service.web.files_get import download
from service.web.http import Headers, Rendered
from service.web.idempotency import once_of
from service.web.incoming import End, IncomingBody, gathered
from service.web.photo_words import PhotoWords
from service.web.tus_resource import CLOSE, VERSIONS, Handler, Request, Streamed, TusResource, offset_header

_PRIVATE = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is taken, from whom, and where."""

    most_bytes: int | None
    """Of one upload; None for no limit."""
    for_everybody: bool = False
    """Any file from anybody, and finished ones are given out again. Else photos of applicants who are signed in."""
    base: str = "/files/"
    """Path of the collection, from a slash to a slash."""


class Files:
    """The handlers."""

    def __init__(self, ports: Ports, metrics: Metrics, writers: Writers, terms: Terms) -> None:
        self._ports = ports
        self._metrics = metrics
        self._writers = writers
        self._terms = terms

    async def options(self, _: Request) -> Rendered:
        headers = [
            VERSIONS,
            (b"tus-extension", ",".join(tus.EXTENSIONS).encode()),
            (b"tus-checksum-algorithm", ",".join(tus.CHECKSUMS).encode()),
        ]
        if self._terms.most_bytes is not None:
            headers.append((b"tus-max-size", b"%d" % self._terms.most_bytes))
        return Rendered(204, headers, b"")

    async def create(self, request: Request) -> Rendered:
        """201 with the address to send bytes to; the same one again for the same Idempotency-Key."""
        creation = self._creation(request)
        chunk = tus.first_chunk_of(request.texts, creation.length)
        if chunk is not None and self._terms.most_bytes is not None:
            check_size(chunk.announced or 0, most_bytes=self._terms.most_bytes)
        session = self._session(request)
        new, is_new = await self._begin(request, session, creation)
        location = self._location(request, new.upload_id)
        headers: Headers = [(b"location", location.encode()), _PRIVATE]
        if chunk is None:
            if is_new:
                headers.append(offset_header(0))  # it is due when a chunk came, even an empty one
            if creation.length != 0:
                headers.append(_expires(new.expires_at))
            return Rendered(201, headers, b"")
        if not is_new:  # its first chunk came with the first request; how much of it did is what counts
            upload = await actions.status(self._ports, self._writers, session, new.upload_id)
            return Rendered(201, [*headers, *_progress(upload), CLOSE], b"")
        try:
            return Rendered(201, [*headers, *await self._receive_first(request, session, new.upload_id, chunk)], b"")
        except ServiceStopping as error:  # what has arrived is kept: tell where to go on
            error.facts["location"] = location
            raise

    async def status(self, request: Request) -> Rendered:
        upload = await actions.status(self._ports, self._writers, self._session(request), request.upload_id)
        headers = [*_progress(upload), _PRIVATE]
        if upload.length is None:
            headers.append((b"upload-defer-length", b"1"))
        else:
            headers.append((b"upload-length", b"%d" % upload.length))
        if upload.metadata:
            headers.append((b"upload-metadata", upload.metadata.encode("latin-1")))
        return Rendered(200, headers, b"")

    async def append(self, request: Request) -> Rendered:
        """204 with the new offset. What arrived of a body that broke off is kept."""
        chunk = tus.append_of(request.texts)
        if self._terms.most_bytes is not None and chunk.length is not None:
            check_size(chunk.length, most_bytes=self._terms.most_bytes)
        return Rendered(204, await self._receive(request, self._session(request), request.upload_id, chunk), b"")

    async def terminate(self, request: Request) -> Rendered:
        await actions.terminate(self._ports, self._writers, self._session(request), request.upload_id)
        return Rendered(204, [], b"")

    async def download(self, request: Request) -> Streamed:
        upload = await actions.find(self._ports, None, request.upload_id)
        return await download(upload, self._ports.photos, request.texts)

    def _location(self, request: Request, upload_id: str) -> str:
        path = f"{self._terms.base}{upload_id}"
        # Not every client takes a path for an address (aiotus); the service's own do, and it stands behind proxies.
        return request.address(path) if self._terms.for_everybody else path

    def _creation(self, request: Request) -> Creation:
        if self._terms.for_everybody:
            return tus.file_of(request.texts, most_bytes=self._terms.most_bytes)
        assert self._terms.most_bytes is not None, "a photo has a limit"
        return tus.photo_of(request.texts, most_bytes=self._terms.most_bytes)

    def _session(self, request: Request) -> bytes | None:
        return None if self._terms.for_everybody else session_of(request.headers)

    async def _begin(
        self, request: Request, session: bytes | None, creation: Creation
    ) -> tuple[actions.BegunUpload, bool]:
        """The upload, and whether this request began it; False: an earlier one did, under the same key."""
        if b"idempotency-key" not in request.headers:
            new = await actions.create(self._ports, None, session, creation, self._writers)
            assert isinstance(new, actions.BegunUpload)
            return new, True
        asked = (creation.length, creation.metadata)
        route = f"POST {self._terms.base}"
        once = once_of(request.headers, route=route, path=self._terms.base, body=asked, status=201)
        is_new = False

        async def perform() -> StoredAnswer:
            nonlocal is_new
            answer = await actions.create(self._ports, once, session, creation)
            assert isinstance(answer, StoredAnswer)
            is_new = True
            return answer

        answer = await answered_once(self._ports, once, perform)
        return msgspec.json.decode(answer.body, type=actions.BegunUpload), is_new

    async def _receive_first(self, request: Request, session: bytes | None, upload_id: str, chunk: Append) -> Headers:
        """As `_receive`. When the chunk is refused, nobody learns of the upload, so it is given up."""
        try:
            return await self._receive(request, session, upload_id, chunk)
        except ServiceStopping:
            raise
        except LaunchnightError:
            if b"idempotency-key" not in request.headers:  # else the creation may be asked for again, and is there
                await actions.discard(self._ports, session, upload_id)
            raise

    async def _receive(self, request: Request, session: bytes | None, upload_id: str, chunk: Append) -> Headers:
        """Take the body in; headers that say how far the upload is now."""
        at_once = b"expect" not in request.headers
        begun = actions.whole_at_once(self._ports, self._writers, session, upload_id, chunk) if at_once else None
        self._metrics.uploads_open.inc()
        try:
            body = IncomingBody(request.receive, self._ports.photos.pieces)
            whole = begun is not None and await body.comes_at_once()
            async with gathered(body, at_once=at_once):
                upload = await actions.append(
                    self._ports,
                    self._writers,
                    session,
                    upload_id,
                    chunk,
                    body,
                    self._metrics.upload_bytes.inc,
                    most_bytes=self._terms.most_bytes,
                    begun=begun if whole else None,
                )
        finally:
            self._metrics.uploads_open.dec()
        if body.end is End.LET_GO and upload.finished_at is None:
            if self._writers.stopping:
                raise ServiceStopping(
                    "What has arrived is kept. Go on from there.", retry_after_s=STOPPED_FOR, offset=upload.committed
                )
            raise UploadTaken("Another request continues this upload. Ask for its offset with HEAD.")
        headers = _progress(upload)
        if body.end is not End.COMPLETE:
            headers.append(CLOSE)  # the rest of the body may still be on its way
        return headers


def uploads(ports: Ports, metrics: Metrics, writers: Writers, terms: Terms) -> Middleware:
    """The collection and its members. Which method is meant may stand in a header."""
    files = Files(ports, metrics, writers, terms)
    words = None if terms.for_everybody else PhotoWords()
    collection = TusResource({"OPTIONS": files.options, "POST": files.create}, metrics, words)
    handlers: dict[str, Handler] = {
        "OPTIONS": files.options,
        "HEAD": files.status,
        "PATCH": files.append,
        "DELETE": files.terminate,
    }
    if terms.for_everybody:
        handlers["GET"] = files.download
    one = TusResource(handlers, metrics, words)
    return Middleware(AheadOfRoutes, terms.base, collection, one)


def _progress(upload: Upload) -> Headers:
    """How far the upload is, and until when it may be continued."""
    headers = [offset_header(upload.committed)]
    if upload.finished_at is None and upload.expires_at is not None:
        headers.append(_expires(upload.expires_at))
    return headers


def _expires(at: datetime) -> tuple[bytes, bytes]:
    return (b"upload-expires", _http_date(int(at.timestamp())))


@lru_cache(16)
def _http_date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()
