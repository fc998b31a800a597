"""Failing over to a second provider: in steps, never by one error, back without swinging."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain import failover
from service.domain.failover import Diversion, judged, undiverted

windows = st.lists(st.tuples(st.integers(0, 500), st.floats(0, 1), st.booleans()), max_size=200)


def judge(diversion: Diversion, calls: int, failures: int, now: float, *, dead: bool = False) -> Diversion:
    return judged(diversion, calls, failures, dead, now)


def test_one_error_moves_nothing() -> None:
    """Nor does one among few calls, nor 19 of a hundred."""
    for calls, failures in ((1, 1), (19, 19), (20, 3), (100, 19)):
        assert judge(undiverted(0.0), calls, failures, 100.0).step == 0
    assert judge(undiverted(0.0), 20, 4, 100.0).step == 1


@given(windows)
def test_it_moves_one_step_at_a_time(trace: list[tuple[int, float, bool]]) -> None:
    """Never two steps in less than STEP_S away or HOLD_S back, whatever comes; the share follows the step."""
    diversion, now, changed = undiverted(0.0), 0.0, 0.0
    for calls, share, dead in trace:
        now += failover.STEP_S
        after = judge(diversion, calls, int(calls * share), now, dead=dead)
        assert abs(after.step - diversion.step) <= 1
        assert failover.HOLD_S <= after.hold <= failover.LONGEST_HOLD_S
        if after.step != diversion.step:
            least = failover.STEP_S if after.step > diversion.step else failover.HOLD_S
            assert now - changed >= least
            assert failover.second_share(after.step) != failover.second_share(diversion.step)
            changed = now
        diversion = after
    assert 0.0 <= failover.second_share(diversion.step) <= 1.0


@given(st.lists(st.tuples(st.integers(0, 500), st.floats(0, 0.199)), max_size=200))
def test_a_provider_that_mostly_works_keeps_everything(trace: list[tuple[int, float]]) -> None:
    diversion, now = undiverted(0.0), 0.0
    for calls, share in trace:
        now += failover.STEP_S
        diversion = judge(diversion, calls, int(calls * share), now)
        assert diversion.step == 0


def test_a_dead_provider_is_left_in_four_steps_and_taken_back_in_four() -> None:
    diversion, now = undiverted(0.0), 0.0
    while diversion.step < failover.STEPS:
        now += failover.STEP_S
        diversion = judge(diversion, 0, 0, now, dead=True)
    assert now == 4 * failover.STEP_S
    left = now
    while diversion.step > 0:
        now += failover.STEP_S
        diversion = judge(diversion, 100, 0, now)
    assert now - left == 4 * failover.HOLD_S


def test_it_does_not_swing() -> None:
    """A provider that fails half of its calls for an hour: the returns become rare, and most messages go elsewhere."""
    diversion, now, changes, away = undiverted(0.0), 0.0, 0, 0.0
    while now < 3600.0:
        now += failover.STEP_S
        share = failover.second_share(diversion.step)
        calls = int(400 * (1 - share))
        after = judge(diversion, calls, calls // 2, now)
        changes += after.step != diversion.step
        away += share * failover.STEP_S
        diversion = after
    assert changes <= 18
    assert away / 3600.0 > 0.98


def test_without_growing_holds_it_swings() -> None:
    """The negative control: the same hour with the hold forgotten after each return."""
    diversion, now, changes = undiverted(0.0), 0.0, 0
    while now < 3600.0:
        now += failover.STEP_S
        calls = int(400 * (1 - failover.second_share(diversion.step)))
        after = judge(diversion._replace(hold=failover.HOLD_S), calls, calls // 2, now)
        changes += after.step != diversion.step
        diversion = after
    assert changes > 100


def test_calm_in_the_end_is_forgiven() -> None:
    """A provider that was well for a quarter of an hour is trusted as at first."""
    restless = Diversion(0, 0.0, failover.LONGEST_HOLD_S, True)
    assert judge(restless, 100, 0, failover.LONGEST_HOLD_S - 1) == restless
    assert judge(restless, 100, 0, failover.LONGEST_HOLD_S).hold == failover.HOLD_S
