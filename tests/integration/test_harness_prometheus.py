"""One run recorded both ways: by the harness's scraper and by a real Prometheus. Both must say the same."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.harness import prometheus
from loadtests.harness.errors import Refusal
from loadtests.harness.processes import Child, python
from loadtests.harness.prometheus import PrometheusSource
from loadtests.harness.samples import Source, Target
from loadtests.harness.scraper import Scraper
from reports import statistics
from scenarios.record import Samples, SamplesWriter
from tests.tools import need

QUANTILES = (0.5, 0.9, 0.95, 0.99)

# A child that counts as a service does, for about three seconds.
COUNTING = """
import json, random, sys, time
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
registry = CollectorRegistry()
requests = Counter("swarm_requests_total", "help", ["route", "outcome"], registry=registry)
seconds = Histogram("swarm_request_seconds", "help", ["route"], registry=registry, buckets=[.01, .05, .1, .5, 1, 5])
live = Gauge("swarm_live_applicants", "help", registry=registry)
server, _ = start_http_server(0, "127.0.0.1", registry=registry)
print(json.dumps({"ready": True, "host": "127.0.0.1", "port": server.server_port}), flush=True)
draw = random.Random(7)
for _ in range(300):
    for _ in range(10):
        route = draw.choice(["place", "codes"])
        requests.labels(route, "ok").inc()
        seconds.labels(route).observe(draw.lognormvariate(-2, 1))
    live.set(draw.randrange(100))
    time.sleep(0.01)
sys.stdin.read()
"""
COUNTED = 3000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a real Prometheus that looks for targets in tmp_path/targets.json."""
    need("prometheus", package="prometheus")
    children: list[Child] = []
    try:
        yield prometheus.start(tmp_path / "tsdb", tmp_path / "targets.json", logs=tmp_path, started=children.append)
    finally:
        for child in children:
            child.stop(grace=10)


def test_both_ways_agree(server: str, tmp_path: Path) -> None:
    """Totals of counters, quantiles of histograms and the last level of a gauge, from one computation."""
    child = Child("swarm", python("-c", COUNTING), settings={}, logs=tmp_path)
    try:
        child.wait_ready(30)
        targets = [Target("swarm", child.ready["host"], child.ready["port"])]
        ways: dict[str, Source] = {
            "own": Scraper(interval=0.5),
            "server": PrometheusSource(server, tmp_path / "targets.json", "r1", shown=["swarm_requests_total"]),
        }
        opens_at = time.time()
        for way in ways.values():
            way.watch(targets)
        until = time.monotonic() + 30
        while min(way.total("swarm_requests_total") for way in ways.values()) < COUNTED:
            assert time.monotonic() < until, "a source did not see what was counted"
            time.sleep(0.1)
        records = {}
        for name, way in ways.items():
            (tmp_path / name).mkdir()
            writer = SamplesWriter()
            way.finish(writer, opens_at)
            writer.write(tmp_path / name)
            records[name] = Samples.load(tmp_path / name)
    finally:
        child.stop(grace=10)

    def figures(samples: Samples) -> dict[str, Any]:
        both = statistics.histogram(samples, "swarm_request_seconds")
        return {
            "totals": statistics.totals_by(samples, "swarm_requests_total", "route"),
            "quantiles": [both.quantile(q) for q in QUANTILES],
            "codes": statistics.histogram(samples, "swarm_request_seconds", route="codes").counts.tolist(),
            "labels": sorted(str(labels) for labels, _, _ in samples.select("swarm_request_seconds_bucket")),
            "live": [values[-1] for _, _, values in samples.select("swarm_live_applicants")],
            "up": {values[-1] for _, _, values in samples.select("up")},
        }

    assert figures(records["own"]) == figures(records["server"])
    assert sum(figures(records["own"])["totals"].values()) == COUNTED
    assert not (tmp_path / "targets.json").exists()


def test_a_server_that_does_not_look_for_targets_is_refused_with_the_fix(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prometheus, "SEEN_WITHIN", 0.5)
    source = PrometheusSource(server, tmp_path / "elsewhere" / "targets.json", "r1", shown=["up"])
    with pytest.raises(Refusal, match=r"file_sd_configs with files: \['.*/elsewhere/\*\.json'\]"):
        source.watch([Target("web", "127.0.0.1", 1)])


def test_no_server_and_no_program_are_refused_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refusal, match="use --prometheus auto"):
        prometheus.check("http://127.0.0.1:1")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    with pytest.raises(Refusal, match="apt-get install prometheus"):
        prometheus.executable()
