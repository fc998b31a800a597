"""The crowd's HTTP connections against a server that misbehaves in known ways, each on its own loopback port."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event
from gevent.server import StreamServer

from loadtests.connections import Connections
from loadtests.lines import Line
from scenarios.networks import Cut

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Fact: 7\r\n\r\nok"


@contextmanager
def server(handle: Callable[[Any, int], None], most: int = 0) -> Iterator[Connections]:
    """At most `most` connections to a server whose `handle(sock, n)` serves the n-th connection, from 1."""
    served = 0

    def serve(sock: Any, _: object) -> None:
        nonlocal served
        served += 1
        handle(sock, served)
        sock.close()

    listening = StreamServer(("127.0.0.1", 0), serve)
    listening.start()
    connections = Connections(f"http://127.0.0.1:{listening.server_port}/base", most)
    try:
        yield connections
    finally:
        connections.close()
        listening.stop()


def heard(sock: Any) -> bytes:
    """One request, head and body; empty when the client has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def answer_all(sock: Any, _: int) -> None:
    while heard(sock):
        sock.sendall(OK)


def test_one_connection_serves_many_requests():
    with server(answer_all) as connections:
        for _ in range(5):
            answer = connections.send("GET", "/x", timeout=5)
            assert (answer.status, answer.body, answer.headers.get("x-fact")) == (200, b"ok", "7")
        assert connections.opened == 1


def test_a_request_is_written_as_asked():
    """Path below the base, headers, length and bytes; a slow line sends them in pieces."""
    requests: list[bytes] = []

    def keep(sock: Any, _: int) -> None:
        requests.append(heard(sock))
        sock.sendall(OK)

    with server(keep) as connections:
        body = bytes(range(256)) * 1000
        connections.send("PATCH", "/files/1", "Upload-Offset: 0\r\n", memoryview(body), timeout=5, line=Line(5e6))
    head, _, sent = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PATCH /base/files/1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"Upload-Offset: 0\r\n" in head
    assert sent == body


def test_a_kept_connection_that_was_closed_is_noticed():
    """The server hung up while nobody used it: no request is lost on it."""

    def once(sock: Any, _: int) -> None:
        heard(sock)
        sock.sendall(OK)

    with server(once) as connections:
        for _ in range(3):
            assert connections.send("POST", "/x", timeout=5).status == 200
        assert (connections.opened, connections.resent) == (3, 0)


def test_a_request_that_meets_a_closing_connection_is_sent_once_more():
    """The server hung up on taking the second request of a connection; a fresh one gets the answer."""

    def hang_up_on_second(sock: Any, n: int) -> None:
        heard(sock)
        sock.sendall(OK)
        if n == 1:
            heard(sock)

    with server(hang_up_on_second) as connections:
        assert connections.send("POST", "/x", timeout=5).status == 200
        assert connections.send("POST", "/x", timeout=5).status == 200
        assert connections.resent == 1


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"not HTTP\r\n\r\n"])
def test_a_fresh_connection_that_breaks_is_a_failure_of_transport(said):
    def break_off(sock: Any, _: int) -> None:
        heard(sock)
        sock.sendall(said)

    with server(break_off) as connections:
        answer = connections.send("GET", "/x", timeout=5)
        assert (answer.status, answer.failure) == (0, "transport")


