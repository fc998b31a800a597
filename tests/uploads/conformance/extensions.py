"""Length told later, expiration, checksums, termination."""

import hashlib
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tests.uploads.conformance.appending import DATA
from tests.uploads.conformance.cases import (
    Section,
    expect,
    expect_header,
    expect_no_header,
    expect_refused,
    expect_status,
)
from tests.uploads.conformance.core import missing
from tests.uploads.conformance.speaker import LOOK_EVERY, NAMED, NotServed, Speaker, encoded
from tests.uploads.conformance.wire import Answer, exchange

DEFERRED = Section("deferred", "Creation: Upload-Defer-Length", "creation-defer-length")
EXPIRATION = Section("expiration", "Expiration", "expiration")
CHECKSUM = Section("checksum", "Checksum", "checksum")
TERMINATION = Section("termination", "Termination", "termination")

_ELSEWHERE = "%a, %d %b %Y %H:%M:%S GMT"


# Length told later


@DEFERRED.must
def creates(tus: Speaker) -> None:
    """A POST with Upload-Defer-Length: 1 is answered 201."""
    expect_status(tus.post({"Upload-Defer-Length": "1", "Upload-Metadata": NAMED}), 201)


@DEFERRED.should
def another_value_is_400(tus: Speaker) -> None:
    """Another value than 1 is answered 400."""
    for text in ("0", "2", "true"):
        answer = tus.post({"Upload-Defer-Length": text, "Upload-Metadata": NAMED})
        expect(answer.status == 400, f"status {answer.status} for {text}")


@DEFERRED.must
def head_says_so(tus: Speaker) -> None:
    """As long as the length is not known, HEAD has Upload-Defer-Length: 1 and no Upload-Length."""
    upload = tus.created(None)
    for offset, data in ((0, b"123"), (3, b"45")):
        answer = tus.head(upload)
        expect_header(answer, "Upload-Defer-Length", "1")
        expect_no_header(answer, "Upload-Length")
        expect_header(answer, "Upload-Offset", str(offset))
        expect_status(tus.patch(upload, offset, data), 204)
    expect_header(tus.head(upload), "Upload-Defer-Length", "1")


@DEFERRED.must
def head_says_nothing_when_known(tus: Speaker) -> None:
    """HEAD has no Upload-Defer-Length when the length is known, from the start or since a PATCH told it."""
    expect_no_header(tus.head(tus.created(5)), "Upload-Defer-Length")
    upload = tus.created(None)
    expect_status(tus.patch(upload, 0, b"123", Upload_Length="5"), 204)
    answer = tus.head(upload)
    expect_no_header(answer, "Upload-Defer-Length")
    expect_header(answer, "Upload-Length", "5")


@DEFERRED.must
def told_with_the_last_bytes(tus: Speaker) -> None:
    """The PATCH that tells the length may bring the last bytes, and completes the upload."""
    upload = tus.started(None, b"hello")
    answer = tus.patch(upload, 5, b" world", Upload_Length="11")
    expect_status(answer, 204)
    expect_header(answer, "Upload-Offset", "11")
    expect(tus.contents(upload) == b"hello world", "the contents are others")


@DEFERRED.must
def told_without_bytes(tus: Speaker) -> None:
    """The PATCH that tells the length may bring no bytes, and completes an upload whose bytes are all there."""
    upload = tus.started(None, b"hello")
    expect_status(tus.patch(upload, 5, b"", Upload_Length="5"), 204)
    expect_header(tus.head(upload), "Upload-Length", "5")
    expect(tus.contents(upload) == b"hello", "the contents are others")


@DEFERRED.must
def told_lengths_do_not_change(tus: Speaker) -> None:
    """A length that was told does not change."""
    upload = tus.created(None)
    expect_status(tus.patch(upload, 0, b"123", Upload_Length="10"), 204)
    tus.patch(upload, 3, b"45", Upload_Length="5")
    expect_header(tus.head(upload), "Upload-Length", "10")


@DEFERRED.must
def lengths_of_the_creation_do_not_change(tus: Speaker) -> None:
    """A length of the creation does not change either."""
    upload = tus.created(10)
    tus.patch(upload, 0, b"123", Upload_Length="3")
    expect_header(tus.head(upload), "Upload-Length", "10")


@DEFERRED.must
def told_below_the_offset(tus: Speaker) -> None:
    """A length below what has arrived is the size of no entire upload: refused, nothing set."""
    upload = tus.started(None, b"hello")
    expect_refused(tus.patch(upload, 5, b"", Upload_Length="3"))
    expect_header(tus.head(upload), "Upload-Defer-Length", "1")


