"""The record of a simulated night: the same shape as a rehearsal's, and every count of the simulation in it."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests.swarm_metrics import FAMILIES
from reports import statistics
from scenarios.fates import Fate, Furthest, Reason
from scenarios.faults import Fault
from scenarios.journey_state import Action
from scenarios.journey_state import Result as Told
from scenarios.record import Run
from scenarios.simulation import invariants, journal
from scenarios.simulation.costs import Resources
from scenarios.simulation.recorded_samples import INSTANCE, OUTCOMES
from scenarios.simulation.recorder import MARK
from scenarios.simulation.run import Result
from service.domain import buckets
from tests.unit.recorded_nights import recorded
from tests.unit.simulated_nights import night_of, played, setup_of

PEOPLE, FEW = 12, 3
BUSY = (Fault("outage", "sms", 0.0, 190.0), Fault("outage", "email", 0.0, 190.0))
"""Gateways that are away while the first people come, so that codes wait."""
SLOW = Resources(gate_per_s=0.1)
"""A gate that people stand in line for."""


@pytest.fixture(scope="module")
def setup() -> Any:
    return setup_of(night_of(faults=BUSY), SLOW)


@pytest.fixture(scope="module")
def made(setup: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Run]:
    folder = tmp_path_factory.mktemp("runs") / "night-simulated"
    return recorded(folder, setup, PEOPLE), Run.load(folder)


def total(run: Run, name: str, **labels: str) -> float:
    return statistics.total(run.samples, name, (), **labels)


def test_keeping_a_record_changes_no_digit_however_short_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that is full is emptied, and nothing is lost."""
    healthy = setup_of(night_of())
    usual = recorded(tmp_path / "usual", healthy, FEW)
    monkeypatch.setattr(journal, "LENGTH", journal.ROOM + 8)
    hurried = recorded(tmp_path / "hurried", healthy, FEW)
    assert usual.digest() == hurried.digest() == played(healthy, FEW).digest()
    first, second = Run.load(tmp_path / "usual"), Run.load(tmp_path / "hurried")
    assert first.config["simulation"]["digest"] == usual.digest()
    for name, column in first.people.items():
        np.testing.assert_array_equal(second.people[name], column, err_msg=name)


def test_what_is_kept_of_each_minute_is_small() -> None:
    """A night of five days has 7,200 of them, and all are in memory; lines and tables of the world are not kept."""
    assert MARK.itemsize <= 4096, sorted(((MARK[name].itemsize, name) for name in MARK.names or ()), reverse=True)[:3]


def test_it_says_that_it_is_simulated(made: tuple[Result, Run]) -> None:
    config = made[1].config
    assert config["simulated"] is True
    assert config["simulation"]["resources"]["gate_per_s"] == SLOW.gate_per_s
    assert config["simulation"]["assumptions"]
    assert all(own["instance"] == INSTANCE for name in made[1].samples.names for own, _, _ in
               made[1].samples.select(name))  # fmt: skip


def test_everybody_is_in_it_once_with_fate_and_stages(made: tuple[Result, Run]) -> None:
    result, run = made
    people = run.people
    assert (people["fate"] == result.rows["fate"]).all() and (people["reason"] == result.rows["reason"]).all()
    stages = [stage for stage in Furthest if stage is not Furthest.NONE]
    reached = np.array([people[stage.column] for stage in stages])
    assert (np.isfinite(reached).sum(axis=0) == people["furthest"]).all()
    ascending = np.vstack([people["started"], np.where(np.isnan(reached), np.inf, reached)])
    assert (np.diff(np.where(np.isinf(ascending), 1e12, ascending), axis=0) >= 0).all()
    assert (np.fmax.reduce(reached, axis=0, initial=0.0) <= people["ended"] + 1e-6).all()
    waited = people["admitted_at"] - people["ticketed_at"]
    np.testing.assert_array_equal(people["wait"], waited)
    assert np.nanmax(waited) > 30.0
    assert (people["photos_started"] >= people["photos_stored"]).all() and people["bytes_sent"].sum() > 0
    assert (people["codes_accepted"][people["fate"] == Fate.JOINED] >= 1).all()


def test_counts_of_people_and_samples_agree(made: tuple[Result, Run]) -> None:
    result, run = made
    people, answered = run.people, result.tally.answered
    asked = sum(int(answered[:, action].sum()) for action in Action) - int(answered[:, Action.WAIT_CODE].sum())
    assert people["requests"].sum() == asked
    assert total(run, "swarm_requests_total") == asked + np.floor(result.world["polls"][0])
    assert total(run, "swarm_requests_total", outcome="busy") == answered[:, :, Told.BUSY].sum()
    assert total(run, "swarm_arrivals_total") == PEOPLE
    for stage in Furthest:
        if stage is not Furthest.NONE:
            reached = np.isfinite(people[stage.column]).sum()
            assert total(run, "swarm_stage_total", stage=stage.name.lower()) == reached
    for fate in Fate:
        assert total(run, "swarm_fates_total", fate=fate.name.lower()) == (people["fate"] == fate).sum()
    assert total(run, "swarm_photo_bytes_total", bytes="sent") == people["bytes_sent"].sum()
    assert total(run, "registration_stage_total", stage="identity_verified") == result.world["matched"][0]


