"""Rules of uploads: which headers are understood, and what a chunk may do."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import uploads as rules
from service.domain.errors import (
    PhotoTooLarge,
    TusVersionUnsupported,
    UploadOffsetMismatch,
    UploadTypeUnsupported,
)
from service.domain.uploads import Append, Slot, UploadHeadersInvalid

SELFIE = "slot " + b64encode(b"selfie").decode()
MOST = 8 * 1024 * 1024


def fields(error: UploadHeadersInvalid) -> list[tuple[str, str]]:
    listed = error.facts["errors"]
    assert isinstance(listed, list)
    return [(fault["field"], fault["code"]) for fault in listed]


@pytest.mark.parametrize("version", [None, "", "0.2.2", "1.0", "1.0.0 ", "1.0.1"])
def test_other_versions_are_refused(version):
    """Only 1.0.0 is spoken; the refusal names it."""
    with pytest.raises(TusVersionUnsupported) as caught:
        rules.check_version({} if version is None else {"tus-resumable": version})
    assert caught.value.facts == {"supported": ["1.0.0"]}


def test_creation_names_slot_and_length():
    """The metadata stays as it came; only the slot is read from it."""
    metadata = f"filename d29ybGQ=,{SELFIE},filetype {b64encode(b'image/jpeg').decode()},is_confidential"
    creation = rules.creation_of({"upload-length": "250000", "upload-metadata": metadata}, most_bytes=MOST)
    assert creation == rules.Creation(Slot.SELFIE, 250_000, metadata)


@pytest.mark.parametrize(
    ("headers", "faults"),
    [
        ({}, [("Upload-Length", "missing"), ("Upload-Metadata.slot", "unknown")]),
        ({"upload-length": "0", "upload-metadata": SELFIE}, [("Upload-Length", "empty")]),
        ({"upload-length": "-1", "upload-metadata": SELFIE}, [("Upload-Length", "malformed")]),
        ({"upload-length": "1e3", "upload-metadata": SELFIE}, [("Upload-Length", "malformed")]),
        ({"upload-length": "٣", "upload-metadata": SELFIE}, [("Upload-Length", "malformed")]),
        ({"upload-length": "9" * 19, "upload-metadata": SELFIE}, [("Upload-Length", "malformed")]),
        ({"upload-defer-length": "1", "upload-metadata": SELFIE}, [("Upload-Defer-Length", "unsupported")]),
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
def test_creation_faults_are_told_all_at_once(headers, faults):
    """Each fault names its header; nobody has to send a photo three times to learn three faults."""
    with pytest.raises(UploadHeadersInvalid) as caught:
        rules.creation_of(headers, most_bytes=MOST)
    assert fields(caught.value) == faults


def test_too_large_a_photo_is_refused_before_it_is_sent():
    """At most the limit; the refusal says which limit, so that the page can shrink the photo."""
    rules.creation_of({"upload-length": str(MOST), "upload-metadata": SELFIE}, most_bytes=MOST)
    with pytest.raises(PhotoTooLarge) as caught:
        rules.creation_of({"upload-length": str(MOST + 1), "upload-metadata": SELFIE}, most_bytes=MOST)
    assert caught.value.facts == {"reason": "upload-length", "limit": MOST, "length": MOST + 1}


def test_chunk_needs_its_type_and_its_offset():
    """The type is looked at first; then all other faults together."""
    with pytest.raises(UploadTypeUnsupported):
        rules.append_of({"content-type": "application/octet-stream", "upload-offset": "0"})
    with pytest.raises(UploadHeadersInvalid) as caught:
        rules.append_of({"content-type": rules.CHUNK_TYPE, "upload-offset": "-5", "content-length": "many"})
    assert fields(caught.value) == [("Upload-Offset", "malformed"), ("Content-Length", "malformed")]
    chunk = rules.append_of({"content-type": "Application/Offset+Octet-Stream", "upload-offset": "7"})
    assert chunk == Append(7, None)


@given(
    offset=st.integers(0, 100),
    announced=st.none() | st.integers(0, 100),
    committed=st.integers(0, 50),
    rest=st.integers(0, 50),
)
def test_chunk_continues_exactly_where_the_upload_ends(offset, announced, committed, rest):
    """Accepted if and only if it starts at the committed offset and stays inside the announced length."""
    length = committed + rest
    fits = offset == committed and offset + (announced or 0) <= length
    try:
        rules.check_append(Append(offset, announced), committed=committed, length=length)
    except UploadOffsetMismatch as error:
        assert offset != committed
        assert error.facts == {"expected": committed, "provided": offset}
    except PhotoTooLarge:
        assert offset == committed
        assert not fits
    else:
        assert fits


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
def test_any_metadata_is_parsed_or_refused(text):
    """Hostile text gives a ValueError, never anything else; what is accepted can be written back."""
    try:
        found = rules.parse_metadata(text)
    except ValueError:
        return
    again = ",".join(f"{key} {b64encode(value).decode()}" for key, value in found.items())
    assert rules.parse_metadata(again) == found


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.binary(max_size=20), max_size=5))
def test_metadata_of_a_client_is_understood(pairs):
    """Pairs of a key and Base64, as the protocol writes them."""
    text = ",".join(f"{key} {b64encode(value).decode()}" for key, value in pairs.items())
    assert rules.parse_metadata(text) == pairs


@pytest.mark.parametrize(
    ("slot", "filled", "complete"),
    [(1, set(), False), (2, {1}, True), (1, {2}, True), (2, {2}, False), (2, {1, 2}, False)],
)
def test_photos_are_complete_once(slot, filled, complete):
    """The stage is reached by the photo that fills the last slot, not by one that replaces another."""
    assert rules.completes_photos(slot, filled) is complete
