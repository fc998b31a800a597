"""The limit at the gate: exact in every sliding window, whatever happens to its leaders, and used up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.actions import gatekeeper
from service.domain import gate as rules
from service.domain.gate import Reached
from tests.unit.gate_simulation import Night, excess, most_in

rates = st.floats(0.01, 2000.0)


@pytest.mark.parametrize(
    ("rate", "second", "minute"),
    [(600.0, 660, 36_000), (6.0, 7, 360), (1.0, 2, 60), (0.5, 1, 30), (0.01, 1, 1), (0.0, 0, 0), (-1.0, 0, 0)],
)
def test_the_limits_are_whole_people(rate, second, minute):
    """Sixty times the rate in a minute and a tenth more than the rate in a second; one person at least."""
    assert (rules.second_limit(rate), rules.minute_limit(rate)) == (second, minute)


@given(st.floats(0.0, 1e6), st.integers(0, 10**6), st.floats(0.0, 1e4), rates)
def test_credit_saves_up_half_a_second(credit, spent, elapsed, rate):
    """And never less than one person, or a slow gate would stand still."""
    found = rules.credit_after(credit, spent, elapsed, rate)
    assert 0.0 <= found <= max(rate * 0.5, 1.5)
    assert found <= max(credit - spent, 0.0) + elapsed * rate + 1e-6
    assert rules.credit_after(credit, spent, elapsed, 0.0) == 0.0


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(1, 50)), max_size=60), st.integers(0, 20_000))
def test_what_was_reached_is_found_again(steps, asked):
    """The newest count whose time had come, as a plain search finds it, also when older ones were forgotten."""
    marks, at, count = [(-10, 0)], 0, 0
    reached = Reached(marks)
    for later, more in steps:
        at, count = at + later, count + more
        assert reached.add(at, count)
        assert not reached.add(at + 1, count)
        marks.append((at, count))
        reached.forget(min(asked, at))
    assert reached.before(asked) == max(number for time, number in marks if time <= asked)
    assert reached.before(-11) == 0 or len(steps) > 1


@pytest.mark.parametrize("seed", range(6))
def test_no_window_holds_more_than_its_limit(seed):
    """Slow and lost messages, leaders that die or sleep, clocks of which no leader hears: 0 too many in 5 minutes."""
    night = Night(rate=(5.0, 60.0, 0.7)[seed % 3], seed=seed, eager=seed % 2 == 0)
    night.run(300.0)
    assert len(night.log) > 100
    assert max(excess(night).values()) <= 0


def test_without_the_limit_there_are_more():
    """Negative control: the crowd takes what it wants."""
    night = Night(rate=20.0, seed=1, eager=True, limited=False)
    night.run(5.0)
    assert excess(night)["second"] > 0


def test_with_a_clock_that_is_set_there_are_more():
    """Negative control: a leader that looks at the wall clock, which is set forward by 5 s now and then."""
    worst = 0
    for seed in range(6):
        night = Night(rate=60.0, seed=seed, eager=True, wall_clock=True)
        night.run(200.0)
        worst = max(worst, *excess(night).values())
    assert worst > 0


@pytest.mark.parametrize("rate", [0.5, 6.0, 60.0, 600.0])
def test_the_limit_is_used(rate):
    """97 % and more while people always wait and nothing is in the way."""
    night = Night(rate=rate, seed=3, eager=True, trouble=False)
    night.run(100.0)
    assert max(excess(night).values()) <= 0
    used = sum(40.0 <= at < 100.0 for at in night.log)
    assert 0.97 * rate * 60.0 - 1.0 <= used <= rate * 60.0


def test_a_full_house_waits_for_those_inside(monkeypatch):
    """No more than the cap within the life of a pass (here two minutes); then as many as have left."""
    monkeypatch.setattr(gatekeeper, "LEASE_MS", 120_000)
    night = Night(rate=5.0, seed=4, eager=True, trouble=False, cap=100)
    night.run(170.0)
    assert most_in(night.log, 120.0) == 100
    assert len([at for at in night.log if at < 60.0]) == 100
    assert not [at for at in night.log if 60.0 <= at <= 120.0]
    assert len([at for at in night.log if at > 120.0]) >= 95


def test_who_waits_stands_evenly_between_two_places():
    assert [rules.pending_before(place, 100, 1000, 2000) for place in (900, 1000, 1500, 2000, 5000)] == [
        0, 0, 50, 100, 100,
    ]  # fmt: skip
    assert rules.pending_before(7, 1, 7, 7) == 0


@given(st.integers(1, 10**9), st.integers(0, 10**6), rates)
def test_who_waits_at_the_gate_asks_again_in_time(number, before, rate):
    """When the turn is due, 1 to 30 s, spread by 15 %; and is waited for a little longer than that."""
    retry = rules.claim_retry_s(number, before, rate)
    wanted = min(max(before / rate, 1.0), 30.0)
    assert 0.85 * wanted <= retry <= 1.15 * wanted
    assert rules.waits_until_ms(1000, retry) - 1000 >= (retry + 4.9) * 1000
    assert rules.claim_retry_s(number, before, 0.0) >= 25.0
