"""What the swarm's command line makes of arrivals, and that workers without the file play the same."""

import json
from argparse import Namespace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests.muster import dealt
from loadtests.run_settings import OPTIONS, RunSettings, SettingsRefused
from scenarios.arrivals import SHARDS, hash_of


def settings(**changed: Any) -> RunSettings:
    """Of a command line: the defaults, except for what a test changes."""
    values = {facts.get("dest", name.lstrip("-").replace("-", "_")): facts["default"] for name, facts in OPTIONS}
    return RunSettings.parse(Namespace(**values | changed), "http://127.0.0.1:1")


def test_a_night_is_played_at_a_hundredth_for_five_minutes_unless_said():
    played = settings()
    assert (played.people, played.minutes, played.steps) == (Fraction(1, 100), 5.0, 0)
    assert settings(minutes="2", people="1/50").minutes == 2.0


def test_named_arrivals_are_meant_as_they_stand():
    """1,500 a second are 1,500, not a hundredth; a share of them is played when it is asked for."""
    assert settings(arrivals="constant:1500", minutes="1").plan().planned == 90_000
    assert settings(arrivals="constant:1500", minutes="1", people="1/100").plan().planned == 900
    assert settings(arrivals="steps:100x30,10x60").plan().planned == 3_600
    assert settings(arrivals="steps:100x30,10x60", minutes="0.75").plan().planned == 3_150


@pytest.mark.parametrize("text", ["at_s\n0.1\n7200.25\n3.5\n", "t_s,per_s\n0,0\n100,3\n"])
def test_a_worker_needs_no_file(tmp_path: Path, text: str):
    """The message of the master holds what was read, as JSON values: workers may be other machines."""
    path = tmp_path / "arrivals.csv"
    path.write_text(text)
    master = settings(arrivals=str(path), spacing="exact", steps=3)
    message = json.loads(json.dumps(master.message()))
    path.unlink()
    worker = RunSettings.of_message(message)
    assert worker.plan().hash == master.plan().hash
    assert (worker.steps, worker.spacing) == (3, "exact")
    assert worker.plan().planned == (3 if "at_s" in text else 150)


def test_every_fault_of_arrivals_is_told_with_the_others(tmp_path: Path):
    path = tmp_path / "arrivals.csv"
    path.write_text("at_s\nnever\n-1\n")
    with pytest.raises(SettingsRefused) as refused:
        settings(arrivals=str(path), spacing="even", steps=-1, minutes="soon", people="2")
    assert str(refused.value).splitlines() == [
        "--minutes must be a number above 0, not soon",
        f"--arrivals: {path}:2: at_s: must be a number, not 'never'",
        f"--arrivals: {path}:3: at_s: must be a number that is not below 0, not -1",
        "--spacing even: there are random, exact",
        "--steps must not be negative, it is -1",
        "--people: people must be more than 0 and at most 1, not '2'",
    ]


def visitors(played: RunSettings) -> tuple[float, float]:
    people = RunSettings.of_message(json.loads(json.dumps(played.message()))).night.population
    return people.without_javascript, people.onlookers.per_applicant if people.onlookers is not None else 0.0


def test_who_goes_by_pages_and_who_only_looks_is_the_nights_unless_said():
    """The workers are told; who leaves after some answers speaks to anything that knows the API, unless said, too."""
    assert visitors(settings()) == (0.03, 0.7)
    assert visitors(settings(onlookers="2", without_javascript="0.5")) == (0.5, 2.0)
    assert visitors(settings(onlookers="0", without_javascript="0")) == (0.0, 0.0)
    assert visitors(settings(steps=3)) == (0.0, 0.0)
    assert visitors(settings(steps=3, without_javascript="1")) == (1.0, 0.0)
    chosen = {each.key: each for each in settings(onlookers="2").night.figures}["population.onlookers.per_applicant"]
    assert (chosen.value, chosen.status, chosen.source) == (2.0, "assumption", "own: chosen for this run")


def test_faults_of_visitors_are_told_together():
    with pytest.raises(SettingsRefused) as refused:
        settings(onlookers="-1", without_javascript="half")
    assert [line.partition(": ")[0] for line in str(refused.value).splitlines()] == [
        "--onlookers -1",
        "--without-javascript half",
    ]


@pytest.mark.parametrize("workers", [1, 3, 16])
def test_every_worker_plans_what_the_master_planned(workers: int):
    """Each from the message alone; what they were dealt, put together again, is the whole, with the master's hash."""
    master = settings(arrivals="ramp:0-40", minutes="1", people="1/3")
    together = np.full(master.plan().planned, np.nan)
    for shards in dealt(range(SHARDS), workers):
        own = RunSettings.of_message(json.loads(json.dumps(master.message()))).plan()
        assert own.hash == master.plan().hash
        numbers = own.numbers(shards)
        together[numbers] = own.due[numbers]
    assert hash_of(together) == master.plan().hash


@pytest.mark.parametrize("name", ["speed", "pace"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_a_clock_that_stands_or_takes_no_time_is_refused(name: str, value: float):
    with pytest.raises(SettingsRefused, match=f"--{name} must be a number above 0, not {value}"):
        settings(**{name: value})
