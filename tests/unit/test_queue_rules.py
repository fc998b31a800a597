"""The rules of the queues against figures worked out by hand and against their promises."""

import math
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import queues

chance = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("rate", "count", "window"),
    [(15.0, 15, 1.0), (2.5, 2, 0.8), (1.0, 1, 1.0), (0.15, 1, 1 / 0.15), (0.0, 0, 1.0), (-1.0, queues.MOST, 1.0)],
)
def test_a_quota_is_whole_jobs_in_the_window_that_makes_them_the_rate(rate: float, count: int, window: float) -> None:
    assert queues.quota_count(rate) == count
    assert queues.quota_window_s(rate) == pytest.approx(window)


@given(st.floats(0.001, 100_000))
def test_a_free_window_holds_exactly_its_count(rate: float) -> None:
    """Rounding neither loses a job nor adds one."""
    window = queues.quota_window_s(rate)
    count = queues.quota_count(rate)
    assert queues.quota_free(0, rate, window) == count
    assert queues.quota_free(count, rate, window) == 0
    assert queues.quota_free(count + 7, rate, window) == 0


@given(st.floats(0.05, 50), st.lists(st.floats(0, 0.3), max_size=200))
def test_taking_what_is_free_never_passes_the_rate(rate: float, gaps: list[float]) -> None:
    """In every window of the rule's length, and so on average over any time, no more than the rate."""
    window, count = queues.quota_window_s(rate), queues.quota_count(rate)
    now, taken = 0.0, deque[float]()
    for gap in gaps:
        now += gap
        recent = [t for t in taken if t > now - window]
        taken.extend([now] * queues.quota_free(len(recent), rate, window))
    for start in taken:
        assert sum(start <= t < start + window for t in taken) <= count


def test_accepts_up_to_the_limit() -> None:
    assert queues.accepts(2, 3)
    assert not queues.accepts(3, 3)
    assert not queues.accepts(0, 0)
    assert queues.accepts(10**9, -1)


@given(st.integers(1, 10_000), chance)
def test_retries_spread_from_zero_to_a_bound_that_doubles(attempt: int, u: float) -> None:
    delay = queues.retry_delay_s(attempt, u, 0.5, 30.0)
    assert 0 <= delay < min(30.0, 0.5 * 2 ** min(attempt - 1, 60)) or u == delay == 0


def test_retry_bounds_are_those_of_the_source() -> None:
    """base 0.5 s: 0.5, 1, 2, 4, ... 30, 30."""
    bounds = [queues.retry_delay_s(attempt, 1.0, 0.5, 30.0) for attempt in range(1, 9)]
    assert bounds == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


@given(st.integers(0, 10**7), st.floats(-1, 10_000), chance)
def test_retry_after_stays_between_a_second_and_two_minutes(depth: int, rate: float, u: float) -> None:
    assert 1.0 - 1e-9 <= queues.retry_after_s(depth, rate, u) <= 120.0 + 1e-9


def test_retry_after_is_the_time_to_drain() -> None:
    """15,000 codes at 500/s drain in 30 s; the middle of the jitter says so."""
    assert queues.retry_after_s(15_000, 500.0, 0.5) == pytest.approx(30.0)


def test_the_refused_do_not_come_back_together() -> None:
    """Also at a queue that drains for hours the answers are spread evenly over 60 % of the wait."""
    waits = [queues.retry_after_s(10**6, 15.0, u / 100) for u in range(100)]
    assert len({math.floor(wait) for wait in waits}) > 50
