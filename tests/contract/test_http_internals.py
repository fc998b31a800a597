"""What the crowd's connections rely on inside gevent and geventhttpclient: fails loudly when a version differs."""

import inspect
from importlib.metadata import version

import gevent
import pytest
from gevent import socket
from gevent.lock import BoundedSemaphore
from geventhttpclient.response import HTTPSocketPoolResponse, HTTPSocketResponse


def test_they_are_the_versions_that_were_read() -> None:
    """Before raising a pin, read gevent/_socketcommon.py and geventhttpclient/response.py of the new one."""
    assert version("gevent").split(".")[0] == "26"
    assert version("geventhttpclient").rpartition(".")[0] == "2.6"


def test_a_socket_can_be_waited_for_without_reading() -> None:
    one, other = socket.socketpair()
    with one, other:
        waiting = gevent.spawn(one._wait, one._read_event)
        gevent.sleep(0.01)
        assert not waiting.ready()
        other.send(b"x")
        waiting.join(10)
        assert waiting.successful()
        assert one.recv(10) == b"x"


def test_a_response_goes_on_with_what_was_read_before() -> None:
    """And tells the pool, here a wire, whether its socket can be used again."""

    class Pool:
        told = ""

        def return_socket(self, _: object) -> None:
            self.told = "reusable"

        def release_socket(self, _: object) -> None:
            self.told = "done"

    assert "pre_buffered" in inspect.signature(HTTPSocketResponse).parameters
    for fields, told in ((b"", "reusable"), (b"Connection: close\r\n", "done")):
        one, other = socket.socketpair()
        with one, other:
            other.sendall(b"Length: 5\r\n" + fields + b"\r\nwhole")
            pool = Pool()
            begun = b"HTTP/1.1 200 OK\r\nContent-"
            response = HTTPSocketPoolResponse(one, pool, method="GET", block_size=65536, pre_buffered=begun)  # type: ignore[arg-type]
            assert (response.status_code, response.read(), pool.told) == (200, b"whole", told)


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
