"""Reading an answer at a glance: the same as the parser reads, or not at all."""

from typing import Any

import pytest
from geventhttpclient.response import HTTPResponse

from loadtests.answers import Fields, at_a_glance

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Fact:  7\r\nContent-Length: 2\r\n"


def parsed(data: bytes, method: str) -> Any:
    response = HTTPResponse(method=method)
    response.feed(data)
    assert response.message_complete
    return response


@pytest.mark.parametrize(
    ("data", "method"),
    [
        (HEAD + b"\r\n{}", "GET"),
        (HEAD + b"Set-Cookie: a=1\r\nset-cookie: b=2\r\n\r\n{}", "POST"),
        (HEAD + b"\r\n", "HEAD"),
        (b"HTTP/1.1 204 No Content\r\nUpload-Offset: 12\r\n\r\n", "PATCH"),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n", "PUT"),
    ],
)
def test_what_is_read_is_what_the_parser_reads(data: bytes, method: str) -> None:
    glanced = at_a_glance(data, method)
    assert glanced is not None
    status, fields, body = glanced
    response = parsed(data, method)
    assert (status, body) == (response.status_code, bytes(response._body_buffer))
    for name in ("content-type", "X-Fact", "Content-Length", "set-cookie", "upload-offset", "retry-after", "none"):
        assert fields.get(name) == response.info().get(name)
        assert (name in fields) == (name in response.info())


@pytest.mark.parametrize(
    "data",
    [
        HEAD,
        HEAD + b"\r\n{",
        HEAD + b"\r\n{}H",
        HEAD + b"Content-Length: 2\r\n\r\n{}",
        HEAD + b"Connection: close\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 -20 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"not HTTP\r\n\r\n",
    ],
)
def test_anything_else_is_left_to_the_parser(data: bytes) -> None:
    assert at_a_glance(data, "GET") is None


def test_a_field_that_is_missing_is_told_as_a_mapping_tells_it() -> None:
    with pytest.raises(KeyError):
        Fields(HEAD, HEAD.lower())["location"]
