"""Each toxic bites, measured from both ends of a real connection, and its proof says how often.

Every measurement is made without the toxic too (the negative control): a proxy that does nothing fails here.
"""

import socket
import time
from collections.abc import Iterator

import pytest

from loadtests.faults.doses import hits
from loadtests.faults.link import HELD_MOST
from loadtests.faults.requests import toxic
from tests.integration.fault_room import (
    Room,
    fault_room,
    fill,
    is_reset,
    received,
    rest_of,
    silent,
    who_connects_is_reset,
)
from tests.patience import least

Figures = dict[str, float]
DIRECTIONS = ("upstream", "downstream")
SEED = 7


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with fault_room(tmp_path_factory.mktemp("faults"), "--seed", str(SEED)) as room:
        yield room


@pytest.fixture
def room(shared: Room) -> Iterator[Room]:
    yield shared
    shared.clear()


def ends(room: Room, direction: str) -> tuple[socket.socket, socket.socket]:
    """(who sends, who receives) in this direction of a new connection."""
    client, server = room.pair()
    return (client, server) if direction == "upstream" else (server, client)


def seconds_for(sender: socket.socket, receiver: socket.socket, size: int = 1) -> float:
    """How long `size` bytes take from one end to the other."""
    began = time.monotonic()
    sender.sendall(bytes(size))
    assert len(received(receiver, size)) == size
    return time.monotonic() - began


def passes_within(seconds: float, sender: socket.socket, receiver: socket.socket, size: int = 1) -> bool:
    return least(lambda: seconds_for(sender, receiver, size), seconds) < seconds


# Without a toxic


def test_an_idle_proxy_passes_a_half_close_on(room: Room) -> None:
    """The client has said all it wants to say; the server hears that, and its answer still arrives."""
    client, server = room.pair()
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    assert rest_of(server) == b"question"
    server.sendall(b"answer")
    assert received(client, 6) == b"answer"
    assert silent(client, 0.05)
    server.close()
    assert client.recv(1) == b""


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_idle_proxy_passes_a_reset_on(room: Room, direction: str) -> None:
    sender, receiver = ends(room, direction)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sender.close()
    assert is_reset(receiver)


# Toxics


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_latency(room: Room, direction: str) -> None:
    sender, receiver = ends(room, direction)
    assert passes_within(0.25, sender, receiver)
    name = room.add("latency", direction=direction, delay_s=0.25)
    assert 0.25 <= seconds_for(sender, receiver) < 5
    assert passes_within(0.25, receiver, sender), "it holds for one direction only"
    bites = room.lift(name)
    assert (bites["connections"], bites["bytes"]) == (1, 1)
    assert passes_within(0.25, sender, receiver)


def test_latency_delays_and_does_not_throttle(room: Room) -> None:
    """8 chunks of 64 KiB are under way together: they need one delay, not eight; and their end comes as late."""
    room.add("latency", direction="upstream", delay_s=0.2)

    def seconds_for_all() -> float:
        client, server = room.pair()
        began = time.monotonic()
        client.sendall(bytes(2**19))
        client.shutdown(socket.SHUT_WR)
        assert len(rest_of(server)) == 2**19
        return time.monotonic() - began

    assert 0.2 <= least(seconds_for_all, 1.2) < 1.2


def test_jitter_varies_and_keeps_the_order(room: Room) -> None:
    client, server = room.pair()
    room.add("latency", direction="upstream", delay_s=0.03, jitter_s=0.03)
    took = []
    for number in range(8):
        began = time.monotonic()
        client.sendall(bytes([number]))
        assert received(server, 1) == bytes([number])
        took.append(time.monotonic() - began)
    assert max(took) - min(took) > 0.02
    client.sendall(bytes(range(200)))
    assert received(server, 200) == bytes(range(200))


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_bandwidth(room: Room, direction: str) -> None:
    """60,000 bytes at 200,000 a second: 0.3 s, less the 0.02 s that may go out at once."""
    sender, receiver = ends(room, direction)
    assert passes_within(0.27, sender, receiver, 60_000)
    name = room.add("bandwidth", direction=direction, rate_bytes_per_s=200_000)
    assert 0.27 <= seconds_for(sender, receiver, 60_000) < 5
    assert passes_within(0.27, receiver, sender, 60_000)
    bites = room.lift(name)
    assert bites["connections"] == 1 and 20_000 <= bites["bytes"] <= 60_000


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_black_hole(room: Room, direction: str) -> None:
    """Nothing arrives and the sender is held back; afterwards everything arrives, and the end of the stream too."""
    sender, receiver = ends(room, direction)
    assert seconds_for(sender, receiver) < 5
    name = room.add("black_hole", direction=direction)
    sent = fill(sender, 2**26)
    assert sent < 2**26, "the sender was never held back"
    assert silent(receiver, 0.1)
    assert room.state()[direction]["held_bytes"] == 65_536, "it reads one chunk and no more"
    assert seconds_for(receiver, sender) < 5, "the other direction goes on"
    sender.shutdown(socket.SHUT_WR)
    bites = room.lift(name)
    assert bites["connections"] == 1 and 65_536 < bites["bytes"] <= sent
    assert len(rest_of(receiver)) == sent


