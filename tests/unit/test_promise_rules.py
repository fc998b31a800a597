"""What people in line are told: when to ask again, which range of waiting times, and how it is learned."""

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from service.domain import promises

numbers = st.integers(1, 10_000_000)
moments = st.floats(0.0, 2e9)
waits = st.floats(promises.BEATS, 1e6)


@given(st.integers(-1, 2_000_000), st.floats(-1.0, 2000.0))
def test_an_expected_wait_is_people_by_rate(ahead, rate):
    """And the beats; a year while nobody is let in."""
    wait = promises.expected_wait_s(ahead, rate)
    assert promises.BEATS <= wait <= promises.NEVER_S
    if rate > 0.01:
        assert math.isclose(wait, max(ahead, 0) / rate + promises.BEATS) or wait == promises.NEVER_S


@given(numbers, waits, moments)
def test_the_next_look_comes_in_time(number, wait, now):
    """Within 2 to 60 s of interval, 15 % around it near the turn, and never later than 75 s."""
    interval = promises.poll_interval_s(wait)
    pause = promises.poll_pause_s(number, interval, now)
    assert promises.POLL_LEAST <= interval <= promises.POLL_MOST
    if interval < promises.POLL_MOST:
        assert 0.85 * interval <= pause <= 1.15 * interval
    else:
        assert promises.POLL_AT_ONCE <= pause < promises.POLL_MOST + promises.POLL_AT_ONCE


@given(numbers, moments)
def test_who_waits_long_asks_at_an_own_second(number, now):
    """Whatever happened before: the next look but one comes a minute after the next."""
    first = now + promises.poll_pause_s(number, promises.POLL_MOST, now)
    second = first + promises.poll_pause_s(number, promises.POLL_MOST, first)
    assert math.isclose(second - first, promises.POLL_MOST, abs_tol=1e-3)


def test_a_crowd_that_asks_at_once_asks_apart_from_then_on():
    """60,000 people in the same instant: 1,000 in each second of the minute."""
    bins = [0] * 90
    for number in range(400_000, 460_000):
        bins[int(promises.poll_pause_s(number, promises.POLL_MOST, 1_234.5))] += 1
    assert max(bins) <= 1_010
    near = [promises.poll_pause_s(number, 10.0, 0.0) for number in range(5000, 6000)]
    shares = [0] * 100
    for pause in near:
        shares[min(int((pause - 8.5) / 0.03), 99)] += 1
    assert max(shares) <= 20


def test_an_hour_in_line_costs_70_looks():
    """With a steady rate; a person who asked every 20 s would ask 180 times."""
    left, looks = 3600.0, 0
    while left > 0:
        left -= promises.poll_interval_s(left)
        looks += 1
    assert looks <= 70


@given(waits, st.floats(0.2, 1.0), st.floats(1.0, 5.0))
def test_a_range_holds_what_is_expected(expected, low, high):
    assert promises.range_end_s(expected, low) <= expected * (1 + 1e-9)
    assert promises.range_end_s(expected, high) >= min(expected, promises.NEVER_S)
    kind = promises.wait_class(expected)
    assert 0 <= kind < promises.CLASSES
    assert promises.FIRST_LOW[kind] < 1.0 < promises.FIRST_HIGH[kind]


def test_the_ends_come_to_rest_at_their_quantiles():
    """Waits of 0.6 to 1.6 of what is expected: the range learned holds 80 % of them, from a start far away."""
    draw = random.Random(7)
    low, high = 0.2, 5.0
    inside = 0
    for turn in range(40_000):
        ratio = draw.uniform(0.6, 1.6)
        inside += turn >= 20_000 and low <= ratio <= high
        low = promises.learned(low, ratio, promises.LOW, 1.0, 100.0)
        high = promises.learned(high, ratio, promises.HIGH, 1.0, 100.0)
    assert 0.75 <= inside / 20_000 <= 0.85
    assert abs(low - 0.7) < 0.05 and abs(high - 1.5) < 0.05


@given(st.floats(0.2, 5.0), st.floats(0.0, 100.0), st.floats(-10.0, 1e9), st.sampled_from([0.1, 0.9]))
def test_one_wait_never_moves_an_end_far(end, ratio, elapsed, quantile):
    """However late it comes: by at most 35 % at the shortest memory, and never out of [0.2, 5]."""
    moved = promises.learned(end, ratio, quantile, elapsed, promises.MEMORY[0])
    assert 0.2 <= moved <= 5.0
    assert 0.65 * end <= moved <= 1.36 * end or moved in (0.2, 5.0)
    assert promises.learned(end, ratio, quantile, 0.0, 30.0) == end


def test_a_promise_is_scored():
    assert [promises.scored(wait, 10.0, 20.0) for wait in (9.9, 10.0, 20.0, 20.1)] == [-1, 0, 0, 1]


def test_a_wait_that_doubles_has_a_reason():
    """People who came back stand ahead again, otherwise fewer are let in; up to twice needs none."""
    assert promises.rise_reason(100.0, 200.0, 50, 50) == promises.NO_RISE
    assert promises.rise_reason(0.0, 1e6, 0, 50) == promises.NO_RISE
    assert promises.rise_reason(100.0, 201.0, 50, 49) == promises.FEWER_ENTER
    assert promises.rise_reason(100.0, 201.0, 50, 51) == promises.PEOPLE_RETURNED
