"""tus 1.0.0 as it stands in headers: what a request asks for, and what it must not.

Everything here is judged before the first byte of a body. Text of the protocol:
https://tus.io/protocols/resumable-upload
"""

import re
from binascii import a2b_base64
from collections.abc import Mapping, Sequence

from service.domain.errors import FieldFault, TusVersionUnsupported, UploadTypeUnsupported
from service.domain.uploads import SLOTS, Append, Checksum, Creation, Slot, UploadHeadersInvalid, check_room, check_size

VERSION = "1.0.0"
EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "termination",
)
CHECKSUMS = ("sha1", "sha256", "sha512", "md5")
CHUNK_TYPE = "application/offset+octet-stream"
PHOTO_TYPES = ("image/jpeg", "image/png")
PHOTO_METADATA = 1000  # characters; two short keys are all that is needed
FILE_METADATA = 8000  # characters; names in any script and a few facts of the client's own
_LARGEST = 10**18 - 1  # fits a bigint; larger numbers count as this one, which no upload reaches
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
_KEY = re.compile(r"[!-+\--~]+")  # printable ASCII without space and comma

Headers = Mapping[str, str]
"""Names in lower case."""


def is_upload_id(text: str) -> bool:
    """Whether we could have given it out: whatever else stands in a path does not reach the database."""
    return _UPLOAD_ID.fullmatch(text) is not None


def method_of(headers: Headers, method: str) -> str:
    """What is asked for: some clients can send GET and POST alone and name the real method in a header."""
    return headers.get("x-http-method-override", "").strip().upper() or method


def check_version(headers: Headers) -> None:
    """Raises TusVersionUnsupported; nothing else of such a request may be looked at."""
    if headers.get("tus-resumable") != VERSION:
        raise TusVersionUnsupported(f"Send the header Tus-Resumable: {VERSION}.", supported=[VERSION])


def photo_of(headers: Headers, *, most_bytes: int) -> Creation:
    """The photo that a creation announces. Raises UploadHeadersInvalid with all faults, or PhotoTooLarge."""
    faults: list[FieldFault] = []
    length = _length(headers, faults)
    if length == 0:
        faults.append(FieldFault("Upload-Length", "empty", "A photo has at least one byte."))
    metadata, values = _metadata(headers, PHOTO_METADATA, faults)
    slot = _slot(values, faults) if values is not None else None
    if faults or slot is None:
        raise UploadHeadersInvalid(faults)
    if length is not None:
        check_size(length, most_bytes=most_bytes)
    return Creation(slot, length, metadata)


def file_of(headers: Headers, *, most_bytes: int | None) -> Creation:
    """The file, of whatever kind, that a creation announces. Raises as `photo_of`; most_bytes: None for no limit."""
    faults: list[FieldFault] = []
    length = _length(headers, faults)
    metadata, _ = _metadata(headers, FILE_METADATA, faults)
    if faults:
        raise UploadHeadersInvalid(faults)
    if length is not None and most_bytes is not None:
        check_size(length, most_bytes=most_bytes)
    return Creation(None, length, metadata)


def first_chunk_of(headers: Headers, length: int | None) -> Append | None:
    """The chunk that comes with a creation of `length` bytes; None when nothing does.

    Raises as `append_of`, and PhotoTooLarge when more is announced than the upload has room for.
    """
    if not announces_body(headers):
        return None
    _check_chunk_type(headers)
    faults: list[FieldFault] = []
    announced, checksum = _announced(headers, faults), _checksum(headers, faults)
    if faults:
        raise UploadHeadersInvalid(faults)
    check_room(announced or 0, length=length)
    return Append(0, announced, checksum=checksum)


def announces_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0").strip("0") != ""


