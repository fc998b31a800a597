"""How people came and went, from rows whose answers are known."""

import numpy as np
import pytest

from loadtests.harness.flow import Column, after_jump, flow, on_the_way
from scenarios.fates import Fate, Reason

EDGE = 0.05
"""People a second by which one person on an edge of a window is seen."""


def people(due: list[float], ended: list[float], joined: bool = True) -> dict[str, Column]:
    fate = Fate.JOINED if joined else Fate.ABANDONED
    return {
        "due": np.array(due),
        "ended": np.array(ended),
        "fate": np.full(len(due), fate),
        "reason": np.full(len(due), Reason.JOINED if joined else Reason.STEPS_DONE),
    }


def every(seconds: float, length: float, takes: float) -> tuple[list[float], list[float]]:
    due = list(np.arange(0.0, length, seconds))
    return due, [one + takes for one in due]


def test_a_steady_service_finishes_as_many_as_come() -> None:
    seen = flow(people(*every(0.5, 100.0, 10.0)), 100.0, steps=0)
    assert seen.goodput_per_s == pytest.approx(2.0) and abs(seen.grew_per_s) < EDGE
    assert seen.journey_p90_s == pytest.approx(10.0)


def test_a_service_of_half_the_speed_finishes_half_and_the_rest_stay() -> None:
    due, _ = every(0.5, 100.0, 0.0)
    seen = flow(people(due, [2.0 * one + 0.1 for one in due]), 100.0, steps=0)
    assert seen.goodput_per_s == pytest.approx(1.0) and seen.grew_per_s == pytest.approx(1.0, abs=EDGE)


def test_who_left_without_finishing_counts_as_gone_not_as_finished() -> None:
    due, ended = every(0.5, 100.0, 10.0)
    seen = flow(people(due, ended, joined=False), 100.0, steps=0)
    assert seen.goodput_per_s == 0.0 and abs(seen.grew_per_s) < EDGE and np.isnan(seen.journey_p90_s)
    assert flow(people(due, ended, joined=False), 100.0, steps=9).goodput_per_s == pytest.approx(2.0)


def test_who_never_ended_is_still_on_the_way() -> None:
    rows = people([0.0, 1.0, 2.0], [0.5, np.nan, 2.5])
    assert on_the_way(rows, np.array([0.25, 1.5, 2.25, 9.0])).tolist() == [1.0, 1.0, 2.0, 1.0]


def test_a_jump_is_over_when_no_more_are_on_their_way_than_before() -> None:
    """One a second for 40 s, 40 at once, one a second for 60 s; two a second are served, so the forty take 40 s."""
    due = sorted([*np.arange(0.0, 40.0), *np.linspace(40.0, 42.0, 40, endpoint=False), *np.arange(42.0, 102.0)])
    ended, free = [], 0.0
    for one in due:
        free = max(free, one) + 0.5
        ended.append(free)
    after = after_jump(people(list(map(float, due)), ended), 40.0, 2.0, 102.0)
    assert after.level == 1.0 and after.most == pytest.approx(36.0, abs=2.0) and after.watched_s == 60.0
    assert after.recovered_s == pytest.approx(36.0, abs=4.0)


def test_a_jump_that_is_felt_to_the_end_has_no_time_of_recovery() -> None:
    due = sorted([*np.arange(0.0, 40.0), *np.linspace(40.0, 42.0, 40, endpoint=False), *np.arange(42.0, 52.0)])
    stuck = people(list(map(float, due)), [one + 0.5 if one < 40.0 else 1000.0 for one in due])
    assert after_jump(stuck, 40.0, 2.0, 52.0).recovered_s is None