@DEFERRED.must
def told_beyond_the_largest_size(tus: Speaker) -> None:
    """A length beyond Tus-Max-Size is answered 413 when it is told later, too."""
    upload = tus.started(None, b"hello")
    expect_status(tus.patch(upload, 5, b"", Upload_Length=str(tus.most_bytes + 1)), 413)
    expect_header(tus.head(upload), "Upload-Defer-Length", "1")


@DEFERRED.must
def bytes_beyond_the_largest_size(tus: Speaker) -> None:
    """An upload of unknown length does not grow beyond Tus-Max-Size."""
    upload = tus.created(None)
    expect_refused(tus.patch(upload, 0, bytes(tus.most_bytes + 1)))
    expect(tus.offset(upload) <= tus.most_bytes, f"the offset became {tus.offset(upload)}")


# Expiration


def _expires(answer: Answer) -> datetime:
    text = answer.headers.get("upload-expires")
    expect(text is not None, "no Upload-Expires")
    assert text is not None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        expect(False, f"Upload-Expires: {text}")
        raise
    expect(moment.strftime(_ELSEWHERE) == text, f"Upload-Expires: {text}")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@EXPIRATION.must
def told_at_the_creation(tus: Speaker) -> None:
    """The answer to POST has Upload-Expires, a date of HTTP in the future."""
    answer = tus.post({"Upload-Length": "5", "Upload-Metadata": NAMED})
    expect(_expires(answer) > datetime.now(UTC), f"Upload-Expires: {answer.headers['upload-expires']}")


@EXPIRATION.must
def told_with_each_append(tus: Speaker) -> None:
    """The answer to each PATCH of an unfinished upload has Upload-Expires."""
    upload = tus.created(10)
    for offset in (0, 3):
        answer = tus.patch(upload, offset, b"123")
        expect(_expires(answer) > datetime.now(UTC), f"Upload-Expires: {answer.headers['upload-expires']}")


@EXPIRATION.should
def ends_an_upload(tus: Speaker) -> None:
    """An upload that expired is answered 404 or 410, to HEAD and to PATCH."""
    assert tus.brief_url is not None
    upload = tus.created(10, url=tus.brief_url)
    deadline = time.monotonic() + tus.patience
    while (answer := tus.head(upload)).status not in (404, 410):
        expect(time.monotonic() < deadline, f"HEAD is answered {answer.status} {tus.patience:.0f} s later")
        time.sleep(LOOK_EVERY)
    expect_no_header(answer, "Upload-Offset")
    expect_status(tus.patch(upload, 0, b"12345"), 404, 410)


# Checksums


def _checksum(data: bytes, algorithm: str = "sha1") -> str:
    return f"{algorithm} {encoded(hashlib.new(algorithm, data).digest())}"


def _algorithms(tus: Speaker) -> list[str]:
    return [name.strip() for name in tus.options().headers.get("tus-checksum-algorithm", "").split(",")]


def _refuses(tus: Speaker, checksum: str, status: int) -> None:
    """The second chunk is refused, the first one stays, and the upload can be completed."""
    upload = tus.started(10, b"12345")
    answer = tus.patch(upload, 5, b"xxxxx", Upload_Checksum=checksum)
    expect_status(answer, status)
    expect(tus.offset(upload) == 5, f"the offset became {tus.offset(upload)}")
    expect_status(tus.patch(upload, 5, b"67890", Upload_Checksum=_checksum(b"67890")), 204)
    expect(tus.contents(upload) == b"1234567890", "the contents are others")


@CHECKSUM.must
def algorithms_are_told(tus: Speaker) -> None:
    """OPTIONS has Tus-Checksum-Algorithm with sha1 among them, names in lower case."""
    names = _algorithms(tus)
    expect("sha1" in names, f"Tus-Checksum-Algorithm: {', '.join(names)}")
    expect(all(name.isascii() and name == name.lower() for name in names), f"Tus-Checksum-Algorithm: {names}")


@CHECKSUM.must
def every_algorithm_that_is_told(tus: Speaker) -> None:
    """A chunk whose checksum matches is answered 204, by every algorithm that is told."""
    for name in _algorithms(tus):
        if name not in hashlib.algorithms_available:
            continue
        upload = tus.created(len(DATA))
        answer = tus.patch(upload, 0, DATA, Upload_Checksum=_checksum(DATA, name))
        expect(answer.status == 204, f"status {answer.status} for {name}")
        expect_header(answer, "Upload-Offset", str(len(DATA)))
    expect("sha1" in _algorithms(tus), "sha1 is not told")


