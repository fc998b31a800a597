"""The swarm as a generator: requests per CPU second beside Locust's own clients, and bytes for each person who thinks.

All ask the same target (loadtests.stub), one after the other in changing order, each in a process of its own. The crowd
plays whole journeys with everything on: JSON, receipts, roster, histograms, codes that are delivered, news once a
second. The others send the very requests of such a crowd, ready made, and do nothing with the answers:
`FastHttpSession` in a loop without user or statistics, and stock `HttpUser`s. Everybody asks as fast as one core can.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loadtests.harness.errors import HarnessError
from tests.benchmarks.rows import Row, alone, paired
from tests.benchmarks.stack import say
from tests.trivial_target import trivial_target

RUNS = int(os.environ.get("BENCH_RUNS", "7"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
"""Less of both to try the benchmark itself; five runs at least."""
MEMORY_RUNS = 5
PEOPLE = 20_000
"""Who think at once, in a process of their own."""
WITHIN = 420.0


def rows() -> Iterator[Row]:
    found: dict[str, list[float]] = {"crowd": [], "bare": [], "http_user": []}
    with tempfile.TemporaryDirectory() as folder, trivial_target() as target:
        recording = str(Path(folder) / "requests")
        _loop("crowd", target.url, "2", recording)
        for run in range(1, RUNS + 1):
            order = list(found) if run % 2 else list(reversed(found))
            for role in order:
                sent = [] if role == "crowd" else [recording]
                found[role].append(_loop(role, target.url, str(SECONDS), *sent)["per_cpu_s"])
            say(f"run {run} of {RUNS}: " + ", ".join(f"{role} {each[-1]:.0f}/s" for role, each in found.items()))
        yield paired("swarm.requests_vs_bare_session", "requests/CPU s", found["crowd"], found["bare"])
        yield paired("swarm.requests_vs_http_user", "requests/CPU s", found["crowd"], found["http_user"])
        sizes = []
        for run in range(1, MEMORY_RUNS + 1):
            sizes.append(_loop("live", target.url, str(PEOPLE))["bytes_each"])
            say(f"memory {run} of {MEMORY_RUNS}: {sizes[-1]:.0f} bytes")
    yield alone("swarm.bytes_per_live_applicant", "bytes", sizes)


def _loop(role: str, *arguments: str) -> dict[str, Any]:
    """What the process said (tests.benchmarks.swarm_loops). Raises HarnessError with its last words when it failed."""
    command = [sys.executable, "-m", "tests.benchmarks.swarm_loops", role, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN)
    if done.returncode != 0:
        raise HarnessError(f"{role} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    said: dict[str, Any] = json.loads(done.stdout)
    return said