def test_nobody_listening_is_a_failure_of_transport():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        connections = Connections(f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert connections.send("GET", "/x", timeout=5).failure == "transport"


def test_silence_ends_at_the_timeout_and_the_connection_is_not_used_again():
    def silent(sock: Any, n: int) -> None:
        heard(sock)
        if n > 1:
            sock.sendall(OK)
        heard(sock)

    with server(silent) as connections:
        assert connections.send("GET", "/x", timeout=0.1).failure == "timeout"
        assert connections.send("GET", "/x", timeout=5).status == 200
        assert connections.opened == 2


def test_an_answer_given_before_the_body_was_taken_is_read():
    """413 in mid-upload: what the server said counts, not that it hung up."""

    def refuse(sock: Any, _: int) -> None:
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        while sock.recv(65536):
            pass

    with server(refuse) as connections:
        assert connections.send("PATCH", "/x", body=bytes(3_000_000), timeout=5).status == 413


def test_a_line_that_breaks_delivers_what_had_crossed_it():
    """Half a round trip of bytes is on its way when it breaks: sent, and never there."""
    seen: list[bytes] = []
    broken: list[BaseException | None] = []

    def take(sock: Any, _: int) -> None:
        data = b""
        try:
            while piece := sock.recv(65536):
                data += piece
            broken.append(None)
        except ConnectionResetError as error:
            broken.append(error)
        seen.append(data.partition(b"\r\n\r\n")[2])

    body = bytes(range(256)) * 400
    line = Line(bytes_per_s=500_000, round_trip_s=0.04, cut_s=0.1, cut=int(Cut.RESET))
    with server(take) as connections:
        answer = connections.send("PATCH", "/x", body=body, timeout=5, line=line)
        give_up = gevent.Timeout(5)
        with give_up:
            while not seen:
                gevent.sleep(0.01)
    assert (answer.status, answer.failure, answer.cut, answer.sent) == (0, "transport", Cut.RESET, 50_000)
    assert seen == [body[:40_000]]
    assert isinstance(broken[0], ConnectionResetError)


def test_a_half_open_line_is_given_up_by_the_phone_alone():
    """The server is told nothing: its connection stays open, with what had arrived."""
    ended: list[bytes] = []

    def wait_for_more(sock: Any, _: int) -> None:
        while sock.recv(65536):
            pass
        ended.append(b"")

    line = Line(bytes_per_s=1e6, cut_s=0.01, cut=int(Cut.HALF_OPEN), silence_s=0.05)
    with server(wait_for_more) as connections:
        answer = connections.send("PATCH", "/x", body=bytes(100_000), timeout=5, line=line)
        assert (answer.failure, answer.cut, answer.sent) == ("timeout", Cut.HALF_OPEN, 10_000)
        assert not ended


def test_a_line_that_would_break_later_does_not_break():
    def keep(sock: Any, _: int) -> None:
        heard(sock)
        sock.sendall(OK)

    line = Line(bytes_per_s=1e6, cut_s=0.5, cut=int(Cut.KILLED))
    with server(keep) as connections:
        answer = connections.send("PATCH", "/x", body=bytes(100_000), timeout=5, line=line)
    assert (answer.status, answer.cut, answer.sent) == (200, Cut.NONE, 100_000)


def test_a_refusal_stops_the_bytes():
    """The phone stops at the piece after the answer came, and does not use the connection again."""

    def refuse(sock: Any, _: int) -> None:
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n")
        while sock.recv(65536):
            pass

    with server(refuse) as connections:
        for opened in (1, 2):
            answer = connections.send("PATCH", "/x", body=bytes(1_000_000), timeout=20, line=Line(100_000))
            assert (answer.status, connections.opened) == (503, opened)
            assert answer.sent < 1_000_000


def held_first() -> tuple[Event, Event, Callable[[Any, int], None]]:
    """Set when the first request has come; lets it be answered when set; the server that waits between them."""
    waiting, let_go = Event(), Event()

    def serve(sock: Any, _: int) -> None:
        heard(sock)
        waiting.set()
        assert let_go.wait(10)
        sock.sendall(OK)
        answer_all(sock, 0)

    return waiting, let_go, serve


def test_beyond_the_bound_a_request_waits_and_says_how_long():
    """Two at once over one connection: the second is sent when the first is answered, on the same connection."""
    waiting, let_go, hold_the_first = held_first()
    with server(hold_the_first, most=1) as connections:
        first = gevent.spawn(connections.send, "GET", "/1", timeout=20)
        assert waiting.wait(10)
        second = gevent.spawn(connections.send, "GET", "/2", timeout=20)
        gevent.sleep(0.05)
        assert (connections.busy, connections.open) == (1, 1)
        let_go.set()
        gevent.joinall([first, second], raise_error=True, timeout=20)
        assert first.value.blocked == 0.0
        assert second.value.blocked >= 0.04
        assert second.value.status == 200
        assert (connections.opened, connections.busy, connections.open) == (1, 0, 1)


def test_waiting_for_a_connection_costs_no_patience():
    """The time that the generator made a request wait is not the service's: it times out no earlier for it."""
    waiting, let_go, hold_the_first = held_first()
    with server(hold_the_first, most=1) as connections:
        first = gevent.spawn(connections.send, "GET", "/1", timeout=20)
        assert waiting.wait(10)
        second = gevent.spawn(connections.send, "GET", "/2", timeout=1.0)
        gevent.sleep(1.1)
        let_go.set()
        gevent.joinall([first, second], raise_error=True, timeout=20)
        assert (second.value.status, second.value.failure) == (200, "")
        assert second.value.blocked > 1.0


def test_an_idle_connection_gives_way_to_one_from_another_address():
    """Within the bound of two: the one idle longest is closed, and requests go on."""
    with server(answer_all, most=2) as connections:
        for last in (1, 2, 3, 2):
            assert connections.send("GET", "/x", timeout=5, source=f"127.77.0.{last}").status == 200
            assert connections.open <= 2
        assert connections.opened == 3


def test_connections_start_at_the_address_of_who_uses_them():
    seen: list[str] = []

    def note(sock: Any, _: int) -> None:
        while heard(sock):
            seen.append(sock.getpeername()[0])
            sock.sendall(OK)

    with server(note) as connections:
        for source in ("127.77.0.1", "127.78.0.9", "127.77.0.1", ""):
            connections.send("GET", "/x", timeout=5, source=source)
        assert seen == ["127.77.0.1", "127.78.0.9", "127.77.0.1", "127.0.0.1"]
        assert connections.opened == 3


def test_an_answer_in_chunks_or_pieces_is_read_whole():
    said = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        OK,
    ]

    def answer_each(sock: Any, _: int) -> None:
        for whole in said:
            heard(sock)
            for start in range(0, len(whole), 30):
                sock.sendall(whole[start : start + 30])
                gevent.sleep(0.01)

    with server(answer_each) as connections:
        for _ in said:
            answer = connections.send("GET", "/x", timeout=5)
            assert (answer.status, answer.body) == (200, b"ok")
        assert connections.opened == 1


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ValueError, match="not an http or https address"):
        Connections(address)
