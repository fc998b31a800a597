"""What the crowd counts of a request."""

import numpy as np
import pytest

from loadtests.applicant import Applicant
from loadtests.clock import Clock
from loadtests.connections import Answer, Connections
from loadtests.crowd import Crowd, Share
from scenarios import catalogue, journey
from scenarios.behaviour import traits
from scenarios.population import person


class Stats:
    """Takes what Locust's table takes."""

    def log_request(self, *_: object) -> None: ...
    def log_error(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("answer", "outcome", "observed"),
    [
        (Answer(201, {}, b"{}"), "ok", 1),
        (Answer(500, {}, b""), "error", 1),
        (Answer(0, {}, b"", "timeout"), "timeout", 1),
        (Answer(0, {}, b"", "transport"), "transport", 0),
    ],
)
def test_a_broken_connection_is_counted_but_is_no_fast_answer(answer: Answer, outcome: str, observed: int) -> None:
    night = catalogue.load("prakerja-wave-1")
    share = Share(night, 1, 20.0, np.array([0.0]), 0, 1, last_arrival=0.0, drain=60.0, run="test")
    crowd = Crowd(share, Clock(0.0), Connections("http://127.0.0.1:1"), (b"", b""), Stats())
    who = person(night, 1, 0)
    one = Applicant(who, 0, journey.start(traits(night, who)), "test")
    request = one.request((b"", b""))
    crowd._count(one, request, answer, outcome, sent=1.0, done=1.002, due=1.0)
    figures = crowd.metrics.routes[request.route]
    assert (figures.service.count, figures.scheduled.count) == (observed, observed)
    assert figures.outcomes[outcome] == 1