def append_of(headers: Headers) -> Append:
    """The chunk that a PATCH announces. Raises UploadTypeUnsupported or UploadHeadersInvalid with all faults."""
    _check_chunk_type(headers)
    faults: list[FieldFault] = []
    offset = _whole_number(headers.get("upload-offset"), "Upload-Offset", faults)
    announced, checksum = _announced(headers, faults), _checksum(headers, faults)
    length = None
    if "upload-length" in headers:
        length = _upload_length(headers, faults)
    if faults or offset is None:
        raise UploadHeadersInvalid(faults)
    return Append(offset, announced, length, checksum)


def parse_metadata(text: str, *, most: int = PHOTO_METADATA) -> Mapping[str, bytes]:
    """Pairs of `key base64`, separated by commas; a key may stand alone. Raises ValueError saying what is wrong."""
    found: dict[str, bytes] = {}
    if len(text) > most:
        raise ValueError(f"more than {most} characters")
    for pair in text.split(",") if text else ():
        key, _, value = pair.strip(" ").partition(" ")
        if not _KEY.fullmatch(key):
            raise ValueError("a key is empty or has characters outside ASCII")
        if key in found:
            raise ValueError("a key stands there twice")
        try:
            found[key] = a2b_base64(value, strict_mode=True)
        except ValueError:
            raise ValueError(f"the value of {key[:40]} is not Base64") from None
    return found


def _check_chunk_type(headers: Headers) -> None:
    if headers.get("content-type", "").strip().lower() != CHUNK_TYPE:
        raise UploadTypeUnsupported(f"Send the bytes as {CHUNK_TYPE}.")


def _length(headers: Headers, faults: list[FieldFault]) -> int | None:
    """None: deferred, or there is a fault. Parts of a file that is put together later are not taken."""
    if "upload-concat" in headers:
        faults.append(FieldFault("Upload-Concat", "unsupported", "Send the file as one upload."))
    deferred = headers.get("upload-defer-length")
    if deferred is None:
        return _upload_length(headers, faults)
    if deferred.strip() != "1":
        faults.append(FieldFault("Upload-Defer-Length", "malformed", "Must be 1."))
    elif "upload-length" in headers:
        faults.append(FieldFault("Upload-Defer-Length", "malformed", "A length that is known is not deferred."))
    return None


def _upload_length(headers: Headers, faults: list[FieldFault]) -> int | None:
    """Raises PhotoTooLarge for a length that nobody can store, where no limit is set, too."""
    length = _whole_number(headers.get("upload-length"), "Upload-Length", faults)
    if length is not None:
        check_size(length, most_bytes=_LARGEST - 1)
    return length


def _announced(headers: Headers, faults: list[FieldFault]) -> int | None:
    """The size of the body; None when it is sent without one."""
    if "content-length" not in headers:
        return None
    return _whole_number(headers["content-length"], "Content-Length", faults)


def _checksum(headers: Headers, faults: list[FieldFault]) -> Checksum | None:
    text = headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, digest = text.strip().partition(" ")
    if algorithm not in CHECKSUMS:
        faults.append(FieldFault("Upload-Checksum", "unsupported", _one_of("The algorithm", CHECKSUMS)))
        return None
    try:
        return Checksum(algorithm, a2b_base64(digest.strip(), strict_mode=True))
    except ValueError:
        faults.append(FieldFault("Upload-Checksum", "malformed", "The checksum is not Base64."))
        return None


def _metadata(headers: Headers, most: int, faults: list[FieldFault]) -> tuple[str, Mapping[str, bytes] | None]:
    text = headers.get("upload-metadata", "")
    try:
        return text, parse_metadata(text, most=most)
    except ValueError as error:
        faults.append(FieldFault("Upload-Metadata", "malformed", f"Cannot be read: {error}."))
        return text, None


def _slot(values: Mapping[str, bytes], faults: list[FieldFault]) -> Slot | None:
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
    if not (text.isascii() and text.isdecimal()):
        faults.append(FieldFault(header, "malformed", "Must be a whole number of bytes, 0 or more."))
        return None
    digits = text.lstrip("0") or "0"
    return int(digits) if len(digits) <= len(str(_LARGEST)) else _LARGEST
