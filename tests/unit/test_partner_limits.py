"""What a partner lets through: its rate over every window, its allowance over the night."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.capacities import AllowanceSpan, Registry, Window
from scenarios.partners.allowance import Allowance
from scenarios.partners.windows import CLOSED_WAIT, BusiestWindow, RateLimit

HOUR = 3600.0


@given(
    rate=st.sampled_from([0.15, 0.56, 1.0, 2.5, 5.0, 15.0]),
    gaps=st.lists(st.floats(0.0, 2.0), min_size=1, max_size=300),
)
def test_no_window_of_any_position_holds_more_than_the_rate(rate: float, gaps: list[float]) -> None:
    """However requests come, as many in a row as the window allows span at least the window."""
    limit, now, taken = RateLimit(rate), 0.0, []
    for gap in gaps:
        now += gap
        if limit.take(now):
            taken.append(now)
    assert limit.count == max(1, math.floor(rate))
    assert limit.count / limit.window == pytest.approx(rate)
    for first, last in zip(taken, taken[limit.count :], strict=False):
        assert first + limit.window <= last


def test_a_steady_backlog_gets_the_whole_rate() -> None:
    """Asking every 10 ms for 200 s at 0.15/s lets 30 through, and at 15/s 3,000."""
    for rate, expected in ((0.15, 30), (15.0, 3000)):
        limit = RateLimit(rate)
        assert sum(limit.take(step / 100) for step in range(20_000)) == pytest.approx(expected, rel=0.02)


def test_waiting_as_long_as_told_is_enough() -> None:
    """After a refusal, `wait` seconds later the next one passes, and a moment before it does not."""
    limit = RateLimit(0.15)
    assert limit.take(100.0)
    assert not limit.take(101.0)
    wait = limit.wait(101.0)
    assert wait == pytest.approx(1 / 0.15 - 1)
    assert not limit.take(101.0 + wait - 1e-6)
    assert limit.take(101.0 + wait + 1e-6)
    assert RateLimit(5).wait(0.0) == 0.0


def test_a_changed_rate_counts_what_already_passed() -> None:
    """Raised, it lets the difference through at once; lowered to 0, nothing."""
    limit = RateLimit(2)
    assert [limit.take(0.0) for _ in range(3)] == [True, True, False]
    limit.change(5)
    assert [limit.take(0.1) for _ in range(4)] == [True, True, True, False]
    limit.change(0)
    assert not limit.take(1000.0)
    assert limit.wait(1000.0) == CLOSED_WAIT


@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=200))
def test_the_busiest_window_is_the_true_one(gaps: list[float]) -> None:
    """As a count of all pairs says it."""
    window, now, seen = BusiestWindow(1.0), 0.0, []
    for gap in gaps:
        now += gap
        seen.append(now)
        window.count(now)
    assert window.most == max(sum(1 for each in seen if each <= end < each + 1.0) for end in seen)


def windows_of(*spans: AllowanceSpan) -> list[Window]:
    return Registry(1e6, 0.0, 0.0, 0.0, spans).windows()


def test_the_allowance_of_a_window_is_used_once() -> None:
    """A count holds for all of it; outside every window nothing is limited."""
    allowance = Allowance(windows_of(AllowanceSpan(start_s=0, end_s=HOUR, count=2)))
    assert [allowance.take(t) for t in (0.0, 10.0, HOUR - 1)] == [True, True, False]
    assert allowance.left(HOUR - 1) == 0
    assert allowance.until_next(HOUR - 1) == 1.0
    assert allowance.left(HOUR) is None
    assert allowance.left(-1.0) is None
    assert all(allowance.take(HOUR + t) for t in range(10))


def test_a_daily_allowance_starts_anew_each_day_and_the_last_day_has_its_share() -> None:
    """165,000 a day over 44 hours are 302,500: what was verified between Sunday 16:00 and Tuesday 12:00."""
    start, day = 21 * HOUR, 24 * HOUR
    allowance = Allowance(windows_of(AllowanceSpan(start_s=start, end_s=65 * HOUR, per_day=165_000)))
    assert allowance.take(start)
    assert allowance.left(start + day - 1) == 164_999
    assert allowance.until_next(start + day - 1) == 1.0
    assert allowance.left(start + day) == 137_500


def test_other_windows_keep_what_was_used() -> None:
    """A quota raised while it runs adds the difference only."""
    allowance = Allowance([Window(0, HOUR, 2)])
    assert allowance.take(0) and allowance.take(0) and not allowance.take(0)
    allowance.change([Window(0, 2 * HOUR, 3)])
    assert allowance.take(1) and not allowance.take(1)
