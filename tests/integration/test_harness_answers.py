"""The health check of containers that have no curl."""

import http.server
import subprocess
import sys
import threading

import pytest


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/busy" else 200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url():
    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def asked(url: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "loadtests.harness.answers", url]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_only_success_is_health(url):
    """A refusal and silence are none."""
    assert asked(f"{url}/ledger").returncode == 0
    busy = asked(f"{url}/busy")
    assert (busy.returncode, "status 503" in busy.stderr) == (1, True)
    assert asked("http://127.0.0.1:1/").returncode == 1
