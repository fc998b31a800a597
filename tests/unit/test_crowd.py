"""What the crowd counts of a request, and whom it plays."""

import socket
import time

import gevent
import numpy as np
import pytest

from loadtests.applicant import Applicant, Reading
from loadtests.clock import Clock
from loadtests.connections import Answer, Connections
from loadtests.crowd import Crowd, Errand, Share
from scenarios import catalogue, journey
from scenarios.behaviour import traits
from scenarios.journey_state import Action, Result
from scenarios.networks import Cut
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
    share = Share(night, 1, 20.0, np.array([0.0]), np.array([0]), last_arrival=0.0, drain=60.0, run="test")
    crowd = Crowd(share, Clock(0.0), Connections("http://127.0.0.1:1"), (b"", b""), Stats())
    who = person(night, 1, 0)
    one = Applicant(who, 0, journey.start(traits(night, who)), "test")
    request = one.request((b"", b""))
    crowd.notes.measured(request, answer, outcome, delay=0.0, service=0.002)
    figures = crowd.metrics.routes[request.route]
    assert (figures.service.count, figures.scheduled.count) == (observed, observed)
    assert figures.outcomes[outcome] == 1


def test_a_cut_photo_and_its_rest_are_counted() -> None:
    """600 of 1,000 bytes leave the phone, 500 had arrived; the rest arrives with the next request."""
    night = catalogue.load("prakerja-wave-1")
    share = Share(night, 1, 20.0, np.array([0.0]), np.array([0]), last_arrival=0.0, drain=60.0, run="test")
    crowd = Crowd(share, Clock(0.0), Connections("http://127.0.0.1:1"), (bytes(1000),), Stats())
    who = person(night, 1, 0)
    start = journey.start(traits(night, who))
    one = Applicant(who, 0, start._replace(action=Action.PHOTO_SEND + 0), "test")
    one.photo = bytes(1000)
    crowd.live[0] = one
    cut = Answer(0, {}, b"", "transport", 600, Cut.RESET + 0)
    crowd.notes.answered(one, one.request(()), cut, "transport")
    one.offset = 500
    rest = Answer(204, {"upload-offset": "1000"}, b"", "", 500)
    crowd.notes.answered(one, one.request(()), rest, "ok")
    crowd._decide(one, one.read(rest), 4.0)
    metrics = crowd.metrics
    assert metrics.photo_bytes == {"sent": 1100, "stored": 1000}
    assert (metrics.photo_resumes, metrics.cuts[Cut.RESET]) == (1, 1)
    assert (crowd.roster.columns["bytes_sent"][0], crowd.roster.columns["photo_tries"][0]) == (1100, 2)
    assert 'swarm_photo_bytes_total{bytes="sent"} 1100\n' in metrics.exposition()


def test_what_sets_people_back_is_counted() -> None:
    """A page lost with the message; then a visit that fails, and another browser for the next one."""
    night = catalogue.load("prakerja-wave-1")
    share = Share(night, 1, 20.0, np.array([0.0]), np.array([0]), last_arrival=0.0, drain=60.0, run="test")
    crowd = Crowd(share, Clock(0.0), Connections("http://127.0.0.1:1"), (b"", b""), Stats())
    crowd._habits = crowd._habits._replace(page_lost_share=1.0, switch_share=1.0)
    who = person(night, 1, 0)
    start = journey.start(traits(night, who)._replace(low_memory=1, tries=2, visits=2))
    one = Applicant(who, 0, start._replace(action=Action.WAIT_CODE + 0), "test")
    crowd.live[0] = one
    crowd._decide(one, Reading(Result.DELIVERED), 1.0)
    crowd._decide(one, Reading(Result.ERROR), 2.0)
    assert crowd.metrics.setbacks == {"visit_ended": 1, "browser_changed": 1, "page_lost": 1}
    assert 'swarm_setbacks_total{setback="page_lost"} 1\n' in crowd.metrics.exposition()


