"""The proxy's control says everything that is wrong with a request at once, and the program starts and ends well."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.faults.__main__ import CannotStart, arguments, make_room
from loadtests.faults.toxics import KINDS
from loadtests.harness.processes import ROOT
from tests.children import child_process
from tests.integration.fault_room import Room, fault_room, silent, who_connects_is_reset


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with fault_room(tmp_path_factory.mktemp("faults"), "--connections", "2") as room:
        yield room


@pytest.fixture
def room(shared: Room) -> Iterator[Room]:
    yield shared
    shared.clear()


LATENCY = {"kind": "latency", "direction": "upstream", "delay_s": 1}


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"kind": "missing", "direction": "missing"}),
        ({"kind": "fog", "direction": "sideways"}, {"kind": "invalid", "direction": "invalid"}),
        ({"kind": ["latency"], "direction": {}}, {"kind": "invalid", "direction": "invalid"}),
        (
            {"kind": "latency", "toxicity": 1.5, "jitter_s": -1, "color": "red"},
            {
                "direction": "missing",
                "toxicity": "invalid",
                "jitter_s": "invalid",
                "color": "unknown",
                "delay_s": "missing",
            },
        ),
        ({**LATENCY, "delay_s": "1"}, {"delay_s": "invalid"}),
        ({**LATENCY, "delay_s": True}, {"delay_s": "invalid"}),
        ({**LATENCY, "delay_s": None}, {"delay_s": "invalid"}),
        ({**LATENCY, "delay_s": float("nan")}, {"delay_s": "invalid"}),
        ({**LATENCY, "delay_s": float("inf")}, {"delay_s": "invalid"}),
        ({**LATENCY, "delay_s": 10**400}, {"delay_s": "invalid"}),
        ({**LATENCY, "jitter_s": 2}, {"jitter_s": "invalid"}),
        ({**LATENCY, "id": "mine"}, {"id": "unknown"}),
        (
            {"kind": "slicer", "direction": "upstream", "size_bytes": 0, "variation_bytes": 1.5},
            {"size_bytes": "invalid", "variation_bytes": "invalid"},
        ),
        (
            {"kind": "slicer", "direction": "upstream", "size_bytes": 4, "variation_bytes": 4},
            {"variation_bytes": "invalid"},
        ),
        ({"kind": "bandwidth", "direction": "upstream", "rate_bytes_per_s": 0}, {"rate_bytes_per_s": "invalid"}),
        ({"kind": "reset", "direction": "upstream", "after_bytes": -1}, {"after_bytes": "invalid"}),
        ({"kind": "down", "direction": "upstream", "toxicity": 1}, {"direction": "unknown", "toxicity": "unknown"}),
    ],
)
def test_every_fault_of_a_toxic_is_told_at_once(room: Room, body: dict[str, Any], faults: dict[str, str]) -> None:
    status, answer = room.ask("POST", "/toxics", body)
    assert status == 422 and answer["error"] == "invalid-fields"
    assert {fault["field"]: fault["code"] for fault in answer["errors"]} == faults
    assert len(answer["errors"]) == len(faults) and all(fault["detail"] for fault in answer["errors"])
    assert room.ask("GET", "/toxics") == (200, {"toxics": []})


def test_a_change_is_whole_or_nothing(room: Room) -> None:
    name = room.add("latency", direction="upstream", delay_s=1, jitter_s=0.5)
    before = room.ask("GET", "/toxics")
    status, answer = room.ask("PATCH", f"/toxics/{name}", {"delay_s": 0.2, "toxicity": 2, "direction": "downstream"})
    assert status == 422
    assert {fault["field"] for fault in answer["errors"]} == {"toxicity", "direction", "jitter_s"}
    assert room.ask("GET", "/toxics") == before
    status, answer = room.ask("PATCH", f"/toxics/{name}", {"delay_s": 0.2, "jitter_s": 0.1, "toxicity": 0})
    assert (status, answer["delay_s"], answer["toxicity"]) == (200, 0.2, 0)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"\xff", b"[" * 60_000])
def test_what_is_no_json_object_is_told(room: Room, body: bytes) -> None:
    status, answer = room.ask("POST", "/toxics", body)
    assert (status, answer["error"]) == (400, "malformed-json")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("DELETE", "/toxics/upstream/latency", 404),
        ("PATCH", "/toxics/up/down/left", 404),
        ("PUT", "/toxics", 405),
        ("GET", "/toxics/upstream/latency", 405),
        ("POST", "/state", 405),
    ],
)
def test_there_is_no_such_thing(room: Room, method: str, path: str, status: int) -> None:
    answered, answer = room.ask(method, path, {})
    assert answered == status and answer["errors"]


def test_one_of_a_kind_in_each_direction(room: Room) -> None:
    room.add("latency", direction="upstream", delay_s=1)
    room.add("latency", direction="downstream", delay_s=1)
    status, answer = room.ask("POST", "/toxics", LATENCY)
    assert (status, answer["error"]) == (409, "already-there")
    status, answer = room.ask("DELETE", "/toxics")
    assert status == 200 and [toxic["id"] for toxic in answer["toxics"]] == ["upstream/latency", "downstream/latency"]
    assert room.ask("GET", "/toxics") == (200, {"toxics": []})


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /state SPDY/3\r\n\r\n", b"400"),
        (b"POST /toxics HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"POST /toxics HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /toxics HTTP/1.1\r\nContent-Length: 70000\r\n\r\n", b"413"),
        (b"POST /toxics HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", b"413"),
        (b"POST /toxics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"GET /state HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", b"431"),
    ],
)
def test_what_is_no_request_gets_a_plain_no(room: Room, raw: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", room.child.ready["control_port"]), timeout=10) as control:
        control.sendall(raw)
        with control.makefile("rb") as answer:
            assert answer.readline().split()[1] == status
    assert room.ask("GET", "/toxics")[0] == 200


def test_every_kind_can_come_and_go_again(room: Room) -> None:
    """And the event log holds both, with the proof."""
    figures = {
        "latency": {"delay_s": 1},
        "bandwidth": {"rate_bytes_per_s": 1},
        "slicer": {"size_bytes": 1},
        "slow_close": {"delay_s": 1},
    }
    before = len(room.logged("removed"))
    for kind in KINDS:
        room.lift(room.add(kind, **({} if kind == "down" else {"direction": "upstream"}), **figures.get(kind, {})))
    removed = room.logged("removed")[before:]
    assert [line["toxic"]["kind"] for line in removed] == list(KINDS)
    assert all(line["bit"]["connections"] == 0 and line["at"] > 1e9 and line["t"] > 0 for line in removed)


def test_the_log_tells_the_first_bite_of_each_connection(room: Room) -> None:
    name = room.add("half_close", direction="upstream", after_bytes=1)
    client, server = room.pair()
    number = room.state()["connections"]["accepted"]
    client.sendall(b"abc")
    assert server.recv(10) == b"a"
    assert server.recv(10) == b""
    bites = room.lift(name)
    assert [line["toxic"] for line in room.logged("bit") if line["connection"] == number] == [name]
    assert room.logged("removed")[-1]["bit"] == bites
    assert time.time() - 30 < bites["first_at"] <= bites["last_at"] <= time.time()


def test_more_connections_than_agreed_wait_to_be_accepted(room: Room) -> None:
    """The third is served when one of the two has ended, and not before."""
    first = room.pair()
    room.pair()
    third = room.connect()
    third.sendall(b"x")
    assert silent(third, 0.1)
    assert room.state()["connections"]["open"] == 2
    for end in first:
        end.close()
    assert room.accept().recv(1) == b"x"


# The program


def refused(*options: str) -> str:
    """What the program says when it does not start: exit code 2 and a text with the fix."""
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.faults", *options], capture_output=True, cwd=ROOT, timeout=20, check=False
    )
    assert (done.returncode, done.stdout) == (2, b"")
    return done.stderr.decode()


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    to = ("--to", "127.0.0.1:9")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "is in use: stop what listens there" in refused("--listen", f"127.0.0.1:{port}", *to)
        assert "--control: port" in refused("--listen", "127.0.0.1:0", *to, "--control", port)
    assert "cannot be written" in refused("--listen", "127.0.0.1:0", *to, "--events", str(tmp_path))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--listen", "9000", "--to", "127.0.0.1:9"], "must be HOST:PORT"),
        (["--listen", "::1:9000", "--to", "127.0.0.1:9"], "must be HOST:PORT"),
        (["--listen", "127.0.0.1:99999", "--to", "127.0.0.1:9"], "a port is a whole number"),
        (["--listen", "127.0.0.1:0", "--to", "127.0.0.1:-9"], "a port is a whole number"),
        (["--listen", "127.0.0.1:0", "--to", f"{'x' * 64}:9"], "no name of a host"),
        (["--listen", "127.0.0.1:0", "--to", "unix:"], "1 to 107 bytes"),
        (["--listen", "127.0.0.1:0", "--to", "unix:" + "x" * 108], "1 to 107 bytes"),
        (["--listen", "127.0.0.1:0", "--to", "127.0.0.1:9", "--connections", "0"], "from 1 to 999999"),
        (["--listen", "127.0.0.1:0"], "--to"),
    ],
)
def test_an_option_that_cannot_be_says_why(options: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        arguments().parse_args(options)
    assert why in capsys.readouterr().err


def test_more_connections_than_files_are_refused() -> None:
    """Two open files for each connection: said at the start, with the number that is possible."""
    with pytest.raises(CannotStart, match=r"needs \d+ open files, the limit is \d+: raise it .*, or give at most \d+"):
        make_room(10**9)


def test_without_a_server_clients_are_reset_and_a_signal_ends_the_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    command = [sys.executable, "-m", "loadtests.faults", "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{port}"]
    with child_process(command, stdout=subprocess.PIPE, cwd=ROOT) as proxy:
        assert proxy.stdout is not None
        ready = json.loads(proxy.stdout.readline())
        assert who_connects_is_reset(ready["port"])
        proxy.send_signal(signal.SIGTERM)
        assert proxy.wait(10) == 0
