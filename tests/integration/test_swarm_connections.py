"""The crowd's HTTP connections against a server that misbehaves in known ways, each on its own loopback port."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from gevent import socket
from gevent.server import StreamServer

from loadtests.connections import Connections

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Fact: 7\r\n\r\nok"


@contextmanager
def server(handle: Callable[[Any, int], None]) -> Iterator[Connections]:
    """Connections to a server whose `handle(sock, n)` serves the n-th connection, from 1."""
    served = 0

    def serve(sock: Any, _: object) -> None:
        nonlocal served
        served += 1
        handle(sock, served)
        sock.close()

    listening = StreamServer(("127.0.0.1", 0), serve)
    listening.start()
    connections = Connections(f"http://127.0.0.1:{listening.server_port}/base")
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
        connections.send("PATCH", "/files/1", "Upload-Offset: 0\r\n", memoryview(body), timeout=5, bytes_per_s=5e6)
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


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ValueError, match="not an http or https address"):
        Connections(address)
