"""What the generator needs: it grows with the plan as it should, and what is short is warned of with its fix."""

import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from loadtests import needs
from loadtests.needs import Machine
from scenarios import arrivals, catalogue
from scenarios.arrival_kinds import of_rates

POPULATION = replace(catalogue.load("prakerja-wave-1").population, onlookers=None, without_javascript=0.0)
LARGE = Machine(cores=64, connections=10**6, ports=10**6, memory_bytes=10**11)


def needed(rate: float, *, minutes: float = 60.0, pace: float = 1.0, steps: int = 0, workers: int = 0) -> needs.Needs:
    lines = of_rates(f"constant:{rate}", minutes)
    assert lines is not None
    plan = arrivals.plan(lines, Fraction(1), 1.0, None, 1, arrivals.Spacing.EXACT)
    return needs.needs(plan, POPULATION, pace, steps, workers)


MANY = needed(100.0, minutes=120.0)


def test_people_on_their_way_are_rate_times_stay() -> None:
    """Little's law: 10 a second who stay as long as they think and wait, half an hour, make 40 requests each."""
    found = needed(10.0)
    stay = sum((40, 30, 15, 30, 90, 60, 20, 1500, 10)) + needs.REACTIONS_S
    assert found.live == pytest.approx(10.0 * stay, abs=1)
    assert found.requests_per_s == pytest.approx(10.0 * needs.REQUESTS, rel=0.001)
    assert found.cores == pytest.approx(10 * needs.ARRIVAL_CPU_S + 400 * needs.REQUEST_CPU_S, rel=0.001)


def test_onlookers_come_beside_them() -> None:
    """Seven for ten applicants, each with 4.7 requests: 3.29 requests more for each applicant."""
    night = replace(catalogue.load("prakerja-wave-1").population, without_javascript=0.0)
    lines = of_rates("constant:10", 60.0)
    assert lines is not None
    plan = arrivals.plan(lines, Fraction(1), 1.0, None, 1, arrivals.Spacing.EXACT)
    more = needs.needs(plan, night, 1.0).requests_per_s - needs.needs(plan, POPULATION, 1.0).requests_per_s
    assert more == pytest.approx(10.0 * 0.7 * 4.7, rel=0.01)


def test_who_goes_by_pages_asks_for_more() -> None:
    """Half of the people: half of the difference between the two ways, in the same time."""
    lines = of_rates("constant:10", 60.0)
    assert lines is not None
    plan = arrivals.plan(lines, Fraction(1), 1.0, None, 1, arrivals.Spacing.EXACT)
    found = needs.needs(plan, replace(POPULATION, without_javascript=0.5), 1.0)
    assert found.requests_per_s == pytest.approx(10.0 * (needs.REQUESTS + needs.PAGE_REQUESTS) / 2, rel=0.001)
    assert found.live == needed(10.0).live
    assert needs.needs(plan, replace(POPULATION, without_javascript=0.5), 1.0, 1).requests_per_s < 11.0


def test_a_burst_shorter_than_the_stay_asks_for_less_than_its_rate_would() -> None:
    """A minute of 10 a second: 600 people spread their requests over the half hour."""
    assert needed(10.0, minutes=1.0).live == 600
    assert needed(10.0, minutes=1.0).requests_per_s < 0.05 * needed(10.0).requests_per_s


def test_a_faster_pace_means_fewer_people_at_once_and_as_many_requests() -> None:
    slow, fast = needed(10.0), needed(10.0, pace=20.0)
    assert fast.live < 0.1 * slow.live
    assert fast.requests_per_s == pytest.approx(slow.requests_per_s, rel=0.01)


def test_people_who_leave_after_one_answer_make_one_request() -> None:
    found = needed(1500.0, minutes=1.0, steps=1)
    assert found.requests_per_s == pytest.approx(1500.0, abs=2)
    assert found.live == pytest.approx(1500, abs=2)
    assert needed(1500.0, minutes=1.0, steps=8, pace=1000.0).requests_per_s == pytest.approx(12_000.0, rel=0.001)


def test_workers_are_as_many_as_keep_a_reserve() -> None:
    """None above its share of a core; each process of its own takes memory, and so does the master of several."""
    found = needed(100.0)
    assert (found.workers - 1) * needs.BUSY_SHARE < found.cores <= found.workers * needs.BUSY_SHARE
    one, four = (needed(1.0, workers=count).memory_bytes for count in (1, 4))
    assert four - one == 4 * needs.PROCESS_BYTES


def test_nobody_planned_needs_next_to_nothing() -> None:
    plan = arrivals.plan(catalogue.load("prakerja-wave-1").curve.reading("harsh"), Fraction(1, 10**9), 1.0, 1.0, 1)
    found = needs.needs(plan, POPULATION, 1.0)
    assert (found.planned, found.live, found.cores, found.workers) == (0, 0, 0.0, 1)


def test_a_machine_with_everything_is_not_warned() -> None:
    assert len(needs.lines(needed(1.0), LARGE)) == 2


@pytest.mark.parametrize(
    ("short", "given", "fix"),
    [
        (lambda found: {"cores": 1}, {}, "on other machines"),
        (lambda found: {}, {"workers": 1}, "add some"),
        (lambda found: {"connections": (found.connections - 1) // found.workers}, {}, "ulimit -n"),
        (lambda found: {}, {"most": 20_000}, "add workers"),
        (lambda found: {"ports": found.connections - 1}, {}, "--source-addresses"),
        (lambda found: {"ports": 28_232}, {"sources": 2}, "2 source addresses have 56,464 ports"),
        (lambda found: {"memory_bytes": found.memory_bytes - 1}, {}, "--people"),
        (lambda found: {"memory_bytes": found.memory_stalled_bytes - 1}, {}, "should nobody get through"),
    ],
)
def test_each_shortage_is_told_with_its_fix(
    short: Callable[[needs.Needs], dict[str, int]], given: dict[str, int], fix: str
) -> None:
    """100 a second for two hours: 180,000 people on their way at once, 720,000 in all."""
    assert needs.shortages(MANY, LARGE) == [], "it would be told whatever there is"
    has = replace(LARGE, **short(MANY))
    (warned,) = needs.shortages(MANY, has, **given)
    assert fix in warned
    assert needs.lines(MANY, has, **given)[2:] == [f"warning: {warned}"]


def test_loopback_has_more_than_one_address() -> None:
    """Linux leads all of 127.0.0.0/8 to this machine; a host that nobody knows is taken for one address."""
    assert needs.sources_to("http://127.0.0.1:8000") == (16 if sys.platform == "linux" else 1)
    assert needs.sources_to("http://no-such-host.invalid") == needs.sources_to("nonsense") == 1


def test_this_machine_is_looked_at() -> None:
    """Its figures are those of the system, not of a table."""
    has = needs.machine()
    assert has.cores >= 1 and has.connections >= 1 and 1_000 < has.ports < 65_536 and has.memory_bytes > 10**8
