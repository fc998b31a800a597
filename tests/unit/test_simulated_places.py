"""Places behind the door of one shared core: who has to wait for one, and the limit beside the service's own."""

import heapq
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scenarios.journey_state import Action
from scenarios.simulation import places, world
from service.domain import overload
from service.domain.door import Door
from service.domain.overload import Progress

STEP, TICKET = Action.PERSONAL, Action.TICKET


def behind_the_door() -> Any:
    return world.made(1, 1, 1, 1.0).view(np.recarray)[0]


def test_who_finds_all_places_taken_waits_for_the_first_who_leaves() -> None:
    one = behind_the_door()
    for leaves_us in (9000, 5000, 7000, 6000):
        assert places.wait_us(one, 2, 0, 1000) == 0
        places.take(one, STEP, 2, 1000, 0, leaves_us)
    assert places.wait_us(one, 2, 0, 1000) == 4000
    assert places.wait_us(one, 2, 1, 1000) == 5000, "a place is kept free of such people"
    places.take(one, STEP, 2, 1000, 4000, 8000)
    assert places.wait_us(one, 2, 0, 1000) == 5000, "one stands in line before her"
    assert places.wait_us(one, 2, 0, 5500) == 500
    assert places.wait_us(one, 2, 0, 6000) == 0


def test_higher_ranks_go_before_those_who_wait_and_lower_ones_wait_for_those_who_will_come() -> None:
    one = behind_the_door()
    for leaves_us in (5000, 6000, 7000, 8000):
        places.take(one, STEP, 1, 1000, 0, leaves_us)
    places.take(one, STEP, 2, 1000, 4000, 9000)
    waits = [places.wait_us(one, rank, 0, 1000) for rank in (1, 2, 3)]
    assert waits == [4000, 5000, 5000], "one of rank 2 is in line: a place earlier for those above her"
    one.held_share[1] = 0.5
    assert [places.wait_us(one, rank, 0, 1000) for rank in (1, 2, 3)] == [4000, 10000, 10000]
    one.held_share[2] = 0.45
    assert places.wait_us(one, 3, 0, 1000) == round(5000 / (1.0 - places.MOST_HELD))
    assert places.wait_us(one, 1, 0, 5500) == 500, "she has come in, and is before everybody now"


def test_what_share_of_the_places_a_rank_holds_is_learned_from_windows() -> None:
    one = behind_the_door()
    one.limit = 8.0
    for at_us in range(0, 8_000_000, 2000):
        for rank, takes_us in ((1, 4000), (3, 2000)):
            assert places.wait_us(one, rank, 0, at_us) == 0
            places.take(one, STEP, rank, at_us, 0, at_us + takes_us)
    assert (one.held_share * one.limit).tolist() == pytest.approx([0.0, 2.0, 0.0, 1.0], rel=0.2)


def test_there_is_no_room_for_more_than_the_service_bears() -> None:
    told = SimpleNamespace(turn_us=2000.0)
    one = behind_the_door()
    one.core_left = 1.0
    for _ in range(world.MOST_INSIDE):
        assert places.patience_us(one, told, 2, 10_000, 0, False) > 0
        places.take(one, STEP, 2, 0, 0, 10_000)
    assert places.patience_us(one, told, 2, 10_000, 0, False) == -1
    assert places.wait_us(one, 2, 0, 10_000) == 0 and places.patience_us(one, told, 2, 0, 10_000, False) > 0


def test_patience_is_short_in_a_line_of_ones_rank_that_has_not_been_empty_for_long() -> None:
    """After a tenth of a second only for two turns of 2 ms, and no longer than 5; who stands elsewhere is as patient as
    ever, and so is everybody once the line was empty."""
    told = SimpleNamespace(turn_us=2000.0)
    one = behind_the_door()
    one.core_left = 1.0

    def patience_us(rank: int, at_us: int, wait_us: int = 60_000, stormy: bool = False) -> int:
        return places.patience_us(one, told, rank, wait_us, at_us, stormy)

    assert [patience_us(2, at) for at in (1000, 50_000, 100_999, 101_000)] == [100_000, 100_000, 100_000, 5000]
    assert patience_us(2, 105_999) == 5000, "the line is that of those who wait in vain, too"
    assert patience_us(3, 102_000) == 100_000
    assert patience_us(2, 161_000, stormy=True) == 30_000
    assert patience_us(2, 222_000) == 100_000


def test_an_answer_that_takes_for_ever_costs_a_tenth_of_the_limit() -> None:
    one = behind_the_door()
    one.limit = 20.0
    places.take(one, STEP, 2, 0, 0, 2_000_000)
    places.take(one, STEP, 2, 1_000_000, 0, 1_005_000)
    assert one.limit == pytest.approx(20.0 * overload.BACKOFF)


@pytest.mark.parametrize("per_s", [150.0, 420.0, 900.0])
def test_the_limit_is_the_one_that_the_services_own_door_comes_to(per_s: float) -> None:
    """The same requests of two kinds, which take longer the more are inside, at the service's door and at this one."""
    drawn = np.random.default_rng(3)
    comes_s = np.cumsum(drawn.exponential(1.0 / per_s, round(per_s * 40)))
    kinds = [STEP if each else TICKET for each in drawn.random(len(comes_s)) < 0.5]
    own = {STEP: 0.006, TICKET: 0.003}
    one, door = behind_the_door(), Door(("all",), 0.0)
    inside: list[tuple[float, float, Action, bool]] = []
    limits: list[tuple[float, float]] = []
    for now, kind in zip(comes_s.tolist(), kinds, strict=True):
        while inside and inside[0][0] <= now:
            leaves, began, left, quiet = heapq.heappop(inside)
            door.leave("all", leaves)
            door.note("all", left, leaves, leaves - began, quiet=quiet)
        if door.enter_nowait("all", Progress.FINISHING):
            heapq.heappush(inside, (now + own[kind] * (1.0 + len(inside) / 6.0), now, kind, door.is_quiet()))
        now_us = round(now * 1e6)
        if places.wait_us(one, 2, 0, now_us) == 0:
            places.take(one, kind, 2, now_us, 0, now_us + round(own[kind] * (1.0 + one.inside / 6.0) * 1e6))
        limits.append((float(one.limit), door.house.value))
    simulated, real = np.mean(limits[len(limits) // 4 :], axis=0)
    assert simulated == pytest.approx(real, rel=0.1)
    assert 1.5 * overload.LEAST < real < 0.5 * overload.MOST, "it moved, and was not held by its bounds"
    for kind in own:
        assert one.usual_s[kind] == pytest.approx(door._usual[kind].value, rel=0.15)
