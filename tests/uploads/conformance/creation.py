"""Creation, creation with upload, and length told later."""

from tests.uploads.conformance.cases import (
    Section,
    expect,
    expect_header,
    expect_no_header,
    expect_refused,
    expect_status,
)
from tests.uploads.conformance.speaker import NAMED, Speaker, encoded
from tests.uploads.conformance.wire import BYTES, VERSION, Answer, absolute, connected, exchange

CREATION = Section("creation", "Creation", "creation")
METADATA = Section("metadata", "Creation: Upload-Metadata", "creation")
WITH_UPLOAD = Section("with-upload", "Creation With Upload", "creation-with-upload")

_NONE = b""


@CREATION.must
def is_answered_201(tus: Speaker) -> None:
    """A POST to the creation URL is answered 201."""
    expect_status(tus.post({"Upload-Length": "5", "Upload-Metadata": NAMED}), 201)


@CREATION.must
def leads_to_the_upload(tus: Speaker) -> None:
    """Location, absolute or relative, is the address of the upload, which starts at offset 0."""
    answer = tus.post({"Upload-Length": "5", "Upload-Metadata": NAMED})
    expect("location" in answer.headers, "no Location")
    head = tus.head(absolute(tus.url, answer.headers["location"]))
    expect_status(head, 200, 204)
    expect_header(head, "Upload-Offset", "0")


@CREATION.must
def makes_a_new_upload_each_time(tus: Speaker) -> None:
    """Each POST makes an upload of its own."""
    one, other = tus.created(5), tus.created(5)
    expect(one != other, "the same Location twice")
    expect_status(tus.patch(one, 0, b"12345"), 204)
    expect(tus.offset(other) == 0, "bytes of one upload are in the other")


@CREATION.must
def without_any_length(tus: Speaker) -> None:
    """A POST with neither Upload-Length nor Upload-Defer-Length is refused."""
    answer = tus.post({"Upload-Metadata": NAMED})
    expect_refused(answer)
    expect_no_header(answer, "Location")


@CREATION.must
def length_that_is_no_number(tus: Speaker) -> None:
    """Upload-Length is a non-negative integer: another creates nothing."""
    for text in ("-1", "abc", "1.5", "0x10", ""):
        answer = tus.post({"Upload-Length": text, "Upload-Metadata": NAMED})
        expect(400 <= answer.status < 500, f"status {answer.status} for {text!r}")
        expect_no_header(answer, "Location")


@CREATION.must
def length_of_zero(tus: Speaker) -> None:
    """Upload-Length may be 0: the upload is complete at once."""
    upload = tus.created(0)
    answer = tus.head(upload)
    expect_header(answer, "Upload-Offset", "0")
    expect_header(answer, "Upload-Length", "0")
    expect(tus.contents(upload) == _NONE, "it has contents")


@CREATION.must
def beyond_the_largest_size(tus: Speaker) -> None:
    """A length beyond Tus-Max-Size is answered 413, however large."""
    for length in (tus.most_bytes + 1, 2**53 + 1, 10**30):
        answer = tus.post({"Upload-Length": str(length), "Upload-Metadata": NAMED})
        expect(answer.status == 413, f"status {answer.status} for {length} bytes")
        expect_no_header(answer, "Location")


@CREATION.must
def the_largest_size(tus: Speaker) -> None:
    """A length of exactly Tus-Max-Size is not beyond it."""
    tus.created(tus.most_bytes)


# Metadata


def _echoed(tus: Speaker, metadata: str) -> None:
    expect_header(tus.head(tus.created(5, metadata)), "Upload-Metadata", metadata)


@METADATA.must
def comes_back_as_it_came(tus: Speaker) -> None:
    """HEAD has Upload-Metadata as it was given at the creation: every key, and in its order."""
    _echoed(tus, f"zebra {encoded('1')},{NAMED},apple {encoded('2')},Mixed-Case {encoded('3')}")


@METADATA.must
def empty_values(tus: Speaker) -> None:
    """A key may stand alone, and comes back so."""
    _echoed(tus, f"{NAMED},is_confidential")


@METADATA.must
def empty_values_with_their_space(tus: Speaker) -> None:
    """An empty value may keep the space before it (which is lost only at the end of a line)."""
    _echoed(tus, f"note ,{NAMED}")


@METADATA.must
def values_of_any_bytes(tus: Speaker) -> None:
    """Values are Base64 of any bytes: text outside ASCII, line ends, zeros."""
    _echoed(tus, f"{NAMED},title {encoded('foto KTP é 写真')},raw {encoded(bytes(range(256)))}")


@METADATA.must
def long_values(tus: Speaker) -> None:
    """Metadata of some hundred characters comes back whole."""
    _echoed(tus, f"{NAMED},note {encoded('a' * 500)}")


@METADATA.must
def none_at_all(tus: Speaker) -> None:
    """An upload without metadata is an upload: HEAD tells its offset and has no Upload-Metadata."""
    answer = tus.post({"Upload-Length": "5"})
    expect_status(answer, 201)
    head = tus.head(tus.location(answer))
    expect_status(head, 200, 204)
    expect_header(head, "Upload-Offset", "0")
    expect_no_header(head, "Upload-Metadata")


