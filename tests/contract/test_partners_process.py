"""The partners as their own process: how they start, refuse to start, and end."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.children import child_process

PROGRAM = [sys.executable, "-m", "scenarios.partners"]
PATIENCE = 30


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The process and its ready line; it is gone afterwards."""
    pipe = subprocess.PIPE
    with child_process([*PROGRAM, *options], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())


def refusal(*options: str) -> str:
    """What is said on standard error by a process that must end at once with exit code 2."""
    ended = subprocess.run([*PROGRAM, *options], capture_output=True, text=True, timeout=PATIENCE)
    assert (ended.returncode, ended.stdout) == (2, "")
    return ended.stderr


def test_it_says_when_it_is_ready_and_ends_with_its_lifeline() -> None:
    """Scaled figures, then no process left once standard input closes, a standing connection or not."""
    with started("--people", "1/100", "--lifeline") as (process, ready):
        assert ready["ready"] is True
        assert (ready["role"], ready["host"], ready["metrics_port"]) == ("partners", "127.0.0.1", ready["port"])
        url = f"http://127.0.0.1:{ready['port']}"
        with urllib.request.urlopen(f"{url}/settings") as answer:
            assert json.load(answer)["civil_registry"]["rate_per_s"] == pytest.approx(0.15)
        with urllib.request.urlopen(f"{url}/deliveries"):
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_a_signal(number: signal.Signals) -> None:
    with started("--lifeline") as (process, _):
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0


def test_a_port_in_use_is_told_with_the_fix() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal("--port", str(port))
    assert said == (
        f"port {port} on 127.0.0.1 is in use: stop what listens there, or choose another with --port "
        "(0 takes a free one)\n"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "ideal"], "--set ideal: the night prakerja-wave-1 has no such set; choose one of: "),
        (["--night", "no-such-night"], "no-such-night"),
        (["--people", "1/0"], "people must be a fraction like 1/100"),
        (["--speed", "0"], "--speed"),
        (["--speed", "nan"], "--speed"),
        (["--port", "70000"], "--port"),
        (["--host", "203.0.113.1"], "203.0.113.1"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_line(options: list[str], words: str) -> None:
    said = refusal(*options)
    assert words in said
    assert "Traceback" not in said