@CHECKSUM.must
def mismatch(tus: Speaker) -> None:
    """A checksum that does not match is answered 460; the chunk is discarded and the offset stays."""
    _refuses(tus, _checksum(b"67890"), 460)


@CHECKSUM.must
def mismatch_of_a_first_and_last_chunk(tus: Speaker) -> None:
    """The same when the chunk would complete the upload in one request: it is not complete."""
    upload = tus.created(len(DATA))
    expect_status(tus.patch(upload, 0, DATA, Upload_Checksum=_checksum(DATA[1:])), 460)
    expect(tus.offset(upload) == 0, f"the offset became {tus.offset(upload)}")
    expect_status(tus.patch(upload, 0, DATA), 204)


@CHECKSUM.must
def mismatch_in_chunks(tus: Speaker) -> None:
    """The same without Content-Length."""
    upload = tus.created(10)
    answer = tus.patch_in_chunks(upload, 0, b"12", b"345", Upload_Checksum=_checksum(b"54321"))
    expect_status(answer, 460)
    expect(tus.offset(upload) == 0, f"the offset became {tus.offset(upload)}")


@CHECKSUM.must
def unknown_algorithm(tus: Speaker) -> None:
    """An algorithm that the server does not know is answered 400; the offset stays."""
    _refuses(tus, "rot13 YWJj", 400)


@CHECKSUM.must
def no_checksum_at_all(tus: Speaker) -> None:
    """A header that is no name and Base64 matches nothing: refused, the offset stays."""
    for text in ("sha1", "sha1 %%%", "sha1 YWJj", encoded(hashlib.sha1(b"12345").digest())):
        upload = tus.created(5)
        answer = tus.patch(upload, 0, b"12345", Upload_Checksum=text)
        expect(400 <= answer.status < 500, f"status {answer.status} for {text!r}")
        expect(tus.offset(upload) == 0, f"stored for {text!r}")


@CHECKSUM.must
def of_each_request(tus: Speaker) -> None:
    """It is the checksum of one request, not of what came before."""
    upload = tus.created(10)
    expect_status(tus.patch(upload, 0, b"12345", Upload_Checksum=_checksum(b"12345")), 204)
    expect_status(tus.patch(upload, 5, b"67890", Upload_Checksum=_checksum(b"67890")), 204)
    expect(tus.contents(upload) == b"1234567890", "the contents are others")


# Termination


@TERMINATION.must
def of_an_unfinished_upload(tus: Speaker) -> None:
    """DELETE of an unfinished upload is answered 204, with Tus-Resumable."""
    answer = tus.delete(tus.started(5, b"123"))
    expect_status(answer, 204)
    expect_header(answer, "Tus-Resumable", "1.0.0")


@TERMINATION.must
def of_a_complete_upload(tus: Speaker) -> None:
    """DELETE of a complete upload is answered 204."""
    expect_status(tus.delete(tus.started(5, b"12345")), 204)


@TERMINATION.should
def what_follows(tus: Speaker) -> None:
    """Later requests to its address are answered 404 or 410: HEAD, PATCH and DELETE."""
    for data in (b"123", b"12345"):
        upload = tus.started(5, data)
        expect_status(tus.delete(upload), 204)
        for answer in (tus.head(upload), tus.patch(upload, 3, b"45"), tus.delete(upload)):
            expect_status(answer, 404, 410)
            expect_no_header(answer, "Upload-Offset")


@TERMINATION.should
def frees_the_bytes(tus: Speaker) -> None:
    """What it held is gone."""
    upload = tus.started(5, b"12345")
    expect(tus.contents(upload) == b"12345", "the contents are others")
    expect_status(tus.delete(upload), 204)
    try:
        held = tus.contents(upload)
    except (NotServed, FileNotFoundError):
        return
    expect(False, f"{len(held)} bytes are there")


@TERMINATION.must
def in_an_unknown_version(tus: Speaker) -> None:
    """DELETE in an unknown version is answered 412, and terminates nothing."""
    upload = tus.started(5, b"123")
    expect_status(exchange("DELETE", upload, {"Tus-Resumable": "0.2.2"}), 412)
    expect(tus.offset(upload) == 3, "the upload is not as it was")


@TERMINATION.should
def of_an_unknown_upload(tus: Speaker) -> None:
    """DELETE of an unknown upload is answered 404 or 410."""
    expect_status(tus.delete(missing(tus)), 404, 410)
