"""The scraper against a real metrics endpoint."""

import socket
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest
from prometheus_client import CollectorRegistry, Counter, start_http_server
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from loadtests.harness.samples import Target
from loadtests.harness.scraper import Scraper
from scenarios.record import Samples, SamplesWriter


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def target(registry: CollectorRegistry) -> Iterator[Target]:
    with served("web", registry) as target:
        yield target


@contextmanager
def served(job: str, registry: CollectorRegistry) -> Iterator[Target]:
    server, thread = start_http_server(0, "127.0.0.1", registry=registry)
    try:
        yield Target(job, "127.0.0.1", server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_samples_of_a_counter_rise_to_its_total(registry: CollectorRegistry, target: Target, tmp_path: Path) -> None:
    """The last sample is taken at the end, so nothing counted before it is lost."""
    counter = Counter("swarm_arrivals", "help", ["kind"], registry=registry)
    scraper = Scraper(interval=0.05)
    opens_at = time.time()
    scraper.watch([target])

    def counted() -> bool:
        counter.labels("a").inc()
        return scraper.total("swarm_arrivals_total", kind="a") >= 20

    wait_for(counted)
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
        wait_for(lambda: scraper.total("up") > 0)
        writer = SamplesWriter()
        scraper.finish(writer, 0)
    writer.write(tmp_path)
    up = {labels["job"]: values.tolist() for labels, _, values in Samples.load(tmp_path).select("up")}
    assert set(up["web"]) == {1.0} and set(up["worker"]) == {0.0}


class Asked(Collector):
    """Notes when it is asked, and answers when it may."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.answers = Event()
        self.answers.set()

    def collect(self) -> Iterable[Metric]:
        self.at.append(time.monotonic())
        self.answers.wait(10)
        return ()


@pytest.fixture
def three() -> Iterator[tuple[list[Target], list[Asked]]]:
    asked = [Asked() for _ in range(3)]
    with ExitStack() as stack:
        targets = []
        for each in asked:
            registry = CollectorRegistry()
            registry.register(each)
            targets.append(stack.enter_context(served("web", registry)))
            each.at.clear()
        yield targets, asked


def test_programs_are_asked_one_after_the_other(three: tuple[list[Target], list[Asked]]) -> None:
    """Those that share a core would all be held up at once."""
    targets, asked = three
    scraper = Scraper(interval=0.6)
    scraper.watch(targets)
    wait_for(lambda: all(len(each.at) >= 5 for each in asked))
    at = sorted(moment for each in asked for moment in each.at)
    scraper.finish(SamplesWriter(), 0)
    assert statistics.median(later - earlier for earlier, later in pairwise(at)) > 0.1


def test_whoever_is_slow_is_not_asked_again_and_holds_nobody_up(three: tuple[list[Target], list[Asked]]) -> None:
    targets, asked = three
    slow, *others = asked
    slow.answers.clear()
    scraper = Scraper(interval=0.05)
    scraper.watch(targets)
    wait_for(lambda: all(len(each.at) >= 10 for each in others))
    assert len(slow.at) == 1
    slow.answers.set()
    wait_for(lambda: len(slow.at) > 1)
    scraper.finish(SamplesWriter(), 0)
