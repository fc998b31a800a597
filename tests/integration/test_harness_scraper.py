"""The scraper against a real metrics endpoint."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, start_http_server

from loadtests.harness.samples import Target
from loadtests.harness.scraper import Scraper
from scenarios.record import Samples, SamplesWriter


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def target(registry: CollectorRegistry) -> Iterator[Target]:
    server, thread = start_http_server(0, "127.0.0.1", registry=registry)
    yield Target("web", "127.0.0.1", server.server_port)
    server.shutdown()
    server.server_close()
    thread.join()


def test_samples_of_a_counter_rise_to_its_total(registry: CollectorRegistry, target: Target, tmp_path: Path) -> None:
    """The last sample is taken at the end, so nothing counted before it is lost."""
    counter = Counter("swarm_arrivals", "help", ["kind"], registry=registry)
    scraper = Scraper(interval=0.05)
    opens_at = time.time()
    scraper.watch([target])
    deadline = time.monotonic() + 10
    while scraper.total("swarm_arrivals_total", kind="a") < 20:
        counter.labels("a").inc()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    counter.labels("a").inc(1000)
    writer = SamplesWriter()
    scraper.finish(writer, opens_at)
    writer.write(tmp_path)
    ((labels, times, values),) = Samples.load(tmp_path).select("swarm_arrivals_total", job="web")
    assert labels == {"kind": "a", **target.labels}
    assert values[-1] >= 1020 and (values[1:] >= values[:-1]).all()
    assert (times[1:] > times[:-1]).all() and 0 <= times[0] <= times[-1] < 60


def test_a_target_that_is_gone_is_down_and_the_others_go_on(
    registry: CollectorRegistry, target: Target, tmp_path: Path
) -> None:
    Counter("swarm_arrivals", "help", registry=registry)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        absent = Target("worker", "127.0.0.1", nobody.getsockname()[1])
        scraper = Scraper(interval=0.05)
        scraper.watch([absent, target])
        deadline = time.monotonic() + 10
        while not scraper.total("up"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        writer = SamplesWriter()
        scraper.finish(writer, 0)
    writer.write(tmp_path)
    up = {labels["job"]: values.tolist() for labels, _, values in Samples.load(tmp_path).select("up")}
    assert set(up["web"]) == {1.0} and set(up["worker"]) == {0.0}
