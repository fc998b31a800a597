"""Of each request, the time from its intended instant is delay, wait for a connection and service, added up."""

import resource
import time
from dataclasses import dataclass
from typing import Any

import gevent
import numpy as np
import pytest

from loadtests.clock import Clock
from loadtests.connections import Connections
from loadtests.crowd import Crowd, Share
from loadtests.swarm_metrics import RouteFigures
from scenarios import catalogue
from scenarios.population import person
from tests.trivial_target import trivial_target

PEOPLE = 40


class Table:
    """Takes what Locust's table takes."""

    def log_request(self, *_: object) -> None: ...
    def log_error(self, *_: object) -> None: ...


class NotedClock(Clock):
    """Knows what it said last."""

    last = 0.0

    def now(self) -> float:
        self.last = super().now()
        return self.last


class Watched(Crowd):
    """A crowd that knows whose request was sent last."""

    last = 0

    def _send(self, one: Any, request: Any) -> Any:
        answer = super()._send(one, request)
        self.last = one.number  # nobody else is served until this request has been noted
        return answer


@dataclass
class Sample:
    """Of one request, in seconds."""

    delay: float
    blocked: float
    service: float
    span: float
    """From the instant at which its applicant was due until the answer was read, by the clock and the plan."""


def played(most: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Crowd, list[Sample]]:
    """Forty people within 50 ms, one request each, at a target that stands still for the first half second."""
    samples: list[Sample] = []
    answered = RouteFigures.answered
    with trivial_target() as target:
        opens_at = time.time() + 0.3
        clock, due = NotedClock(opens_at), np.linspace(0.0, 0.05, PEOPLE)
        night = catalogue.load("prakerja-wave-1")
        numbers = [number for number in range(2 * PEOPLE) if not person(night, 1, number).without_javascript][:PEOPLE]
        share = Share(
            night, 1, 1000.0, due, np.array(numbers), last_arrival=0.05, drain=60.0, run="test", steps=1,
        )  # fmt: skip
        connections = Connections(target.url, most)
        crowd = Watched(share, clock, connections, (b"", b""), Table())

        def noted(figures: RouteFigures, delay: float, blocked: float, service: float) -> None:
            samples.append(Sample(delay, blocked, service, clock.last - due[numbers.index(crowd.last)]))
            answered(figures, delay, blocked, service)

        monkeypatch.setattr(RouteFigures, "answered", noted)
        target.freeze(0.5, at=opens_at)
        playing = gevent.spawn(crowd.play)
        with gevent.Timeout(60):
            crowd.idle.wait()
        crowd.cut()
        playing.join()
        connections.close()
    return crowd, samples


def test_the_parts_add_up_on_every_sample(monkeypatch):
    """Also where people wait for one of two connections; and the histograms hold just these."""
    crowd, samples = played(2, monkeypatch)
    assert len(samples) == PEOPLE
    for one in samples:
        assert one.delay + one.blocked + one.service == pytest.approx(one.span, abs=1e-9)
        assert min(one.delay, one.blocked, one.service) >= 0.0
    assert max(one.blocked for one in samples) > 0.2
    routes = crowd.metrics.routes.values()
    assert sum(each.scheduled.sum for each in routes) == pytest.approx(sum(one.span for one in samples))
    assert sum(each.blocked.sum for each in routes) == pytest.approx(sum(one.blocked for one in samples))


def test_nobody_is_blocked_where_there_are_connections_enough(monkeypatch):
    """Negative control: then the frozen target shows in the service's time, as it should."""
    _, samples = played(100, monkeypatch)
    assert max(one.blocked for one in samples) == 0.0
    assert max(one.delay + one.service for one in samples) > 0.4


def test_what_the_machine_runs_out_of_is_counted_and_is_no_fault_of_the_service():
    """No port at an address that is not this machine's, no file under a limit of what is open; the service was well."""
    with trivial_target() as target:
        connections = Connections(target.url)
        assert connections.send("GET", "/health/live", timeout=10.0).status > 0
        assert connections.exhausted == {"ports": 0, "files": 0}
        answer = connections.send("GET", "/health/live", timeout=10.0, source="203.0.113.77")
        assert (answer.failure, connections.exhausted["ports"]) == ("transport", 1)
        connections.close()
        assert out_of_files(lambda: connections.send("GET", "/health/live", timeout=10.0).failure) == "transport"
        assert connections.exhausted == {"ports": 1, "files": 1}
        connections.close()


def out_of_files(what: Any) -> Any:
    """What comes of it while this process may open nothing more."""
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        return what()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