@METADATA.must
def what_breaks_its_rules(tus: Speaker) -> None:
    """Metadata that breaks its rules (no Base64, a key twice, an empty key) is refused, or comes back as it came."""
    for metadata in (f"{NAMED},note %%%", f"{NAMED},note YQ==,note Yg==", f"{NAMED}, YQ==", f"{NAMED},,note YQ=="):
        answer = tus.post({"Upload-Length": "5", "Upload-Metadata": metadata})
        if answer.status == 201:
            expect_header(tus.head(tus.location(answer)), "Upload-Metadata", metadata)
        else:
            expect(400 <= answer.status < 500, f"status {answer.status} for {metadata!r}")


@METADATA.should
def values_smuggle_no_header(tus: Speaker) -> None:
    """Values are made harmless before they get into a header: a name with a line end brings no header of its own."""
    name = encoded('x"\r\nX-Smuggled: 1\r\n\r\n<b>')
    kind = encoded("text/html\r\nX-Smuggled: 1")
    upload = tus.started(5, b"12345", f"filename {name},filetype {kind}")
    expect_no_header(exchange("GET", upload, VERSION), "X-Smuggled")
    head = tus.head(upload)
    expect_no_header(head, "X-Smuggled")
    expect_header(head, "Upload-Offset", "5")


# Creation with upload


@WITH_UPLOAD.must
def comes_with_creation(tus: Speaker) -> None:
    """It is offered only beside the extension creation."""
    expect("creation" in tus.extensions, "creation is not offered")
    expect_header(_with(tus, 5, b"12345"), "Upload-Offset", "5")


def _with(tus: Speaker, length: int, body: bytes, **headers: str) -> Answer:
    given = {"Upload-Length": str(length), "Upload-Metadata": NAMED, "Content-Type": BYTES}
    return tus.post({**given, **{name.replace("_", "-"): value for name, value in headers.items()}}, body)


@WITH_UPLOAD.must
def whole_file(tus: Speaker) -> None:
    """A POST with the whole file is answered 201, with Upload-Offset at the end."""
    answer = _with(tus, 11, b"hello world")
    expect_status(answer, 201)
    expect_header(answer, "Upload-Offset", "11")
    expect(tus.contents(tus.location(answer)) == b"hello world", "the contents are others")


@WITH_UPLOAD.must
def part_of_a_file(tus: Speaker) -> None:
    """A POST with a part of the file tells how far it came, and PATCH goes on there."""
    answer = _with(tus, 11, b"hello")
    expect_status(answer, 201)
    expect_header(answer, "Upload-Offset", "5")
    upload = tus.location(answer)
    expect(tus.offset(upload) == 5, f"HEAD says {tus.offset(upload)}")
    expect_status(tus.patch(upload, 5, b" world"), 204)
    expect(tus.contents(upload) == b"hello world", "the contents are others")


@WITH_UPLOAD.must
def no_bytes(tus: Speaker) -> None:
    """A POST with the type and no bytes tells the offset 0."""
    answer = _with(tus, 5, b"")
    expect_status(answer, 201)
    expect_header(answer, "Upload-Offset", "0")


@WITH_UPLOAD.must
def another_type(tus: Speaker) -> None:
    """A body of another content type is no part of the upload: refused, or not stored."""
    answer = _with(tus, 5, b"12345", Content_Type="text/plain")
    if answer.status == 201:
        expect(tus.offset(tus.location(answer)) == 0, "the bytes were stored")
    else:
        expect_refused(answer)


@WITH_UPLOAD.must
def beyond_the_length(tus: Speaker) -> None:
    """A body longer than Upload-Length is refused."""
    expect_refused(_with(tus, 5, b"1234567890"))


@WITH_UPLOAD.must
def begun_beyond_the_largest_size(tus: Speaker) -> None:
    """A length beyond Tus-Max-Size is answered 413, with a body too."""
    answer = _with(tus, tus.most_bytes + 1, b"12345")
    expect_status(answer, 413)
    expect_no_header(answer, "Location")


@WITH_UPLOAD.should
def asks_for_the_body(tus: Speaker) -> None:
    """With `Expect: 100-continue` the server tells that it will take the body before it is sent."""
    with connected(tus.url) as connection:
        connection.ask("POST", _expecting(5))
        expect(connection.may_continue(), "no 100 Continue")
        connection.send(b"12345")
        expect_header(connection.answer(), "Upload-Offset", "5")


@WITH_UPLOAD.should
def refuses_before_the_body(tus: Speaker) -> None:
    """With `Expect: 100-continue` a creation that is refused is refused before its body is sent."""
    with connected(tus.url) as connection:
        connection.ask("POST", _expecting(tus.most_bytes + 1))
        expect(not connection.may_continue(), "100 Continue for an upload that is too large")
        expect_status(connection.answer(), 413)


def _expecting(length: int) -> dict[str, str]:
    size = {"Upload-Length": str(length), "Content-Length": str(min(length, 5)), "Upload-Metadata": NAMED}
    return {**VERSION, **size, "Content-Type": BYTES, "Expect": "100-continue", "Connection": "close"}
