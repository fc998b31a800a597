"""A fault proxy as its own process, with both ends of each connection in the test's hand."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from loadtests.harness.processes import Child, python

LOOPBACK = "127.0.0.1"
DEADLINE = 30.0
"""Seconds that anything here may take: only a broken proxy needs them."""


class Room:
    def __init__(self, child: Child, listener: socket.socket, events: Path) -> None:
        self.child = child
        self.events = events
        self._listener = listener
        self._open: list[socket.socket] = []

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON of the control's answer; a str or bytes body goes as it is."""
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        control = HTTPConnection(LOOPBACK, self.child.ready["control_port"], timeout=DEADLINE)
        try:
            control.request(method, path, raw)
            answer = control.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            control.close()

    def add(self, kind: str, **figures: object) -> str:
        """Let a toxic loose; its id."""
        status, toxic = self.ask("POST", "/toxics", {"kind": kind, **figures})
        assert status == 201, toxic
        return str(toxic["id"])

    def lift(self, name: str) -> dict[str, Any]:
        """Take a toxic away; its bites."""
        status, toxic = self.ask("DELETE", f"/toxics/{name}")
        assert status == 200, toxic
        bites: dict[str, Any] = toxic["bit"]
        return bites

    def bites(self, name: str) -> dict[str, Any]:
        toxics = self.ask("GET", "/toxics")[1]["toxics"]
        return next(dict(toxic["bit"]) for toxic in toxics if toxic["id"] == name)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.ask("GET", "/state")[1]
        return state

    def connect(self) -> socket.socket:
        """The client's end of a connection to the proxy."""
        client = socket.create_connection((LOOPBACK, self.child.ready["port"]), timeout=DEADLINE)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.append(client)
        return client

    def pair(self) -> tuple[socket.socket, socket.socket]:
        """Client's and server's end of one connection through the proxy."""
        return self.connect(), self.accept()

    def accept(self) -> socket.socket:
        """The server's end of the next connection."""
        server, _ = self._listener.accept()
        server.settimeout(DEADLINE)
        self._open.append(server)
        return server

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.events.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

    def clear(self) -> None:
        """No toxic and no connection is left."""
        for each in self._open:
            each.close()
        self._open.clear()
        self.ask("DELETE", "/toxics")
        deadline = time.monotonic() + DEADLINE
        while (state := self.state())["connections"]["open"]:
            assert time.monotonic() < deadline, "the proxy keeps connections whose two ends are closed"
            time.sleep(0.01)
        self._listener.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self._listener.accept()[0].close()
        self._listener.settimeout(DEADLINE)
        assert state["upstream"]["held_bytes"] == state["downstream"]["held_bytes"] == 0


@contextmanager
def fault_room(folder: Path, *options: str, unix: bool = False) -> Iterator[Room]:
    """A proxy with a listener of the test behind it."""
    events = folder / "events.jsonl"
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as listener:
        listener.bind(str(folder / "socket") if unix else (LOOPBACK, 0))
        listener.listen(128)
        listener.settimeout(DEADLINE)
        to = f"unix:{folder / 'socket'}" if unix else f"{LOOPBACK}:{listener.getsockname()[1]}"
        command = python("-m", "loadtests.faults", "--listen", f"{LOOPBACK}:0", "--to", to, "--events", str(events))
        child = Child("faults", [*command, "--lifeline", *options], settings={}, logs=folder)
        try:
            child.wait_ready(DEADLINE)
            yield Room(child, listener, events)
        finally:
            code = child.stop(grace=DEADLINE)
        assert code == 0, child.log.read_text()
        assert child.log.read_text() == ""


def received(one: socket.socket, size: int) -> bytes:
    """Exactly so many bytes, or all until the end of the stream."""
    parts = []
    while size > 0 and (part := one.recv(min(size, 65536))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def rest_of(one: socket.socket) -> bytes:
    """All bytes until the end of the stream."""
    return received(one, 2**40)


def is_reset(one: socket.socket) -> bool:
    """Whether it ends with a reset, after whatever may still be read; False = in order."""
    try:
        rest_of(one)
    except ConnectionResetError:
        return True
    return False


def who_connects_is_reset(port: int) -> bool:
    """Whether a new client of the port is reset: often as late as on reading, now and then while it still connects."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=DEADLINE) as client:
            return is_reset(client)
    except ConnectionResetError:
        return True


def silent(one: socket.socket, seconds: float) -> bool:
    """Whether neither a byte nor the end comes within so many seconds."""
    one.settimeout(seconds)
    try:
        one.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        one.settimeout(DEADLINE)
    return False


def fill(one: socket.socket, most: int) -> int:
    """Send zeros until nothing has been taken for 0.4 s, or `most` bytes have; how many were taken."""
    sent = 0
    zeros = bytes(65536)
    one.settimeout(0.4)
    with suppress(TimeoutError):
        while sent < most:
            sent += one.send(zeros[: most - sent])
    one.settimeout(DEADLINE)
    return sent
