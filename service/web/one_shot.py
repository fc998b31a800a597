"""Photos without resuming, for comparison: `PUT /files/{slot}` with the whole photo; no tus.

What applicants met that night, and what the switch `resumable_uploads` turns back to: whoever is cut off begins anew.
"""

from collections.abc import Mapping

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service.actions import uploads
from service.actions.upload_writers import STOPPED_FOR, Writers
from service.actions.whole_photos import store_whole
from service.domain.errors import (
    BodyTooSlow,
    FieldFault,
    InvalidFields,
    LaunchnightError,
    LengthRequired,
    NotFound,
    ServiceStopping,
)
from service.domain.uploads import SLOTS, check_size
from service.metrics import Metrics
from service.ports import Ports
from service.web.authentication import session_of
from service.web.http import ClientGone, send_early, send_empty
from service.web.incoming import End, incoming_body
from service.web.middleware import count_refusal
from service.web.photo_words import PhotoWords

_CLOSE = (b"connection", b"close")
_MOST_DIGITS = 18


class OneShot:
    """Takes photos."""

    def __init__(self, ports: Ports, metrics: Metrics, writers: Writers, most_bytes: int) -> None:
        """most_bytes: of one photo."""
        self._ports = ports
        self._metrics = metrics
        self._writers = writers
        self._most_bytes = most_bytes
        self._words = PhotoWords()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """204 when the photo is stored."""
        asked = dict(scope["headers"])
        try:
            await self._take(scope["path_params"]["slot"], asked, receive)
        except LaunchnightError as error:
            count_refusal(self._metrics, error, "upload")
            status, headers, body = self._words.render(error, asked)
            headers += [] if _CLOSE in headers else [_CLOSE]  # the body may still be on its way
            await send_early(receive, send, status, headers, body)
        except ClientGone:
            pass
        else:
            await send_empty(send)

    async def _take(self, slot: str, headers: Mapping[bytes, bytes], receive: Receive) -> None:
        """Raises NotFound, LengthRequired, InvalidFields, PhotoTooLarge, NotSignedIn or QueueFull before a byte is
        asked for; BodyTooSlow, ServiceStopping, ClientGone, and what `store_whole` does."""
        if slot not in SLOTS:
            raise NotFound("Photos go to /files/identity_card and /files/selfie.")
        size = _size_of(headers, most_bytes=self._most_bytes)
        session = session_of(headers)
        await uploads.check_inspections(self._ports)  # a photo that is refused at its end is sent anew as a whole
        at_once = b"expect" not in headers
        self._metrics.uploads_open.inc()
        try:
            async with incoming_body(receive, self._ports.photos.pieces, at_once=at_once) as body:
                count = self._metrics.upload_bytes.inc
                if not await store_whole(self._ports, self._writers, session, SLOTS[slot], size, body, count):
                    if body.end is End.LET_GO:  # nobody else knows of its upload
                        raise ServiceStopping(retry_after_s=STOPPED_FOR)
                    raise BodyTooSlow if body.end is End.STALLED else ClientGone
        finally:
            self._metrics.uploads_open.dec()


def routes(ports: Ports, metrics: Metrics, writers: Writers, *, most_bytes: int) -> list[Route]:
    """most_bytes: of one photo."""
    return [Route("/files/{slot}", OneShot(ports, metrics, writers, most_bytes), methods=["PUT"])]


def _size_of(headers: Mapping[bytes, bytes], *, most_bytes: int) -> int:
    length = headers.get(b"content-length", b"")
    if b"transfer-encoding" in headers or not length.isdigit() or len(length) > _MOST_DIGITS:
        raise LengthRequired
    if int(length) == 0:
        raise InvalidFields([FieldFault("Content-Length", "empty", "A photo has at least one byte.")])
    check_size(int(length), most_bytes=most_bytes)
    return int(length)
