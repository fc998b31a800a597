"""What a swarm tells of itself while it plays: pages of metrics, Locust's own tables and files, tabs of the web UI."""

import csv
import json
import subprocess
import sys
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadtests.harness.processes import free_ports
from tests.children import child_process
from tests.integration.swarm_room import (
    PLANNED,
    QUICK,
    ROOT,
    counts,
    eventually,
    hurried_night,
    master_port,
    swarm,
    target,
)


def read(address: str) -> str:
    with urlopen(address, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def samples(page: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(page)
    return {
        (sample.name, *map("=".join, sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_master_shows_the_sum_of_its_workers_and_locust_writes_its_files(tmp_path):
    """After the end each sample of the master's page is that sum; CSV, HTML and latencies know of every request."""
    port = free_ports(3)
    options = [*QUICK, "--processes", "2", "--swarm-metrics-port", str(port)]
    options += ["--csv", str(tmp_path / "locust"), "--html", str(tmp_path / "locust.html")]
    with target() as url, swarm(tmp_path, url, *options) as locust:
        locust.say("done")
        parts = [samples(read(f"http://127.0.0.1:{port + 1 + worker}/metrics")) for worker in range(2)]
        whole = samples(read(f"http://127.0.0.1:{port}/metrics"))
        assert locust.end() == 0
        asked = sum(counts(url).values())
    moving = ("process_cpu", "swarm_loop_delay", "swarm_gc_pause", "swarm_core_wait", "swarm_open_files",
              "swarm_watched")  # fmt: skip
    still = [name for name in parts[0] if not name[0].startswith(moving)]
    assert len(still) > 1000
    differing = [name for name in still if whole.get(name, 0.0) != pytest.approx(parts[0][name] + parts[1][name])]
    assert differing == []
    assert whole["swarm_arrivals_total",] == whole["swarm_due_applicants",] == PLANNED
    first = sum(value for name, value in whole.items() if name[0] == "swarm_first_requests_total")
    assert 0.9 * asked < first <= asked, "hardly anything is repeated where all goes well"
    latency = json.loads((tmp_path / "run/latency.json").read_text())
    assert sum(kinds["service"]["count"] for kinds in latency.values()) == asked
    rows = list(csv.DictReader((tmp_path / "locust_stats.csv").read_text().splitlines()))
    assert int(rows[-1]["Request Count"]) == asked
    assert "tickets" in (tmp_path / "locust.html").read_text()


@pytest.mark.parametrize("processes", [0, 2])
def test_the_web_ui_shows_arrivals_lateness_fates_latency_and_health(tmp_path, processes):
    """Beside Locust's own rows, in the answer that its page asks for; each tab as CSV, the sum at /metrics."""
    web = free_ports(1)
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--web-host", "127.0.0.1"]
    command += ["--web-port", str(web), "--lifeline"]
    command += ["--processes", str(processes), *master_port()] if processes else []
    command += ["--night", str(hurried_night(tmp_path)), *QUICK, "--photo-dir", str(ROOT / ".launchnight/photos")]
    address = f"http://127.0.0.1:{web}"
    with target("--mute") as url:
        command += ["--host", url, "--partners-url", url, "--record", str(tmp_path / "run")]
        with (
            (tmp_path / "locust.log").open("w") as log,
            child_process(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log) as process,
        ):
            eventually(lambda: bool(tabs(address)) and len(workers(address)) == processes, "ready to begin")
            assert tabs(address)["crowd-arrivals"] == []
            urlopen(Request(f"{address}/swarm", urlencode({"host": url}).encode()), timeout=30).close()
            eventually(lambda: newest(address).get("live") == PLANNED, "everybody waits for a code, and is shown")
            shown = tabs(address)
            assert (newest(address)["due"], newest(address)["waiting"]) == (PLANNED, 0)
            assert sum(row["started"] for row in shown["crowd-lateness"]) == PLANNED
            assert len(shown["crowd-lateness"]) == max(1, processes)
            fates = {row["fate"]: row["people"] for row in shown["crowd-fates"]}
            assert (fates["on their way"], fates["to come"], fates["joined"]) == (PLANNED, 0, 0)
            assert {row["kind"] for row in shown["crowd-latency"]} == {"service", "scheduled", "blocked"}
            assert shown["crowd-health"]
            assert read(f"{address}/crowd-fates.csv").splitlines()[0] == 'Fate,People,"Of the planned, %",Meaning'
            assert samples(read(f"{address}/metrics"))["swarm_live_applicants",] == PLANNED
            assert json.loads(read(f"{address}/stats/requests"))["user_count"] <= PLANNED
            assert '"extended_tabs"' in read(address) and "Arrivals" in read(address)
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)
    assert "Traceback" not in (tmp_path / "locust.log").read_text()


def statistics(address: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(read(f"{address}/stats/requests"))
    except OSError:
        return {}
    return found


def workers(address: str) -> list[Any]:
    found: list[Any] = statistics(address).get("workers", [])
    return found


def tabs(address: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of each of our tabs."""
    return {tab["key"]: tab["data"] for tab in statistics(address).get("extended_stats", [])}


def newest(address: str) -> dict[str, Any]:
    return next(iter(tabs(address).get("crowd-arrivals", [])), {})
