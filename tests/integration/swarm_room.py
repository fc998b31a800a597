"""What tests of the swarm need: a target process, a night in a hurry, and Locust as a process on a lifeline."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from loadtests.harness.processes import free_ports
from tests.children import child_process

ROOT = Path(__file__).resolve().parents[2]
NIGHT = ROOT / "scenarios/nights/prakerja-wave-1.toml"
DEADLINE = 90.0
INVALID = 5
LATE = {"lateness", "latest", "cpu"}
"""What a busy machine does to a swarm that is well."""
QUICK = ["--people", "1/100", "--minutes", "0.2", "--speed", "4", "--pace", "1000", "--reading", "harsh"]
"""23 people within three seconds, who think for milliseconds."""
PLANNED = 23


def hurried_night(folder: Path) -> Path:
    """The night with lines so fast that photos take no time, and people who try again at once and speak to the API."""
    path = folder / "hurried.toml"
    text = re.sub(r"up_mbps = ([\d.]+)", lambda found: f"up_mbps = {float(found[1]) * 200}", NIGHT.read_text())
    text = re.sub(r"round_trip_s = [\d.]+", "round_trip_s = 0.0", text)
    text = re.sub(r"(without_javascript|per_applicant) = \{ value = [\d.]+", r"\1 = { value = 0.0", text)
    path.write_text(text.replace("short_median_s = 12.0", "short_median_s = 0.2"))
    return path


@contextmanager
def target(*flags: str) -> Iterator[str]:
    """A target process (tests.integration.swarm_target); its base address."""
    command = [sys.executable, "-m", "tests.integration.swarm_target", *flags]
    with child_process(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"


def master_port() -> list[str]:
    """Options that keep two swarms of workers on one machine apart."""
    port = str(free_ports(1))
    return ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]


def counts(url: str) -> dict[str, int]:
    with urlopen(f"{url}/counts", timeout=10) as answer:
        found: dict[str, int] = json.load(answer)
    return found


@dataclass
class Swarm:
    """A swarm that was started; `lines` are the JSON lines it has said so far."""

    process: subprocess.Popen[str]
    errors: Path
    lines: list[dict[str, Any]] = field(default_factory=list)

    def say(self, key: str) -> dict[str, Any]:
        """The line with `key`; fails when the swarm ends without it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.lines.append(json.loads(line))
                if key in self.lines[-1]:
                    return self.lines[-1]
        raise AssertionError(f"no line with {key!r}; on stderr:\n{self.errors.read_text()}")

    def end(self) -> int:
        """Close its standard input and wait; the exit code, 0 where only other programs on the machine made it late."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(DEADLINE)
        spoiled = {audit["id"] for line in self.lines for audit in line.get("health", ()) if audit["invalid"]}
        return 0 if code == INVALID and spoiled <= LATE else code


@contextmanager
def swarm(folder: Path, url: str, *options: str) -> Iterator[Swarm]:
    """Locust with the swarm's file, headless, on a lifeline; killed at the end if it still runs."""
    errors = folder / "swarm.err"
    if "--processes" in options:
        options = (*options, *master_port())
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "--only-summary"]
    command += ["--skip-log-setup", "--lifeline", "--host", url, "--partners-url", url, "--record", str(folder / "run")]
    command += ["--photo-dir", str(ROOT / ".launchnight/photos"), "--night", str(hurried_night(folder)), *options]
    pipe = subprocess.PIPE
    with (
        errors.open("w") as log,
        child_process(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=log, text=True) as process,
    ):
        yield Swarm(process, errors)


def eventually(true: Callable[[], bool], what: str) -> None:
    """Wait until `true`, at most DEADLINE."""
    give_up = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < give_up, f"never: {what}"
        time.sleep(0.05)