def test_a_black_hole_takes_hold_of_bytes_that_wait_for_something_else(room: Room) -> None:
    """A byte comes every 0.05 s; then none at all."""
    client, server = room.pair()
    room.add("bandwidth", direction="upstream", rate_bytes_per_s=20)
    client.sendall(bytes(100))
    assert received(server, 1) and not silent(server, 5)
    room.add("black_hole", direction="upstream")
    server.recv(100)  # what had come through before
    assert silent(server, 0.2)


def test_a_black_hole_swallows_a_reset_too(room: Room) -> None:
    client, server = room.pair()
    name = room.add("black_hole", direction="upstream")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert silent(server, 0.1)
    room.lift(name)
    assert is_reset(server)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_slicer(room: Room, direction: str) -> None:
    sender, receiver = ends(room, direction)
    sender.sendall(bytes(64))
    assert len(receiver.recv(64)) == 64, "without a slicer it comes in one piece"
    name = room.add("slicer", direction=direction, size_bytes=4, variation_bytes=3, pause_s=0.03)
    sender.sendall(bytes(64))
    pieces: list[int] = []
    while sum(pieces) < 64:
        pieces.append(len(receiver.recv(64)))
    assert len(pieces) >= 6 and len(set(pieces)) > 1, pieces
    bites = room.lift(name)
    assert bites["connections"] == 1 and 32 <= bites["bytes"] < 64


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_slow_close(room: Room, direction: str) -> None:
    """The bytes come at once, the end comes late."""
    took: list[float] = []

    def seconds_for_the_bytes() -> float:
        """And notes what it takes until the end."""
        sender, receiver = ends(room, direction)
        began = time.monotonic()
        sender.sendall(b"all")
        sender.shutdown(socket.SHUT_WR)
        assert received(receiver, 3) == b"all"
        bytes_came = time.monotonic()
        assert receiver.recv(1) == b""
        took.append(time.monotonic() - began)
        return bytes_came - began

    def seconds_until_the_end() -> float:
        seconds_for_the_bytes()
        return took[-1]

    assert least(seconds_until_the_end, 0.2) < 0.2
    took.clear()
    name = room.add("slow_close", direction=direction, delay_s=0.2)
    assert least(seconds_for_the_bytes, 0.2) < 0.2
    assert min(took) >= 0.2 and max(took) < 5
    assert room.lift(name)["connections"] == len(took)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_reset_at_once(room: Room, direction: str) -> None:
    """Open connections are reset at both ends when it is let loose, new ones when they come."""
    client, server = room.pair()
    name = room.add("reset", direction=direction)
    assert is_reset(client) and is_reset(server)
    assert who_connects_is_reset(room.child.ready["port"])
    assert is_reset(room.accept())
    assert room.lift(name)["connections"] == 2
    client, server = room.pair()
    client.close()
    assert not is_reset(server)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_reset_after_so_many_bytes(room: Room, direction: str) -> None:
    """The counting begins when the toxic does, and not a byte more passes."""
    sender, receiver = ends(room, direction)
    assert seconds_for(sender, receiver, 500) < 5
    name = room.add("reset", direction=direction, after_bytes=1000)
    assert seconds_for(sender, receiver, 999) < 5
    sender.sendall(bytes(10))
    assert received(receiver, 1) == b"\0"
    assert is_reset(receiver) and is_reset(sender)
    assert (bites := room.lift(name))["connections"] == 1 and bites["bytes"] == 9
    closed = room.logged("closed")[-1]
    assert (closed["how"], closed["bytes"][direction]) == ("reset", 1500)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_limit_data(room: Room, direction: str) -> None:
    """Both ends see the stream end in order after exactly so many bytes."""
    sender, receiver = ends(room, direction)
    name = room.add("limit_data", direction=direction, after_bytes=1000)
    sender.sendall(bytes(5000))
    assert len(rest_of(receiver)) == 1000
    assert rest_of(sender) == b""
    assert room.lift(name)["connections"] == 1
    sender, receiver = ends(room, direction)
    assert seconds_for(sender, receiver, 5000) < 5


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_half_close(room: Room, direction: str) -> None:
    """One direction ends, what still comes is swallowed, the other direction goes on."""
    sender, receiver = ends(room, direction)
    name = room.add("half_close", direction=direction, after_bytes=1000)
    sender.sendall(bytes(5000))
    assert len(rest_of(receiver)) == 1000
    sender.sendall(bytes(100_000))
    assert seconds_for(receiver, sender, 5000) < 5
    sender.shutdown(socket.SHUT_WR)
    receiver.close()
    assert rest_of(sender) == b""
    bites = room.lift(name)
    assert (bites["connections"], bites["bytes"]) == (1, 104_000)
    sender, receiver = ends(room, direction)
    assert seconds_for(sender, receiver, 5000) < 5


