"""The trivial target as a process: what it counts, how it is frozen, and that it takes bytes as they come."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.trivial_target import TrivialTarget, trivial_target


@pytest.fixture(scope="module")
def target() -> Iterator[TrivialTarget]:
    with trivial_target() as found:
        yield found


@contextmanager
def line(target: TrivialTarget) -> Iterator[socket.socket]:
    parts = urlsplit(target.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=30) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield sock


def heard(sock: socket.socket, end: bytes) -> bytes:
    """All that comes up to `end`."""
    data = b""
    while end not in data:
        piece = sock.recv(65_536)
        assert piece, f"hung up after {data!r}"
        data += piece
    return data


def test_requests_may_come_in_pieces_and_together(target):
    """Byte by byte, and two in one packet: each is answered once, each is counted."""
    before = target.state()["requests"]
    ticket = b"POST /tickets HTTP/1.1\r\nHost: x\r\ncontent-length: 2\r\n\r\n{}"
    look = b"GET /me HTTP/1.1\r\nHost: x\r\n\r\n"
    with line(target) as sock:
        for byte in ticket:
            sock.sendall(bytes([byte]))
        assert heard(sock, b"\r\n\r\n{").startswith(b"HTTP/1.1 201 Created\r\n")
    with line(target) as sock:
        sock.sendall(look + ticket)
        assert b"HTTP/1.1 200 OK" in heard(sock, b'"place_token"')
    after = target.state()["requests"]
    assert {route: after[route] - before[route] for route in after if after[route] > before[route]} == {
        "tickets": 2,
        "me": 1,
    }


def test_a_photo_has_arrived_up_to_its_end(target):
    body = bytes(300_000)
    head = f"PATCH /files/1 HTTP/1.1\r\nUpload-Offset: 1000\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with line(target) as sock:
        sock.sendall(head + body)
        assert b"Upload-Offset: 000000301000\r\n" in heard(sock, b"\r\n\r\n")


def test_a_code_reaches_whoever_reads_for_its_owner(target):
    with line(target) as reader, line(target) as other, line(target) as phone:
        reader.sendall(b"GET /deliveries?residue=1,2&modulus=4 HTTP/1.1\r\n\r\n")
        other.sendall(b"GET /deliveries?residue=0&modulus=4 HTTP/1.1\r\n\r\n")
        for one in (reader, other):
            heard(one, b"\r\n\r\n1\r\n\n\r\n")
        for number in (4, 5):
            body = json.dumps({"address": f"+6280{number:09}"}).encode()
            phone.sendall(b"POST /codes HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            heard(phone, b"resend_after_s")
        assert b'"+6280000000005", "channel": "sms", "text": "Kode Anda 123456."' in heard(reader, b"}\n\r\n")
        assert b'"+6280000000004"' in heard(other, b"}\n\r\n")


def test_a_frozen_target_answers_afterwards(target):
    """Every answer is held back, its counters are not; nothing is lost."""
    frozen_from = time.time()
    target.freeze(0.3)
    with line(target) as sock:
        sock.sendall(b"GET /me HTTP/1.1\r\n\r\n")
        heard(sock, b"wave")
        answered = time.time()
    began, ended = target.state()["freezes"][-1]
    assert frozen_from <= began <= ended - 0.3 + 0.01
    assert answered >= ended


def test_its_counters_are_there_for_prometheus(target):
    urlopen(f"{target.url}/me", timeout=30).close()
    with urlopen(f"{target.url}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    assert f'stub_requests_total{{route="me"}} {target.counts()["me"]}\n' in text
