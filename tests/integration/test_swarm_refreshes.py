"""The crowd's second requests: after a long silence the same request once more, beside the first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import numpy as np
import pytest
from gevent.event import Event
from gevent.server import StreamServer

from loadtests.applicant import Applicant
from loadtests.clock import Clock
from loadtests.connections import Connections
from loadtests.crowd import Crowd, Share
from scenarios import catalogue, journey
from scenarios.behaviour import habits, traits
from scenarios.journey_state import Action, Decision
from scenarios.population import person
from tests.integration.test_swarm_connections import heard

NIGHT = catalogue.load("prakerja-wave-1")
NUMBER = 7
PLACE = b'{"state": "invited", "wait_s": null, "place_token": "p"}'
TICKET = b'{"ticket": "%s", "secret": "S", "number": 1, "place": ' + PLACE + b"}"
UNDER_WAY = b'{"type": "https://x.example/problems/request-in-flight"}'


def answer(ticket: bytes) -> bytes:
    return said(201, TICKET % ticket)


def said(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


class Stats:
    """Takes what Locust's table takes."""

    def log_request(self, *_: object) -> None: ...
    def log_error(self, *_: object) -> None: ...


class Played:
    """One person of a crowd whose silence lasts a moment, in front of a server of the test's."""

    def __init__(self, url: str, share: float) -> None:
        self.crowd = Crowd(
            Share(NIGHT, 1, 20.0, np.zeros(1), np.array([NUMBER]), last_arrival=0.0, drain=600.0, run="test"),
            Clock(0.0),
            Connections(url),
            (b"photo" * 100,),
            Stats(),
        )
        self.crowd._habits = habits(NIGHT, 20.0)._replace(refresh_after_s=0.05, refresh_share=share)
        who = person(NIGHT, 1, NUMBER)
        self.one = Applicant(who, 0, journey.start(traits(NIGHT, who)), "test")
        self.crowd.live[NUMBER] = self.one
        self.decisions: list[Decision | None] = []

    def act(self) -> Any:
        """One request, and the second one if she refreshes; what comes after it is only noted."""
        decide = self.crowd._decide

        def at_leisure(*given: Any) -> Decision | None:
            decision = decide(*given)
            return decision and decision._replace(delay_s=1.0)

        self.crowd._decide = at_leisure  # type: ignore[method-assign, assignment]
        self.crowd._later = lambda one, decision, now: self.decisions.append(decision)  # type: ignore[method-assign]
        return gevent.spawn(self.crowd._act, self.one, self.crowd.clock.now())


@contextmanager
def played(handle: Callable[[Any, int], None], share: float = 1.0) -> Iterator[Played]:
    """Somebody in front of a server whose `handle(sock, n)` serves the n-th connection, from 1."""
    served = 0

    def serve(sock: Any, _: object) -> None:
        nonlocal served
        served += 1
        try:
            handle(sock, served)
        finally:
            sock.close()

    listening = StreamServer(("127.0.0.1", 0), serve)
    listening.start()
    one = Played(f"http://127.0.0.1:{listening.server_port}", share)
    try:
        yield one
    finally:
        one.crowd.cut()
        one.crowd._connections.close()
        listening.stop()


def until(true: Callable[[], object]) -> None:
    with gevent.Timeout(20):
        while not true():
            gevent.sleep(0.005)


def test_the_second_answer_counts_when_it_comes_first():
    """The first request is not cancelled: its answer is read and dropped, on a connection that can be used again."""
    requests: list[bytes] = []
    let_go = Event()

    def handle(sock: Any, n: int) -> None:
        while request := heard(sock):
            requests.append(request)
            if n == 1:
                assert let_go.wait(20)
            sock.sendall(answer(b"first" if n == 1 else b"second"))

    with played(handle) as test:
        acting = test.act()
        until(lambda: test.decisions)
        assert test.one.ticket == "second"
        let_go.set()
        acting.join(20)
        until(lambda: test.crowd._connections.busy == 0)
        assert test.crowd._connections.open == 2
        assert not test.crowd._acting
    metrics = test.crowd.metrics
    assert requests[0] == requests[1], "the same request, under the same key"
    assert (len(requests), metrics.refreshes, metrics.routes["tickets"].outcomes["ok"]) == (2, 1, 2)
    assert [decision for decision in test.decisions if decision] == [test.decisions[0]]
    assert (test.one.ticket, test.one.serial, test.one.steps) == ("second", 1, 1)
    assert test.crowd.roster.columns["requests"][0] == 2


