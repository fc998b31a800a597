"""The core protocol: versions, what a server tells about itself, the method in a header, HEAD."""

import re

from tests.uploads.conformance.cases import (
    Section,
    expect,
    expect_header,
    expect_no_header,
    expect_refused,
    expect_status,
)
from tests.uploads.conformance.speaker import Speaker
from tests.uploads.conformance.wire import BYTES, VERSION, Answer, absolute, exchange

VERSIONS = Section("version", "Core: the version of the protocol")
OPTIONS = Section("options", "Core: OPTIONS")
OVERRIDE = Section("override", "Core: X-HTTP-Method-Override")
HEAD = Section("head", "Core: HEAD")

KNOWN = {
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "checksum-trailer",
    "termination",
    "concatenation",
    "concatenation-unfinished",
    "challenge",
}
UNKNOWN = {"Tus-Resumable": "0.2.2"}
_TOKENS = re.compile(r"[^\s,]+(, ?[^\s,]+)*")


def missing(tus: Speaker) -> str:
    """The address of an upload that never was, as this server would name it."""
    upload = tus.created(1)
    return upload[:-8] + "".join("0" if character != "0" else "1" for character in upload[-8:])


def _names_the_version(answer: Answer) -> None:
    expect_header(answer, "Tus-Resumable", "1.0.0")


# Versions


@VERSIONS.must
def in_the_answer_to_a_creation(tus: Speaker) -> None:
    """Tus-Resumable is in the answer to POST, with the version of the server."""
    answer = tus.post({"Upload-Length": "5"})
    expect_status(answer, 201)
    _names_the_version(answer)


@VERSIONS.must
def in_the_answer_to_head(tus: Speaker) -> None:
    """Tus-Resumable is in the answer to HEAD."""
    _names_the_version(tus.head(tus.created(5)))


@VERSIONS.must
def in_the_answer_to_patch(tus: Speaker) -> None:
    """Tus-Resumable is in the answer to PATCH."""
    _names_the_version(tus.patch(tus.created(5), 0, b"12345"))


@VERSIONS.must
def in_the_answer_about_an_unknown_upload(tus: Speaker) -> None:
    """Tus-Resumable is in the answer to HEAD and PATCH on an unknown upload."""
    upload = missing(tus)
    for answer in (tus.head(upload), tus.patch(upload, 0, b"x")):
        expect_refused(answer)
        _names_the_version(answer)


@VERSIONS.must
def in_the_answer_to_a_wrong_offset(tus: Speaker) -> None:
    """Tus-Resumable is in the answer 409."""
    answer = tus.patch(tus.created(5), 3, b"45")
    expect_refused(answer)
    _names_the_version(answer)


@VERSIONS.must
def in_the_answer_to_a_wrong_type(tus: Speaker) -> None:
    """Tus-Resumable is in the answer to a PATCH of another content type."""
    answer = tus.patch(tus.created(5), 0, b"12345", Content_Type="text/plain")
    expect_refused(answer)
    _names_the_version(answer)


@VERSIONS.must
def in_the_answer_to_a_creation_without_length(tus: Speaker) -> None:
    """Tus-Resumable is in the answer to a POST that is refused."""
    answer = tus.post({"Upload-Length": "-1"})
    expect_refused(answer)
    _names_the_version(answer)


@VERSIONS.must
def in_the_answer_to_an_unknown_method(tus: Speaker) -> None:
    """Tus-Resumable is in the answer to a method that an upload does not have."""
    answer = exchange("PUT", tus.created(5), VERSION, b"12345")
    expect_refused(answer)
    _names_the_version(answer)


@VERSIONS.must
def creation_in_an_unknown_version(tus: Speaker) -> None:
    """A POST in a version that the server does not know is answered 412, and creates nothing."""
    answer = exchange("POST", tus.url, {**UNKNOWN, "Upload-Length": "5"})
    expect_status(answer, 412)
    expect_no_header(answer, "Location")


@VERSIONS.must
def head_in_an_unknown_version(tus: Speaker) -> None:
    """HEAD in an unknown version is answered 412, without an offset."""
    answer = exchange("HEAD", tus.created(5), UNKNOWN)
    expect_status(answer, 412)
    expect_no_header(answer, "Upload-Offset")


@VERSIONS.must
def patch_in_an_unknown_version(tus: Speaker) -> None:
    """PATCH in an unknown version is answered 412."""
    expect_status(tus.patch(tus.created(5), 0, b"12345", Tus_Resumable="2.0.0"), 412)


