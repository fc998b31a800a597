"""The formulas beside a simulated night: published figures, identities, and the chains they are derived from."""

import math

import numpy as np
import pytest
from scipy.special import gammaincc, gammaln

from scenarios.simulation.companions import (
    bounded,
    erlang_a,
    erlang_b,
    erlang_c,
    flow,
    mean_wait_s,
    retrial_points,
)


def chain(births, deaths):
    """Stationary probabilities of a birth-and-death chain; births[n] leads from n to n + 1, deaths[n] back."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(births) - np.log(deaths))])
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


def test_erlang_b_is_that_of_the_tables():
    """Traffic tables: 0.9 % or 1 % of blocking at 10, 20 and 100 lines; and B(10, 8) = 0.1217."""
    assert erlang_b(10, 4.461) == pytest.approx(0.01, rel=1e-3)
    assert erlang_b(20, 12.031) == pytest.approx(0.01, rel=1e-3)
    assert erlang_b(100, 84.064) == pytest.approx(0.01, rel=1e-3)
    assert erlang_b(10, 8.0) == pytest.approx(0.1217, rel=1e-3)
    assert erlang_b(0, 3.0) == 1.0


@pytest.mark.parametrize("load", [50_000.0, 99_000.0, 100_000.0, 101_000.0])
def test_erlang_b_of_a_hundred_thousand_servers(load):
    """It is also the Poisson probability of c over that of at most c."""
    servers = 100_000
    log_just = servers * math.log(load) - load - float(gammaln(servers + 1))
    assert erlang_b(servers, load) == pytest.approx(math.exp(log_just) / gammaincc(servers + 1, load), rel=1e-6)


@pytest.mark.parametrize("load", [50_000.0, 99_000.0, 100_000.0, 130_000.0])
def test_nothing_overflows_at_a_hundred_thousand_servers(load):
    """So many of them do what a fluid would do."""
    servers, beyond = 100_000, max(1 - 100_000 / load, 0.0)
    assert 0.0 <= erlang_c(servers, load) <= 1.0
    assert erlang_a(servers, load, 1.0, 2.0).abandons == pytest.approx(beyond, abs=3e-3)
    assert bounded(servers, 1_000_000, load, 1.0).refused == pytest.approx(beyond, abs=1e-5)


def test_a_call_center_of_fifty_agents():
    """48 calls a minute of a minute each: 20.8 s of wait; with a patience of two minutes 3.1 % leave, and wait 3.7 s.

    Source: O. Garnett, A. Mandelbaum and M. Reiman, Designing a call center with impatient customers, 2002, table 1.
    """
    assert mean_wait_s(50, 48 / 60, 60.0) == pytest.approx(20.8, abs=0.05)
    impatient = erlang_a(50, 48 / 60, 60.0, 120.0)
    assert impatient.abandons == pytest.approx(0.031, abs=0.0005)
    assert impatient.wait_s == pytest.approx(3.7, abs=0.06)


@pytest.mark.parametrize(
    ("servers", "load", "patience"), [(1, 0.5, 1.0), (20, 22.0, 2.0), (30, 25.0, 0.2), (5, 40.0, 9.0)]
)
def test_erlang_a_is_its_chain(servers, load, patience):
    most = 4_000
    states = np.arange(most + 1)
    deaths = np.minimum(states[1:], servers) + np.maximum(states[1:] - servers, 0) / patience
    found = chain(np.full(most, load), deaths)
    waiting = float(found @ np.maximum(states - servers, 0))
    told = erlang_a(servers, load, 1.0, patience)
    assert told.waits == pytest.approx(float(found[servers:].sum()), rel=1e-9)
    assert told.waiting == pytest.approx(waiting, rel=1e-8)
    assert told.abandons == pytest.approx(waiting / patience / load, rel=1e-8)


def test_erlang_a_lies_between_b_and_c():
    """Nobody has any patience, or everybody has all of it."""
    assert erlang_a(10, 8.0, 1.0, 1e-9).abandons == pytest.approx(erlang_b(10, 8.0), rel=1e-6)
    assert erlang_a(10, 8.0, 1.0, 1e9).waits == pytest.approx(erlang_c(10, 8.0), rel=1e-6)


@pytest.mark.parametrize(("servers", "places", "load"), [(50, 20, 45.0), (50, 200, 60.0), (3, 0, 2.0), (4, 7, 4.0)])
def test_a_bounded_line_is_its_chain(servers, places, load):
    states = np.arange(servers + places + 1)
    found = chain(np.full(servers + places, load), np.minimum(states[1:], servers).astype(float))
    waiting = float(found @ np.maximum(states - servers, 0))
    told = bounded(servers, places, load, 1.0)
    assert told.refused == pytest.approx(float(found[-1]), rel=1e-9)
    assert told.waiting == pytest.approx(waiting, rel=1e-9)
    assert told.wait_s == pytest.approx(waiting / load / (1 - found[-1]), rel=1e-9)
    assert told.busy == pytest.approx(float(found @ np.minimum(states, servers)), rel=1e-9)


def test_the_queues_of_the_reference():
    """Figures that another engine confirmed: 50 servers at 0.9 and 1.2 of what they can do."""
    assert mean_wait_s(50, 45.0, 1.0) == pytest.approx(0.07277, rel=1e-3)
    assert bounded(50, 20, 45.0, 1.0).refused == pytest.approx(0.004607, rel=1e-3)
    assert bounded(50, 20, 45.0, 1.0).wait_s == pytest.approx(0.04837, rel=1e-3)
    assert bounded(50, 200, 60.0, 1.0).wait_s == pytest.approx(3.9, rel=1e-3)
    empty, full = retrial_points(50, 200, 60.0, 1.0, 5, 10.0)
    assert empty.refused == pytest.approx(0.74184, rel=1e-4)
    assert empty.attempts == pytest.approx(3.2279, rel=1e-4)
    assert full.refused == pytest.approx(empty.refused, rel=1e-6)


def test_whoever_tries_for_ever_comes_in():
    """As long as the servers can do the work: a person takes 1 / (1 - refused) attempts, and nobody is lost."""
    empty, full = retrial_points(20, 0, 15.0, 1.0, -1, 30.0)
    assert empty.lost == 0.0
    assert empty.attempts == pytest.approx(1 / (1 - empty.refused))
    assert empty.refused == pytest.approx(erlang_b(20, 15.0 * empty.attempts), rel=1e-9)
    assert full.refused == pytest.approx(empty.refused, rel=1e-6)


def test_a_fluid_comes_to_rest_where_its_rates_meet():
    """Too many arrivals: the line is where as many give up as cannot be served; nobody appears or vanishes."""
    times = np.linspace(0.0, 400.0, 801)
    told = flow(times, lambda at: 130.0, lambda at: 100.0, 1.0, 4.0, 10.0, 1.0)
    assert told.inside[-1] == pytest.approx(100.0 + 30.0 * 4.0, rel=1e-4)
    again = flow(times, lambda at: 130.0, lambda at: 100.0, 1.0, 4.0, 10.0, 0.5, inside=40.0, away=7.0)
    assert again.inside[-1] == pytest.approx(100.0 + 4.0 * 30.0 / 0.5, rel=1e-3), "half of those who give up return"
    assert again.away[-1] == pytest.approx(10.0 * 0.5 * 60.0, rel=1e-3)
    inside_at_last = 47.0 + again.arrived - again.served - again.gone
    np.testing.assert_allclose(again.inside + again.away, inside_at_last, rtol=1e-5)


def test_a_fluid_follows_a_rush_and_servers_that_go():
    """A rush between two quiet hours is not stepped over."""
    told = flow(
        np.linspace(0.0, 7200.0, 721),
        lambda at: 500.0 if 3600.0 <= at < 3630.0 else 1.0,
        lambda at: 100.0 if at < 3610.0 else 50.0,
        1.0, 60.0, 30.0, 1.0,
    )  # fmt: skip
    assert told.arrived[-1] == pytest.approx(30 * 500 + 7170, rel=1e-3)
    assert told.inside.max() > 5_000
    assert told.gone[-1] > 0.5 * 15_000
