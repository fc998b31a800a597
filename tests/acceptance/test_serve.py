"""`launchnight serve`: the service for a person to try, partners beside it."""

import json
import re
import signal
import socket
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.launched import launchnight

pytestmark = pytest.mark.timeout(180)


def test_it_says_where_it_answers_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    """Twice on the same folder: the second start finds the data and the key of the first."""
    keys = set()
    for _ in range(2):
        with launchnight(tmp_path, "serve", "--port", "0", "--partners-port", "0") as process:
            assert process.stdout is not None
            said = "".join(process.stdout.readline() for _ in range(3))
            urls = re.findall(r"http://127\.0\.0\.1:\d+", said)
            with urlopen(f"{urls[0]}/health/ready") as answer:
                assert answer.status == 200
            with urlopen(f"{urls[-1]}/inbox/+6280000000001") as answer:
                assert json.load(answer) == {"messages": []}
            family = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        _, alive = psutil.wait_procs(family, timeout=30)
        assert family and not alive
        keys.add((tmp_path / ".launchnight" / "serve" / "secret-key").read_text())
    assert len(keys) == 1


def test_a_port_in_use_is_one_line_and_exit_2(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with launchnight(tmp_path, "serve", "--port", "0", "--partners-port", port) as process:
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    complaints = [line for line in errors.splitlines() if line.startswith("launchnight: ")]
    assert complaints == [
        f"launchnight: --partners-port: port {port} on 127.0.0.1 is in use: "
        "name another with --partners-port, or 0 for any that is free"
    ]


def test_both_ports_are_checked_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with launchnight(tmp_path, "serve", "--port", port, "--partners-port", "65536") as process:
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert [line.split(":")[1].strip() for line in errors.splitlines()] == ["--port", "--partners-port"]
    assert not (tmp_path / ".launchnight").exists()
