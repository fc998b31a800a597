"""People who only look: when they come, what they read, and what becomes of them; no service is needed."""

from dataclasses import replace
from typing import Any

import gevent
import numpy as np
import pytest

from loadtests.clock import Clock
from loadtests.connections import Answer
from loadtests.onlooker_figures import OnlookerFigures
from loadtests.onlookers import Audience
from loadtests.swarm_metrics import OUTCOMES
from scenarios import onlookers
from scenarios.arrivals import SHARDS, Plan, hash_of
from scenarios.population import Onlookers

HABITS = Onlookers(0.7, 0.5, 0.4, 20.0, 0.8)
START = (
    b'<link rel="stylesheet" href="/s.css"><script src="/s.js"></script>'
    b'<a href="/daftar/antrean">line</a><a href="/daftar/masuk">sign in</a><a href="#main">skip</a>'
)


def plan_of(due: list[float]) -> Plan:
    return Plan(np.array(due), hash_of(np.array(due)))


def test_they_come_when_applicants_do():
    """As many as the night says, ascending, within the applicants' time, and as dense in every part of it."""
    rush = plan_of([*np.linspace(0.0, 10.0, 9_000), *np.linspace(10.0, 100.0, 1_001)[1:]])
    found = onlookers.plan(rush, HABITS, 1)
    assert found.planned == 7_000
    assert (np.diff(found.due) >= 0).all() and found.due[0] >= 0.0 and found.due[-1] <= 100.0
    assert abs(np.count_nonzero(found.due < 10.0) - 6_300) <= 2
    assert onlookers.plan(rush, HABITS, 1).hash == found.hash != onlookers.plan(rush, HABITS, 2).hash


@pytest.mark.parametrize("habits", [None, replace(HABITS, per_applicant=0.0)])
def test_without_the_figure_nobody_comes(habits):
    assert onlookers.plan(plan_of([1.0, 2.0]), habits, 1).planned == 0


@pytest.mark.parametrize("workers", [1, 3, 16])
def test_the_shards_hold_everybody_once(workers):
    found = onlookers.plan(plan_of(np.linspace(0.0, 9.0, 999).tolist()), HABITS, 1)
    dealt = [found.numbers(range(worker, SHARDS, workers)) for worker in range(workers)]
    np.testing.assert_array_equal(np.sort(np.concatenate(dealt)), np.arange(found.planned))


def test_of_a_lost_worker_those_come_who_were_still_to_come():
    found = onlookers.plan(plan_of(np.linspace(0.0, 9.0, 999).tolist()), HABITS, 1)
    numbers = onlookers.coming(found, range(0, SHARDS, 3), 4.0)
    later = np.flatnonzero((found.due > 4.0) & (np.arange(found.planned) % SHARDS % 3 == 0))
    np.testing.assert_array_equal(numbers, later)
    assert 0 < len(numbers) < len(found.numbers(range(0, SHARDS, 3)))


def test_how_many_pages_they_read_follows_the_shares():
    """Half of them one, three in ten two, two in ten three: within five standard errors of 20,000 draws."""
    read = np.bincount([onlookers.pages(HABITS, 3, number) for number in range(20_000)], minlength=4)
    np.testing.assert_allclose(read[1:] / 20_000, [0.5, 0.3, 0.2], atol=5 * (0.25 / 20_000) ** 0.5)
    assert read[0] == 0


class Site:
    """Answers in the place of connections; keeps what was asked."""

    def __init__(self, status: int = 200, page: bytes = START) -> None:
        self.status = status
        self.page = page
        self.asked: list[str] = []

    def send(self, method: str, path: str, **_: Any) -> Answer:
        self.asked.append(path)
        return Answer(self.status, {}, self.page, "" if self.status else "timeout")


class Stats:
    """Takes what Locust's table takes."""

    def log_request(self, *_: object) -> None: ...
    def log_error(self, *_: object) -> None: ...


def played(site: Any, habits: Onlookers, people: int, *, until: int) -> OnlookerFigures:
    """The figures when `until` of the people have left; ten seconds at most."""
    figures = OnlookerFigures(OUTCOMES)
    audience = Audience(habits, 1, 1000.0, Clock(0.0), site, figures, Stats())
    audience.take(np.zeros(people), np.arange(people))
    greenlet = gevent.spawn(audience.play)
    with gevent.Timeout(10):
        while sum(figures.left.values()) < until:
            gevent.sleep(0.005)
    audience.cut()
    greenlet.join(timeout=10)
    assert greenlet.dead and not audience.defect
    return figures


def test_all_read_and_leave():
    site = Site()
    figures = played(site, HABITS, 40, until=40)
    assert (figures.planned, figures.arrived, figures.live) == (40, 40, 0)
    assert figures.left == {"read": 40, "turned_away": 0}
    assert figures.requests["onlookers-asset", "ok"] == 2 * 40
    pages = sum(onlookers.pages(HABITS, 1, number) for number in range(40))
    assert figures.requests["onlookers-start", "ok"] + figures.requests["onlookers-page", "ok"] == pages
    assert set(site.asked) == {"/daftar/", "/s.css", "/s.js", "/daftar/antrean", "/daftar/masuk"}
    assert figures.service.count == len(site.asked)


def test_a_page_without_links_is_looked_at_again():
    """As on the day of an announcement: the same path, as often as a reader of pages would turn them."""
    site = Site(page=b'{"state":"closed"}')
    figures = played(site, replace(HABITS, opens="/waves/1/result"), 40, until=40)
    assert set(site.asked) == {"/waves/1/result"}
    assert len(site.asked) == sum(onlookers.pages(HABITS, 1, number) for number in range(40)) > 40
    assert figures.left == {"read": 40, "turned_away": 0}


@pytest.mark.parametrize(("status", "outcome"), [(503, "error"), (404, "refused"), (0, "timeout")])
def test_whoever_gets_no_page_leaves(status, outcome):
    figures = played(Site(status), HABITS, 5, until=5)
    assert figures.left == {"read": 0, "turned_away": 5}
    assert figures.requests["onlookers-start", outcome] == 5
    assert sum(figures.requests.values()) == 5


def test_a_fault_of_their_own_is_told():
    """Nothing of an onlooker's may fail in silence."""

    class Broken(Site):
        def send(self, method: str, path: str, **_: Any) -> Answer:
            raise TypeError("a fault of the swarm's own")

    figures = OnlookerFigures(OUTCOMES)
    audience = Audience(HABITS, 1, 1.0, Clock(0.0), Broken(), figures, Stats())  # type: ignore[arg-type]
    audience.take(np.zeros(1), np.arange(1))
    greenlet = gevent.spawn(audience.play)
    with gevent.Timeout(10):
        while not figures.left["turned_away"]:
            gevent.sleep(0.005)
    audience.cut()
    greenlet.join(timeout=10)
    assert "a fault of the swarm's own" in audience.defect
