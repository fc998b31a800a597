"""Shared processors finish everybody when a look at each moment says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scenarios.simulation.sharing import (
    BUSY_US,
    RUNNING,
    finished,
    join,
    leave,
    make_sharing,
    next_end,
    rearm,
    set_speed,
)
from scenarios.simulation.wheel import NEVER, NONE, earliest, make_wheel

SLOTS = 6
HARDLY = 200.0
"""Core-microseconds: forty ends, each up to a microsecond late at up to three times the speed, and room."""


def ends(sharing, replica=0):
    """When each request is done if nothing changes: [(slot, microsecond)]."""
    found = []
    while (at := next_end(sharing, replica)) < NEVER:
        slot = finished(sharing, replica, at)
        if slot >= 0:
            found.append((slot, at))
    return found


def test_one_alone_has_a_core_and_two_share_it():
    sharing = make_sharing([1.0], [SLOTS])
    join(sharing, 0, 100, 0, 1000.0)
    assert next_end(sharing, 0) == 1100
    join(sharing, 0, 600, 1, 500.0)
    assert next_end(sharing, 0) == 1600, "500 are left of each, at half the speed"
    assert ends(sharing) == [(0, 1600), (1, 1600)]
    assert sharing.figures[0, BUSY_US] == 1500.0
    assert next_end(sharing, 0) == NEVER


def test_nobody_gets_more_than_one_core():
    sharing = make_sharing([2.0], [SLOTS])
    join(sharing, 0, 0, 0, 1000.0)
    join(sharing, 0, 0, 1, 900.0)
    assert ends(sharing) == [(1, 900), (0, 1000)]


def test_speed_changes_and_a_standstill_keep_everybody():
    sharing = make_sharing([1.0], [SLOTS])
    join(sharing, 0, 0, 0, 1000.0)
    set_speed(sharing, 0, 400, 1.0, 0.0)
    assert next_end(sharing, 0) == NEVER
    assert finished(sharing, 0, 5_000) == -1
    set_speed(sharing, 0, 10_000, 1.0, 2.0)
    assert ends(sharing) == [(0, 10_300)]


def test_who_leaves_gives_the_rest_back():
    sharing = make_sharing([1.0, 1.0], [SLOTS, SLOTS])
    join(sharing, 0, 0, 0, 1000.0)
    join(sharing, 0, 0, 1, 3000.0)
    join(sharing, 1, 0, SLOTS, 10.0)
    assert leave(sharing, 0, 1000, 1) == 2500.0
    assert ends(sharing) == [(0, 1500)]
    assert ends(sharing, 1) == [(SLOTS, 10)]


def test_the_timer_of_a_replica_follows_its_next_end():
    sharing, wheel = make_sharing([1.0], [SLOTS]), make_wheel(1)
    join(sharing, 0, 0, 0, 1000.0)
    rearm(wheel, 0, sharing, 0)
    assert (earliest(wheel, NEVER), int(wheel.at[0])) == (0, 1000)
    join(sharing, 0, 500, 1, 100.0)
    rearm(wheel, 0, sharing, 0)
    assert wheel.at[0] == 700
    leave(sharing, 0, 600, 0)
    leave(sharing, 0, 600, 1)
    rearm(wheel, 0, sharing, 0)
    assert wheel.at[0] == NONE


@given(
    acts=some.lists(
        some.tuples(some.integers(0, 5), some.integers(0, SLOTS - 1), some.integers(0, 5_000)), max_size=40
    ),
    cores=some.sampled_from([0.5, 1.0, 2.0, 3.0]),
)
def test_any_sequence_is_that_of_a_list(acts, cores):
    """Beside the obvious: each request with what it still wants, all of them lowered at every step."""
    sharing, now, speed = make_sharing([cores], [SLOTS]), 0.0, 1.0
    left: dict[int, float] = {}
    for act, slot, number in acts:
        until = int(now) + number
        while now < until:
            rate = speed * min(1.0, cores / max(len(left), 1))
            stop = min(float(until), now + min(left.values(), default=1e18) / rate)
            left = {each: wants - (stop - now) * rate for each, wants in left.items()}
            left = {each: wants for each, wants in left.items() if wants > 1e-6}
            now = stop
        while next_end(sharing, 0) <= until:
            finished(sharing, 0, next_end(sharing, 0))
        # Ends are rounded up to whole microseconds, so whoever has hardly anything left may be there or not.
        there = {each for each in range(SLOTS) if sharing.place[each] >= 0}
        for each in there - set(left):
            assert leave(sharing, 0, until, each) < HARDLY
        for each in set(left) - there:
            assert left.pop(each) < HARDLY
        if act <= 2 and slot not in left:
            left[slot] = float(number + 1)
            join(sharing, 0, until, slot, left[slot])
        elif act == 3 and slot in left:
            assert leave(sharing, 0, until, slot) == pytest.approx(left.pop(slot), abs=HARDLY)
        elif act == 4:
            speed = 0.5 + slot / 2
            set_speed(sharing, 0, until, cores, speed)
        assert sharing.counts[0, RUNNING] == len(left)
