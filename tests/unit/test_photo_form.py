"""A photo in a form, whatever the network and the sender do to it."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import (
    BodyTooSlow,
    InvalidFields,
    LaunchnightError,
    LengthRequired,
    MalformedBody,
    PhotoTooLarge,
    ServiceStopping,
    UnsupportedMediaType,
)
from service.domain.uploads import Pieces
from service.web import incoming
from service.web.http import MOST_BODY_BYTES, ClientGone
from service.web.incoming import incoming_body
from service.web.pages.photo_form import Announced, PhotoForm, announced

BOUNDARY = b"----WebKitFormBoundaryMkuGEWAjSpzj5Ee4"
PHOTO = b'form-data; name="photo"; filename="ktp.jpg"'
MOST = 10_000


def part(value, disposition=PHOTO):
    return b"--%s\r\nContent-Disposition: %s\r\nContent-Type: image/jpeg\r\n\r\n%s\r\n" % (BOUNDARY, disposition, value)


def text(name, value):
    return b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (BOUNDARY, name, value)


CLOSING = b"--%s--\r\n" % BOUNDARY


def headers(length, **more):
    given = {b"content-type": b"multipart/form-data; boundary=" + BOUNDARY, b"content-length": b"%d" % length}
    return given | {name.replace("_", "-").encode(): value for name, value in more.items()}


def scripted(messages):
    left = list(messages)

    async def receive():
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


def messages(body, cuts=(), end=None):
    """The body in pieces; end: what comes after all of it has arrived, though not as the last message."""
    edges = [0, *sorted(cuts), len(body)]
    pieces = [body[low:high] for low, high in pairwise(edges)]
    sent = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    return [*sent, end or {"type": "http.request", "body": b"", "more_body": False}]


def read(arriving, length, *, piece=4096, taken=None):
    """The photo as it is handed on; its pieces go to `taken` as they come."""
    taken = [] if taken is None else taken

    async def play():
        async with incoming_body(scripted(arriving), Pieces(piece, 5.0), at_once=True) as body:
            form = PhotoForm(Announced(BOUNDARY, length), body)
            size = await form.begin()
            while data := await form.take(piece):
                taken.append(data)
            assert form.exhausted
            return size

    assert asyncio.run(play()) == sum(map(len, taken))
    return b"".join(taken)


NASTY = [b"\r", b"\n", b"-", b"\r\n--", b"\r\n--" + BOUNDARY[:-1], b"\r\n--" + BOUNDARY + b"x", BOUNDARY, b"\r\n\r\n"]


def is_possible(photo: bytes) -> bool:
    """A browser takes a boundary that does not stand in the photo; a longer word may begin like it."""
    return bool(photo) and (b"\r\n--" + BOUNDARY) not in photo.replace(b"\r\n--" + BOUNDARY + b"x", b"")


@given(
    photo=st.lists(st.one_of(st.binary(max_size=20), st.sampled_from(NASTY)), min_size=1)
    .map(b"".join)
    .filter(is_possible),
    cuts=st.lists(st.integers(0, 600), max_size=30),
    piece=st.sampled_from([1024, 1031, 4096]),
    fields=st.lists(st.binary(max_size=8).filter(lambda value: b"\r" not in value), max_size=3),
)
def test_every_byte_of_the_photo_arrives(photo, cuts, piece, fields):
    """However the body is cut and whatever looks like its end: the photo comes out whole."""
    body = b"".join(text(b"a", value) for value in fields) + part(photo) + CLOSING
    cuts = [cut for cut in cuts if cut < len(body)]
    assert read(messages(body, cuts), len(body), piece=piece) == photo


@pytest.mark.parametrize("size", [1, 1023, 1024, 4095, 4096, 4097, 3 * 4096])
def test_pieces_are_full(size):
    """Only the last one is short: each costs a write to the disk and one to the database."""
    photo = bytes(size)
    taken: list[bytes] = []
    body = part(photo) + CLOSING
    assert read(messages(body, range(0, len(body), 700)), len(body), taken=taken) == photo
    assert all(len(data) == 4096 for data in taken[:-1])


@given(body=st.one_of(st.binary(max_size=400), st.lists(st.sampled_from([*NASTY, part(b"x"), CLOSING])).map(b"".join)))
def test_other_bodies_are_refused_without_an_error_of_ours(body):
    """Anything may arrive; what is no form of one photo is refused."""
    try:
        photo = read(messages(body), len(body))
    except LaunchnightError as error:
        assert isinstance(error, (MalformedBody, InvalidFields))
    else:
        assert body.strip(b"\r\n") == (part(photo) + CLOSING).strip(b"\r\n")


HOSTILE = {
    "empty": b"",
    "no form": b"\xff\xd8\xff\xe0" * 100,
    "no closing line": part(b"photo"),
    "closing line without its end": part(b"photo") + CLOSING[:-2],
    "cut within": (part(b"photo") + CLOSING)[:-10],
    "a field behind the photo": part(b"photo") + text(b"once", b"x") + CLOSING,
    "a second photo": part(b"photo") + part(b"other") + CLOSING,
    "bytes behind the end": part(b"photo") + CLOSING + b"more",
    "endless preamble": b"\r\n" * 10_000 + part(b"photo") + CLOSING,
    "endless fields": text(b"a", b"x" * 100) * 200 + part(b"photo") + CLOSING,
    "endless header": b"--" + BOUNDARY + b"\r\nX: " + b"a" * 20_000 + b"\r\n\r\n" + CLOSING,
    "endless headers": b"--" + BOUNDARY + b"\r\n" + b"X: a\r\n" * 3_000 + b"\r\n" + CLOSING,
    "header without a name": b"--" + BOUNDARY + b"\r\n: a\r\n\r\nphoto\r\n" + CLOSING,
    "another boundary": (part(b"photo") + CLOSING).replace(BOUNDARY, BOUNDARY[::-1]),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_body_that_is_no_form_of_ours_never_becomes_a_photo(body):
    """Refused, and the last byte of what it calls a photo is never handed on."""
    taken: list[bytes] = []
    with pytest.raises(MalformedBody):
        read(messages(body, range(0, len(body), 900)), len(body), taken=taken)
    assert taken == []


def test_a_part_behind_the_photo_is_refused_as_it_begins(monkeypatch):
    """Nobody reads on: megabytes of small parts cost the process seconds."""
    monkeypatch.setattr(incoming, "READ_LIMIT", 0.001)
    body = part(b"photo") + text(b"once", b"x")
    with pytest.raises(MalformedBody):
        read(messages(body)[:1], len(body) + 1_000_000)


@pytest.mark.parametrize("body", [
    CLOSING,
    text(b"photo", b"no file") + CLOSING,
    part(b"", b'form-data; name="photo"; filename=""') + CLOSING,
    part(b"photo", b'form-data; name="other"; filename="ktp.jpg"') + CLOSING,
])  # fmt: skip
def test_nothing_chosen_is_a_fault_of_the_field(body):
    """What a browser sends when no photo was chosen, and its like."""
    with pytest.raises(InvalidFields) as refused:
        read(messages(body), len(body))
    errors = refused.value.facts["errors"]
    assert isinstance(errors, list)
    assert [(fault["field"], fault["code"]) for fault in errors] == [("photo", "missing")]


@pytest.mark.parametrize("body", [b"--" + BOUNDARY, part(b"x" * 9000)[:8000]])
def test_a_client_that_leaves_is_not_answered(body):
    """What had arrived in full pieces was handed on; there is nobody to tell."""
    with pytest.raises(ClientGone):
        read(messages(body, end={"type": "http.disconnect"}), 9999)


def test_a_silent_phone_is_too_slow(monkeypatch):
    """As with resumable uploads: no form keeps a connection for ever."""
    monkeypatch.setattr(incoming, "READ_LIMIT", 0.001)
    body = part(bytes(5000)) + CLOSING
    with pytest.raises(BodyTooSlow):
        read(messages(body[:3000])[:1], len(body))


def test_a_process_that_ends_tells_the_phone():
    """The form has to be sent again, and there is somebody to be told."""
    body = part(bytes(5000)) + CLOSING

    async def play():
        async with incoming_body(scripted(messages(body)[:1]), Pieces(9999, 5.0), at_once=True) as arriving:
            arriving.let_go()
            await PhotoForm(Announced(BOUNDARY, len(body)), arriving).begin()

    with pytest.raises(ServiceStopping):
        asyncio.run(play())


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (headers(MOST + MOST_BODY_BYTES + 1), PhotoTooLarge),
        (headers(10**19), LengthRequired),
        ({b"content-type": headers(0)[b"content-type"]}, LengthRequired),
        (headers(100, content_length=b"-1"), LengthRequired),
        (headers(100, content_length=b""), LengthRequired),
        (headers(100, transfer_encoding=b"chunked"), LengthRequired),
        (headers(100, content_type=b"multipart/form-data"), UnsupportedMediaType),
        (headers(100, content_type=b"application/x-www-form-urlencoded"), UnsupportedMediaType),
        (headers(100, content_type=b""), UnsupportedMediaType),
    ],
)
def test_headers_are_judged_before_the_body(given, error):
    """Without the size, with too large a one, or as something else than a form with a file: refused by the headers."""
    with pytest.raises(error):
        announced(given, most_bytes=MOST)


def test_headers_of_a_form():
    """A photo of the largest size passes, with room for what stands around it."""
    assert announced(headers(MOST + MOST_BODY_BYTES), most_bytes=MOST) == Announced(BOUNDARY, MOST + MOST_BODY_BYTES)


def test_a_boundary_beyond_the_rule_is_refused():
    """70 characters are allowed; the parser has its own limit."""
    with pytest.raises(MalformedBody):
        PhotoForm(Announced(b"b" * 1000, 5000), None)  # type: ignore[arg-type]
