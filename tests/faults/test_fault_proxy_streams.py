"""Whatever goes through the proxy comes out as it went in: any bytes, in any chunks, both ways at once."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.fault_room import Room, fault_room, rest_of

CHUNKS = st.lists(
    st.binary(max_size=40) | st.integers(1, 200_000).map(lambda n: n.to_bytes(4, "big") * (n // 4)), max_size=8
)
"""Small ones of any bytes, and long ones that span many reads."""
TOXICS = st.fixed_dictionaries(
    {},
    optional={
        "latency": st.fixed_dictionaries({"delay_s": st.just(0.01), "jitter_s": st.sampled_from([0, 0.01])}),
        "bandwidth": st.fixed_dictionaries({"rate_bytes_per_s": st.sampled_from([5e6, 2e7])}),
        "slicer": st.fixed_dictionaries(
            {"size_bytes": st.integers(2000, 65536), "variation_bytes": st.integers(0, 1999)}
        ),
        "slow_close": st.fixed_dictionaries({"delay_s": st.just(0.01)}),
    },
)
"""Toxics that delay and never lose."""


@pytest.fixture(scope="module", params=["tcp", "unix"])
def room(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with fault_room(tmp_path_factory.mktemp("streams"), unix=request.param == "unix") as room:
        yield room


def sent_from(one: socket.socket, chunks: list[bytes]) -> threading.Thread:
    def send() -> None:
        for chunk in chunks:
            one.sendall(chunk)
        one.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    return sender


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHUNKS, CHUNKS, TOXICS, TOXICS)
def test_both_streams_arrive_whole(
    room: Room, up: list[bytes], down: list[bytes], up_toxics: dict[str, Any], down_toxics: dict[str, Any]
) -> None:
    for direction, toxics in (("upstream", up_toxics), ("downstream", down_toxics)):
        for kind, figures in toxics.items():
            room.add(kind, direction=direction, **figures)
    client, server = room.pair()
    got: list[bytes] = []
    senders = [sent_from(client, up), sent_from(server, down)]
    reader = threading.Thread(target=lambda: got.append(rest_of(server)))
    reader.start()
    assert rest_of(client) == b"".join(down)
    for thread in (*senders, reader):
        thread.join(20)
    assert got == [b"".join(up)]
    room.clear()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHUNKS, st.integers(0, 300_000))
def test_a_cut_lets_exactly_its_bytes_through(room: Room, chunks: list[bytes], after: int) -> None:
    """Negative control of the test above, and the promise of the cuts: a prefix arrives, to the byte."""
    room.add("half_close", direction="upstream", after_bytes=after)
    client, server = room.pair()
    sender = sent_from(client, chunks)
    assert rest_of(server) == b"".join(chunks)[:after]
    sender.join(20)
    room.clear()


def test_changing_toxics_in_mid_stream_loses_nothing(room: Room) -> None:
    """4 MB under a timeline of toxics that come, change and go."""
    client, server = room.pair()
    stream = bytes(range(251)) * 16_000
    sender = sent_from(client, [stream])
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(rest_of(server)))
    reader.start()
    for _ in range(3):
        room.add("slicer", direction="upstream", size_bytes=3000, variation_bytes=2999)
        room.add("black_hole", direction="upstream")
        room.add("latency", direction="upstream", delay_s=0.02, jitter_s=0.02)
        room.lift("upstream/black_hole")
        room.add("bandwidth", direction="upstream", rate_bytes_per_s=20_000_000)
        room.ask("PATCH", "/toxics/upstream/latency", {"delay_s": 0.001, "jitter_s": 0})
        room.ask("DELETE", "/toxics")
    reader.join(20)
    sender.join(20)
    assert got == [stream]
    room.clear()
