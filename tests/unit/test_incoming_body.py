"""The body of an upload, whatever the network does to it."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.uploads import Pieces
from service.web import incoming
from service.web.incoming import End, incoming_body


def scripted(*messages, then=None):
    """A receive that gives these messages, then `then`, then nothing for ever."""
    left = [*messages] if then is None else [*messages, then]

    async def receive():
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


def part(data, more=True):
    return {"type": "http.request", "body": data, "more_body": more}


HOLD_S = 5.0
DISCONNECT = {"type": "http.disconnect"}


async def everything(body, piece):
    pieces = []
    while data := await body.take(piece):
        pieces.append(data)
    return pieces


@given(
    parts=st.lists(st.binary(max_size=50), max_size=20),
    piece=st.integers(1, 64),
    ending=st.sampled_from([part(b"", more=False), DISCONNECT]),
)
def test_all_that_arrived_is_taken_in_pieces(parts, piece, ending):
    """No byte is lost, doubled or moved, and only the last piece is short; how it ended is known."""

    async def play():
        async with incoming_body(scripted(*map(part, parts), then=ending), Pieces(64, HOLD_S), at_once=True) as body:
            return await everything(body, piece), body.end

    pieces, end = asyncio.run(play())
    assert b"".join(pieces) == b"".join(parts)
    assert all(len(data) == piece for data in pieces[:-1])
    assert end is (End.CUT if ending is DISCONNECT else End.COMPLETE)


def test_sender_is_held_back_when_nobody_takes():
    """At most the limit and one message wait in memory."""
    received = 0

    async def receive():
        nonlocal received
        received += 1
        return part(bytes(10))

    async def play():
        async with incoming_body(receive, Pieces(25, HOLD_S), at_once=True) as body:
            for _ in range(100):
                await asyncio.sleep(0)
            assert received == 3
            assert await body.take(25) == bytes(25)
            for _ in range(100):
                await asyncio.sleep(0)
            assert received == 5

    asyncio.run(play())


def test_sender_is_held_back_at_what_is_wanted():
    """Many writers take small pieces: no more than the next one waits in memory."""
    received = 0

    async def receive():
        nonlocal received
        received += 1
        return part(bytes(1000))

    async def play():
        async with incoming_body(receive, Pieces(1 << 30, HOLD_S), at_once=True) as body:
            for most, waiting in ((1000, incoming.AHEAD), (200_000, 200_000), (1000, 200_000)):
                assert await body.take(most) == bytes(most)
                for _ in range(500):
                    await asyncio.sleep(0)
                assert body.waiting - 1000 <= waiting

    asyncio.run(play())


def test_bytes_that_have_waited_are_handed_on():
    """A slow phone: what has come is taken although its piece is not full, and the body goes on."""
    more = asyncio.Event()
    left = [part(b"abc"), part(b"def", more=False)]

    async def receive():
        if len(left) == 1:
            await more.wait()
        return left.pop(0)

    async def play():
        async with incoming_body(receive, Pieces(25, 0.001), at_once=True) as body:
            taken = [await body.take(25)]
            assert not body.exhausted
            more.set()
            return [*taken, await body.take(25), await body.take(25)], body.end

    assert asyncio.run(play()) == ([b"abc", b"def", b""], End.COMPLETE)


def test_nothing_is_asked_for_before_it_is_wanted():
    """The first receive would send 100 Continue; a client that waits for it has not been judged yet."""
    asked = False

    async def receive():
        nonlocal asked
        asked = True
        return part(b"x", more=False)

    async def play():
        async with incoming_body(receive, Pieces(25, HOLD_S), at_once=False) as body:
            for _ in range(10):
                await asyncio.sleep(0)
            assert not asked
            assert await body.take(25) == b"x"

    asyncio.run(play())
    assert asked


def test_silent_phone_ends_the_body(monkeypatch):
    """What had arrived is taken; the connection is known to be dead."""
    monkeypatch.setattr(incoming, "READ_LIMIT", 0.001)

    async def play():
        async with incoming_body(scripted(part(b"abc")), Pieces(25, HOLD_S), at_once=True) as body:
            return await everything(body, 25), body.end

    assert asyncio.run(play()) == ([b"abc"], End.STALLED)


def test_drip_is_too_slow(monkeypatch):
    """A byte now and then keeps no connection for ever."""
    monkeypatch.setattr(incoming, "GRACE", 0.001)
    monkeypatch.setattr(incoming, "SLOWEST", 1e9)

    async def receive():
        await asyncio.sleep(0)
        return part(b"x")

    async def play():
        async with incoming_body(receive, Pieces(1 << 30, HOLD_S), at_once=True) as body:
            async with asyncio.timeout(10):
                assert set(b"".join(await everything(body, 1 << 30))) == {ord("x")}
            return body.end

    assert asyncio.run(play()) is End.STALLED


def test_told_to_let_go():
    """The writer gets what had arrived and then the end, although the sender goes on."""

    async def play():
        async with incoming_body(scripted(part(b"abc")), Pieces(25, HOLD_S), at_once=True) as body:
            waiting = asyncio.create_task(body.take(25))
            for _ in range(5):
                await asyncio.sleep(0)
            body.let_go()
            return await waiting, await body.take(25), body.end

    assert asyncio.run(play()) == (b"abc", b"", End.LET_GO)


def test_broken_receive_does_not_hang():
    """An error below ends the body and is raised."""

    async def receive():
        raise RuntimeError("broken")

    async def play():
        async with incoming_body(receive, Pieces(25, HOLD_S), at_once=True) as body:
            assert await body.take(25) == b""

    with pytest.raises(RuntimeError, match="broken"):
        asyncio.run(play())