def test_times_lie_in_the_buckets_of_rehearsals(made: tuple[Result, Run]) -> None:
    result, run = made
    broken = (Told.ERROR, Told.KILLED)
    timed = sum(int(result.tally.answered[:, :, told].sum()) for told in Told if told not in broken)
    unasked = int(result.tally.answered[:, Action.WAIT_CODE].sum())
    found = statistics.histogram(run.samples, "swarm_request_seconds")
    assert found.edges.tolist() == [*buckets.CALIBRATION, np.inf]
    assert found.total == timed - unasked
    handed = statistics.histogram(run.samples, "registration_code_handover_seconds")
    assert handed.edges.tolist() == [*buckets.DEFAULT, np.inf]
    assert handed.total == result.world["handed"][0][:2].sum()
    held = statistics.histogram(run.samples, "registration_code_handover_seconds", quota_bound="yes")
    assert held.total > 0  # whoever asked while the gateways were away


def test_names_are_those_of_rehearsals(made: tuple[Result, Run]) -> None:
    swarm = {name for name in made[1].samples.names if name.startswith("swarm_")}
    known = {f"{name}{end}" for name in FAMILIES for end in ("", "_bucket", "_count", "_sum")}
    assert swarm and swarm <= known
    assert set(OUTCOMES.values()) <= {"ok", "refused", "busy", "error", "timeout", "transport"}


def test_core_seconds_are_the_work_that_was_given(made: tuple[Result, Run]) -> None:
    result, run = made
    for station, role in enumerate(("web", "database")):
        given = (result.world["busy_us"][0][station] + result.world["spread_us"][0][station]) / 1e6
        left = np.maximum(result.world["free"][0].reshape(3, -1)[station] - result.ended_us, 0).sum() / 1e6
        assert total(run, "rehearsal_cpu_seconds_total", role=role) == pytest.approx(given, abs=left + 1e-6)
        assert run.config["cpu_s"][role] == pytest.approx(given)
    by_route = total(run, "registration_http_cpu_seconds_total")
    assert by_route == pytest.approx(result.world["web_work_us"][0].sum() / 1e6, rel=1e-6)


def test_queues_and_the_line_are_told(made: tuple[Result, Run]) -> None:
    run = made[1]

    def most(name: str, **labels: str) -> float:
        return max(float(values.max()) for _, _, values in run.samples.select(name, **labels))

    assert most("registration_queue_depth", queue="sms") > 0
    assert most("registration_queue_oldest_age_seconds", queue="sms") > 30.0
    assert most("registration_waiting_room_live_people") > 1


def test_faults_that_were_played_and_what_was_not_are_events(made: tuple[Result, Run]) -> None:
    events = made[1].events
    faults = [(one["target"], one["edge"], one["t"]) for one in events if one["kind"] == "fault"]
    assert ("sms", "start", 0.0) in faults and ("email", "end", 190.0) in faults
    assert [one["text"] for one in events if one["kind"] == "note"] == list(made[0].remarks)


def test_whoever_is_on_the_way_when_the_drain_ends_is_cut(tmp_path: Path) -> None:
    result = recorded(tmp_path / "run", setup_of(night_of()), FEW, drain_s=120.0)
    run = Run.load(tmp_path / "run")
    assert (run.config["ended"], run.config["drain_limit_s"]) == ("limit", 120.0)
    assert result.ended_us == round(run.config["last_arrival_s"] * 1e6) + 120_000_000
    cut = run.people["reason"] == Reason.RUN_ENDED
    assert cut.any() and (run.people["fate"][cut] == Fate.CUT).all()
    assert invariants.violations(result) == []


def test_a_folder_that_is_there_is_not_written_into(setup: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(FileExistsError):
        recorded(tmp_path, setup, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


# ---------------------------------------------------------------- Little's law


def spoil(name: str, place: int) -> Callable[[Result], None]:
    def change(result: Result) -> None:
        result.world[name].reshape(-1)[place] += 1000

    return change


@pytest.mark.parametrize(
    ("station", "change"),
    [
        ("web", spoil("waited_us", 0)),
        ("database", spoil("left_us", 1)),
        ("inspection", spoil("came_us", 2)),
        ("email", spoil("waited_ms", 0)),
        ("sms", spoil("queue_area_ms", 1)),
        ("identity", spoil("queue_since_ms", 2)),
        ("waiting room", spoil("line_area_us", 0)),
    ],
)
def test_littles_law_finds_a_millisecond_too_much(
    made: tuple[Result, Run], station: str, change: Callable[[Result], None]
) -> None:
    """At each station two sums that are made apart; one of them wrong, and the law says where."""
    assert all(law.holds for law in invariants.little(made[0]))
    wrong = deepcopy(made[0])
    change(wrong)
    assert [law.station for law in invariants.little(wrong) if not law.holds] == [station]
    assert any(station in line for line in invariants.violations(wrong))


def test_the_law_is_about_something(made: tuple[Result, Run]) -> None:
    """People stood in line and codes waited: none of these sums is 0 on both sides."""
    found = {law.station: law for law in invariants.little(made[0])}
    for station in ("web", "database", "inspection", "sms", "waiting room"):
        assert found[station].area_s > 0.0 and found[station].came > 0, station
    told = {one["station"]: one["area_s"] for one in made[1].config["simulation"]["little"]}
    assert told == {name: law.area_s for name, law in found.items()}


def test_the_record_is_json_throughout(made: tuple[Result, Run]) -> None:
    assert json.loads((made[1].folder / "run.json").read_text()) == made[1].config
