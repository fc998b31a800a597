"""The crowd's clock on real time, for fractions of a second."""

import time

import gevent
import pytest

from loadtests.clock import Agenda, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(time.time() - 100.0)


@pytest.mark.parametrize("seconds", [0.002, 0.02, 0.12])
def test_a_wait_never_ends_early(clock, seconds):
    agenda = Agenda(clock)
    moment = clock.now() + seconds
    agenda.wait_until(moment)
    assert clock.now() >= moment


def test_an_earlier_entry_ends_the_wait(clock):
    """Somebody who becomes due sooner than whoever was waited for is not kept waiting."""
    agenda = Agenda(clock)
    agenda.add(clock.now() + 60.0, 1, 0)
    gevent.spawn_later(0.02, agenda.add, clock.now(), 2, 5)
    agenda.wait_until(agenda.next_due())
    assert agenda.pop()[1:] == (2, 5)
    assert agenda.pop()[1:] == (1, 0)
    assert agenda.next_due() == float("inf")


def test_a_later_entry_does_not(clock):
    """Nothing is woken for what is not due yet."""
    agenda = Agenda(clock)
    moment = clock.now() + 0.1
    gevent.spawn_later(0.02, agenda.add, moment + 5.0, 2, 0)
    agenda.wait_until(moment)
    assert clock.now() >= moment


def test_a_wait_for_nothing_ends_when_woken(clock):
    """When everybody has a request out, the last of them ends the wait."""
    agenda = Agenda(clock)
    gevent.spawn_later(0.02, agenda.wake)
    agenda.wait_until(float("inf"))
    assert len(agenda) == 0
