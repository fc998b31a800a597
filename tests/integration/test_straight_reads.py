"""Long bodies that go past the parser: all of their bytes, in order, and the connection goes on behind them."""

import asyncio
import random
from hashlib import sha256
from itertools import pairwise

import pytest

from service.web import heads, reads
from service.web.http import send_whole
from tests.integration.protocol_server import PATIENCE, exchange, server

LONG = random.Random(5).randbytes(1_500_000)
END = b"|end"


class Reader:
    """Answers with how many bytes came, their hash, and how many messages they came in."""

    def __init__(self):
        self.largest = 0

    async def __call__(self, scope, receive, send):
        digest, size, more = sha256(), 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            digest.update(message["body"])
            size += len(message["body"])
            self.largest = max(self.largest, len(message["body"]))
            more = message["more_body"]
        body = f"{scope['path']} {size} {digest.hexdigest()}".encode() + END
        await send_whole(scope, send, 200, [(b"content-length", b"%d" % len(body))], body)


def put(path, body, **headers):
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Content-Length": len(body), **headers}.items())
    return f"PUT {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode() + body


def answers(came):
    return [part.rpartition(b"\r\n\r\n")[2].decode() for part in came.split(END)[:-1]]


def told(path, body):
    return f"{path} {len(body)} {sha256(body).hexdigest()}"


@pytest.mark.parametrize("size", [0, 1, 3_900, 4_096, 4_097, 80_000, 300_000, 393_216, 393_217, 1_500_000])
def test_every_byte_comes_and_the_next_request_follows(run, size):
    """Whatever fits into one read or room and whatever does not; requests sent together stay apart."""
    body = LONG[:size]
    sent = put("/1", body) + put("/2", body[:10]) + put("/3", body)
    came = exchange(run, Reader(), sent, until=told("/3", body).encode() + END)
    assert answers(came) == [told("/1", body), told("/2", body[:10]), told("/3", body)]


def test_pieces_of_any_size_are_put_together(run):
    draw = random.Random(20200411)
    sent = put("/1", LONG) + put("/2", LONG[:100_000])
    for _ in range(5):
        cuts = sorted(draw.sample(range(1, len(sent)), 40))
        pieces = [sent[start:end] for start, end in pairwise([0, *cuts, len(sent)])]
        came = exchange(run, Reader(), pieces, until=told("/2", LONG[:100_000]).encode() + END)
        assert answers(came) == [told("/1", LONG), told("/2", LONG[:100_000])]


def test_a_photo_is_read_past_the_parser_and_handed_on_in_few_pieces(run, monkeypatch):
    """Else the other tests would show nothing."""
    seen = []
    original = heads.Connection.on_body

    def counting(self, body):
        seen.append(len(body))
        original(self, body)

    monkeypatch.setattr(heads.Connection, "on_body", counting)
    reader = Reader()
    exchange(run, reader, put("/1", LONG), until=END)
    assert sum(seen) < len(LONG) / 2
    assert reads.HEAD < reader.largest <= heads.MOST_AHEAD + reads.HEAD


def test_a_body_of_unknown_length_goes_through_the_parser(run):
    chunks = b"".join(b"%x\r\n%b\r\n" % (50_000, LONG[at : at + 50_000]) for at in range(0, 500_000, 50_000))
    sent = b"PUT /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n" + put("/2", b"x")
    came = exchange(run, Reader(), sent, until=told("/2", b"x").encode() + END)
    assert answers(came) == [told("/1", LONG[:500_000]), told("/2", b"x")]


def test_what_is_left_of_a_refused_body_is_forgotten(run):
    """The connection is that of the next request."""

    async def refusing(scope, receive, send):
        if scope["path"] == "/refused":
            body = b"no" + END
            await send_whole(scope, send, 409, [(b"content-length", b"%d" % len(body))], body)
        else:
            await Reader()(scope, receive, send)

    sent = put("/refused", LONG) + put("/2", LONG)
    assert answers(exchange(run, refusing, sent, until=told("/2", LONG).encode() + END)) == ["no", told("/2", LONG)]


def test_what_arrived_before_a_cut_is_handed_on(run):
    """And then that the client is gone."""
    taken, gone = asyncio.Event(), asyncio.Event()
    found = []

    async def keeping(_, receive, send):
        while (message := await receive())["type"] == "http.request":
            found.append(bytes(message["body"]))
            if sum(map(len, found)) == 900_000:
                taken.set()
        gone.set()

    async def scene():
        async with asyncio.timeout(PATIENCE), server(keeping) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(put("/1", LONG)[: -len(LONG)] + LONG[:900_000])
            await taken.wait()
            writer.transport.abort()
            await gone.wait()

    run(scene())
    assert b"".join(found) == LONG[:900_000]


def test_who_waits_to_be_asked_is_asked(run):
    """100 Continue leaves before the body is sent."""

    async def scene():
        async with asyncio.timeout(PATIENCE), server(Reader()) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            request = put("/1", LONG, Expect="100-continue")
            writer.write(request[: -len(LONG)])
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(LONG)
            came = await reader.readuntil(END)
            writer.close()
            await writer.wait_closed()
            return came

    assert answers(run(scene())) == [told("/1", LONG)]


def test_a_slow_body_holds_no_large_room():
    """Only as much as was there to be read."""
    cycle = heads.Cycle.__new__(heads.Cycle)
    cycle.body = b"begun"
    assert len(cycle.room(1_000_000, 8000)) == 8000
    fast = heads.Cycle.__new__(heads.Cycle)
    fast.body = b""
    assert len(fast.room(1_000_000, 100_000)) == heads.MOST_AHEAD
