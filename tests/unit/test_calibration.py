"""Planted truth: what a service with known times and costs takes is found again, from nothing but its record."""

import numpy as np
import pytest

from scenarios.calibration_file import JOB, REQUEST, Calibration
from scenarios.record import Run
from scenarios.simulation import calibration, demands, service_times, windows
from scenarios.simulation.calibration import Asked
from scenarios.simulation.estimates import Redraw
from tests.unit.planted_service import GATEKEEPER_S, IDLE, JOBS, KINDS, SCRAPE_S, PlantedService

ASKED = Asked("planted", redraw=Redraw(times=20))
A_WINDOW = int(windows.WIDTH_S / SCRAPE_S)
MEANS, TAILS, COSTS = 0.05, 0.10, 0.05
"""Relative errors that are allowed."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One planted service, with what must not be fitted in it."""
    planted = PlantedService()
    troubled(planted)
    return planted.write(tmp_path_factory.mktemp("planted") / "run")


def troubled(planted: PlantedService) -> None:
    """Minute 5: requests pile up, answered later than worked on. Minutes 8 and 9: busy, and everything waits."""
    drifting = slice(5 * 12, 6 * 12)
    planted.in_flight[drifting] += 200.0 * np.arange(1, 13)
    for counts in planted.requests.values():
        counts[drifting] = np.floor(0.4 * counts[drifting])
    busy = slice(8 * 12, 10 * 12)
    planted.busy[busy] = 0.6
    planted.slow[busy] = 4.0


@pytest.fixture(scope="module")
def found(folder) -> Calibration:
    return calibration.made([Run.load(folder)], ASKED)


@pytest.mark.parametrize("pair", KINDS, ids=" ".join)
def test_planted_times_are_found(found, pair):
    told, truth = found.times_of(REQUEST, *pair), KINDS[pair]
    assert told is not None and told.outcome == pair[1]
    assert told.mean.value == pytest.approx(truth.mean_s, rel=MEANS)
    assert told.p99.value == pytest.approx(truth.p99_s, rel=TAILS)
    assert told.mean.low < told.mean.value < told.mean.high
    assert told.counted_mean_s == pytest.approx(truth.mean_s, rel=MEANS)


@pytest.mark.parametrize("pair", KINDS, ids=" ".join)
def test_planted_costs_of_requests_are_found(found, pair):
    truth = KINDS[pair]
    web, database = (found.cost_of(role, REQUEST, *pair) for role in ("web", "database"))
    assert web.seconds.value == pytest.approx(truth.web_s, rel=COSTS)
    assert web.loop_s == pytest.approx(truth.loop_s, rel=1e-6)
    assert database.seconds.value == pytest.approx(truth.database_s, rel=COSTS, abs=2e-5)


@pytest.mark.parametrize("pair", JOBS, ids=" ".join)
def test_planted_costs_of_jobs_are_found(found, pair):
    _, of_worker, of_database = JOBS[pair]
    assert found.cost_of("worker", JOB, *pair).seconds.value == pytest.approx(of_worker, rel=COSTS)
    assert found.cost_of("database", JOB, *pair).seconds.value == pytest.approx(of_database, rel=2 * COSTS)


def test_what_idles_is_found(found):
    for role in found.roles:
        assert role.idle.value == pytest.approx(IDLE[role.role], rel=0.15), role.role
        assert role.condition < demands.MOST_CONDITION
        assert role.explained > 0.9
        assert role.load_term == 0.0
    assert found.cost_of("gatekeeper", REQUEST, "tickets", "ok").seconds.value == pytest.approx(GATEKEEPER_S, rel=COSTS)


def test_each_window_that_was_refused_is_named(found):
    (source,) = found.runs
    assert source.steady == 56 and source.calm == 50
    grew, fell = (f"drifts: requests at the service {word} by " for word in ("grew", "fell"))
    for each, start_s, why in zip(source.refused, (300.0, 320.0, 340.0, 360.0), (grew, grew, grew, fell), strict=True):
        assert each.start_s == start_s and each.why.startswith(why)


def test_the_range_that_was_seen_is_told(found):
    seen = found.seen
    assert seen.busy_high == pytest.approx(0.6)
    assert seen.holds(seen.requests_per_s_high, seen.busy_high)
    assert not seen.holds(1.01 * seen.requests_per_s_high, 0.1) and not seen.holds(1.0, 0.61)
    assert set(seen.routes_per_s_high) == {route for route, _ in KINDS}


def test_another_run_uses_what_was_fitted_to_this_one(found, tmp_path):
    """Held out: other people, other mixes."""
    other = PlantedService(seed=2, minutes=4)
    other.tells_times = False
    cuts = [windows.cut(Run.load(other.write(tmp_path / "run")))]
    for role in found.roles:
        rows = demands.rows_of(cuts, role.role)
        assert demands.expected(role, rows).sum() == pytest.approx(rows.used.sum(), rel=0.01), role.role


def test_without_refusing_it_would_be_wrong(folder, monkeypatch):
    """Negative control: what was spent on requests that had no answer yet is laid to those that had one."""
    monkeypatch.setattr(windows, "MOST_DRIFT", np.inf)
    cuts = [windows.cut(Run.load(folder))]
    assert cuts[0].steady.all()
    rows = demands.rows_of(cuts, "web")
    loop = demands.loop_times(cuts)
    told = demands.fit("web", rows, demands.priors(rows, loop, None), loop, Redraw(times=20))
    errors = [abs(cost.seconds.value / KINDS[cost.name, cost.outcome].web_s - 1.0) for cost in told.costs]
    assert max(errors) > 2 * COSTS


def test_busy_windows_would_count_the_queue_twice(folder):
    """Negative control: with every steady window taken for calm, times hold what requests waited."""
    (cut,) = [windows.cut(Run.load(folder))]
    all_calm = [cut.calm(1.0)]
    for one in service_times.counted([cut], all_calm)[0]:
        if one.work.kind == REQUEST:
            mean = one.total_s / one.counts.sum()
            assert mean > (1.0 + 2 * MEANS) * KINDS[one.work.name, one.work.outcome].mean_s
