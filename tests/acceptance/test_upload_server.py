"""`launchnight uploads` as a process: quick to listen, as its page says, one of several, and gone without a trace."""

import json
import re
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from loadtests.harness.processes import environment
from tests.children import child_process
from tests.launched import launchnight
from tests.tools import need

ROOT = Path(__file__).parents[2]
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = TUS | {"Content-Type": "application/offset+octet-stream"}

pytestmark = pytest.mark.timeout(180)


def ask(port, method, path, headers, body=b""):
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_it_listens_before_it_has_a_database(tmp_path):
    """Whoever connects early waits instead of being refused. The database here accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://app@127.0.0.1:{silent.getsockname()[1]}/none"
        given = {**environment({}), "DATABASE_URL": address}
        command = [sys.executable, "-m", "service", "uploads", "--host", "127.0.0.2", "--port", "0"]
        with child_process([*command, "--data", str(tmp_path)], env=given, cwd=ROOT) as process:
            silent.settimeout(60)
            asking, _ = silent.accept()
            (address,) = (
                one.laddr
                for one in psutil.Process(process.pid).net_connections("tcp4")
                if one.status == psutil.CONN_LISTEN and one.laddr.ip == "127.0.0.2"  # metrics are elsewhere
            )
            with asking, socket.create_connection(address, timeout=10) as early:
                early.sendall(b"OPTIONS /files/ HTTP/1.1\r\nHost: x\r\n\r\n")


def test_it_does_what_its_page_says_and_ends_with_ctrl_c(tmp_path):
    """The walk by curl is the page's own."""
    need("curl", package="curl")
    bash = need("bash", package="bash")
    with launchnight(tmp_path, "uploads", "--port", "0") as process:
        assert process.stdout is not None and process.stderr is not None
        port = json.loads(process.stdout.readline())["port"]
        page = (ROOT / "docs/uploads.md").read_text().partition("## By hand")[2].partition("\n## ")[0]
        (walk,) = re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)
        walk = walk.replace("127.0.0.1:8080", f"127.0.0.1:{port}").replace(".venv/bin/python", sys.executable)
        done = subprocess.run(
            [bash, "-eu", "-o", "pipefail", "-c", walk],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (0, ""), done
        assert (tmp_path / "trip.bin").stat().st_size == 500_000
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert "Traceback" not in process.stderr.read()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert family and not alive


def test_any_request_may_go_to_any_replica(tmp_path, database_url):
    """Three on one database and one folder, started together on both as new."""
    command = [sys.executable, "-m", "service", "uploads", "--port", "0", "--data", str(tmp_path), "--lifeline"]
    command += ["--base-path", "up", "--max-size", "1000"]
    given = {**environment({}), "DATABASE_URL": database_url}
    ways = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": given, "cwd": ROOT}
    with (
        child_process(command, **ways) as one,
        child_process(command, **ways) as two,
        child_process(command, **ways) as three,
    ):
        assert one.stdout is not None and two.stdout is not None and three.stdout is not None
        first, second, third = (json.loads(each.readline())["port"] for each in (one.stdout, two.stdout, three.stdout))
        status, headers, _ = ask(first, "POST", "/up/", CHUNK | {"Upload-Length": "10"}, b"123")
        assert (status, headers["upload-offset"]) == (201, "3")
        path = urlsplit(headers["location"]).path
        assert path.startswith("/up/")
        status, headers, _ = ask(second, "PATCH", path, CHUNK | {"Upload-Offset": "3"}, b"4567")
        assert (status, headers["upload-offset"]) == (204, "7")
        assert ask(third, "HEAD", path, TUS)[1]["upload-offset"] == "7"
        assert ask(third, "PATCH", path, CHUNK | {"Upload-Offset": "7"}, b"890")[0] == 204
        assert ask(first, "GET", path, {})[2] == b"1234567890"
        assert ask(second, "POST", "/up", TUS | {"Upload-Length": "1001"})[0] == 413


@pytest.mark.parametrize(
    ("option", "value"),
    [("--base-path", "/a b/"), ("--max-size", "0"), ("--port", "{taken}"), ("--port", "70000"), ("--s3", "bucket")],
)
def test_what_cannot_be_is_one_line_and_exit_2(tmp_path, option, value):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        value = value.format(taken=taken.getsockname()[1])
        port = [] if option == "--port" else ["--port", "0"]
        with launchnight(tmp_path, "uploads", *port, option, value) as process:
            said, errors = process.communicate(timeout=60)
    assert (process.returncode, said) == (2, "")
    assert option.removeprefix("--").upper() in errors.upper()
    assert "Traceback" not in errors
