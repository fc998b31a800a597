"""The simulation's costs out of a calibration: what was fitted is taken, what was not keeps its default."""

from argparse import ArgumentParser
from dataclasses import replace

import pytest

from loadtests.actions import ROUTES as ASKED
from scenarios import calibration_file
from scenarios.calibration_file import CalibrationError, Cost, Estimate, Role
from scenarios.journey_state import Action
from scenarios.simulation import calibrated, simulate
from scenarios.simulation.costs import Costs
from tests.unit.test_calibration_file import calibration

USUAL = Costs()


def role(name, **seconds):
    """A role whose costs are named route__outcome, a hundred requests of each; jobs begin with an underline."""
    costs = []
    for place, (key, value) in enumerate(seconds.items()):
        kind = "job" if key.startswith("_") else "request"
        route, outcome = key.removeprefix("_").split("__")
        costs.append(Cost(kind, route.replace("_", "-"), outcome, 100.0, Estimate(value), place))
    return Role(name, Estimate(0.02), tuple(costs), 20, 3.0, 0.99, 0.02)


FITTED = replace(
    calibration(),
    roles=(
        role("web", tickets__ok=0.001, me__ok=0.002, files_patch__ok=0.005, files_head__ok=0.002, place__busy=0.0004),
        role("database", tickets__ok=0.0007),
        role("worker", _photo__done=0.09),
    ),
)


def test_every_action_that_asks_has_the_route_of_the_swarm():
    assert {action: route for action, (_, route) in ASKED.items()} == calibrated.ROUTES


def test_what_was_fitted_is_taken():
    costs = calibrated.costs(FITTED, photo_mb=0.3)
    assert costs.web(Action.TICKET) == 0.001 and costs.database(Action.TICKET) == 0.0007
    assert {costs.web(action) for action in (Action.LOOK, Action.LAST_LOOK, Action.REOPEN)} == {0.002}
    assert (costs.refusal_web_s, costs.inspection_s) == (0.0004, 0.09)


def test_a_photo_costs_by_its_bytes_what_it_costs_above_asking_for_it():
    costs = calibrated.costs(FITTED, photo_mb=0.3)
    assert costs.web(Action.PHOTO_SEND) == 0.002
    assert costs.web(Action.PHOTO_SEND) + 0.3 * costs.photo_web_s_per_mb == pytest.approx(0.005)


def test_what_was_not_fitted_costs_what_the_others_do_on_the_average():
    costs = calibrated.costs(FITTED, photo_mb=0.3)
    assert costs.web(Action.JOIN) == pytest.approx((0.001 + 0.002 + 0.005 + 0.002) / 4)
    assert costs.database(Action.JOIN) == pytest.approx(0.0007)
    assert costs.web(Action.PLACE) == costs.poll_web_s == USUAL.poll_web_s


def test_what_grows_with_the_load_is_taken_at_the_load():
    web, *others = FITTED.roles
    busy = calibrated.costs(replace(FITTED, roles=(replace(web, load_term=0.5), *others)), photo_mb=0.3, load=0.4)
    assert busy.web(Action.TICKET) == pytest.approx(0.0012)
    assert busy.database(Action.TICKET) == 0.0007


def test_jobs_and_what_idles_count_where_all_share_a_core():
    own = role("database", _email__done=0.002, _photo__done=0.003)
    costs = calibrated.costs(replace(FITTED, roles=(*FITTED.roles[:1], own)), photo_mb=0.3)
    assert costs.job_database_s == {"email": 0.002, "photo": 0.003}
    assert costs.idle == {"web": 0.02, "database": 0.02}


def test_of_nothing_fitted_the_defaults_remain():
    nothing = replace(calibration(), roles=())
    assert calibrated.costs(nothing, photo_mb=0.3) == USUAL


def test_a_simulation_takes_them_from_the_file_that_is_named(tmp_path):
    def costs(*more: str) -> Costs:
        parser = ArgumentParser()
        simulate.add_arguments(parser)
        return simulate.setup_of(parser.parse_args(["prakerja-wave-1", *more]))[0].costs

    path = tmp_path / "mine.json"
    calibration_file.write(path, FITTED)
    assert costs() == USUAL
    assert costs("--calibration", str(path)).web(Action.TICKET) == 0.001
    with pytest.raises(CalibrationError, match="no calibration is called nosuch"):
        costs("--calibration", "nosuch")
