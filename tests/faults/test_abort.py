"""A rehearsal that was asked to stops when an objective cannot be met any more, with all that it saw until then.

That one which holds its objectives goes on to its end is seen in tests/acceptance/test_rehearse.py, and what becomes of
a broken one that nobody asked to stop by `make acceptance NAME=abort`.
"""

import json
from pathlib import Path

import pytest

from scenarios import catalogue
from tests.launched import launchnight
from tests.stack.rehearsing import LATE, ended

pytestmark = pytest.mark.timeout(300)

HARD = "[objectives.stage.line]\np95_s = 0.001\n\n[objectives.stage.join]\np95_s = 0.001\n"
"""No answer over a connection comes within a millisecond; to joining nobody gets."""
PEOPLE = ["--arrivals", "steps:20x3,1x60", "--people", "1", "--steps", "2"]
"""Sixty people in three seconds, then one a second for a minute, which nobody is to wait for."""


def hard_night(folder: Path) -> Path:
    text = (Path(catalogue.__file__).parent / "nights" / "prakerja-wave-1.toml").read_text()
    path = folder / "hard.toml"
    path.write_text(f"{text}\n{HARD}")
    return path


def test_an_objective_out_of_reach_ends_the_run(tmp_path: Path) -> None:
    command = ["rehearse", str(hard_night(tmp_path)), *PEOPLE, "--abort-on-miss", "--json"]
    with launchnight(tmp_path / "run", *command) as process:
        done = ended(process, tmp_path / "run")
    assert done.code == done.document["verdict"]["exit_code"] and done.code in (3, LATE), done.said
    assert "objective stage.line.p95_s cannot be met any more" in done.said
    missed, last_arrival = done.config["missed"], done.config["last_arrival_s"]
    assert (done.config["ended"], missed["objective"]) == ("missed", "stage.line.p95_s")
    assert 0 < missed["at_s"] < last_arrival
    assert done.document["fates"]["cut"] > 0 and sum(done.document["fates"].values()) == done.document["planned"]
    assert set(done.differences().values()) == {0}
    assert done.missed() == ["stage.line.p95_s"]
    told = [one["text"] for one in done.verdict["verdict"]["findings"] if one["subject"] == "ending"]
    assert len(told) == 1 and "when this could not be met any more: Stage waiting line: At least 95 %" in told[0]
    assert told[0] in (done.run / "summary.md").read_text()
    phases = [json.loads(line) for line in (done.run / "events.jsonl").read_text().splitlines()]
    assert [one["name"] for one in phases if one["kind"] == "phase" and one["edge"] == "start"][-1] == "audit"
