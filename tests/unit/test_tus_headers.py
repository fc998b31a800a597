"""tus 1.0.0 in headers: what is understood, what is refused, and all faults at once."""

from base64 import b64encode
from hashlib import sha1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import tus
from service.domain.errors import PhotoTooLarge, TusVersionUnsupported, UploadTypeUnsupported
from service.domain.uploads import Append, Checksum, Creation, Slot, UploadHeadersInvalid

SELFIE = "slot " + b64encode(b"selfie").decode()
MOST = 8 * 1024 * 1024
CHUNK = {"content-type": tus.CHUNK_TYPE, "upload-offset": "0"}
SHA1 = b64encode(sha1(b"bytes").digest()).decode()


def fields(error: UploadHeadersInvalid) -> list[tuple[str, str]]:
    listed = error.facts["errors"]
    assert isinstance(listed, list)
    return [(fault["field"], fault["code"]) for fault in listed]


@pytest.mark.parametrize("version", [None, "", "0.2.2", "1.0", "1.0.0 ", "1.0.1"])
def test_other_versions_are_refused(version):
    """Only 1.0.0 is spoken; the refusal names it."""
    with pytest.raises(TusVersionUnsupported) as caught:
        tus.check_version({} if version is None else {"tus-resumable": version})
    assert caught.value.facts == {"supported": ["1.0.0"]}


@pytest.mark.parametrize(
    ("method", "override", "asked"),
    [("POST", "PATCH", "PATCH"), ("GET", "delete", "DELETE"), ("POST", None, "POST"), ("PATCH", "", "PATCH")],
)
def test_the_header_names_the_method(method, override, asked):
    """Where it is given, the method of the request itself does not count."""
    assert tus.method_of({} if override is None else {"x-http-method-override": override}, method) == asked


def test_creation_of_a_photo_names_slot_and_length():
    """The metadata stays as it came; only the slot is read from it."""
    metadata = f"filename d29ybGQ=,{SELFIE},filetype {b64encode(b'image/jpeg').decode()},is_confidential"
    photo = tus.photo_of({"upload-length": "250000", "upload-metadata": metadata}, most_bytes=MOST)
    assert photo == Creation(Slot.SELFIE, 250_000, metadata)


def test_the_length_may_be_told_later():
    photo = tus.photo_of({"upload-defer-length": "1", "upload-metadata": SELFIE}, most_bytes=MOST)
    assert photo == Creation(Slot.SELFIE, None, SELFIE)


@pytest.mark.parametrize(
    ("headers", "faults"),
    [
        ({}, [("Upload-Length", "missing"), ("Upload-Metadata.slot", "unknown")]),
        ({"upload-length": "0", "upload-metadata": SELFIE}, [("Upload-Length", "empty")]),
        ({"upload-length": "-1", "upload-metadata": SELFIE}, [("Upload-Length", "malformed")]),
        ({"upload-length": "1e3", "upload-metadata": SELFIE}, [("Upload-Length", "malformed")]),
        ({"upload-length": "٣", "upload-metadata": SELFIE}, [("Upload-Length", "malformed")]),
        ({"upload-defer-length": "2", "upload-metadata": SELFIE}, [("Upload-Defer-Length", "malformed")]),
        (
            {"upload-defer-length": "1", "upload-length": "5", "upload-metadata": SELFIE},
            [("Upload-Defer-Length", "malformed")],
        ),
        (
            {"upload-concat": "partial", "upload-length": "5", "upload-metadata": SELFIE},
            [("Upload-Concat", "unsupported")],
        ),
        ({"upload-length": "5", "upload-metadata": "slot cGFzc3BvcnQ="}, [("Upload-Metadata.slot", "unknown")]),
        ({"upload-length": "5", "upload-metadata": "slot !"}, [("Upload-Metadata", "malformed")]),
        ({"upload-length": "5", "upload-metadata": f"{SELFIE},{SELFIE}"}, [("Upload-Metadata", "malformed")]),
        ({"upload-length": "5", "upload-metadata": f"{SELFIE},,"}, [("Upload-Metadata", "malformed")]),
        ({"upload-length": "5", "upload-metadata": f"{SELFIE},x {'a' * 1000}"}, [("Upload-Metadata", "malformed")]),
        (
            {"upload-length": "5", "upload-metadata": f"{SELFIE},filetype dGV4dC9odG1s"},
            [("Upload-Metadata.filetype", "unsupported")],
        ),
        (
            {"upload-length": "x", "upload-metadata": "slot eA==,filetype eA=="},
            [
                ("Upload-Length", "malformed"),
                ("Upload-Metadata.slot", "unknown"),
                ("Upload-Metadata.filetype", "unsupported"),
            ],
        ),
    ],
)  # fmt: skip
def test_faults_of_a_creation_are_told_all_at_once(headers, faults):
    """Each fault names its header; nobody has to send a photo three times to learn three faults."""
    with pytest.raises(UploadHeadersInvalid) as caught:
        tus.photo_of(headers, most_bytes=MOST)
    assert fields(caught.value) == faults


@pytest.mark.parametrize("digits", ["9" * 18, "9" * 19, "1" + "0" * 5000], ids=len)
def test_numbers_beyond_all_uploads(digits):
    """A length that nobody can store is too large, limit or not; an offset as great is one that nobody is at."""
    for most in (MOST, None):
        with pytest.raises(PhotoTooLarge):
            tus.file_of({"upload-length": digits}, most_bytes=most)
    with pytest.raises(PhotoTooLarge):
        tus.append_of({"content-type": tus.CHUNK_TYPE, "upload-offset": "0", "upload-length": digits})
    append = tus.append_of({"content-type": tus.CHUNK_TYPE, "upload-offset": digits})
    assert append.offset == 10**18 - 1


