"""Rules of resumable uploads, whatever the protocol: what may be begun, what continues it, and who writes where."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from service.domain.errors import FieldFault, InvalidFields, LaunchnightError, PhotoTooLarge, UploadOffsetMismatch
from service.domain.photos import may_be_photo

LEAST_PIECE = 64 * 1024  # a smaller one costs more in syncing than it saves in memory
PIECES_TOGETHER = 64 << 20  # bytes that may wait in one process, whoever has sent them
UPLOADS_PER_ACCOUNT = 40  # two photos, each begun anew up to twenty times; more is a client gone wild


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


class UploadExpired(LaunchnightError):
    code = "upload-expired"
    title = "The upload was not continued in time"


class UploadChecksumMismatch(LaunchnightError):
    code = "upload-checksum-mismatch"
    title = "The chunk does not match its checksum"


class UploadKept(LaunchnightError):
    code = "upload-kept"
    title = "A finished photo cannot be given up"


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


class Part(NamedTuple):
    """Bytes of an upload from `start` up to the next part's start, or to the last stored one, of one writer (epoch)."""

    writer: int
    start: int


class Creation(NamedTuple):
    """A photo or file that somebody wants to send. `metadata` is as it came."""

    slot: Slot | None
    """None: it is no applicant's photo."""
    length: int | None
    """None: it will be told later."""
    metadata: str


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of a chunk must add up to. algorithm: a name of `hashlib`."""

    algorithm: str
    digest: bytes


class Append(NamedTuple):
    """A chunk that somebody wants to send. `announced`: its size, None when it is sent without one."""

    offset: int
    announced: int | None
    length: int | None = None
    """Of the whole upload, when this chunk tells it."""
    checksum: Checksum | None = None


def check_size(length: int, *, most_bytes: int) -> None:
    """Raises PhotoTooLarge when a file of `length` bytes may not be begun."""
    if length > most_bytes:
        raise PhotoTooLarge(
            f"A file has at most {most_bytes} bytes. Make it smaller before sending it.",
            reason="upload-length",
            limit=most_bytes,
            length=length,
        )


def check_append(append: Append, *, committed: int, length: int | None) -> None:
    """Whether the chunk continues the upload, before any byte is read.

    Raises UploadOffsetMismatch, PhotoTooLarge, or UploadHeadersInvalid when it tells another length.
    """
    if append.length is not None and length not in (None, append.length):
        raise UploadHeadersInvalid(
            [FieldFault("Upload-Length", "malformed", f"The upload was announced with {length} bytes.")]
        )
    if append.offset != committed:
        raise UploadOffsetMismatch(
            "Ask for the offset with HEAD and continue there.", expected=committed, provided=append.offset
        )
    check_room(committed + (append.announced or 0), length=append.length if length is None else length)


def check_room(end: int, *, length: int | None) -> None:
    """Raises PhotoTooLarge when a chunk that ends at `end` would pass the announced length."""
    if length is not None and end > length:
        raise PhotoTooLarge(
            f"The upload was announced with {length} bytes; this chunk goes beyond them.",
            reason="beyond-upload-length",
            limit=length,
        )


def check_type(head: bytes) -> None:
    """Raises PhotoTypeUnsupported when a file that begins so is no photo."""
    if not may_be_photo(head):
        raise PhotoTypeUnsupported("Choose a photo as JPEG or PNG.")


class Pieces(NamedTuple):
    """Stored and acknowledged at once: `most_bytes`, or fewer when the first of them has waited for `hold_s`."""

    most_bytes: int
    hold_s: float


def piece_bytes(pieces: Pieces, open_uploads: int) -> int:
    """So many bytes are acknowledged at once when so many uploads receive bytes in this process."""
    return max(LEAST_PIECE, min(pieces.most_bytes, PIECES_TOGETHER // max(1, open_uploads)))


def part_to_write(parts: Sequence[Part], writer: int, offset: int, *, grows: bool) -> Part:
    """Where `writer` stores bytes from `offset` on, when `parts` hold those before.

    Nobody writes to the part of another, who may wake up late and write on. grows: a writer's next bytes go on in its
    own part; else each piece is a part of its own.
    """
    if grows and parts and parts[-1].writer == writer:
        return parts[-1]
    return Part(writer, offset)


def spans(parts: Sequence[Part], size: int) -> Sequence[tuple[Part, int]]:
    """The parts that hold the first `size` bytes, each with how many of them: up to where the next one starts."""
    ends = [*(part.start for part in parts), size][1:]
    lengths = [min(end, size) - part.start for part, end in zip(parts, ends, strict=True)]
    return [(part, length) for part, length in zip(parts, lengths, strict=True) if length > 0]


def completes_photos(slot: int, filled: Set[int]) -> bool:
    """Whether a finished photo is the applicant's last missing one. filled: the slots before it."""
    return slot not in filled and filled | {slot} == set(Slot)