def test_the_first_answer_counts_when_it_comes_first():
    arrived = Event()
    let_go = Event()

    def handle(sock: Any, n: int) -> None:
        while heard(sock):
            if n == 1:
                assert arrived.wait(20)
                sock.sendall(answer(b"first"))
            else:
                arrived.set()
                assert let_go.wait(20)
                sock.sendall(answer(b"second"))

    with played(handle) as test:
        test.act()
        until(lambda: test.decisions)
        assert test.one.ticket == "first"
        let_go.set()
        until(lambda: not test.crowd._acting)
    assert (test.one.ticket, test.one.serial) == ("first", 1)
    assert test.crowd.metrics.routes["tickets"].outcomes["ok"] == 2


@pytest.mark.parametrize("broken", [1, 2])
def test_a_connection_that_breaks_is_no_answer_while_the_other_request_is_out(broken):
    both = Event()

    def handle(sock: Any, n: int) -> None:
        assert heard(sock)
        if n == 2:
            both.set()
        assert both.wait(20)
        if n != broken:
            gevent.sleep(0.05)
            sock.sendall(answer(b"whole"))

    with played(handle) as test:
        test.act()
        until(lambda: any(test.decisions))
        until(lambda: not test.crowd._acting)
    assert (test.one.ticket, test.one.state.nerves.tries) == ("whole", 0)
    outcomes = test.crowd.metrics.routes["tickets"].outcomes
    assert (outcomes["ok"], outcomes["transport"]) == (1, 1)


def test_when_both_break_she_has_had_one_failure():
    both = Event()

    def handle(sock: Any, n: int) -> None:
        assert heard(sock)
        if n == 2:
            both.set()
        assert both.wait(20)

    with played(handle) as test:
        test.act()
        until(lambda: any(test.decisions))
        until(lambda: not test.crowd._acting)
    assert test.one.state.nerves.tries == 1
    assert test.crowd.metrics.routes["tickets"].outcomes["transport"] == 2
    assert len([each for each in test.decisions if each]) == 1


def test_nobody_refreshes_without_the_habit_nor_while_photos_are_sent():
    """The negative control: with a share of 0 the silence passes, and a photo's bytes are never sent twice."""
    served: list[int] = []

    def handle(sock: Any, n: int) -> None:
        served.append(n)
        assert heard(sock)
        gevent.sleep(0.3)
        sock.sendall(answer(b"only"))

    with played(handle, 0.0) as patient, played(handle) as sending:
        patient.act().join(20)
        sending.one.photo, sending.one.upload = b"photo" * 100, "/files/1"
        sending.one.state = sending.one.state._replace(action=Action.PHOTO_SEND + 0)
        sending.act().join(20)
    assert served == [1, 1]
    assert (patient.crowd.metrics.refreshes, sending.crowd.metrics.refreshes) == (0, 0)


def test_a_no_to_the_second_request_says_nothing_of_the_first():
    """The service still works on the first: whether the account is there stays unknown, so it is no difference."""
    let_go = Event()

    def handle(sock: Any, n: int) -> None:
        assert heard(sock)
        if n == 2:
            sock.sendall(said(409, UNDER_WAY))
        assert let_go.wait(20)

    with played(handle) as test:
        test.one.state = test.one.state._replace(action=Action.ACCOUNT + 0)
        test.act()
        until(lambda: test.decisions)
        assert test.crowd.receipts.news().unanswered["accounts"] == 1
        let_go.set()
        until(lambda: not test.crowd._acting)


def test_a_cut_ends_both_requests():
    both = Event()

    def handle(sock: Any, n: int) -> None:
        assert heard(sock)
        if n == 2:
            both.set()
        heard(sock)

    with played(handle) as test:
        test.act()
        assert both.wait(20)
        assert len(test.crowd._acting) == 2
        test.crowd.cut()
        until(lambda: not test.crowd._acting)
        assert test.crowd._connections.busy == 0
