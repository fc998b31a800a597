"""A lane's watch over the database's clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.queue_ports import ClockReading
from service.queues.clock import ClockWatch, clock_jump_s


def test_a_jump_is_told_once_and_nothing_is_known_after_it() -> None:
    """The first look knows nothing; after a jump the next look begins anew."""
    watch = ClockWatch()
    told = []
    for at, moment in ((1000.0, 5.0), (1000.05, 5.05), (1030.1, 5.1), (1030.15, 5.15), (1029.2, 5.2)):
        jump = watch.jump_s(ClockReading(at, moment, moment + 0.002))
        told.append((round(jump), watch.known))
    assert told == [(0, True), (0, True), (30, False), (0, True), (-1, False)]
    assert not ClockWatch().known


@pytest.mark.parametrize(
    ("elapsed", "least", "most", "jump"),
    [
        (0.051, 0.050, 0.052, 0.0),
        (0.053, 0.050, 0.052, 0.0),  # a millisecond is nothing
        (1.052, 0.050, 0.052, 1.0),
        (3600.052, 0.050, 0.052, 3600.0),
        (-0.650, 0.050, 0.052, -0.7),
        (10.009, 9.998, 10.0, 0.0),  # clocks drift
        (10.5, 9.0, 10.6, 0.0),  # a slow answer: nobody can tell
    ],
)
def test_a_clock_jumps_when_it_goes_further_than_time(elapsed: float, least: float, most: float, jump: float) -> None:
    assert clock_jump_s(elapsed, least, most) == pytest.approx(jump)


@given(st.floats(0, 1e6), st.floats(0, 1), st.floats(-5e-4, 5e-4))
def test_clocks_that_run_evenly_never_jump(least: float, spread: float, drift: float) -> None:
    assert clock_jump_s((least + spread / 2) * (1 + drift), least, least + spread) == 0.0
