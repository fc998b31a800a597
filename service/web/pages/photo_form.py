"""A photo out of an HTML form (`multipart/form-data`), handed on as it comes: nothing is spooled.

An upload is begun with the size of its photo, and a form does not name it. But the photo is the last part of ours: its
size is what the request announces, less what stood before the photo, less the closing line. The parser tells whether
that was true before the last byte is handed on, so a body with anything else behind the photo never becomes one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.actions.upload_writers import STOPPED_FOR
from service.domain.errors import (
    BodyTooSlow,
    FieldFault,
    InvalidFields,
    LengthRequired,
    MalformedBody,
    ServiceStopping,
    UnsupportedMediaType,
)
from service.domain.uploads import check_size
from service.web.http import MOST_BODY_BYTES, ClientGone
from service.web.incoming import End, IncomingBody

FIELD = b"photo"

_STEP = 1024  # bytes: what stands before the photo has about 200
_MOST_DIGITS = 18
_NOT_LAST = "The photo must be the last field of the form."


@dataclass(frozen=True, slots=True)
class Announced:
    """What the headers of a form say: `length` in bytes, of the whole body."""

    boundary: bytes
    length: int

    @property
    def closing(self) -> int:
        """Bytes of the line that closes the form, as every browser writes it."""
        return len(b"\r\n--" + self.boundary + b"--\r\n")


def announced(headers: Mapping[bytes, bytes], *, most_bytes: int) -> Announced:
    """Judge a form before the first byte of its body is asked for. most_bytes: of the photo.

    Raises UnsupportedMediaType, LengthRequired, PhotoTooLarge.
    """
    kind, options = parse_options_header(headers.get(b"content-type", b""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise UnsupportedMediaType
    length = headers.get(b"content-length", b"")
    if b"transfer-encoding" in headers or not length.isdigit() or len(length) > _MOST_DIGITS:
        raise LengthRequired
    check_size(int(length) - MOST_BODY_BYTES, most_bytes=most_bytes)
    return Announced(boundary, int(length))


class Place(Enum):
    BEFORE = "in front of the photo"
    PHOTO = "in the photo"
    BEHIND = "behind the photo"


class PhotoForm:
    """Fulfils `service.actions.uploads.IncomingBytes` with the bytes of the photo; `begin` comes first."""

    def __init__(self, form: Announced, body: IncomingBody) -> None:
        self.size = 0
        self._form = form
        self._body = body
        self._place = Place.BEFORE
        self._before = 0  # bytes in front of the photo
        self._ready = bytearray()  # bytes of the photo that nobody took yet
        self._taken = 0
        self.complete = False
        """The form has ended as it should."""
        self._name, self._value = bytearray(), bytearray()  # of the header that is being read
        self._is_photo = False
        try:
            self._parser = MultipartParser(
                form.boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_begin": self._header_begins,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_ends,
                    "on_end": self._form_ends,
                },
            )
        except FormParserError:
            raise MalformedBody("The boundary of the form is too long.") from None

    async def begin(self) -> int:
        """Read up to the photo; its size in bytes, at least 1.

        Raises InvalidFields when no photo was chosen, MalformedBody, BodyTooSlow, ClientGone.
        """
        while self._place is Place.BEFORE:
            if self.complete:
                raise no_photo()
            if self._before > MOST_BODY_BYTES:
                raise MalformedBody("There is too much in front of the photo.")
            data = await self._arrived(_STEP)
            # Line by line: only so is it known where the photo begins.
            for line in data.splitlines(keepends=True):
                if self._place is Place.BEFORE:
                    self._before += len(line)
                self._parse(line)
        self.size = self._form.length - self._before - self._form.closing
        if self.size < 0:
            raise MalformedBody("The form does not end as it should.")
        if self.size == 0:
            raise no_photo()
        return self.size

    async def take(self, most: int) -> bytes:
        """The next bytes of the photo; the last one only when the form has ended as it should.

        Raises MalformedBody, BodyTooSlow, ServiceStopping, ClientGone.
        """
        data = await self.peek(most)
        del self._ready[:most]
        self._taken += len(data)
        return data

    async def peek(self, most: int) -> bytes:
        """What `take` would return, left where it is. Raises as `take`."""
        while not self.complete and (len(self._ready) < most or self._taken + len(self._ready) >= self.size):
            self._parse(await self._arrived(max(most - len(self._ready), _STEP)))
        if self.complete and self._taken + len(self._ready) != self.size:
            raise MalformedBody(_NOT_LAST)
        return bytes(self._ready[:most])

    @property
    def exhausted(self) -> bool:
        return self.complete and not self._ready

    def let_go(self) -> None:
        self._body.let_go()

    async def _arrived(self, most: int) -> bytes:
        data = await self._body.take(most)
        if data:
            return data
        if self._body.end is End.STALLED:
            raise BodyTooSlow
        if self._body.end is End.LET_GO:  # nobody else knows of its upload
            raise ServiceStopping(retry_after_s=STOPPED_FOR)
        if self._body.end is End.COMPLETE:
            raise MalformedBody("The form does not end as it should.")
        raise ClientGone

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError:
            raise MalformedBody("The body is no form.") from None

    def _part_begins(self) -> None:
        if self._place is Place.BEHIND:  # refused at once: a body full of small parts costs seconds to read
            raise MalformedBody(_NOT_LAST)
        self._is_photo = False

    def _header_begins(self) -> None:
        self._name, self._value = bytearray(), bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._is_photo = options.get(b"name") == FIELD and b"filename" in options

    def _headers_end(self) -> None:
        if self._is_photo and self._place is Place.BEFORE:
            self._place = Place.PHOTO

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._place is Place.PHOTO:
            self._ready += data[start:end]

    def _part_ends(self) -> None:
        if self._place is Place.PHOTO:
            self._place = Place.BEHIND

    def _form_ends(self) -> None:
        self.complete = True


def no_photo() -> InvalidFields:
    return InvalidFields([FieldFault(FIELD.decode(), "missing", "Choose a photo.")])
