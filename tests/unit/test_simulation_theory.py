"""Queues that are made of the simulation's primitives behave as theory says: |z| < 3 over 24 seeds; faults are seen.

The seeds are fixed, so a test passes or fails for ever, and each test has its own: the same people, a little more or
less busy than the mean by chance, would lean all tests to one side.
"""

import math

import numpy as np
import pytest

from scenarios.simulation.companions import (
    bounded,
    erlang_a,
    erlang_c,
    flow,
    mean_wait_s,
    retrial_points,
)
from tests.unit.simulation_queues import (
    GONE,
    SECOND,
    SERVED,
    Queue,
    deviation,
    draws,
    exponentials,
    middle,
    shared_stays,
)

PEOPLE = 60_000
COUNTED = middle(PEOPLE)


def seeds(test):
    return range(100 * test, 100 * test + 24)


def all_waits(queue, test):
    """Seconds in line of those who are counted, one array a seed."""
    return [queue.played(seed, PEOPLE)[0].waited[COUNTED] / SECOND for seed in seeds(test)]


def means(waits, power=1):
    return [np.mean(each**power) for each in waits]


def test_everybody_waits_as_long_as_in_erlangs_queue():
    """M/M/c: mean and second moment of the wait. W of those who wait is exponential with rate c / s - lambda."""
    waits = all_waits(Queue(servers=5, arrivals_per_s=4.0), 1)
    assert abs(deviation(means(waits), mean_wait_s(5, 4.0, 1.0))) < 3
    assert abs(deviation(means(waits, 2), 2 * erlang_c(5, 4.0) / (5 - 4.0) ** 2)) < 3


def test_a_server_less_or_the_wrong_end_of_the_line_would_be_seen():
    """The negative controls: each fault is far outside of what chance allows."""
    fewer = all_waits(Queue(servers=4, arrivals_per_s=3.6), 2)
    assert abs(deviation(means(fewer), mean_wait_s(4, 3.6, 1.0))) < 3
    assert abs(deviation(means(fewer), mean_wait_s(5, 3.6, 1.0))) > 3
    # Who is served first changes no mean wait, only how unequal waits are.
    newest = all_waits(Queue(servers=5, arrivals_per_s=4.0, newest=True), 3)
    assert abs(deviation(means(newest), mean_wait_s(5, 4.0, 1.0))) < 3
    assert abs(deviation(means(newest, 2), 2 * erlang_c(5, 4.0))) > 3


@pytest.mark.parametrize(("rate", "places"), [(45.0, 20), (60.0, 50)])
def test_a_bounded_line_refuses_as_many_as_theory_says(rate, places):
    """M/M/c/K below and above what 50 servers can do."""
    truth = bounded(50, places, rate, 1.0)
    refused, waits = [], []
    for seed in seeds(4):
        people, _, _ = Queue(50, rate, places).played(seed, PEOPLE)
        served = people.state[COUNTED] == SERVED
        refused.append(1.0 - served.mean())
        waits.append(people.waited[COUNTED][served].mean() / SECOND)
    assert abs(deviation(refused, truth.refused)) < 3
    assert abs(deviation(waits, truth.wait_s)) < 3


def test_people_give_up_as_erlang_a_says():
    """M/M/c+M with more people than the servers can help."""
    truth = erlang_a(20, 22.0, 1.0, 2.0)
    gone, waits = [], []
    for seed in seeds(5):
        people, _, _ = Queue(20, 22.0, patience_s=2.0).played(seed, PEOPLE)
        gone.append((people.state[COUNTED] == GONE).mean())
        waits.append(people.waited[COUNTED].mean() / SECOND)
    assert abs(deviation(gone, truth.abandons)) < 3
    assert abs(deviation(waits, truth.wait_s)) < 3


def test_retrials_of_a_single_server_are_exact():
    """M/M/1 without a line, tried again and again: on average rho^2 / (1 - rho) + lambda rho / (nu (1 - rho)) are away.

    Source: J. Artalejo and G. Falin, Standard and retrial queueing systems, 2002, section 3 (M/G/1, exponential).
    """
    rate, away = 0.6, 2.0
    orbit = rate**2 / (1 - rate) + rate * rate * away / (1 - rate)
    waits = []
    for seed in seeds(6):
        people, _, _ = Queue(1, rate, places=0, retries=-1, away_s=away).played(seed, PEOPLE)
        waits.append((people.started - people.arrivals)[COUNTED].mean() / SECOND)
    assert abs(deviation(waits, orbit / rate)) < 3


