"""Rules of resumable photo uploads (tus 1.0.0, core and creation): headers in, decisions out.

Text of the protocol: https://tus.io/protocols/resumable-upload
"""

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import IntEnum

from service.domain.errors import (
    FieldFault,
    InvalidFields,
    LaunchnightError,
    PhotoTooLarge,
    TusVersionUnsupported,
    UploadOffsetMismatch,
    UploadTypeUnsupported,
)
from service.domain.photos import may_be_photo

VERSION = "1.0.0"
EXTENSIONS = "creation"
CHUNK_TYPE = "application/offset+octet-stream"
PHOTO_TYPES = ("image/jpeg", "image/png")
METADATA_LIMIT = 1000  # characters; two short keys are all that is needed
UPLOADS_PER_ACCOUNT = 40  # two photos, each begun anew up to twenty times; more is a client gone wild
_LARGEST_DIGITS = 18  # fits a bigint
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


class UploadHeadersInvalid(InvalidFields):
    code = "upload-headers-invalid"
    title = "Some headers of the upload cannot be used"


class TooManyUploads(LaunchnightError):
    code = "too-many-uploads"
    title = "This account has begun too many uploads"


class PhotoTypeUnsupported(LaunchnightError):
    """By the first bytes, whatever the name or the headers say."""

    code = "photo-type-unsupported"
    title = "The file is no JPEG or PNG"


class StorageFailed(LaunchnightError):
    code = "storage-failed"
    title = "Photos cannot be stored at the moment"
    temporary = True


class Slot(IntEnum):
    """What a photo shows."""

    IDENTITY_CARD = 1
    SELFIE = 2

    @property
    def phrase(self) -> str:
        return self.name.lower()


SLOTS = {slot.phrase: slot for slot in Slot}


@dataclass(frozen=True, slots=True)
class Creation:
    """A photo that somebody wants to send. `metadata` is as it came."""

    slot: Slot
    length: int
    metadata: str


@dataclass(frozen=True, slots=True)
class Append:
    """A chunk that somebody wants to send. `announced`: its size, None when it is sent without one."""

    offset: int
    announced: int | None


def is_upload_id(text: str) -> bool:
    """Whether we could have given it out: whatever else stands in a path does not reach the database."""
    return _UPLOAD_ID.fullmatch(text) is not None


def check_version(headers: Mapping[str, str]) -> None:
    """Raises TusVersionUnsupported; nothing else of such a request may be looked at."""
    if headers.get("tus-resumable") != VERSION:
        raise TusVersionUnsupported(f"Send the header Tus-Resumable: {VERSION}.", supported=[VERSION])


def creation_of(headers: Mapping[str, str], *, most_bytes: int) -> Creation:
    """The photo that a creation announces. Raises UploadHeadersInvalid with all faults, or PhotoTooLarge."""
    faults: list[FieldFault] = []
    length = _length(headers, faults)
    metadata = headers.get("upload-metadata", "")
    slot = _slot(metadata, faults)
    if faults or length is None or slot is None:
        raise UploadHeadersInvalid(faults)
    check_size(length, most_bytes=most_bytes)
    return Creation(slot, length, metadata)


def check_size(length: int, *, most_bytes: int) -> None:
    """Raises PhotoTooLarge when a photo of `length` bytes may not be begun."""
    if length > most_bytes:
        raise PhotoTooLarge(
            f"A photo has at most {most_bytes} bytes. Make it smaller before sending it.",
            reason="upload-length",
            limit=most_bytes,
            length=length,
        )


def append_of(headers: Mapping[str, str]) -> Append:
    """The chunk that a PATCH announces. Raises UploadTypeUnsupported or UploadHeadersInvalid with all faults."""
    if headers.get("content-type", "").strip().lower() != CHUNK_TYPE:
        raise UploadTypeUnsupported(f"Send the bytes as {CHUNK_TYPE}.")
    faults: list[FieldFault] = []
    offset = _whole_number(headers.get("upload-offset"), "Upload-Offset", faults)
    announced = None
    if "content-length" in headers:
        announced = _whole_number(headers["content-length"], "Content-Length", faults)
    if faults or offset is None:
        raise UploadHeadersInvalid(faults)
    return Append(offset, announced)


