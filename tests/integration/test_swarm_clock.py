"""The crowd's clock on real time, for fractions of a second."""

import time
from itertools import pairwise

import gevent
import pytest
from gevent.event import Event

from loadtests.clock import Agenda, Clock, Entry, begin_now

PATIENCE = 20.0


class Rung:
    """An agenda and what it started when, in seconds of its clock."""

    def __init__(self) -> None:
        self.clock = Clock(time.time() - 100.0)
        self.agenda = Agenda(self.clock, self._start)
        self.started: list[tuple[Entry, float]] = []
        self._one_more = Event()

    def _start(self, entry: Entry) -> None:
        self.started.append((entry, self.clock.now()))
        self._one_more.set()

    def numbers(self, count: int) -> list[int]:
        """Who was started, once so many have been."""
        while len(self.started) < count:
            self._one_more.clear()
            assert self._one_more.wait(PATIENCE)
        return [entry.number for entry, _ in self.started]


@pytest.fixture
def rung():
    made = Rung()
    yield made
    made.agenda.end()


@pytest.mark.parametrize("seconds", [0.002, 0.02, 0.12])
def test_nobody_is_started_early(rung, seconds):
    rung.agenda.begin()
    rung.agenda.add(rung.clock.now() + seconds, 1, 0)
    assert rung.numbers(1) == [1]
    entry, at = rung.started[0]
    assert at >= entry.due


def test_the_earliest_is_first_whenever_it_was_added(rung):
    """Somebody who becomes due sooner than whoever was waited for is not kept waiting."""
    now = rung.clock.now()
    rung.agenda.add(now + 3600.0, 1, 0)
    rung.agenda.begin()
    rung.agenda.add(now + 0.05, 2, 5)
    gevent.spawn_later(0.02, rung.agenda.add, now, 3, 0)
    assert rung.numbers(2) == [3, 2]
    assert len(rung.agenda) == 1


def test_a_rush_lets_the_loop_do_other_things(rung):
    """Everybody who is overdue starts, in order, and answers are read in between."""
    others: list[int] = []

    def other() -> None:
        while len(others) < 1000:
            others.append(len(rung.started))
            gevent.sleep(0)

    def slow(entry: Entry) -> None:
        until = time.monotonic() + 0.001
        while time.monotonic() < until:
            pass
        Rung._start(rung, entry)

    rung.agenda._start = slow
    for number in range(100):
        rung.agenda.add(0.0, number, 0)
    rung.agenda.begin()
    reader = gevent.spawn(other)
    assert rung.numbers(100) == list(range(100))
    reader.kill()
    assert max(after - before for before, after in pairwise(others)) < 50


def test_whoever_is_added_by_a_start_is_started_too(rung):
    def start(entry: Entry) -> None:
        if entry.number < 3:
            rung.agenda.add(entry.due + 0.001, entry.number + 1, 0)
        Rung._start(rung, entry)

    rung.agenda._start = start
    rung.agenda.begin()
    rung.agenda.add(rung.clock.now(), 1, 0)
    assert rung.numbers(3) == [1, 2, 3]


def test_after_its_end_nobody_is_started(rung):
    rung.agenda.begin()
    rung.agenda.add(rung.clock.now() + 0.01, 1, 0)
    rung.agenda.end()
    rung.agenda.add(rung.clock.now(), 2, 0)
    later = Rung()
    later.agenda.begin()
    later.agenda.add(later.clock.now() + 0.03, 3, 0)
    assert later.numbers(1) == [3]
    assert rung.started == []


def test_what_begins_now_runs_until_it_first_waits(rung):
    """It has its turn at once, and the loop goes on where it waits."""
    seen = []

    def act(name: str) -> None:
        seen.append(name)
        gevent.sleep(0.01)
        seen.append(f"{name} again")
        rung._one_more.set()

    def start(entry: Entry) -> None:
        begin_now(act, "one")
        seen.append("the loop")

    rung.agenda._start = start
    rung.agenda.begin()
    rung.agenda.add(rung.clock.now(), 1, 0)
    assert rung._one_more.wait(PATIENCE)
    assert seen == ["one", "the loop", "one again"]