def test_refused_people_make_the_load_of_the_fixed_point():
    """Where they are away for long, attempts are as good as Poisson."""
    rate, places, retries, away = 22.0, 5, 3, 60.0
    truth, _ = retrial_points(20, places, rate, 1.0, retries, away)
    attempts, lost = [], []
    for seed in seeds(7):
        people, _, _ = Queue(20, rate, places, retries, away).played(seed, 2 * PEOPLE)
        counted = slice(PEOPLE // 2, PEOPLE)
        attempts.append(1 + people.tries[counted].mean())
        lost.append((people.state[counted] == GONE).mean())
    assert abs(deviation(attempts, truth.attempts)) < 3
    assert abs(deviation(lost, truth.lost)) < 3
    alone, _ = retrial_points(20, places, rate, 1.0, 0, away)
    assert abs(deviation(lost, alone.lost)) > 3, "without the load of retries theory would be far off"


def split(seed, count):
    """Works of mean 1 s, nine in ten short ones and long ones: their squares' mean is 5 times that of equal works."""
    return np.where(draws(seed, count, 999) < 0.9, 1.0 / 3.0, 7.0)


@pytest.mark.parametrize("works", [lambda seed, count: np.ones(count), split], ids=["equal", "unequal"])
def test_a_shared_core_is_fair(works):
    """M/G/1-PS: everybody stays 1 / (1 - rho) times what they want, however unequal that is. L. Kleinrock, 1967."""
    rate, slower = 0.7, []
    for seed in seeds(8):
        wanted = works(seed, PEOPLE // 2)
        stays = shared_stays(1, rate, wanted, seed)
        slower.append((stays / wanted)[middle(len(wanted))].mean())
    assert abs(deviation(slower, 1 / (1 - rate))) < 3
    in_turn = 1 + rate / (1 - rate) * np.mean(wanted**2) / 2 * np.mean(1 / wanted)
    assert abs(deviation(slower, in_turn)) > 3, "first come, first served would not be"


def test_two_shared_cores_hold_as_many_as_two_servers():
    """Nobody gets more than one core, so M/M/2-PS has the people of M/M/2 inside, and they stay as long on average."""
    rate, stays = 1.5, []
    for seed in seeds(9):
        took = shared_stays(2, rate, exponentials(seed, PEOPLE // 2, 1.0), seed)
        stays.append(took[middle(len(took))].mean())
    assert abs(deviation(stays, 1.0 + mean_wait_s(2, rate, 1.0))) < 3
    assert abs(deviation(stays, 1.0 / (2.0 - rate))) > 3, "one core of twice the speed"


def test_a_rush_flows_as_the_fluid_does():
    """400 servers, a rush of 1.5 times what they can do, people who give up and come again: within 5 in a hundred."""
    rushes = [(0.0, 30.0, 300.0), (30.0, 70.0, 600.0), (70.0, 120.0, 200.0)]

    def rate(at):
        return next((per_s for begins, ends, per_s in rushes if begins <= at < ends), 0.0)

    arrivals = np.concatenate([np.arange(begins, ends, 1.0 / per_s) for begins, ends, per_s in rushes])
    people, _, _ = Queue(400, 0.0, patience_s=5.0, leave_share=0.4, away_s=8.0).rushed(3, arrivals)
    told = flow(np.linspace(0.0, 200.0, 401), rate, lambda at: 400.0, 1.0, 5.0, 8.0, 0.4)
    gone = int((people.state == GONE).sum())
    assert told.arrived[-1] == pytest.approx(len(arrivals), rel=1e-3)
    assert gone == pytest.approx(told.gone[-1], rel=0.05)
    assert gone > 1000
    half = int((people.started[people.state == SERVED] < 70 * SECOND).sum())
    assert half == pytest.approx(told.served[140] + 400, rel=0.02), "and 400 are being served"


def test_waits_are_those_of_littles_law():
    """What a pool sums up about itself agrees with what each person remembers."""
    people, pools, events = Queue(servers=3, arrivals_per_s=2.7).played(1, 20_000)
    figures = pools.figures[0]
    from scenarios.simulation import pools as columns

    assert figures[columns.WAITING_US] == people.waited.sum()
    assert figures[columns.BUSY_US] == people.services.sum()
    assert figures[columns.STARTED] == figures[columns.OFFERED] == 20_000
    assert events == 40_000
    assert math.isclose(people.waited.mean() / SECOND, mean_wait_s(3, 2.7, 1.0), rel_tol=0.2)
