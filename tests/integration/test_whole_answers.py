"""Answers that leave in one write, on a real socket: what stands in front of them, and what they must not hold."""

import asyncio
import logging
import socket
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn

from service.web.heads import ShortHeads
from service.web.http import send_whole

PATIENCE = 20.0


async def echo(scope, _, send):
    """The path; it also stands in a header."""
    body = scope["path"].encode()
    headers = [(b"asked", body), (b"content-length", b"%d" % len(body))]
    await send_whole(scope, send, 200, headers, body)


@asynccontextmanager
async def server(app):
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=ShortHeads, lifespan="off", log_config=None, server_header=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


def exchange(run, sent, *, until, app=echo):
    """All that comes back for these bytes, until it ends in `until` or the server closes."""

    async def scene():
        async with asyncio.timeout(PATIENCE), server(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            came = b""
            while not came.endswith(until) and (data := await reader.read(1000)):
                came += data
            writer.close()
            await writer.wait_closed()
            return came

    return run(scene())


def test_requests_sent_together_are_answered_in_their_order(run):
    sent = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(3))
    came = exchange(run, sent, until=b"/2")
    assert [part.partition(b"\r\n\r\n")[2] for part in came.split(b"HTTP/1.1 200 OK\r\n")[1:]] == [b"/0", b"/1", b"/2"]
    assert came.count(b"content-length: 2\r\n") == 3
    assert came.count(b"date: ") == 3
    assert b"connection: close" not in came


def test_a_path_is_decoded(run):
    assert exchange(run, b"GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\n\r\n", until=b"/a b").endswith(b"\r\n\r\n/a b")


def test_head_has_the_length_and_no_body(run):
    came = exchange(run, b"HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n", until=b"\r\n\r\n")
    assert b"content-length: 4\r\n" in came
    assert came.endswith(b"\r\n\r\n")


def test_an_old_client_finds_its_connection_closed(run):
    came = exchange(run, b"GET /abc HTTP/1.0\r\n\r\n", until=b"never")
    assert b"connection: close\r\n" in came
    assert came.endswith(b"\r\n\r\n/abc")


@pytest.mark.parametrize("path", ["/a%0d%0aSet-Cookie:b", "/a%0ab", "/a%0db", "/a%00b", "/a%7fb"])
def test_a_header_that_would_end_its_line_ends_the_request(run, caplog, path):
    """Where our own code would let it through."""
    caplog.set_level(logging.CRITICAL, "uvicorn.error")
    came = exchange(run, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), until=b"never")
    assert came.startswith(b"HTTP/1.1 500 ")
    assert b"asked" not in came


@pytest.mark.parametrize("together", [True, False])
def test_the_body_of_a_request_that_would_speak_another_protocol_is_no_request(run, together):
    """A proxy that passes it on waits for one answer."""
    second = b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n"
    first = b"POST /first HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: Upgrade\r\nContent-Length: %d\r\n\r\n"
    head_read, body_sent = asyncio.Event(), asyncio.Event()

    async def late(scope, receive, send):
        head_read.set()
        await body_sent.wait()
        await echo(scope, receive, send)

    async def scene():
        async with asyncio.timeout(PATIENCE), server(late) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(first % len(second) + (second if together else b""))
            await head_read.wait()
            if not together:
                writer.write(second)
                await writer.drain()
            body_sent.set()
            came = b""
            with suppress(ConnectionError):  # closed with bytes unread
                came = await reader.read()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            return came

    came = run(scene())
    assert came.count(b"HTTP/1.1 ") <= 1
    assert b"/second" not in came
    if came:
        assert b"connection: close\r\n" in came


CHUNKED = b"POST /abc HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_fields_behind_a_body_are_nobodys(run):
    """They come after the headers were judged, and would join them."""
    seen: list[bytes] = []

    async def taking(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        seen.extend(name for name, _ in scope["headers"])
        await echo(scope, receive, send)

    sent = CHUNKED + b"1\r\nx\r\n0\r\nAuthorization: Bearer y\r\n\r\n"
    assert exchange(run, sent, until=b"/abc", app=taking).endswith(b"\r\n\r\n/abc")
    assert seen == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize("field", [b"a: b\r\n", b"a" * 1000], ids=["many", "a long one"])
def test_fields_behind_a_body_end(run, field):
    """Nobody asks for them, so nobody would notice that one connection fills the memory with them."""

    async def scene():
        async with asyncio.timeout(PATIENCE), server(echo) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(CHUNKED + b"0\r\n")
            assert (await reader.readuntil(b"/abc")).startswith(b"HTTP/1.1 200 ")
            with suppress(ConnectionError):
                while not reader.at_eof():
                    writer.write(field * (4000 // len(field)))
                    await writer.drain()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    run(scene())


def test_a_body_in_small_chunks_comes_whole(run):
    """What comes in one read before it is taken is put together once, not once for each chunk."""
    taken = bytearray()

    async def taking(scope, receive, send):
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            taken.extend(message["body"])
        await echo(scope, receive, send)

    parts = [b"%d" % (number % 10) for number in range(20_000)]
    sent = CHUNKED + b"".join(b"1\r\n%b\r\n" % part for part in parts) + b"0\r\n\r\n"
    assert exchange(run, sent, until=b"/abc", app=taking).endswith(b"\r\n\r\n/abc")
    assert bytes(taken) == b"".join(parts)


def test_another_server_gets_the_usual_messages():
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(send_whole({"type": "http"}, send, 201, [(b"a", b"b")], b"body"))
    assert sent == [
        {"type": "http.response.start", "status": 201, "headers": [(b"a", b"b")]},
        {"type": "http.response.body", "body": b"body"},
    ]


def test_a_client_that_left_is_noted_with_its_request(run):
    """The first waits for an answer and gets it; the second goes before."""
    scopes = []

    async def scene():
        async def app(scope, receive, send):
            scopes.append(scope)
            if scope["path"] == "/left":
                while (await receive())["type"] != "http.disconnect":
                    pass
            await echo(scope, receive, send)
            told.set()

        told = asyncio.Event()
        async with asyncio.timeout(PATIENCE), server(app) as port:
            for path in (b"/stayed", b"/left"):
                told.clear()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path)
                if path == b"/stayed":
                    await reader.readuntil(path)
                else:
                    await writer.drain()
                writer.close()
                await told.wait()

    run(scene())
    assert [(scope["path"], "left" in scope) for scope in scopes] == [("/stayed", False), ("/left", True)]
