"""Stations are lines of c servers, first come first served, to the microsecond."""

import heapq
from typing import Any

import numpy as np
import pytest

from scenarios.journey_state import Action
from scenarios.simulation import figures, stations
from scenarios.simulation import world as worlds
from scenarios.simulation.costs import Costs, Resources
from scenarios.simulation.stations import enter, give, spread, take_away, wait_us
from scenarios.simulation.world import DATABASE, MOST_SERVERS, WEB
from service.domain.door import Door
from service.domain.overload import BARRED_WINDOWS, STORM_PATIENCE_S, Progress
from tests.unit.simulated_nights import night_of, setup_of


def world_of(servers: int) -> Any:
    return worlds.made(servers, 8, 1, 600.0).view(np.recarray)[0]


def served(servers: int, arrivals: np.ndarray[Any, Any], work: np.ndarray[Any, Any]) -> list[int]:
    """When each is done, by a heap of servers: the textbook's way."""
    free = [0] * servers
    done = []
    for came, takes in zip(arrivals.tolist(), work.tolist(), strict=True):
        start = max(came, heapq.heappop(free))
        heapq.heappush(free, start + takes)
        done.append(start + takes)
    return done


def books(world: Any) -> list[int]:
    """What is missing in each station's books."""
    until = world.free.reshape(-1, MOST_SERVERS).sum(axis=1)
    return (until - world.busy_us - world.idle_us - world.spread_us).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("servers", [1, 2, 7, 40])
def test_the_line_is_that_of_so_many_servers(servers: int) -> None:
    rng = np.random.default_rng(servers)
    arrivals = np.cumsum(rng.integers(0, 2 * 1000 // servers + 1, 800))
    work = rng.integers(1, 2000, 800)
    world = world_of(servers)
    done = [give(world, WEB, came, takes) for came, takes in zip(arrivals.tolist(), work.tolist(), strict=True)]
    assert done == served(servers, arrivals, work)
    assert books(world) == [0, 0, 0]


def test_servers_that_are_away_begin_again_when_they_are_back() -> None:
    world = world_of(2)
    assert give(world, WEB, 10, 5) == 15
    take_away(world, WEB, 1, 1000)
    assert [give(world, WEB, 20, 100) for _ in range(2)] == [120, 220]
    take_away(world, WEB, 2, 5000)
    assert wait_us(world, WEB, 300) == 4700
    assert books(world) == [0, 0, 0]


def test_work_in_small_pieces_delays_everybody_alike() -> None:
    world = world_of(4)
    give(world, WEB, 0, 1000)
    spread(world, WEB, 500, 400)
    assert sorted(world.free[WEB * MOST_SERVERS :][:4].tolist()) == [600, 600, 600, 1100]
    assert books(world) == [0, 0, 0]


def crowded(door: bool) -> tuple[Any, Any]:
    """A world in which a request waits for a second, with and without a doorkeeper."""
    setup = setup_of(night_of(), Resources(web=1, database=8, overload_limit=door), Costs(sigma=0.0))
    world = world_of(1)
    give(world, WEB, 0, 1_000_000)
    return world, figures.filled(setup).view(np.recarray)[0]


def test_the_door_turns_away_who_would_wait_too_long_and_without_it_all_wait() -> None:
    """The negative control: the same request in the same crowd is let in where there is no door."""
    world, record = crowded(door=True)
    entry = enter(world, record, Action.ACCOUNT, 0, 1, 1, 0)
    assert not entry.is_let_in and entry.done_us < 200_000
    assert world.turned_away[Progress.ENTERING] == 1
    world, record = crowded(door=False)
    entry = enter(world, record, Action.ACCOUNT, 0, 1, 1, 0)
    assert entry.is_let_in and entry.done_us > 1_000_000


def test_shares_fall_from_the_lowest_rank_up_and_come_back() -> None:
    world, record = crowded(door=True)
    for _ in range(30):
        for rank, action in enumerate((Action.ANSWER, Action.IDENTITY, Action.ACCOUNT, Action.TICKET)):
            world.asked_in[rank] = 1
            enter(world, record, action, 0, 3, 1, 0)
        stations.share_out(world, 0.1)
    assert world.share[Progress.BROWSING] < 0.3 < world.share[Progress.FINISHING]
    for _ in range(200):
        stations.share_out(world, 0.1)
    assert world.share.tolist() == [1.0] * 4
    assert stations.STORM_US == STORM_PATIENCE_S * 1e6


def test_a_rank_below_one_that_was_turned_away_is_barred_for_a_while_though_there_be_room() -> None:
    """As service.domain.door: for BARRED_WINDOWS windows only its share enters; the rank itself is not barred."""
    setup = setup_of(night_of(), Resources(web=4, database=8), Costs(sigma=0.0))
    world, record = world_of(4), figures.filled(setup).view(np.recarray)[0]
    door = Door(("step",), 0.0)
    world.late[Progress.CONTINUING] = 1
    door._lines[Progress.CONTINUING].late = True
    for now_us in range(0, (BARRED_WINDOWS + 2) * 1_000_000, 1_000_000):
        stations.share_out(world, 0.1)
        door._share_out(0.1)
        assert world.barred_from == door._barred_from
        assert world.share.tolist() == pytest.approx([door.share_of(rank) for rank in Progress])
        world.share[Progress.BROWSING] = 0.0
        is_free = world.barred_from == len(Progress)
        assert enter(world, record, Action.TICKET, 0, 1, 1, now_us).is_let_in == is_free
        assert enter(world, record, Action.IDENTITY, 0, 1, 1, now_us).is_let_in
        world.share[Progress.BROWSING] = door.share_of(Progress.BROWSING)
    assert world.barred_from == len(Progress)


def test_a_request_is_served_by_the_web_and_then_by_the_database() -> None:
    setup = setup_of(night_of(), Resources(web=2, database=1), Costs(sigma=0.0))
    record = figures.filled(setup).view(np.recarray)[0]
    world = worlds.made(2, 1, 1, 600.0).view(np.recarray)[0]
    web, database = int(record.web_us[Action.JOIN]) + 1, int(record.database_us[Action.JOIN]) + 1
    assert enter(world, record, Action.JOIN, 0, 1, 1, 100).done_us == 100 + web + database
    assert enter(world, record, Action.JOIN, 0, 2, 1, 100).done_us == 100 + web + 2 * database
    assert wait_us(world, DATABASE, 100) == web + 2 * database
