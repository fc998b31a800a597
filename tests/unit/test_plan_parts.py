"""The parts of a plan: chances, objectives, prices, what is remembered, and processes that end with their parent."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.catalogue import load
from scenarios.simulation.compiled import PLAIN
from scenarios.simulation.planning import goals, knobs, prices
from scenarios.simulation.planning.chances import chance
from scenarios.simulation.planning.crew import WORKER, Crew, Memory, WorkerLost
from scenarios.simulation.planning.goals import Goal, GoalError, judged
from scenarios.simulation.planning.knobs import KNOBS
from scenarios.simulation.planning.order import Order
from scenarios.simulation.planning.outcome import API, EDGES_S, Outcome
from scenarios.simulation.planning.trials import Trial, Trigger
from tests.children import child_process
from tests.unit.simulated_nights import COSTS

NIGHT = load("prakerja-wave-1")
VALUES = {
    "gate": 600.0,
    "web": 40.0,
    "database": 24.0,
    "inspectors": 32.0,
    "email": 500.0,
    "sms": 1000.0,
    "registry": 15.0,
}


def order(people: str = "20") -> Order:
    return Order(NIGHT, "prepared", NIGHT.curve.default, people, True, 1.0, 1.0, COSTS)


def outcome(**changes: object) -> Outcome:
    """A night in which all went well."""
    stages = {"line": 100, "account": 100, "code": 100, "identity": 100, "profile": 100, "photos": 100, "phone": 100,
              "assessment": 100, "join": 100}  # fmt: skip
    counts = [0] * (len(EDGES_S) + 1)
    counts[5] = 1000
    parts: dict[str, object] = {
        "people": 100, "events": 1, "ended_s": 1.0, "fates": {}, "wanted": 100, "joined": 100,
        "admitted_wanted": 100, "admitted_joined": 100,
        "began": stages, "completed": dict(stages), "took": {API: counts, **dict.fromkeys(stages, counts)},
        "given_up": {API: 0, **dict.fromkeys(stages, 0)}, "turned_away": 0, "asked": 1000, "codes_oldest_s": 0.0,
        "inspection_wait_s": 0.0, "identity_asked": 100, "identity_late": 0, "line_most": 0,
        "line_wait_s": 0.0, "busiest_s": {},
        "after_wanted": 0, "after_joined": 0, "step_s": 1.0, "curves": {}, "broken_laws": (), "cpu_s": 0.0,
    }  # fmt: skip
    return Outcome(**{**parts, **changes})  # type: ignore[arg-type]


def test_chances_are_those_of_clopper_and_pearson() -> None:
    """Against figures from outside: tables of the exact interval, two-sided wherever it lies."""
    assert chance(0, 10).high == pytest.approx(0.3085, abs=5e-5)
    assert chance(10, 10).low == pytest.approx(0.6915, abs=5e-5)
    assert chance(0, 60).high == pytest.approx(0.0596, abs=5e-5)
    assert (chance(0, 60).low, chance(60, 60).high) == (0.0, 1.0)
    assert chance(5, 10).low == pytest.approx(0.1871, abs=5e-5)
    assert chance(5, 10).high == pytest.approx(0.8129, abs=5e-5)
    assert chance(1, 12).low == pytest.approx(0.0021, abs=5e-5)
    assert chance(0, 60, 0.99).high > chance(0, 60).high
    with pytest.raises(ValueError, match="3 of 2"):
        chance(3, 2)


def test_the_night_and_every_plan_demand_and_what_cannot_be_judged_is_named() -> None:
    found, left_out = goals.goals(NIGHT, [])
    assert [goal.id for goal in found] == ["api_p95_s", "api_p99_s", "admitted_joined_ratio", *goals.OWN]
    assert left_out == [name for name in NIGHT.to_dict()["objectives"] if name in goals.UNJUDGED]
    asked, _ = goals.goals(NIGHT, ["api_p95_s=0.5", "stage.code.p99_s=2", "codes_oldest_s=off"])
    assert {goal.id: goal.bound for goal in asked}["api_p95_s"] == 0.5
    assert asked[-1] == Goal("stage.code.p99_s", 2.0, True, "asked")
    assert "codes_oldest_s" not in [goal.id for goal in asked]


def test_objectives_that_cannot_be_asked_for_are_refused_all_at_once() -> None:
    words = ["lost=0", "speed=1", "api_p95_s", "admitted_joined_ratio=1", "window.x.api_p95_s=1", "codes_oldest_s=0"]
    with pytest.raises(GoalError) as refused:
        goals.goals(NIGHT, words)
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"--objective {each}" for each in words]
    assert "no ledger" in lines[0] and "came_joined_ratio" in lines[1] and "NUMBER" in lines[2]
    everything = [f"{name}=off" for name in goals.known()]
    with pytest.raises(GoalError, match="nothing is left"):
        goals.goals(NIGHT, everything)


def test_answers_are_judged_by_the_share_within_the_bound() -> None:
    """At an edge that is exact; whoever gave up waiting had no answer within any bound."""
    counts = [0] * (len(EDGES_S) + 1)
    counts[9], counts[12] = 95, 5  # up to 1 s, up to 3 s
    took = {**outcome().took, API: counts}
    bound = Goal("api_p95_s", 1.0, True, "night")
    (at,) = judged(outcome(took=took), [bound])
    assert at.met and at.slack == pytest.approx(0.0) and at.value == pytest.approx(1.0)
    (slower,) = judged(outcome(took=took, given_up={**outcome().given_up, API: 1}), [bound])
    assert not slower.met
    (none,) = judged(outcome(took={**took, API: [0] * len(counts)}), [bound])
    assert none.met


def test_shares_of_people_are_judged_and_melting_down_is_twice_the_loss_allowed() -> None:
    asked = [Goal("came_joined_ratio", 0.95, False, "plan"), Goal("stage.photos.completed_ratio", 0.9, False, "asked")]
    came, photos = judged(outcome(joined=94, completed={**outcome().completed, "photos": 95}), asked)
    assert (came.met, came.value) == (False, 0.94)
    assert photos.met and photos.slack == pytest.approx(0.5)
    assert goals.melts_below(asked) == pytest.approx(0.90)


@pytest.mark.parametrize(("bound", "at_most", "value", "slack"), [
    (1.0, False, 94, -0.06), (1.0, False, 100, 0.0), (1.5, False, 100, -0.5), (0.0, True, 0, 0.0), (0.0, True, 3, -3.0),
])  # fmt: skip
def test_a_bound_that_leaves_no_room_is_judged_by_the_distance(
    bound: float, at_most: bool, value: int, slack: float
) -> None:
    """A night's own: the planner refuses such bounds where they are asked for."""
    if at_most:
        (found,) = judged(outcome(line_wait_s=float(value)), [Goal("line_wait_s", bound, True, "night")])
    else:
        (found,) = judged(outcome(joined=value), [Goal("came_joined_ratio", bound, False, "night")])
    assert found.slack == pytest.approx(slack) and found.met is (slack >= 0.0)


