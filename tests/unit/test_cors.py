"""Answers that pages of other sites may read."""

import asyncio

import pytest

from service.web.cors import ASKED, EXPOSED, Cors


def headers_of(method, headers):
    """Of what stands behind it, as a page of another site sees it."""
    sent = []

    async def behind(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": [(b"upload-offset", b"5")]})
        await send({"type": "http.response.body", "body": b""})

    async def nothing():
        raise AssertionError("the body is not looked at")

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/", "headers": headers}
    asyncio.run(Cors(behind)(scope, nothing, send))
    return dict(sent[0]["headers"])


def test_every_answer_may_be_read():
    headers = headers_of("PATCH", [])
    assert headers[b"access-control-allow-origin"] == b"*"
    assert headers[b"access-control-expose-headers"] == EXPOSED
    assert headers[b"upload-offset"] == b"5"
    assert b"access-control-allow-methods" not in headers
    assert b"access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (b"content-type,upload-offset,x-mine", b"content-type,upload-offset,x-mine"),
        (b"X-Mine , tus-resumable", b"X-Mine , tus-resumable"),
        (b"", ASKED),
        (b"a b", ASKED),
        (b"a\r\nset-cookie: b=c", ASKED),
        (b"a,\nb", ASKED),
    ],
)
def test_a_page_may_send_what_it_asks_to(asked, allowed):
    """Only names of headers are given back."""
    question = [(b"access-control-request-method", b"PATCH"), (b"access-control-request-headers", asked)]
    headers = headers_of("OPTIONS", question)
    assert headers[b"access-control-allow-headers"] == allowed
    assert b"PATCH" in headers[b"access-control-allow-methods"]


def test_a_plain_question_is_no_browser_s():
    assert b"access-control-allow-headers" not in headers_of("OPTIONS", [])