def test_half_close_of_an_open_connection(room: Room) -> None:
    _, server = room.pair()
    assert silent(server, 0.05)
    room.add("half_close", direction="upstream")
    assert server.recv(1) == b""


def test_down(room: Room) -> None:
    """Nobody listens: open connections are reset, new ones refused; then the same port answers again."""
    client, server = room.pair()
    name = room.add("down")
    assert is_reset(client) and is_reset(server)
    with pytest.raises(ConnectionRefusedError):
        room.connect()
    bites = room.lift(name)
    assert (bites["connections"], bites["refuses"]) == (1, True)
    client, server = room.pair()
    assert seconds_for(client, server) < 5


# What holds for all of them


def test_toxicity_hits_the_connections_that_the_seed_says(room: Room) -> None:
    """A pure function of the seed and the number of the connection."""
    spec = {"direction": "downstream", "toxicity": 0.4}
    room.add("half_close", **spec)
    known = toxic({"kind": "half_close", **spec})
    first = room.state()["connections"]["accepted"] + 1
    hit = []
    for number in range(first, first + 20):
        client, server = room.pair()
        server.sendall(b"x")
        hit += [number] if client.recv(1) == b"" else []
    assert hit == [n for n in range(first, first + 20) if hits(known, SEED, n)]
    assert 0 < len(hit) < 20
    assert room.bites("downstream/half_close")["connections"] == len(hit)


def test_toxics_work_together(room: Room) -> None:
    """Slices through a narrow, slow line: in order, whole, and each of them bit."""
    client, server = room.pair()
    room.add("latency", direction="upstream", delay_s=0.05, jitter_s=0.02)
    room.add("bandwidth", direction="upstream", rate_bytes_per_s=100_000)
    room.add("slicer", direction="upstream", size_bytes=700, variation_bytes=600)
    sent = bytes(range(256)) * 60
    client.sendall(sent)
    client.shutdown(socket.SHUT_WR)
    assert rest_of(server) == sent
    toxics = room.ask("GET", "/toxics")[1]["toxics"]
    assert len(toxics) == 3 and all(toxic["bit"]["connections"] == 1 for toxic in toxics)


@pytest.mark.parametrize("how", ["changed", "lifted"])
@pytest.mark.parametrize(
    ("kind", "slow", "fast"),
    [
        ("latency", {"delay_s": 3600}, {"delay_s": 0}),
        ("bandwidth", {"rate_bytes_per_s": 20}, {"rate_bytes_per_s": 1e9}),
        ("slicer", {"size_bytes": 1, "pause_s": 3600}, {"pause_s": 0}),
        ("slow_close", {"delay_s": 3600}, {"delay_s": 0}),
    ],
)
def test_bytes_that_wait_feel_a_change_at_once(room: Room, kind: str, slow: Figures, fast: Figures, how: str) -> None:
    client, server = room.pair()
    name = room.add(kind, direction="upstream", **slow)
    client.sendall(bytes(300))
    client.shutdown(socket.SHUT_WR)
    if kind in ("bandwidth", "slicer"):
        assert received(server, 1) == b"\0"  # the first piece has gone out, the next ones wait
    method, body = ("PATCH", fast) if how == "changed" else ("DELETE", None)
    status, _ = room.ask(method, f"/toxics/{name}", body)
    assert status == 200
    assert len(rest_of(server)) == 300 - (kind in ("bandwidth", "slicer"))


@pytest.mark.parametrize(
    ("kind", "slow"),
    [
        ("latency", {"delay_s": 3600}),
        ("bandwidth", {"rate_bytes_per_s": 20}),
        ("slicer", {"size_bytes": 1, "pause_s": 3600}),
        ("black_hole", {}),
    ],
)
def test_a_reset_reaches_bytes_that_wait(room: Room, kind: str, slow: Figures) -> None:
    """Both ends hear it at once; of what waited nothing comes any more, and the others are served as before."""
    client, server = room.pair()
    room.add(kind, direction="upstream", **slow)
    client.sendall(bytes(300))
    if kind in ("bandwidth", "slicer"):
        assert received(server, 1) == b"\0"
    room.add("reset", direction="upstream")
    assert is_reset(client) and is_reset(server)
    room.ask("DELETE", "/toxics")
    client, server = room.pair()
    assert seconds_for(client, server) < 5


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_what_a_link_holds_is_bounded(room: Room, direction: str) -> None:
    """A line an hour long takes a MiB, then the sender waits; and the state tells how much was held."""
    sender, _ = ends(room, direction)
    room.add("latency", direction=direction, delay_s=3600)
    assert fill(sender, 2**26) < 2**26
    held = room.state()[direction]
    assert HELD_MOST // 2 < held["held_most_bytes"] <= held["held_limit_bytes"] == HELD_MOST
