"""What the swarm's command line makes of arrivals, and that workers without the file play the same."""

import json
from argparse import Namespace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from loadtests.run_settings import OPTIONS, RunSettings, SettingsRefused


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