def test_zeros_before_a_number_change_nothing():
    """As many as there are."""
    assert tus.file_of({"upload-length": "0" * 5000 + "7"}, most_bytes=None).length == 7


def test_any_file_may_be_announced_where_no_photo_is_expected():
    """Also an empty one, one of any size, and one of a length that is told later; metadata may name anything."""
    assert tus.file_of({"upload-length": "0"}, most_bytes=None) == Creation(None, 0, "")
    assert tus.file_of({"upload-length": str(10**15)}, most_bytes=None) == Creation(None, 10**15, "")
    headers = {"upload-defer-length": "1", "upload-metadata": "filetype dGV4dC9odG1s"}
    assert tus.file_of(headers, most_bytes=5) == Creation(None, None, "filetype dGV4dC9odG1s")
    with pytest.raises(UploadHeadersInvalid) as caught:
        tus.file_of({"upload-metadata": "a b c"}, most_bytes=None)
    assert fields(caught.value) == [("Upload-Length", "missing"), ("Upload-Metadata", "malformed")]


@pytest.mark.parametrize("read", [tus.photo_of, tus.file_of])
def test_too_large_a_file_is_refused_before_it_is_sent(read):
    """At most the limit; the refusal says which limit, so that the page can shrink the photo."""
    read({"upload-length": str(MOST), "upload-metadata": SELFIE}, most_bytes=MOST)
    with pytest.raises(PhotoTooLarge) as caught:
        read({"upload-length": str(MOST + 1), "upload-metadata": SELFIE}, most_bytes=MOST)
    assert caught.value.facts == {"reason": "upload-length", "limit": MOST, "length": MOST + 1}


@pytest.mark.parametrize(
    ("headers", "chunk"),
    [
        ({}, None),
        ({"content-length": "0"}, None),
        ({"content-length": "00", "content-type": tus.CHUNK_TYPE}, None),
        ({"content-length": "5", "content-type": tus.CHUNK_TYPE}, Append(0, 5)),
        ({"transfer-encoding": "chunked", "content-type": tus.CHUNK_TYPE}, Append(0, None)),
    ],
)
def test_a_creation_may_bring_the_first_chunk(headers, chunk):
    assert tus.first_chunk_of(headers, 5) == chunk


def test_the_first_chunk_is_judged_as_every_other():
    """By type, checksum and room, before anything is stored of it or of the creation."""
    with pytest.raises(UploadTypeUnsupported):
        tus.first_chunk_of({"content-length": "5"}, 5)
    with pytest.raises(PhotoTooLarge):
        tus.first_chunk_of({"content-length": "6", "content-type": tus.CHUNK_TYPE}, 5)
    assert tus.first_chunk_of({"content-length": "6", "content-type": tus.CHUNK_TYPE}, None) == Append(0, 6)
    with pytest.raises(UploadHeadersInvalid):
        tus.first_chunk_of({"content-length": "5", "content-type": tus.CHUNK_TYPE, "upload-checksum": "sha0 YQ=="}, 5)


def test_chunk_needs_its_type_and_its_offset():
    """The type is looked at first; then all other faults together."""
    with pytest.raises(UploadTypeUnsupported):
        tus.append_of({"content-type": "application/octet-stream", "upload-offset": "0"})
    with pytest.raises(UploadHeadersInvalid) as caught:
        tus.append_of(CHUNK | {"upload-offset": "-5", "content-length": "many", "upload-length": "-1"})
    assert fields(caught.value) == [
        ("Upload-Offset", "malformed"),
        ("Content-Length", "malformed"),
        ("Upload-Length", "malformed"),
    ]
    chunk = tus.append_of({"content-type": "Application/Offset+Octet-Stream", "upload-offset": "7"})
    assert chunk == Append(7, None)


def test_chunk_may_tell_length_and_checksum():
    chunk = tus.append_of(CHUNK | {"content-length": "5", "upload-length": "9", "upload-checksum": f"sha1 {SHA1}"})
    assert chunk == Append(0, 5, 9, Checksum("sha1", sha1(b"bytes").digest()))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "unsupported"),
        (f"crc32 {SHA1}", "unsupported"),
        (f"SHA1 {SHA1}", "unsupported"),
        (f"sha1{SHA1}", "unsupported"),
        ("sha1 not-base64", "malformed"),
        (f"sha1 {SHA1} {SHA1}", "malformed"),
    ],
)
def test_checksums_that_cannot_be_verified_are_refused(text, fault):
    """Before the body: a checksum that is not looked at would be worse than none."""
    with pytest.raises(UploadHeadersInvalid) as caught:
        tus.append_of(CHUNK | {"upload-checksum": text})
    assert fields(caught.value) == [("Upload-Checksum", fault)]


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
def test_any_metadata_is_parsed_or_refused(text):
    """Hostile text gives a ValueError, never anything else; what is accepted can be written back."""
    try:
        found = tus.parse_metadata(text)
    except ValueError:
        return
    again = ",".join(f"{key} {b64encode(value).decode()}" for key, value in found.items())
    assert tus.parse_metadata(again) == found


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.binary(max_size=20), max_size=5))
def test_metadata_of_a_client_is_understood(pairs):
    """Pairs of a key and Base64, as the protocol writes them."""
    text = ",".join(f"{key} {b64encode(value).decode()}" for key, value in pairs.items())
    assert tus.parse_metadata(text) == pairs