@VERSIONS.must
def patch_in_an_unknown_version_stores_nothing(tus: Speaker) -> None:
    """PATCH in an unknown version is not processed: the offset stays."""
    upload = tus.created(5)
    expect_refused(tus.patch(upload, 0, b"12345", **{"Tus-Resumable": "0.2.2"}))
    expect(tus.offset(upload) == 0, f"the offset became {tus.offset(upload)}")


@VERSIONS.must
def refusal_of_a_version_names_those_known(tus: Speaker) -> None:
    """The answer 412 has Tus-Version, with the versions that the server knows."""
    for answer in (
        exchange("POST", tus.url, {**UNKNOWN, "Upload-Length": "5"}),
        exchange("HEAD", tus.created(5), UNKNOWN),
    ):
        expect_status(answer, 412)
        _lists_the_version(answer)


@VERSIONS.must
def refusal_of_a_version_names_its_own(tus: Speaker) -> None:
    """The answer 412 has Tus-Resumable as every other."""
    answer = exchange("POST", tus.url, {**UNKNOWN, "Upload-Length": "5"})
    expect_refused(answer)
    _names_the_version(answer)


# OPTIONS


def _lists_the_version(answer: Answer) -> None:
    versions = answer.headers.get("tus-version")
    expect(versions is not None, "no Tus-Version")
    assert versions is not None
    expect(_TOKENS.fullmatch(versions) is not None, f"Tus-Version: {versions}")
    expect("1.0.0" in re.split(", ?", versions), f"Tus-Version: {versions}")


@OPTIONS.must
def succeeds(tus: Speaker) -> None:
    """OPTIONS on the creation URL is answered 204 or 200."""
    expect_status(tus.options(), 200, 204)


@OPTIONS.must
def lists_the_versions(tus: Speaker) -> None:
    """Tus-Version lists the versions, separated by commas."""
    _lists_the_version(tus.options())


@OPTIONS.must
def lists_the_extensions(tus: Speaker) -> None:
    """Tus-Extension lists known extensions, separated by commas, each once."""
    text = tus.options().headers.get("tus-extension")
    expect(text is not None, "no Tus-Extension")
    assert text is not None
    expect(_TOKENS.fullmatch(text) is not None, f"Tus-Extension: {text}")
    tokens = re.split(", ?", text)
    strange = set(tokens) - KNOWN
    expect(not strange and len(tokens) == len(set(tokens)), f"Tus-Extension: {text}")


@OPTIONS.should
def tells_the_largest_size(tus: Speaker) -> None:
    """Tus-Max-Size is a whole number of bytes, when the server has a limit."""
    expect_header(tus.options(), "Tus-Max-Size", str(tus.most_bytes))


@OPTIONS.must
def ignores_the_version(tus: Speaker) -> None:
    """Tus-Resumable in an OPTIONS request is ignored, whatever it says."""
    answer = tus.options(Tus_Resumable="0.2.2")
    expect_status(answer, 200, 204)
    _lists_the_version(answer)


# The method in a header


@OVERRIDE.must
def post_means_patch(tus: Speaker) -> None:
    """POST with X-HTTP-Method-Override: PATCH appends."""
    upload = tus.created(5)
    headers = {**VERSION, "X-HTTP-Method-Override": "PATCH", "Content-Type": BYTES, "Upload-Offset": "0"}
    answer = exchange("POST", upload, headers, b"12345")
    expect_status(answer, 204)
    expect_header(answer, "Upload-Offset", "5")
    expect(tus.offset(upload) == 5, "the bytes are not there")


@OVERRIDE.must
def post_means_delete(tus: Speaker) -> None:
    """POST with X-HTTP-Method-Override: DELETE terminates, where DELETE does."""
    if "termination" not in tus.extensions:
        return
    upload = tus.created(5)
    expect_status(exchange("POST", upload, {**VERSION, "X-HTTP-Method-Override": "DELETE"}), 204)
    expect_status(tus.head(upload), 404, 410)


@OVERRIDE.must
def post_means_head(tus: Speaker) -> None:
    """POST with X-HTTP-Method-Override: HEAD tells the offset."""
    upload = tus.started(5, b"123")
    answer = exchange("POST", upload, {**VERSION, "X-HTTP-Method-Override": "HEAD"})
    expect_status(answer, 200, 204)
    expect_header(answer, "Upload-Offset", "3")


