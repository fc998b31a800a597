"""The core protocol: PATCH."""

from tests.uploads.conformance.cases import Section, expect, expect_header, expect_refused, expect_status
from tests.uploads.conformance.core import missing
from tests.uploads.conformance.speaker import Speaker
from tests.uploads.conformance.wire import BYTES, VERSION, Connection, connected, in_chunks

PATCH = Section("patch", "Core: PATCH")
BROKEN = Section("broken", "Core: connections that break")

DATA = bytes(range(256)) * 40
"""10,240 bytes, no two neighbors alike."""
_SILENCE = 75.0
"""Seconds after which a server should have given up a connection on which nothing comes."""


@PATCH.must
def succeeds_with_204(tus: Speaker) -> None:
    """An append is answered 204."""
    expect_status(tus.patch(tus.created(5), 0, b"123"), 204)


@PATCH.must
def tells_the_new_offset(tus: Speaker) -> None:
    """Upload-Offset in the answer is the offset before, and the bytes that were received."""
    upload = tus.created(len(DATA))
    expect_header(tus.patch(upload, 0, DATA[:1000]), "Upload-Offset", "1000")
    expect_header(tus.patch(upload, 1000, DATA[1000:3000]), "Upload-Offset", "3000")
    expect_header(tus.patch(upload, 3000, DATA[3000:]), "Upload-Offset", str(len(DATA)))


@PATCH.should
def applies_the_bytes_at_the_offset(tus: Speaker) -> None:
    """Bytes of several appends are stored each at its offset."""
    upload = tus.started(len(DATA), DATA[:1])
    for start, end in ((1, 2), (2, 5000), (5000, len(DATA))):
        expect_status(tus.patch(upload, start, DATA[start:end]), 204)
    expect(tus.contents(upload) == DATA, "the contents are others")


@PATCH.should
def another_type_is_415(tus: Speaker) -> None:
    """An append of another content type is answered 415."""
    expect_status(tus.patch(tus.created(5), 0, b"12345", Content_Type="application/octet-stream"), 415)


@PATCH.should
def no_type_is_415(tus: Speaker) -> None:
    """An append without a content type is answered 415."""
    with connected(tus.created(5)) as connection:
        connection.ask("PATCH", {**VERSION, "Upload-Offset": "0", "Content-Length": "5", "Connection": "close"})
        connection.send(b"12345")
        expect_status(connection.answer(), 415)


@PATCH.must
def another_type_stores_nothing(tus: Speaker) -> None:
    """All appends use the content type of the protocol: of others nothing is stored."""
    upload = tus.created(5)
    expect_refused(tus.patch(upload, 0, b"12345", Content_Type="application/octet-stream"))
    expect(tus.offset(upload) == 0, f"the offset became {tus.offset(upload)}")


def _refuses_offset(tus: Speaker, offset: int) -> None:
    upload = tus.started(10, b"12345")
    expect_status(tus.patch(upload, offset, b"xxxxx"), 409)
    expect(tus.offset(upload) == 5, f"the offset became {tus.offset(upload)}")
    expect_status(tus.patch(upload, 5, b"67890"), 204)
    expect(tus.contents(upload) == b"1234567890", "the contents are others")


@PATCH.must
def smaller_offset(tus: Speaker) -> None:
    """A smaller offset is answered 409, and the upload stays as it was."""
    _refuses_offset(tus, 3)


@PATCH.must
def greater_offset(tus: Speaker) -> None:
    """A greater offset is answered 409, however great, and the upload stays as it was."""
    for offset in (7, 10, 2**53, 10**30):
        _refuses_offset(tus, offset)


@PATCH.must
def offset_of_a_complete_upload(tus: Speaker) -> None:
    """A wrong offset is answered 409 when the upload is complete, too."""
    upload = tus.started(5, b"12345")
    expect_status(tus.patch(upload, 0, b"xxxxx"), 409)
    expect(tus.contents(upload) == b"12345", "the contents are others")


@PATCH.must
def offset_that_is_no_number(tus: Speaker) -> None:
    """Upload-Offset is a non-negative integer: of a request with another nothing is stored."""
    for text in ("-1", "abc", "0.5", "0x0", ""):
        upload = tus.created(5)
        answer = tus.patch(upload, 0, b"12345", Upload_Offset=text)
        expect(400 <= answer.status < 500, f"status {answer.status} for {text!r}")
        expect(tus.offset(upload) == 0, f"stored for {text!r}")


@PATCH.must
def offset_that_is_missing(tus: Speaker) -> None:
    """An append without Upload-Offset does not tell the current offset: nothing is stored."""
    upload = tus.created(5)
    with connected(upload) as connection:
        connection.ask("PATCH", {**VERSION, "Content-Type": BYTES, "Content-Length": "5", "Connection": "close"})
        connection.send(b"12345")
        expect_refused(connection.answer())
    expect(tus.offset(upload) == 0, "the bytes were stored")


