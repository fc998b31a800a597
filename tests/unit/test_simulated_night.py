"""Small nights in virtual time: everybody gets a fate, the same each time, and no law is broken.

Few people, because all of this is played uncompiled; tests/acceptance/long/simulated_night.py plays thousands.
"""

from collections import Counter
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from scenarios.fates import Fate, Furthest, Reason
from scenarios.faults import Fault
from scenarios.journey_state import Action
from scenarios.journey_state import Result as Told
from scenarios.simulation import invariants, simulate
from scenarios.simulation.costs import Costs, Resources
from scenarios.simulation.figures import IDENTITY, NotSimulated
from scenarios.simulation.run import Result
from tests.unit.simulated_nights import answers, fates, night_of, played, reasons, setup_of

PEOPLE = 20


@pytest.fixture(scope="module")
def healthy() -> Result:
    return played(setup_of(night_of()), PEOPLE)


def test_a_healthy_night_is_the_same_each_time(healthy: Result) -> None:
    """Same seed, same digits; another seed, other people."""
    assert healthy.digest() == played(setup_of(night_of()), PEOPLE).digest()
    assert healthy.digest() != played(setup_of(night_of(), seed=2), PEOPLE).digest()
    assert invariants.violations(healthy) == []
    joined = healthy.rows["fate"] == Fate.JOINED
    assert joined.sum() >= PEOPLE - 2
    assert np.all(healthy.rows["furthest"][joined] == Furthest.WAVE_JOINED)
    assert healthy.events > 60 * joined.sum()


@pytest.mark.parametrize("spoil", ["fate", "busy_us", "handed", "live_area_us", "ended", "join"])
def test_a_broken_law_is_told(healthy: Result, spoil: str) -> None:
    """The negative control of the invariants: whatever is miscounted, one of them notices."""
    result = deepcopy(healthy)
    if spoil == "fate":
        result.rows["fate"][3] = 0
    elif spoil == "join":
        result.rows["marks"] = 0
    elif spoil in ("busy_us", "handed"):
        result.world[spoil][0][0] += 1
    else:
        result.world[spoil][0] += 10**9
    assert invariants.violations(result)


def test_who_comes_to_a_stopped_database_gives_up_and_its_work_is_done_all_the_same() -> None:
    """Without a door everybody waits for 25 s, refreshes, and what was asked for takes effect."""
    night = night_of(faults=(Fault("stopped", "database", 300.0, 420.0),))
    open_to_all = played(setup_of(night, Resources(overload_limit=False)), PEOPLE)
    behind_a_door = played(setup_of(night), PEOPLE)
    for result in (open_to_all, behind_a_door):
        assert invariants.violations(result) == []
    assert open_to_all.tally.answered[:, :, Told.TIMEOUT].sum() > PEOPLE / 2
    assert open_to_all.tally.answered[:, :, Told.BUSY].sum() == 0
    assert behind_a_door.tally.answered[:, :, Told.TIMEOUT].sum() == 0
    assert behind_a_door.tally.answered[:, :, Told.BUSY].sum() > PEOPLE / 2


def test_a_registry_that_fails_is_asked_again() -> None:
    fault = Fault("failing", "civil_registry", 0.0, 1500.0, factor=0.5)
    half = played(setup_of(night_of(faults=(fault,))), PEOPLE)
    assert half.world["failed"][0][IDENTITY] > PEOPLE / 4
    assert half.world["handed"][0][IDENTITY] > PEOPLE / 2
    assert invariants.violations(half) == []


def test_lines_that_break_cost_tries_and_photos_arrive_all_the_same() -> None:
    night = night_of()
    poor = {name: replace(each, cuts_per_min=20.0, up_mbps=0.4) for name, each in night.networks.items()}
    result = played(setup_of(night_of(networks=poor)), PEOPLE)
    assert invariants.violations(result) == []
    assert answers(result, Action.PHOTO_SEND, Told.ERROR) > PEOPLE
    assert answers(result, Action.PHOTO_HEAD, Told.FARTHER) > 0
    assert fates(result)["JOINED"] > PEOPLE / 2


def test_people_under_age_are_refused_and_mistyped_numbers_are_corrected() -> None:
    people = replace(
        night_of().population, under_age_share=0.3, wrong_digit_share=1.0, older=None, assisted=None
    )  # fmt: skip
    result = played(setup_of(night_of(population=people)), PEOPLE)
    assert reasons(result)[Reason.NOT_ELIGIBLE] == answers(result, Action.IDENTITY, Told.NOT_ELIGIBLE) > 0
    assert answers(result, Action.LOOK, Told.MISMATCH) == answers(result, Action.CORRECT, Told.OK) > PEOPLE / 4


def test_costs_are_charged_to_the_stations() -> None:
    """Twice the cost is twice the work, for the same people with the same luck."""
    once = played(setup_of(night_of(), costs=Costs(sigma=0.0)), 10)
    twice = played(setup_of(night_of(), costs=Costs(sigma=0.0, request_database_s=2 * Costs.request_database_s)), 10)
    ratio = twice.world["busy_us"][0][1] / once.world["busy_us"][0][1]
    assert ratio == pytest.approx(2.0, rel=0.01)


def test_what_is_not_simulated_is_said() -> None:
    result = played(setup_of(night_of(faults=(Fault("latency", "applicants_link", 0.0, 10.0, delay_s=1.0),))), 2)
    assert "latency of applicants_link: not simulated" in result.remarks
    with pytest.raises(NotSimulated, match="adaptive"):
        played(setup_of(night_of().with_manners("adaptive")), 2)


@pytest.mark.parametrize(
    ("text", "cut", "wanted"), [("1/100", False, (0.01, None)), ("1", False, (1.0, None)), ("2000", True, (1.0, 2000))]
)
def test_people_are_a_scale_or_a_count_with_a_cut(text: str, cut: bool, wanted: tuple[float, int | None]) -> None:
    scale, most = simulate.people_of(text, cut)
    assert (float(scale), most) == wanted


@pytest.mark.parametrize(("text", "cut"), [("2000", False), ("1/100", True), ("0", True), ("2", False)])
def test_a_count_without_a_cut_is_refused(text: str, cut: bool) -> None:
    with pytest.raises(ValueError, match="people"):
        simulate.people_of(text, cut)


def test_fates_are_counted_by_name(healthy: Result) -> None:
    document = simulate.document_of(night_of(), 1, healthy, 0.5, [])
    assert document["fates"]["joined"] == fates(healthy)["JOINED"]
    assert document["people"] == PEOPLE == sum(document["fates"].values())
    assert document["events"] == healthy.events
    assert Counter(document["reasons"]).total() == PEOPLE
    assert str(document["digest"]) in simulate.text_of(document)
