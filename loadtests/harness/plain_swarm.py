"""The swarm alone, as a planner starts it by hand, against a target that is there already: nothing else is started."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loadtests.harness.errors import NotReady
from loadtests.harness.processes import LOOPBACK, ROOT, Child, Message, free_ports, python

READY_WITHIN = 180.0
"""Seconds until the plan is agreed on: two million arrivals and, the first time, the photos take a while."""
GRACE = 60.0
"""Seconds that a swarm which has said its last line may take to end."""


class PlainSwarm:
    """A swarm that is ready; `folder` gets its record and its log."""

    def __init__(self, child: Child, folder: Path) -> None:
        self.child = child
        self.folder = folder

    @property
    def opens_at(self) -> float:
        """Unix time at which the first may arrive."""
        return float(self.child.ready["opens_at"])

    @property
    def metrics(self) -> list[str]:
        """host:port of each process's metrics."""
        return [f"{LOOPBACK}:{port}" for port in self.child.ready["metrics_ports"]]

    def done(self, within: float) -> Message:
        """Its last line, once the record is written; it then stays up for whoever still reads its metrics.

        Raises NotReady when it ends without that, or takes longer than `within` seconds.
        """
        deadline = time.monotonic() + within
        while (line := self.child.heard("done")) is None:
            if self.child.ended_within(0.2) and self.child.heard("done") is None:
                raise self.child.failure()
            if time.monotonic() > deadline:
                raise NotReady(f"the swarm was not done within {within:.0f} s; its log: {self.child.log}")
        return line

    def code(self) -> int:
        """Let it go; its exit code."""
        return self.child.stop(grace=GRACE)


@contextmanager
def plain_swarm(
    url: str, folder: Path, options: Sequence[str], *, workers: int = 1, settings: dict[str, Any] | None = None
) -> Iterator[PlainSwarm]:
    """A swarm of `workers` processes against the target at `url`, ready; it ends with the block.

    options: as on its command line; settings: of its environment. Raises NotReady or Refusal with its own last words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_ports(workers + 2)  # master, its workers, and where they find it
    command = python(
        "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py"),
        "--headless", "--only-summary", "--lifeline",
        "--host", url,
        "--record", str(folder),
        "--photo-dir", str(ROOT / ".launchnight" / "photos"),
        "--swarm-metrics-port", str(port),
        *options,
    )  # fmt: skip
    if workers > 1:
        at = str(port + workers + 1)
        command += ["--processes", str(workers), "--master-bind-host", LOOPBACK]
        command += ["--master-bind-port", at, "--master-port", at]
    child = Child("swarm", command, settings=settings or {}, logs=folder)
    try:
        child.wait_ready(READY_WITHIN)
        yield PlainSwarm(child, folder)
    finally:
        child.kill()  # a swarm that was let go has ended before
