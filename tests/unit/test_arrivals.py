"""The plan: its count is exact, it follows the curve, and workers share it without changing it."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import arrivals, catalogue
from scenarios.arrivals import SHARDS
from scenarios.curve import Curve

NIGHT = catalogue.load("prakerja-wave-1")
HARSH = NIGHT.curve.reading("harsh")
HUNDREDTH = Fraction(1, 100)
PLAN = arrivals.plan(HARSH, HUNDREDTH, 1.0, 5, seed=1)


def test_planned_count_is_the_curve_rounded_down() -> None:
    """The whole night at 1/100 is 59,650 of 5,965,048 people, the launch hour 5,715 of 571,500."""
    assert arrivals.planned(HARSH, HUNDREDTH, None) == 59_650
    assert arrivals.planned(HARSH, HUNDREDTH, 60) == 5_715
    assert arrivals.planned(HARSH, Fraction(1), 21 * 60) == 1_432_133
    assert arrivals.planned(HARSH, HUNDREDTH, 5) == int(HARSH.cumulative(300.0) / 100)


def test_the_shipped_plan_at_full_scale_holds_the_published_totals() -> None:
    """Not the curve's arithmetic but the instants themselves, of the reading that is harshest.

    1,432,133 after 21 hours, 1.95 million on Monday 09:00; 571,500 in the first hour, of whom 80,000 come in one minute
    (81,754 by the curve), which is 1,333 a second. All who come until Thursday 16:00 are 5,965,048.
    """
    plan = arrivals.plan(HARSH, Fraction(1), 1.0, 38 * 60, seed=1)
    arrived = np.searchsorted(plan.due, np.array([1, 21, 38]) * 3600.0)
    assert arrived.tolist() == [571_500, 1_432_133, 1_950_000]
    assert 80_000 <= plan.most_within(60.0) <= 82_000
    assert arrivals.planned(HARSH, Fraction(1), None) == 5_965_048


def test_demand_factor_multiplies_the_people() -> None:
    """1.1 times the demand: a tenth more, without the error of a binary 1.1."""
    more = replace(HARSH, demand_factor=1.1)
    assert arrivals.planned(more, Fraction(1), 60) == 628_650
    plan = arrivals.plan(more, HUNDREDTH, 1.0, 60, seed=1)
    assert plan.planned == 6_286
    assert plan.due[-1] < 3600.0


def test_arrivals_follow_the_curve() -> None:
    """One arrival in each hundredth person: the number due by any time is the curve's to within one."""
    plan = arrivals.plan(HARSH, HUNDREDTH, 1.0, 60, seed=1)
    assert plan.planned == 5_715
    assert np.all(np.diff(plan.due) >= 0.0)
    times = np.linspace(0.0, 3599.0, 500)
    due = np.searchsorted(plan.due, times)
    assert np.all(np.abs(due - HARSH.cumulatives(times) / 100.0) <= 1.0)
    assert plan.due[0] >= 0.0
    assert plan.due[-1] < 3600.0


def test_jitter_leaves_no_comb() -> None:
    """Each arrival lies at random within its share: the offsets are uniform, mean 1/2, variance 1/12."""
    plan = arrivals.plan(HARSH, HUNDREDTH, 1.0, 60, seed=1)
    offsets = HARSH.cumulatives(plan.due) / 100.0 - np.arange(plan.planned)
    assert offsets.mean() == pytest.approx(0.5, abs=4.0 / np.sqrt(12 * plan.planned))
    assert offsets.var() == pytest.approx(1 / 12, rel=0.06)


def test_speed_divides_real_times_only() -> None:
    """At speed 10 the same people come in a tenth of the time; `minutes` are of the night's clock."""
    real = arrivals.plan(HARSH, HUNDREDTH, 1.0, 5, seed=1)
    fast = arrivals.plan(HARSH, HUNDREDTH, 10.0, 5, seed=1)
    assert fast.planned == real.planned
    np.testing.assert_allclose(fast.due * 10.0, real.due)


@given(workers=st.sampled_from([1, 3, 16]), deal=st.integers(0, 2**32 - 1))
def test_any_dealing_of_the_shards_is_the_same_plan(workers: int, deal: int) -> None:
    """Whoever plays which shards, 1, 3 or 16 workers: everybody is played once, when the plan says."""
    holders = np.random.default_rng(deal).integers(workers, size=SHARDS)
    together = np.full(PLAN.planned, np.nan)
    for worker in range(workers):
        numbers = PLAN.numbers(np.flatnonzero(holders == worker))
        assert np.isnan(together[numbers]).all(), "played twice"
        assert (np.diff(PLAN.due[numbers]) >= 0.0).all()
        together[numbers] = PLAN.due[numbers]
    assert arrivals.hash_of(together) == PLAN.hash


def test_the_hash_knows_seed_reading_and_factors() -> None:
    """Whatever changes the plan changes its hash."""
    gentle = NIGHT.curve.reading("gentle")
    plans = [
        arrivals.plan(curve, people, speed, minutes, seed).hash
        for curve, people, speed, minutes, seed in (
            (HARSH, HUNDREDTH, 1.0, 5, 1),
            (HARSH, HUNDREDTH, 1.0, 5, 2),
            (HARSH, HUNDREDTH, 2.0, 5, 1),
            (HARSH, HUNDREDTH, 1.0, 6, 1),
            (HARSH, Fraction(1, 101), 1.0, 5, 1),
            (gentle, HUNDREDTH, 1.0, 5, 1),
        )
    ]
    assert len(set(plans)) == len(plans)
    assert all(len(each) == 64 for each in plans)


def test_a_plan_may_be_empty() -> None:
    """Less than one person in the time asked for: nobody is planned, and that is a plan with a hash."""
    plan = arrivals.plan(HARSH, Fraction(1, 1_000_000), 1.0, 0.1, seed=1)
    assert plan.planned == 0
    assert len(plan.hash) == 64


def test_more_people_than_identity_numbers_are_refused() -> None:
    """The error says what to do."""
    crowd: Curve = replace(HARSH, demand_factor=2.0)
    with pytest.raises(ValueError, match="take fewer people"):
        arrivals.plan(crowd, Fraction(1), 1.0, None, seed=1)
