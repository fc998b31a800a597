"""What cannot be told apart is told together, and said; what grows with load is seen to grow."""

import numpy as np
import pytest

from scenarios.calibration_file import REQUEST, Role
from scenarios.record import Run
from scenarios.simulation import demands, windows
from scenarios.simulation.demands import Rows, Work
from scenarios.simulation.estimates import Redraw
from tests.unit.planted_service import KINDS, REPLICAS, SCRAPE_S, PlantedService


@pytest.fixture
def fitted(tmp_path):
    """The web role of a planted service."""

    def fitted(planted: PlantedService) -> Role:
        planted.tells_times = False
        cuts = [windows.cut(Run.load(planted.write(tmp_path / "run")))]
        rows, loop = demands.rows_of(cuts, "web"), demands.loop_times(cuts)
        return demands.fit("web", rows, demands.priors(rows, loop, None), loop, Redraw(times=20))

    return fitted


def together(role: Role) -> float:
    """Seconds of all requests, as they were fitted."""
    return sum(cost.counted * cost.seconds.value for cost in role.costs)


def test_an_even_mix_is_told_in_one_group_and_its_sum_is_right(fitted):
    planted = PlantedService(even=True)
    role = fitted(planted)
    assert {cost.group for cost in role.costs} == {0}
    idle = REPLICAS * role.idle.value * planted.scrapes * SCRAPE_S
    assert together(role) + idle == pytest.approx(planted.cpu["web"].sum(), rel=0.005)


def test_kinds_in_one_proportion_share_what_they_cost_as_the_loop_saw_it(fitted):
    planted = PlantedService()
    one, other = ("accounts", "ok"), ("files-patch", "ok")
    before = planted.requests[other]
    planted.requests[other] = planted.requests[one].copy()
    planted.cpu["web"] += (planted.requests[other] - before) * KINDS[other].web_s
    costs = {(cost.name, cost.outcome): cost for cost in fitted(planted).costs}
    assert costs[one].group == costs[other].group
    assert len({cost.group for cost in costs.values()}) == len(KINDS) - 1
    both = costs[one].seconds.value + costs[other].seconds.value
    assert both == pytest.approx(KINDS[one].web_s + KINDS[other].web_s, rel=0.05)
    assert costs[one].seconds.value / costs[other].seconds.value == pytest.approx(
        KINDS[one].loop_s / KINDS[other].loop_s, rel=1e-6
    )


def test_costs_that_grow_with_load_are_seen_to(fitted):
    role = fitted(PlantedService(growth=0.6))
    assert role.load_term == pytest.approx(0.6, abs=0.25)
    for cost in role.costs:
        assert cost.seconds.value == pytest.approx(KINDS[cost.name, cost.outcome].web_s, rel=0.15)


def test_costs_that_do_not_grow_have_no_such_term(fitted):
    """Negative control."""
    assert fitted(PlantedService()).load_term == 0.0


def test_no_request_is_found_to_cost_less_than_the_loop_measured(tmp_path):
    """Rows alone lay 0.3 ms to a look at one's place; the loop itself saw 0.4 ms."""
    planted = PlantedService()
    planted.tells_times = False
    cuts = [windows.cut(Run.load(planted.write(tmp_path / "run")))]
    seen, place = demands.rows_of(cuts, "web"), Work(REQUEST, "place", "ok")
    loop = {**demands.loop_times(cuts), place: 0.0004}
    costs = demands.priors(seen, loop, None)
    for given, most_s in ((loop, 0.00045), ({}, 0.00033)):
        role = demands.fit("web", seen, costs, given, Redraw(times=20))
        found = next(cost.seconds for cost in role.costs if cost.name == "place" and cost.outcome == "ok")
        assert found.low is not None
        assert given.get(place, 0.0) <= found.low <= found.value <= most_s


def rows(columns: list[list[float]], windows_: int = 40) -> Rows:
    rng = np.random.default_rng(5)
    counts = {
        Work(REQUEST, f"route{i}", "ok"): np.resize(np.array(column, dtype=float), windows_)
        for i, column in enumerate(columns)
    }
    used = 1.0 + sum(counts.values()) * 0.01 + rng.normal(0.0, 0.001, windows_)
    return Rows(np.full(windows_, 20.0), np.full(windows_, 0.3), used, counts)


def test_a_high_condition_number_brings_kinds_together():
    """Two that differ by one in a thousand; a third is apart."""
    given = rows([[100, 200, 300, 400], [100, 201, 300, 401], [400, 100, 300, 50]])
    costs = dict.fromkeys(given.counts, 0.01)
    groups = demands.grouped(given, costs)
    assert sorted(map(len, groups)) == [1, 2]
    alone = next(group for group in groups if len(group) == 1)
    assert alone[0].name == "route2"
    singles = np.column_stack([costs[work] * counts for work, counts in given.counts.items()])
    assert demands.condition(given, singles) > demands.MOST_CONDITION


def test_a_kind_that_hardly_costs_anything_goes_to_the_one_it_resembles():
    given = rows([[100, 200, 300, 400], [400, 100, 300, 50], [1, 2, 3, 4]])
    groups = demands.grouped(given, dict.fromkeys(given.counts, 0.01))
    assert sorted(sorted(work.name for work in group) for group in groups) == [["route0", "route2"], ["route1"]]


def test_few_windows_bear_few_groups():
    given = rows([[100, 200, 300, 400], [400, 100, 300, 50], [100, 400, 30, 200]], windows_=8)
    assert len(demands.grouped(given, dict.fromkeys(given.counts, 0.01))) == 1