def check_append(append: Append, *, committed: int, length: int) -> None:
    """Whether the chunk continues the upload. Raises UploadOffsetMismatch or PhotoTooLarge, before any byte is read."""
    if append.offset != committed:
        raise UploadOffsetMismatch(
            "Ask for the offset with HEAD and continue there.", expected=committed, provided=append.offset
        )
    check_room(committed + (append.announced or 0), length=length)


def check_room(end: int, *, length: int) -> None:
    """Raises PhotoTooLarge when a chunk that ends at `end` would pass the announced length."""
    if end > length:
        raise PhotoTooLarge(
            f"The upload was announced with {length} bytes; this chunk goes beyond them.",
            reason="beyond-upload-length",
            limit=length,
        )


def check_type(head: bytes) -> None:
    """Raises PhotoTypeUnsupported when a file that begins so is no photo."""
    if not may_be_photo(head):
        raise PhotoTypeUnsupported("Choose a photo as JPEG or PNG.")


def file_to_write(epoch: int, committed: int, *, stored_epoch: int, ended_epoch: int) -> int:
    """The file that writer `epoch` writes to: the one there is if nobody else can still write to it, else its own.

    A late writer is harmless in a file that nobody reads any more. The file there is belongs to nobody else when this
    writer has stored bytes in it, or when every writer before this one has promised to write no more.
    """
    alone = stored_epoch == epoch or ended_epoch == epoch - 1
    return stored_epoch if committed > 0 and alone else epoch


def completes_photos(slot: int, filled: Set[int]) -> bool:
    """Whether a finished photo is the applicant's last missing one. filled: the slots before it."""
    return slot not in filled and filled | {slot} == set(Slot)


def parse_metadata(text: str) -> Mapping[str, bytes]:
    """Pairs of `key base64`, separated by commas; a key may stand alone. Raises ValueError saying what is wrong."""
    found: dict[str, bytes] = {}
    if len(text) > METADATA_LIMIT:
        raise ValueError(f"more than {METADATA_LIMIT} characters")
    for pair in text.split(",") if text else ():
        key, _, value = pair.strip(" ").partition(" ")
        if not re.fullmatch(r"[!-+\--~]+", key):  # printable ASCII without space and comma
            raise ValueError("a key is empty or has characters outside ASCII")
        if key in found:
            raise ValueError("a key stands there twice")
        try:
            found[key] = b64decode(value, validate=True)
        except ValueError:
            raise ValueError(f"the value of {key[:40]} is not Base64") from None
    return found


def _length(headers: Mapping[str, str], faults: list[FieldFault]) -> int | None:
    if "upload-defer-length" in headers:
        faults.append(
            FieldFault("Upload-Defer-Length", "unsupported", "Announce the size of the photo with Upload-Length.")
        )
        return None
    length = _whole_number(headers.get("upload-length"), "Upload-Length", faults)
    if length == 0:
        faults.append(FieldFault("Upload-Length", "empty", "A photo has at least one byte."))
    return length


def _slot(metadata: str, faults: list[FieldFault]) -> Slot | None:
    try:
        values = parse_metadata(metadata)
    except ValueError as error:
        faults.append(FieldFault("Upload-Metadata", "malformed", f"Cannot be read: {error}."))
        return None
    slot = SLOTS.get(values.get("slot", b"").decode("ascii", "replace"))
    if slot is None:
        faults.append(FieldFault("Upload-Metadata.slot", "unknown", _one_of("The slot", list(SLOTS))))
    if values.get("filetype", b"").decode("ascii", "replace").lower() not in ("", *PHOTO_TYPES):
        faults.append(FieldFault("Upload-Metadata.filetype", "unsupported", _one_of("The file type", PHOTO_TYPES)))
    return slot


def _one_of(what: str, values: Sequence[str]) -> str:
    return f"{what} is one of: {', '.join(values)}."


def _whole_number(text: str | None, header: str, faults: list[FieldFault]) -> int | None:
    if text is None:
        faults.append(FieldFault(header, "missing", "The header is required."))
        return None
    if not re.fullmatch(r"[0-9]+", text) or len(text.lstrip("0")) > _LARGEST_DIGITS:
        faults.append(FieldFault(header, "malformed", "Must be a whole number of bytes, 0 or more."))
        return None
    return int(text)
