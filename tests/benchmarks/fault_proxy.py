"""What the fault proxy costs while it does nothing: every run measures directly and through it, one after the other.

A round trip is 200 bytes there and back on a kept connection, the stream is 64 KiB writes on one connection; client,
proxy and server are a process each. A toxic must stand out of this: 1 ms of latency is ten times what idling adds.
"""

import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from loadtests.harness.processes import ROOT, Child, python
from tests.benchmarks.rows import Row, alone, paired
from tests.benchmarks.stack import READY_WITHIN, STOP_GRACE, say

RUNS = 7
ROUND_TRIPS = 3000
MESSAGE = bytes(200)
"""A short query or a small answer."""
STREAM = 256 * 2**20
CHUNK = bytes(2**16)


@dataclass(frozen=True)
class Measured:
    """One run through one address."""

    median_s: float
    p99_s: float
    bytes_per_s: float


def rows() -> Iterator[Row]:
    with _started() as (server, proxy):
        direct = ("127.0.0.1", int(server.ready["port"]))
        through = ("127.0.0.1", int(proxy.ready["port"]))
        _measured(direct), _measured(through)  # both warm
        plain, led, cpu_trip, cpu_byte = [], [], [], []
        process = psutil.Process(proxy.pid)
        for run in range(1, RUNS + 1):
            plain.append(_measured(direct))
            used = _cpu(process)
            trips = _round_trips(through)
            between = _cpu(process)
            led.append(Measured(*trips, _stream(through)))
            cpu_trip.append((between - used) / ROUND_TRIPS)
            cpu_byte.append((_cpu(process) - between) / (STREAM / 2**30))
            say(f"run {run} of {RUNS}: {led[-1].median_s * 1e6:.0f} us, directly {plain[-1].median_s * 1e6:.0f} us")
    yield paired("fault_proxy.round_trip", "s", [each.median_s for each in led], [each.median_s for each in plain])
    yield paired("fault_proxy.round_trip_p99", "s", [each.p99_s for each in led], [each.p99_s for each in plain])
    yield alone(
        "fault_proxy.added_to_a_round_trip",
        "s",
        [one.median_s - other.median_s for one, other in zip(led, plain, strict=True)],
    )
    yield paired(
        "fault_proxy.stream", "bytes/s", [each.bytes_per_s for each in led], [each.bytes_per_s for each in plain]
    )
    yield alone("fault_proxy.cpu_per_round_trip", "s", cpu_trip)
    yield alone("fault_proxy.cpu_per_gib", "s", cpu_byte)


@contextmanager
def _started() -> Iterator[tuple[Child, Child]]:
    """The server and the proxy before it."""
    folder = ROOT / ".launchnight" / f"bench-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        server = _child(ending, folder, "echo", "-m", "tests.benchmarks.echo")
        to = f"127.0.0.1:{server.ready['port']}"
        command = ("-m", "loadtests.faults", "--listen", "127.0.0.1:0", "--to", to, "--lifeline")
        yield server, _child(ending, folder, "faults", *command)


def _child(ending: ExitStack, folder: Path, role: str, *command: str) -> Child:
    child = Child(role, python(*command), settings={}, logs=folder)
    ending.callback(child.stop, grace=STOP_GRACE)
    child.wait_ready(READY_WITHIN)
    return child


def _measured(address: tuple[str, int]) -> Measured:
    return Measured(*_round_trips(address), _stream(address))


def _round_trips(address: tuple[str, int]) -> tuple[float, float]:
    """Median and 99th percentile of a round trip, in seconds."""
    took = []
    with _connected(address, b"e") as one:
        for _ in range(ROUND_TRIPS):
            began = time.perf_counter()
            one.sendall(MESSAGE)
            left = len(MESSAGE)
            while left:
                left -= len(one.recv(left))
            took.append(time.perf_counter() - began)
    return median(took), sorted(took)[len(took) * 99 // 100]


def _stream(address: tuple[str, int]) -> float:
    """Bytes per second until the server has read all of them."""
    with _connected(address, b"s") as one:
        began = time.perf_counter()
        for _ in range(STREAM // len(CHUNK)):
            one.sendall(CHUNK)
        one.shutdown(socket.SHUT_WR)
        assert one.recv(1) == b"."
        return STREAM / (time.perf_counter() - began)


def _connected(address: tuple[str, int], first: bytes) -> socket.socket:
    one = socket.create_connection(address, timeout=60)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one.sendall(first)
    return one


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