@pytest.mark.parametrize(("action", "counted"), [(Action.PLACE, 0), (Action.ACCOUNT, 1)])
def test_a_look_at_the_line_is_no_step(action: Action, counted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has to wait longer still makes all the steps that the run asks for."""
    night = catalogue.load("prakerja-wave-1")
    share = Share(
        night, 1, 20.0, np.array([0.0]), np.array([0]), last_arrival=0.0, drain=60.0, run="test", steps=9
    )  # fmt: skip
    crowd = Crowd(share, Clock(time.time()), Connections("http://127.0.0.1:1"), (b"", b""), Stats())
    who = person(night, 1, 0)
    one = Applicant(who, 0, journey.start(traits(night, who))._replace(action=action + 0), "test")
    one.place_token = "token"
    crowd.live[0] = one
    answer = Answer(200, {}, b'{"state": "waiting", "ahead": 5, "wait_s": {"low": 10, "high": 20}}')
    monkeypatch.setattr(crowd, "_send", lambda *_: (0.0, answer, 0.0))
    crowd._run(Errand(one, one.request((b"", b"")), None), 0.0)
    assert one.steps == counted


def test_who_is_helped_begins_when_the_helper_is_free() -> None:
    """The arrival counts when due; the first request is made later, and nobody else waits."""
    night = catalogue.load("prakerja-wave-1")
    numbers, waits = np.array([0, 1, 2]), {1: 1e6, 2: 3.0}
    due = np.array([0.0, 1.0, 2.0])
    share = Share(night, 1, 1.0, due, numbers, last_arrival=2.0, drain=1e9, run="test", helper_waits=waits)
    crowd = Crowd(share, Clock(time.time() - 100.0), Connections("http://127.0.0.1:1"), (b"", b""), Stats())
    playing = gevent.spawn(crowd.play)
    requests = crowd.roster.columns["requests"]
    with gevent.Timeout(30):
        while not (requests[0] and requests[2]):
            gevent.sleep(0.01)
    assert not np.isnan(crowd.roster.columns["started"]).any()
    assert requests[1] == 0
    crowd.cut()
    playing.join()


def test_people_of_a_lost_worker_start_behind_the_own_ones_and_late_ones_are_marked() -> None:
    """Of three taken over two are overdue: these start at once, are marked, and count for no lateness."""
    night = catalogue.load("prakerja-wave-1")
    numbers = np.array([0, 2])
    share = Share(night, 1, 20.0, np.array([0.0, 1e9]), numbers, last_arrival=1e9, drain=60.0, run="test", steps=1)
    connections = Connections("http://127.0.0.1:1")
    crowd = Crowd(share, Clock(time.time() - 100.0), connections, (b"", b""), Stats())
    assert not crowd.idle.is_set()
    assert crowd.take(np.array([5.0, 50.0, 1e9]), np.array([1, 3, 7])) == 2
    playing = gevent.spawn(crowd.play)
    with gevent.Timeout(30):
        while np.isnan(crowd.roster.columns["started"]).sum() > 2:
            gevent.sleep(0.01)
    crowd.cut()
    playing.join()
    columns = crowd.roster.columns
    assert columns["number"].tolist() == [0, 2, 1, 3, 7]
    assert columns["taken_over"].tolist() == [False, False, True, True, False]
    assert (~np.isnan(columns["started"])).tolist() == [True, False, True, True, False]
    assert (crowd.metrics.lateness.count, crowd.metrics.taken_over) == (1, 2)


def test_whoever_waits_for_the_end_finds_everybody_ended() -> None:
    """The crowd is cut while it plays: what its player hands in then must not leave out those who were on the way."""
    night = catalogue.load("prakerja-wave-1")
    numbers = np.arange(20)
    share = Share(night, 1, 1.0, np.zeros(20), numbers, last_arrival=0.0, drain=1e9, run="test")
    left: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        crowd = Crowd(share, Clock(time.time()), Connections(url), (b"", b""), Stats())

        def play() -> None:
            crowd.play()
            left.append(len(crowd.live))

        def cut() -> None:
            crowd.cut()
            left.append(len(crowd.live))

        playing = gevent.spawn(play)
        with gevent.Timeout(30):
            while np.isnan(crowd.roster.columns["started"]).any():
                gevent.sleep(0.01)
            assert crowd.live
            gevent.joinall([playing, *(gevent.spawn(cut) for _ in range(3))])
    assert left == [0, 0, 0, 0]


def test_a_share_without_anybody_is_idle_until_it_takes_over() -> None:
    night = catalogue.load("prakerja-wave-1")
    nobody = Share(night, 1, 1.0, np.zeros(0), np.zeros(0, np.int64), last_arrival=9.0, drain=60.0, run="test")
    crowd = Crowd(nobody, Clock(time.time() + 100.0), Connections("http://127.0.0.1:1"), (b"", b""), Stats())
    assert crowd.idle.is_set()
    assert crowd.take(np.array([5.0]), np.array([7])) == 0
    assert not crowd.idle.is_set()