@PATCH.should
def unknown_upload(tus: Speaker) -> None:
    """An append to an unknown upload is answered 404."""
    expect_status(tus.patch(missing(tus), 0, b"x"), 404)


@PATCH.should
def length_that_nobody_said(tus: Speaker) -> None:
    """An append in chunks, without Content-Length, is accepted."""
    upload = tus.created(len(DATA))
    answer = tus.patch_in_chunks(upload, 0, DATA[:1], DATA[1:4000], DATA[4000:])
    expect_status(answer, 204)
    expect_header(answer, "Upload-Offset", str(len(DATA)))
    expect(tus.contents(upload) == DATA, "the contents are others")


@PATCH.should
def no_bytes(tus: Speaker) -> None:
    """An append of no bytes is accepted and leaves the offset."""
    upload = tus.started(5, b"123")
    answer = tus.patch(upload, 3, b"")
    expect_status(answer, 204)
    expect_header(answer, "Upload-Offset", "3")


@PATCH.should
def one_byte_after_the_other(tus: Speaker) -> None:
    """A client may use many small requests."""
    upload = tus.created(12)
    for offset in range(12):
        expect_header(tus.patch(upload, offset, DATA[offset : offset + 1]), "Upload-Offset", str(offset + 1))
    expect(tus.contents(upload) == DATA[:12], "the contents are others")


@PATCH.must
def beyond_the_length(tus: Speaker) -> None:
    """Upload-Length is the size of the entire upload: a body that would go beyond it is refused."""
    upload = tus.started(10, b"12345")
    expect_refused(tus.patch(upload, 5, b"6789012345"))
    expect(tus.offset(upload) <= 10, f"the offset became {tus.offset(upload)}")


@PATCH.must
def beyond_the_length_in_chunks(tus: Speaker) -> None:
    """A body in chunks that goes beyond Upload-Length is refused, and the upload never grows past it."""
    upload = tus.started(10, b"12345")
    expect_refused(tus.patch_in_chunks(upload, 5, b"678", b"9012345"))
    expect(tus.offset(upload) <= 10, f"the offset became {tus.offset(upload)}")


# Connections that break


@BROKEN.should
def keeps_what_arrived(tus: Speaker) -> None:
    """Of a body that breaks off with the connection, what arrived is stored."""
    upload = tus.created(1000)
    with connected(upload) as connection:
        connection.ask("PATCH", {**VERSION, "Content-Type": BYTES, "Upload-Offset": "0", "Content-Length": "1000"})
        connection.send(DATA[:400])
    found = tus.settled(upload, 400)
    expect(found == 400, f"{found} of 400 bytes kept")


@BROKEN.should
def keeps_what_arrived_in_chunks(tus: Speaker) -> None:
    """The same of a body in chunks."""
    upload = tus.created(1000)
    with connected(upload) as connection:
        headers = {"Content-Type": BYTES, "Upload-Offset": "0", "Transfer-Encoding": "chunked"}
        connection.ask("PATCH", {**VERSION, **headers})
        connection.send(in_chunks([DATA[:400]]).removesuffix(b"0\r\n\r\n"))
    found = tus.settled(upload, 400)
    expect(found == 400, f"{found} of 400 bytes kept")


@BROKEN.should
def can_be_continued(tus: Speaker) -> None:
    """After a reset the upload goes on where HEAD says, and holds what was sent."""
    upload = tus.created(len(DATA))
    connection = _sent_so_far(upload, DATA[:4000])
    connection.reset()
    offset = tus.settled(upload, 4000)
    expect(offset <= 4000, f"offset {offset} after 4000 bytes")
    expect_status(tus.patch(upload, offset, DATA[offset:]), 204)
    expect(tus.contents(upload) == DATA, "the contents are others")


@BROKEN.should_in_time
def gives_up_a_silent_client(tus: Speaker) -> None:
    """A body that stops coming is given up by a time limit, which closes the connection, and what came is stored."""
    upload = tus.created(1000)
    connection = _sent_so_far(upload, DATA[:400], length=1000)
    try:
        expect(connection.ends_within(_SILENCE), f"the connection is open after {_SILENCE:.0f} s")
    finally:
        connection.close()
    found = tus.settled(upload, 400)
    expect(found == 400, f"{found} of 400 bytes kept")


def _sent_so_far(upload: str, data: bytes, *, length: int = len(DATA)) -> Connection:
    """A connection in the middle of an append."""
    connection = Connection(upload)
    connection.ask("PATCH", {**VERSION, "Content-Type": BYTES, "Upload-Offset": "0", "Content-Length": str(length)})
    connection.send(data)
    return connection
