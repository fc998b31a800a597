"""A target that costs next to nothing (loadtests.stub), as a process: for what a swarm does by itself."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.children import child_process

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class TrivialTarget:
    url: str
    """Of the API; the codes are delivered there, too."""
    pid: int

    def state(self) -> dict[str, Any]:
        """`requests` by route, whether it is `frozen`, and the `freezes` that are over: [began, ended] in unix time."""
        with urlopen(f"{self.url}/state", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def counts(self) -> dict[str, int]:
        """Requests by route, of the routes that were asked for."""
        return {route: count for route, count in self.state()["requests"].items() if count}

    def freeze(self, seconds: float, at: float = 0.0) -> None:
        """Hold every answer back for `seconds`, from unix time `at` on (0: from now on)."""
        body = json.dumps({"seconds": seconds, "at": at}).encode()
        urlopen(Request(f"{self.url}/freeze", body), timeout=30).close()


@contextmanager
def trivial_target() -> Iterator[TrivialTarget]:
    """One that listens; it ends with the block."""
    command = [sys.executable, "-m", "loadtests.stub", "--lifeline"]
    pipe = subprocess.PIPE
    with child_process(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        yield TrivialTarget(f"http://127.0.0.1:{port}", process.pid)
