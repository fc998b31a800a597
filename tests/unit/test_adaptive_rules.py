"""How much of us a partner bears: the limit of calls at once, and the budget of retries."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.adaptive import AT_FIRST, BURST, FEWEST, limit_after, retry_turn

SLOW = 2.5


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 10), st.integers(0, 200)), max_size=200),
    st.floats(FEWEST, 128),
)
def test_the_limit_stays_in_its_bounds(calls: list[tuple[bool, float, int]], limit: float) -> None:
    for failed, seconds, used in calls:
        before, limit = limit, limit_after(limit, used, failed, seconds, SLOW, 128.0)
        assert FEWEST <= limit <= 128
        assert limit <= before if failed or seconds > SLOW else limit >= before


def test_a_dead_partner_gets_two_at_once_within_a_few_dozen_calls() -> None:
    limit, calls = 128.0, 0
    while limit > FEWEST:
        limit, calls = limit_after(limit, int(limit), True, 5.0, SLOW, 128.0), calls + 1
    assert calls == 40  # 0.9^40 * 128 < 2


def test_a_well_partner_gets_all_in_a_few_round_trips() -> None:
    """+1 for each good answer doubles the limit with each round trip, as the source does: 20 -> 128 in 108 answers."""
    limit, calls = AT_FIRST, 0
    while limit < 128.0:
        limit, calls = limit_after(limit, int(limit), False, 0.1, SLOW, 128.0), calls + 1
    assert calls == 108


def test_a_limit_that_nobody_uses_does_not_grow() -> None:
    assert limit_after(20.0, 9, False, 0.1, SLOW, 128.0) == 20.0
    assert limit_after(20.0, 10, False, 0.1, SLOW, 128.0) == 21.0


def test_it_settles_where_growth_and_failures_meet() -> None:
    """One failure in ten takes a tenth of the limit for nine that were added: 90, by hand."""
    limit = 20.0
    for number in range(10_000):
        limit = limit_after(limit, 1000, number % 10 == 9, 0.1, SLOW, 1000.0)
    assert limit == pytest.approx(81.0, rel=0.02)  # just after a cut: (81 + 9) * 0.9


@given(st.floats(0.01, 500), st.lists(st.floats(0, 2), min_size=1, max_size=300))
def test_turns_of_retries_never_pass_the_budget(rate: float, gaps: list[float]) -> None:
    """In every window of t seconds at most BURST + rate * t turns come up, however many fail at once."""
    booked, turns = -1.0e9, []
    for now in accumulate(gaps):
        wait, booked = retry_turn(booked, now, rate)
        assert wait >= 0
        turns.append(now + wait)
    assert turns == sorted(turns)
    for first, start in enumerate(turns):
        for last in (first + BURST, first + 2 * BURST, len(turns) - 1):
            if first < last < len(turns):
                assert last - first + 1 <= BURST + rate * (turns[last] - start) + 1e-6 * len(turns)


def test_a_hiccup_costs_nothing_and_a_storm_is_spread() -> None:
    """200/s are the budget of 1,000/s: ten at once, then one every 5 ms."""
    booked, waits = 0.0, []
    for _ in range(210):
        wait, booked = retry_turn(booked, 100.0, 200.0)
        waits.append(wait)
    assert waits[:10] == [0.0] * 10
    assert waits[10] == pytest.approx(0.005)
    assert waits[-1] == pytest.approx(1.0)


def test_without_a_budget_all_come_at_once() -> None:
    """The negative control: no quota, so no share of it."""
    assert [retry_turn(0.0, 100.0, -1.0).wait for _ in range(1000)] == [0.0] * 1000
