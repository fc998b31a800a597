"""`launchnight plan`: what it refuses, and what a trial of it comes to beside the command that plays one night."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.facts import Facts
from reports.objectives import judge_all
from scenarios.catalogue import load
from scenarios.record import Run
from scenarios.simulation.__main__ import main
from scenarios.simulation.compiled import PLAIN
from scenarios.simulation.planning import goals
from scenarios.simulation.planning.order import Order
from scenarios.simulation.planning.outcome import Outcome
from scenarios.simulation.planning.sizing import start
from scenarios.simulation.planning.trials import Trial, Trigger
from scenarios.simulation.planning.worker import played
from tests.unit.simulated_nights import COSTS
from tests.unit.test_plan_parts import VALUES

PEOPLE = 25
NIGHT = load("prakerja-wave-1")
ORDER = Order(NIGHT, "prepared", NIGHT.curve.default, str(PEOPLE), True, 1.0, 1.0, COSTS)
Plan = Callable[..., tuple[int, str]]


@pytest.fixture
def plan(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Plan:
    def called(*words: str) -> tuple[int, str]:
        code = main(["plan", "prakerja-wave-1", "--out", str(tmp_path / "plan"), "--quiet", *words])
        return code, capsys.readouterr().err

    return called


def test_everything_that_is_wrong_is_told_at_once(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text("unit = 3\n")
    code, told = plan(
        "--people", "300", "--set", "none", "--reading", "none", "--seeds", "0", "--most", "0", "--pace", "0",
        "--objective", "lost=0", "--objective", "nothing=1", "--prices", str(tmp_path / "prices.toml"),
        "--calibration", "none",
    )  # fmt: skip
    assert code == 2
    wrong = ("--set must be", "--reading must be", "--seeds must", "--most must", "--pace must", "add --cut",
             "--objective lost=0", "--objective nothing=1", "prices.toml:1: unit", "no calibration")  # fmt: skip
    assert [words for words in wrong if words not in told] == []
    assert not (tmp_path / "plan").exists()


def test_a_night_that_nobody_knows_or_that_nobody_comes_to(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "nowhere"]) == 2
    assert "no night is called nowhere" in capsys.readouterr().err
    code, told = plan("--people", "1/100000000")
    assert (code, told) == (2, "launchnight plan: nobody comes\n")


@pytest.fixture(scope="module")
def looked_at() -> dict[str, Any]:
    """A trial that is looked at closely, uncompiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PLAIN, "1")
        return json.loads(json.dumps(played(ORDER, Trial.of(VALUES, 1, closely=True))))  # type: ignore[no-any-return]


def test_a_trial_comes_to_what_the_night_itself_comes_to(
    looked_at: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The machines and partners that `simulate` has by default: the same fates and events, judged as a report does."""
    monkeypatch.setenv(PLAIN, "1")
    words = ["--people", str(PEOPLE), "--cut", "--json", "--no-report", "--out", str(tmp_path / "run")]
    assert main(["simulate", "prakerja-wave-1", *words]) == 0
    document = json.loads(capsys.readouterr().out)
    found = Outcome.from_dict(looked_at["outcome"])
    assert {name: count for name, count in found.fates.items() if count} == document["fates"]
    assert (found.people, found.events, found.broken_laws) == (document["people"], document["events"], ())
    assert found.wanted >= found.joined == document["fates"]["joined"]
    assert found.curves["came"][-1] == PEOPLE and found.curves["joined"][-1] == found.joined
    assert found.began["account"] >= found.completed["account"] >= found.completed["join"] == found.joined
    asked, _ = goals.goals(NIGHT, [])
    verdicts = {one.goal.id: one for one in goals.judged(found, asked)}
    reported = {one.id: one for one in judge_all(Facts(Run.load(tmp_path / "run")))}
    both = verdicts.keys() & reported.keys()
    assert both == {"api_p95_s", "api_p99_s", "admitted_joined_ratio"}
    assert {name: verdicts[name].met for name in both} == {name: reported[name].met for name in both}
    assert verdicts["admitted_joined_ratio"].value == reported["admitted_joined_ratio"].value


def test_theory_stands_beside_a_calm_night_and_agrees(looked_at: dict[str, Any]) -> None:
    bands = {(band["stage"], band["by"]): band for band in looked_at["bands"]}
    assert {by for _, by in bands} == {
        "M/G/c", "utilization law", "Erlang A", "retrial fixed point", "fluid", "M/M/1/K, Erlang B",
    }  # fmt: skip
    assert [name for name, band in bands.items() if not band["inside"]] == []


def test_a_night_that_is_struck_keeps_people_waiting(
    looked_at: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """For an hour no web process answers: clients give up. Without the blow none does."""
    monkeypatch.setenv(PLAIN, "1")
    struck = played(ORDER, Trial.of(VALUES, 1, trigger=Trigger("web", 0.0, 3_600.0)))
    found = Outcome.from_dict(struck["outcome"])
    assert found.given_up["api"] > 0 == looked_at["outcome"]["given_up"]["api"]
    assert found.after_wanted == 0  # all of them came in the first minute


def test_a_first_guess_is_of_the_order_of_what_is_needed() -> None:
    begun = start(ORDER.setup(Trial.of(VALUES, 1)), ORDER.due_us(1), 0.95, 3_600.0)
    assert begun.arrivals == PEOPLE and 0.0 < begun.gate < 10.0
    guess = begun.sizing(600.0)
    assert guess["gate"] == 600.0 and all(0.0 < amount < 100.0 for name, amount in guess.items() if name != "gate")