def test_a_table_of_prices_is_refused_with_every_fault_and_its_line(tmp_path: Path) -> None:
    usual = prices.load()
    assert usual.cost(VALUES) == pytest.approx(sum(usual.of[name] * VALUES[name] for name in KNOBS))
    table = tmp_path / "prices.toml"
    table.write_text('unit = ""\n[price]\nweb = -1\ndatabase = "much"\nsmoke = 3\ngate = { value = 1, note = "x" }\n')
    with pytest.raises(prices.PriceError) as refused:
        prices.load(table)
    text = str(refused.value)
    for words in (":1: unit", ":3: price.web", ":4: price.database", ":5: price.smoke", "price.gate.note", "price.sms"):
        assert words in text
    table.write_text('unit = "x"\n[price]\n' + "\n".join(f"{name} = 0" for name in KNOBS))
    with pytest.raises(prices.PriceError, match="0 for everything"):
        prices.load(table)
    with pytest.raises(prices.PriceError, match="No such file"):
        prices.load(tmp_path / "none.toml")


def test_an_order_and_a_trial_come_back_from_their_documents() -> None:
    told = order()
    assert Order.from_dict(told.to_dict()) == told
    assert replace(told, pace=2.0).digest != told.digest
    trial = Trial.of(VALUES, 7, trigger=Trigger("web", 60.0, 30.0, slowed=True), unprotected=True)
    assert Trial.from_dict(trial.to_dict()) == trial
    assert len(trial.trigger.faults(VALUES, 2.0)) == 20  # type: ignore[union-attr]
    setup = told.setup(trial)
    assert (setup.resources.web, setup.resources.waiting_room, setup.partners.sms.rate_per_s) == (40, False, 1000.0)
    assert told.setup(replace(trial, as_launched=True)).partners == NIGHT.partners["as-launched"]


def test_an_allowance_grows_with_its_rate() -> None:
    """Half the rate, half of what is allowed."""
    agreed = NIGHT.partners["as-launched"]
    half = knobs.partners({**VALUES, "registry": 7.5}, agreed).civil_registry
    assert half.windows()[0].count == agreed.civil_registry.windows()[0].count // 2


def test_what_was_played_is_remembered_whole_lines_only(tmp_path: Path) -> None:
    trial = Trial.of(VALUES, 1)
    memory = Memory(tmp_path, order())
    memory.put(trial, {"outcome": 1})
    with memory.path.open("a") as file:
        file.write('{"trial": "cut off in the mid')
    again = Memory(tmp_path, order())
    assert again.get(trial) == {"outcome": 1}
    assert again.get(Trial.of(VALUES, 2)) is None
    assert memory.path.read_text().count("\n") == 1
    assert Memory(tmp_path, order("21")).get(trial) is None  # another order's runs are no answers to this one


def test_a_worker_that_is_killed_is_told_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLAIN, "1")
    with Crew(order(), 1) as crew:
        crew.play([Trial.of(VALUES, 1)], lambda trial, reply: None)
        (process,) = crew._processes
        process.send_signal(signal.SIGKILL)
        with pytest.raises(WorkerLost, match="-9"):
            crew.play([Trial.of(VALUES, 2)], lambda trial, reply: None)
    assert process.returncode == -signal.SIGKILL


def test_a_worker_ends_with_its_input_in_the_middle_of_a_night(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the parent closes the pipe. Uncompiled, a hundred thousand people would take many minutes."""
    monkeypatch.setenv(PLAIN, "1")
    told = (order("100000").to_dict(), Trial.of(VALUES, 1).to_dict())
    lines = "".join(json.dumps(each) + "\n" for each in told)
    with child_process(
        [sys.executable, "-m", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        worker.communicate(lines, timeout=60.0)
    assert worker.returncode == 0
