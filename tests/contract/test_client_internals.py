"""What the crowd's connections rely on inside gevent and geventhttpclient; fails when others behave otherwise."""

import select
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import gevent
import pytest
from gevent import monkey, socket
from gevent.lock import BoundedSemaphore
from gevent.server import StreamServer
from geventhttpclient import HTTPClient
from geventhttpclient.header import Headers
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketPoolResponse

BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Fact: 7\r\n\r\nhello"


class Pool:
    """Stands where geventhttpclient expects a pool of its own."""

    def __init__(self) -> None:
        self.fate: list[str] = []

    def return_socket(self, _: Any) -> None:
        self.fate.append("returned")

    def release_socket(self, _: Any) -> None:
        self.fate.append("released")


def answered(buffered: bytes, *pieces: bytes, method: str = "GET") -> tuple[int, bytes, list[str]]:
    """Status, body and what became of the socket, when a server sends `pieces` after what was read already."""
    ours, theirs = socket.socketpair()
    pool: Any = Pool()

    def send() -> None:
        for piece in pieces:
            theirs.sendall(piece)
            gevent.sleep(0)
        theirs.close()

    with ours, theirs:
        gevent.spawn(send)
        try:
            with gevent.Timeout(20):
                response = HTTPSocketPoolResponse(ours, pool, method=method, block_size=100, pre_buffered=buffered)
                body = bytes(response.read())
        except (HTTPConnectionClosed, HTTPParseError, ConnectionError) as broken:
            return 0, type(broken).__name__.encode(), pool.fate
        return int(response.status_code), body, pool.fate


def test_they_are_the_versions_that_were_read():
    """Before raising the locks, read response.py of the one and _socket3.py of the other."""
    assert version("geventhttpclient").startswith("2.6.")
    assert version("gevent").split(".")[0] == "26"


@pytest.mark.parametrize("cut", [0, 1, 17, 50, len(BODY)])
def test_an_answer_may_be_read_in_part_before(cut):
    """The parser goes on where we stopped, at any byte; the socket comes back to us and can be used again."""
    assert answered(BODY[:cut], BODY[cut:]) == (200, b"hello", ["returned"])


def test_interim_answers_are_skipped():
    assert answered(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", BODY)[:2] == (200, b"hello")


def test_chunks_are_joined():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert answered(head, b"3\r\nhel\r\n", b"2\r\nlo\r\n0\r\n\r\n") == (200, b"hello", ["returned"])


def test_an_answer_to_head_has_no_body():
    assert answered(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", method="HEAD") == (200, b"", ["returned"])


def test_a_connection_that_the_server_will_close_is_not_returned():
    assert answered(BODY.replace(b"X-Fact: 7", b"Connection: close"))[2] == ["released"]


@pytest.mark.parametrize(("buffered", "said"), [(b"", b""), (BODY[:30], b""), (b"no answer\r\n\r\n", b"")])
def test_what_is_no_answer_raises_and_the_socket_is_let_go(buffered, said):
    status, error, fate = answered(buffered, said)
    assert status == 0
    assert error in (b"HTTPConnectionClosed", b"HTTPParseError")
    assert fate == ["released"]


def test_fields_are_found_whatever_their_case():
    fields = Headers({"Retry-After": "7"})
    assert (fields.get("retry-after"), fields.get("absent", "none"), fields["RETRY-AFTER"]) == ("7", "none", "7")


def test_a_standing_answer_is_read_line_by_line():
    """Of chunks that come bit by bit; nothing at its end."""

    def tell(sock: Any, _: object) -> None:
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n")
        for piece in (b"6\r\ntwo\nth\r\n", b"4\r\nree\n\r\n", b"0\r\n\r\n"):
            gevent.sleep(0)
            sock.sendall(piece)
        sock.close()

    def read(client: Any) -> list[bytes]:
        response = client.get("/")
        return list(iter(lambda: bytes(response.readline(b"\n")), b""))

    assert _from(tell, read) == [b"one\n", b"two\n", b"three\n"]


def _from(tell: Callable[[Any, object], None], read: Callable[[Any], list[bytes]]) -> list[bytes]:
    server = StreamServer(("127.0.0.1", 0), tell)
    server.start()
    client = HTTPClient("127.0.0.1", server.server_port, connection_timeout=20, network_timeout=20)
    try:
        return read(client)
    finally:
        client.close()
        server.stop()


def test_waiting_until_there_is_something_to_read():
    """What saves a futile attempt for each answer: gevent's own wait, which a Timeout ends."""
    ours, theirs = socket.socketpair()
    wait: Any = ours
    with ours, theirs:
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.01):
            wait._wait(wait._read_event)
        gevent.spawn(theirs.sendall, b"x")
        with gevent.Timeout(20):
            wait._wait(wait._read_event)
        assert ours.recv(10) == b"x"


def test_the_poll_that_waits_for_nobody_is_the_systems():
    """A look at an idle connection must not enter gevent's loop, also where Locust has changed `select`."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        look = monkey.get_original("select", "poll")()
        look.register(ours.fileno(), select.POLLIN)
        assert look.poll(0) == []
        theirs.close()
        assert look.poll(0)


def test_a_semaphore_says_at_once_whether_there_is_room() -> None:
    room = BoundedSemaphore(1)
    assert room.acquire(blocking=False)
    assert (room.counter, room.acquire(blocking=False)) == (0, False)
    room.release()
    with pytest.raises(ValueError, match="released too many times"):
        room.release()


def test_a_timer_calls_back_and_can_be_stopped() -> None:
    rung: list[str] = []
    loop = gevent.get_hub().loop
    kept, stopped = loop.timer(0.01), loop.timer(0.01)
    kept.start(rung.append, "kept")
    stopped.start(rung.append, "stopped")
    stopped.stop()
    stopped.close()
    with gevent.Timeout(10):
        while not rung:
            gevent.sleep(0.01)
    kept.close()
    assert rung == ["kept"]