@OVERRIDE.must
def put_means_post(tus: Speaker) -> None:
    """PUT with X-HTTP-Method-Override: POST creates."""
    headers = {**VERSION, "X-HTTP-Method-Override": "POST", "Upload-Length": "5"}
    answer = exchange("PUT", tus.url, headers)
    expect_status(answer, 201)
    expect("location" in answer.headers, "no Location")


@OVERRIDE.must
def the_method_itself_is_ignored(tus: Speaker) -> None:
    """PATCH with X-HTTP-Method-Override: HEAD stores nothing."""
    upload = tus.created(5)
    answer = tus.patch(upload, 0, b"12345", X_HTTP_Method_Override="HEAD")
    expect_status(answer, 200, 204)
    expect(tus.offset(upload) == 0, "the bytes were stored")


@OVERRIDE.must
def a_delete_that_means_head_terminates_nothing(tus: Speaker) -> None:
    """DELETE with X-HTTP-Method-Override: HEAD leaves the upload."""
    upload = tus.started(5, b"123")
    answer = exchange("DELETE", upload, {**VERSION, "X-HTTP-Method-Override": "HEAD"})
    expect_header(answer, "Upload-Offset", "3")
    expect(tus.offset(upload) == 3, "the upload is not as it was")


@OVERRIDE.must
def an_unknown_method_does_nothing(tus: Speaker) -> None:
    """PATCH with an override that names no method is refused, and stores nothing."""
    upload = tus.created(5)
    expect_refused(tus.patch(upload, 0, b"12345", X_HTTP_Method_Override="FROBNICATE"))
    expect(tus.offset(upload) == 0, "the bytes were stored")


# HEAD


@HEAD.must
def offset_at_the_start(tus: Speaker) -> None:
    """Upload-Offset is there when the offset is 0, with status 200 or 204."""
    answer = tus.head(tus.created(5))
    expect_status(answer, 200, 204)
    expect_header(answer, "Upload-Offset", "0")


@HEAD.must
def offset_in_between(tus: Speaker) -> None:
    """Upload-Offset tells what has arrived."""
    expect_header(tus.head(tus.started(5, b"123")), "Upload-Offset", "3")


@HEAD.must
def offset_at_the_end(tus: Speaker) -> None:
    """Upload-Offset is there when the upload is complete."""
    answer = tus.head(tus.started(5, b"12345"))
    expect_status(answer, 200, 204)
    expect_header(answer, "Upload-Offset", "5")


@HEAD.must
def length(tus: Speaker) -> None:
    """Upload-Length is there when the length is known, before and after completion."""
    expect_header(tus.head(tus.created(5)), "Upload-Length", "5")
    expect_header(tus.head(tus.started(5, b"12345")), "Upload-Length", "5")


@HEAD.must
def is_not_cached(tus: Speaker) -> None:
    """Cache-Control has no-store."""
    for upload in (tus.created(5), tus.started(5, b"12345")):
        found = tus.head(upload).headers.get("cache-control", "")
        expect("no-store" in [part.strip() for part in found.split(",")], f"Cache-Control: {found}")


@HEAD.should
def unknown_upload(tus: Speaker) -> None:
    """An unknown upload is answered 404, 410 or 403."""
    expect_status(tus.head(missing(tus)), 404, 410, 403)


@HEAD.should
def unknown_upload_has_no_offset(tus: Speaker) -> None:
    """The answer about an unknown upload has no Upload-Offset."""
    answer = tus.head(missing(tus))
    expect_refused(answer)
    expect_no_header(answer, "Upload-Offset")


@HEAD.should
def address_that_no_server_gives(tus: Speaker) -> None:
    """Addresses that climb, or hold what no id holds, are unknown uploads."""
    for name in ("..%2F..%2Fetc%2Fpasswd", "%00", "a" * 500, "%F0%9F%93%B7", "x.json"):
        answer = tus.head(absolute(tus.url, name))
        expect(answer.status in (403, 404, 410), f"status {answer.status} for {name[:30]}")
        expect_no_header(answer, "Upload-Offset")


@HEAD.must
def changes_nothing(tus: Speaker) -> None:
    """Asking does not change the answer."""
    upload = tus.started(5, b"12")
    offsets = [tus.offset(upload) for _ in range(3)]
    expect(offsets == [2, 2, 2], f"offsets {offsets}")
