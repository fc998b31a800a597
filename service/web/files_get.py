"""GET of a finished upload, for the upload server alone.

Whoever has sent it chose its bytes, its name and its type. So a browser is told nothing that would make it run them:
a type is named only where it is harmless, everything else is a download of unknown bytes.
"""

import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

from service.domain import tus
from service.domain.errors import NotFound
from service.photo_ports import PhotoStore, Upload
from service.web.http import Headers
from service.web.tus_resource import Streamed

HARMLESS = frozenset(
    {
        "text/plain",
        *(f"image/{kind}" for kind in ("avif", "bmp", "gif", "jpeg", "png", "webp")),
        *(f"audio/{kind}" for kind in ("aac", "flac", "mp4", "mpeg", "ogg", "wav", "webm")),
        *(f"video/{kind}" for kind in ("mp4", "mpeg", "ogg", "quicktime", "webm")),
    }
)
"""Shown in place. SVG and PDF are missing, as both can hold scripts, and so is everything of the kind of HTML."""
UNKNOWN = "application/octet-stream"

_SAFE: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"sandbox; default-src 'none'"),
    (b"cache-control", b"no-store"),
    (b"accept-ranges", b"bytes"),
]
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


async def download(upload: Upload, photos: PhotoStore, headers: Mapping[str, str]) -> Streamed:
    """The file, or the one range of it that is asked for.

    Raises NotFound when it is not finished, StorageFailed.
    """
    if upload.finished_at is None or upload.length is None:
        raise NotFound("The upload is not finished yet.")
    size = upload.length
    start, end = 0, size
    status, answer = 200, [*_SAFE, *_names(upload.metadata)]
    if "range" in headers and "if-range" not in headers:  # nothing here has a tag or a date that If-Range could name
        wanted = range_of(headers["range"], size)
        if wanted is not None:
            start, end = wanted
            status = 206
            answer.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, size)))
    answer.append((b"content-length", b"%d" % (end - start)))
    pieces = photos.stream(upload.id, upload.parts, end, start)
    first = await anext(pieces, b"")  # what cannot be read is told before a status is out
    return Streamed(status, answer, _all(first, pieces))


def range_of(text: str, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of the bytes asked for; None when the header is left aside, as every server may.

    So are several ranges, other units, nonsense, and what lies behind the end.
    """
    found = _RANGE.fullmatch(text.replace(" ", ""))
    if found is None or found.group(1, 2) == ("", ""):
        return None
    first, last = found.groups()
    if first == "":
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), size if last == "" else min(int(last) + 1, size)
    return (start, end) if start < end else None


def _names(metadata: str) -> Headers:
    """Content-Type and Content-Disposition by what the client said about its file."""
    values = tus.parse_metadata(metadata, most=tus.FILE_METADATA)
    kind = values.get("filetype", values.get("contentType", b"")).decode("ascii", "replace").strip().lower()
    shown = kind in HARMLESS
    name = values.get("filename", values.get("name", b"")).decode("utf-8", "replace")
    disposition = "inline" if shown else "attachment"
    if name := re.sub(r"[\x00-\x1f\x7f/\\]", "_", name)[:200]:
        plain = re.sub(r"[^ !#$&+\-.0-9A-Z^_`a-z{}~()]", "_", name)
        disposition += f"; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return [
        (b"content-type", (kind if shown else UNKNOWN).encode()),
        (b"content-disposition", disposition.encode("ascii")),
    ]


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for piece in rest:
        yield piece
