"""The curve meets the published totals exactly, is what its formula says, and can be inverted."""

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import catalogue
from scenarios.curve import Curve, in_proportion

NIGHT = catalogue.load("prakerja-wave-1")
READINGS = {name: NIGHT.curve.reading(name) for name in NIGHT.curve.readings}
HOUR = 3600.0

each_reading = pytest.mark.parametrize("curve", READINGS.values(), ids=READINGS.keys())


@each_reading
def test_published_totals_are_met_exactly(curve: Curve) -> None:
    """1,432,133 on Sunday 16:00, 1.95 M on Monday 09:00, 3,739,550 on Tuesday 12:00, 5,965,048 at the close."""
    assert curve.cumulative(21 * HOUR) == 1_432_133
    assert curve.cumulative(38 * HOUR) == 1_950_000
    assert curve.cumulative(65 * HOUR) == 3_739_550
    assert curve.cumulative(117 * HOUR) == curve.total == 5_965_048
    assert curve.length_s == 117 * HOUR


@pytest.mark.parametrize(("reading", "people"), [("gentle", 196_800), ("expected", 331_000), ("harsh", 571_500)])
def test_launch_hour_holds_its_people(reading: str, people: int) -> None:
    """The first hour of each reading, exact."""
    assert READINGS[reading].cumulative(HOUR) == people


def test_blocks_of_the_first_day_keep_their_proportions() -> None:
    """20:00 to 16:00 scaled by (1,432,133 - launch hour) / (1,432,133 - 331,000): 1.122 gentle, 0.782 harsh."""
    expected = READINGS["expected"].people[1:10]
    for reading, factor in (("gentle", 1.122), ("harsh", 0.782)):
        people = READINGS[reading].people
        for one, other in zip(people[1:10], expected, strict=True):
            assert one / other == pytest.approx(factor, abs=0.0006)
        assert people[10:] == READINGS["expected"].people[10:]


def test_expected_reading_is_the_table_as_it_was_written() -> None:
    """473,634 by 21:00 and 1,021,348 by Sunday 10:00, as in the source's table."""
    assert READINGS["expected"].cumulative(2 * HOUR) == 473_634
    assert READINGS["expected"].cumulative(15 * HOUR) == 1_021_348


def test_busiest_minute_of_the_harsh_reading() -> None:
    """80,000 to 82,000 people in the busiest 60 s, about 1,500 a second at the peak."""
    curve = READINGS["harsh"]
    starts = np.arange(0.0, 600.0, 0.1)
    busiest = (curve.cumulatives(starts + 60.0) - curve.cumulatives(starts)).max()
    assert 80_000 <= busiest <= 82_000
    assert curve.rate(60.0) == pytest.approx(1500.0, rel=0.001)


@each_reading
def test_cumulative_is_the_integral_of_the_rate(curve: Curve) -> None:
    """A midpoint sum over the formula of the source, r(t) = b + P min(1, t/60) exp(-max(0, t-60)/tau), scaled."""
    burst = curve.burst
    step = 0.05
    total, partial = 0.0, {300.0: 0.0, 1800.0: 0.0}
    for i in range(int(HOUR / step)):
        t = (i + 0.5) * step
        decay = math.exp(-max(0.0, t - 60.0) / burst.decay_s)
        rate = burst.base_per_s + burst.peak_per_s * min(1.0, t / 60.0) * decay
        total += rate * step
        for end in partial:
            partial[end] += rate * step if t < end else 0.0
    assert total == pytest.approx(burst.people, rel=0.001), "the shape as published nearly holds its people"
    for end, value in partial.items():
        assert curve.cumulative(end) == pytest.approx(value * burst.people / total, rel=1e-6)


@each_reading
@given(t=st.floats(0.0, 117 * HOUR))
def test_inverse_undoes_cumulative(curve: Curve, t: float) -> None:
    """To a microsecond in the busy first hour, to a hundredth of a second where rates are low."""
    assert curve.inverse(curve.cumulative(t)) == pytest.approx(t, abs=1e-6 if t < HOUR else 1e-4)


@each_reading
@given(n=st.floats(0.0, 5_965_048.0))
def test_cumulative_undoes_inverse(curve: Curve, n: float) -> None:
    """To a millionth of a person."""
    assert curve.cumulative(curve.inverse(n)) == pytest.approx(n, abs=1e-5)


@each_reading
def test_cumulative_never_falls(curve: Curve) -> None:
    """Also across the borders of blocks."""
    edges = np.array(curve.edges)
    times = np.sort(np.concatenate([np.linspace(-10.0, curve.length_s + 10.0, 20_001), edges, edges - 1e-6]))
    assert np.all(np.diff(curve.cumulatives(times)) >= 0.0)


def test_outside_the_curve_nobody_arrives() -> None:
    """Before the opening 0, after the close all; no rate on either side."""
    curve = READINGS["expected"]
    assert (curve.cumulative(-1.0), curve.cumulative(1e9)) == (0.0, 5_965_048.0)
    assert (curve.rate(-1.0), curve.rate(117 * HOUR)) == (0.0, 0.0)
    assert curve.rate(1.5 * HOUR) == pytest.approx(142_634 / HOUR)


def test_opening_and_closing_are_those_of_the_night() -> None:
    """Saturday 19:00 to Thursday 16:00, western Indonesian time."""
    assert NIGHT.opens_at.utcoffset() == timedelta(hours=7)
    assert f"{NIGHT.opens_at:%a %d %H:%M}" == "Sat 11 19:00"
    assert f"{NIGHT.closes_at:%a %d %H:%M}" == "Thu 16 16:00"


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=1).filter(sum))
def test_largest_remainder_keeps_the_sum_and_the_proportions(whole: int, weights: list[int]) -> None:
    """Whole numbers, the sum exact, no part a whole person or more off its share."""
    parts = in_proportion(whole, weights)
    assert sum(parts) == whole
    assert all(abs(part - whole * weight / sum(weights)) < 1.0 for part, weight in zip(parts, weights, strict=True))


def test_largest_remainder_by_hand() -> None:
    """Ten seats for 100,000 votes by Hamilton's method, the example found in textbooks on apportionment."""
    assert in_proportion(10, [47_000, 16_000, 15_900, 12_000, 6_000, 3_100]) == [5, 2, 1, 1, 1, 0]
