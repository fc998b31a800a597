"""Real Prometheus and Alertmanager for one test, and what is asked of them."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from loadtests.harness.processes import free_ports
from tests.children import child_process

HOST = "127.0.0.1"
T = TypeVar("T")


def eventually(look: Callable[[], T], *, within: float, what: str) -> T:
    """What `look` gives as soon as it is neither None nor empty; fails when that takes longer than `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {within:g} s in vain for {what}; last seen: {found!r}"
        time.sleep(0.1)


class Prometheus:
    """One running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: object) -> Any:
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters, doseq=True)}", timeout=30) as answer:
            return json.load(answer)["data"]

    def instant(self, expr: str, at: float | None = None) -> list[dict[str, Any]]:
        """The vector: [{"metric": labels, "value": [time, text]}]."""
        found: list[dict[str, Any]] = self.get("query", query=expr, **({} if at is None else {"time": at}))["result"]
        return found

    def over(self, expr: str, first: float, last: float, step: float) -> list[dict[str, Any]]:
        """The series: [{"metric": labels, "values": [[time, text], ...]}]."""
        asked = self.get("query_range", query=expr, start=first, end=last, step=step)
        found: list[dict[str, Any]] = asked["result"]
        return found


@contextmanager
def prometheus(configuration: Path, data: Path, *options: str) -> Iterator[Prometheus]:
    """Prometheus of `configuration` over `data`, ended afterwards."""
    port = free_ports(1)
    command = [
        "prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={data}",
        f"--web.listen-address={HOST}:{port}", "--log.level=warn", *options,
    ]  # fmt: skip
    with _running(command, data.parent / "prometheus.log", f"http://{HOST}:{port}/-/ready") as url:
        yield Prometheus(url.removesuffix("/-/ready"))


@contextmanager
def alertmanager(configuration: Path, data: Path) -> Iterator[str]:
    """Alertmanager's address (host:port)."""
    port = free_ports(1)
    command = [
        "prometheus-alertmanager", f"--config.file={configuration}", f"--storage.path={data}",
        f"--web.listen-address={HOST}:{port}", "--cluster.listen-address=", "--log.level=warn",
    ]  # fmt: skip
    with _running(command, data.parent / "alertmanager.log", f"http://{HOST}:{port}/-/ready"):
        yield f"{HOST}:{port}"


@contextmanager
def _running(command: list[str], log: Path, ready: str) -> Iterator[str]:
    with (
        log.open("wb") as written,
        child_process(command, stdout=written, stderr=written, stdin=subprocess.DEVNULL) as process,
    ):
        eventually(lambda: process.poll() is not None or _answers(ready), within=30, what=command[0])
        assert process.poll() is None, f"{command[0]} ended: {log.read_text()}"
        yield ready
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):
            return True
    except (URLError, OSError):
        return False
