"""Objectives of stages and windows: judged on their part of the run alone, with sources that say where from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.facts import Facts
from reports.objectives import Objective, judge_all
from reports.verdict import judge
from reports.wording import Said, Told, speaking
from scenarios.objectives import STAGES
from scenarios.record import Fate, Run
from tests.report_sources import Sources
from tests.unit.synthetic_run import SyntheticRun


def asking(**objectives: Any) -> SyntheticRun:
    """A run whose night demands more."""
    run = SyntheticRun()
    run.config["night"]["objectives"].update(objectives)
    return run


def judged(run: SyntheticRun, folder: Path) -> dict[str, Objective]:
    record = Run.load(run.write(folder, scrape_s=50.0))
    return {one.id: one for one in judge_all(Facts(record))}


def test_a_stage_is_judged_by_its_own_answers(tmp_path: Path) -> None:
    """Slow sessions are 1 in 40 of all answers, which the night's own p95 does not see."""
    run = asking(stage={"code": {"p95_s": 1.0, "p99_s": 3.0}, "account": {"p95_s": 1.0}})
    run.scheduled["sessions"][:] = 2.0
    found = judged(run, tmp_path)
    assert {name: one.met for name, one in found.items() if one.met is not True} == {"stage.code.p95_s": False}
    code = found["stage.code.p95_s"]
    assert code.text == "Stage code: At least 95 % of answers within 1 s of the intended start"
    assert (code.stage, code.window, code.bound) == ("code", "", 1.0)
    assert list(found)[10:] == ["stage.account.p95_s", "stage.code.p95_s", "stage.code.p99_s"]


def test_uploads_are_judged_where_a_night_asks_for_it(tmp_path: Path) -> None:
    run = asking(stage={"photos": {"p95_s": 20.0}})
    assert judged(run, tmp_path / "quick")["stage.photos.p95_s"].met is True
    run.scheduled["files-patch"][:] = 50.0
    found = judged(run, tmp_path / "slow")
    assert (found["stage.photos.p95_s"].met, found["api_p95_s"].met) == (False, True)


def test_errors_of_a_stage(tmp_path: Path) -> None:
    run = asking(stage={"join": {"server_error_ratio": 0.001}, "code": {"server_error_ratio": 0.001}})
    run.outcomes["join", "error"] = 3.0
    found = judged(run, tmp_path)
    assert [found[f"stage.{stage}.server_error_ratio"].met for stage in ("join", "code")] == [False, True]
    assert found["server_error_ratio"].met is True
    assert found["stage.join.server_error_ratio"].value == pytest.approx(3 / 603)


def test_people_who_began_a_stage_complete_it(tmp_path: Path) -> None:
    """Who left or was refused there is not judged; who left later has completed it."""
    run = asking(stage={"photos": {"completed_ratio": 0.95}, "line": {"completed_ratio": 0.95}})
    stuck = slice(0, 40)
    run.people["fate"][stuck] = Fate.FAILED
    run.people["photos_uploaded_at"][stuck] = np.nan
    run.people["photos_uploaded_at"][40:50] = np.nan
    run.people["fate"][40:60] = Fate.ABANDONED
    found = judged(run, tmp_path)
    photos = found["stage.photos.completed_ratio"]
    assert (photos.met, photos.value) == (False, 550 / 590)
    assert photos.detail == "550 of 590 people who began it by 600 s after the opening"
    assert found["stage.line.completed_ratio"].met is True


def test_every_stage_can_be_asked_of(tmp_path: Path) -> None:
    bounds = {"p95_s": 20.0, "p99_s": 60.0, "server_error_ratio": 0.001, "completed_ratio": 0.95}
    found = judged(asking(stage=dict.fromkeys(STAGES, bounds)), tmp_path)
    assert {name: one.met for name, one in found.items() if one.met is not True} == {}
    assert len(found) == 10 + 4 * len(STAGES)


WINDOWS = [
    {"name": "opening", "start_s": 0, "end_s": 150, "api_p95_s": 1.0, "server_error_ratio": 0.001},
    {"name": "rush", "start_s": 150, "end_s": 300, "api_p95_s": 1.0, "server_error_ratio": 0.001,
     "stage": {"code": {"p99_s": 3.0}}},
]  # fmt: skip


def test_a_window_is_judged_by_what_happened_in_it(tmp_path: Path) -> None:
    """A slow first tenth of all answers, those of the first 50 s, is missed in the opening and not in the rush."""
    run = asking(window=WINDOWS)
    for took in run.scheduled.values():
        took[: len(took) // 10] = 2.0
    found = judged(run, tmp_path)
    assert {name: one.met for name, one in found.items() if one.met is not True} == {
        "api_p95_s": False, "window.opening.api_p95_s": False,
    }  # fmt: skip
    assert found["window.rush.api_p95_s"].text.startswith(
        "Window rush (0:02:30 to 0:05:00 of the night): At least 95 %"
    )
    assert found["window.rush.stage.code.p99_s"].text.startswith("Window rush (0:02:30 to 0:05:00 of the night), stage")


def test_the_night_runs_faster_than_the_clock_of_a_window(tmp_path: Path) -> None:
    """At speed 2 the first 100 s of the night are 50 s here."""
    run = asking(window=[{"name": "x", "start_s": 0, "end_s": 100, "admitted_joined_ratio": 0.9}])
    run.config["factors"]["speed"] = 2.0
    found = judged(run, tmp_path)["window.x.admitted_joined_ratio"]
    here = int(np.count_nonzero(run.people["admitted_at"] < 50))
    assert found.detail == f"{here} of {here} people admitted by 600 s after the opening"


def test_people_are_judged_by_when_they_were_admitted(tmp_path: Path) -> None:
    run = asking(
        window=[
            {"name": "early", "start_s": 0, "end_s": 100, "admitted_joined_ratio": 0.95},
            {"name": "late", "start_s": 100, "end_s": 300, "admitted_joined_ratio": 0.95, "waits_in_range_ratio": 0.75},
        ]
    )
    run.people["fate"][run.people["admitted_at"] < 50] = Fate.FAILED
    found = judged(run, tmp_path)
    assert [found[f"window.{name}.admitted_joined_ratio"].met for name in ("early", "late")] == [False, True]
    assert found["window.late.waits_in_range_ratio"].met is True


def test_a_window_in_which_nothing_was_recorded_is_not_judged(tmp_path: Path) -> None:
    """Nor does it turn a run that met its objectives into one that did not."""
    window = {"name": "later", "start_s": 9_000, "end_s": 9_999, "api_p95_s": 1.0, "server_error_ratio": 0.001,
              "codes_within_10s_ratio": 0.95, "admitted_joined_ratio": 0.95, "waits_in_range_ratio": 0.75}  # fmt: skip
    run = asking(window=[window])
    verdict = judge(Run.load(run.write(tmp_path)))
    assert [one.met for one in verdict.objectives] == [True] * 10 + [None] * 5
    assert verdict.exit_code == 0


def test_faults_are_left_out_of_stages_and_windows_too(tmp_path: Path) -> None:
    run = asking(stage={"code": {"p95_s": 1.0}}, window=[{"name": "x", "start_s": 0, "end_s": 300, "api_p95_s": 1.0}])
    for took in run.scheduled.values():
        took[: len(took) // 10] = 2.0  # the first 50 s
    assert judged(run, tmp_path / "seen")["stage.code.p95_s"].met is False
    fault = {"kind": "fault", "name": "outage", "target": "email"}
    run.events = [{"t": 0.0, "edge": "start", **fault}, {"t": 60.0, "edge": "end", **fault}]
    found = judged(run, tmp_path / "left-out")
    assert (found["stage.code.p95_s"].met, found["window.x.api_p95_s"].met) == (True, True)


def test_less_than_the_default_says_why(tmp_path: Path) -> None:
    """A tighter bound needs no reason, and none is shown for it."""
    found = judged(
        asking(stage={"code": {"p95_s": 2.0, "p99_s": 2.0, "reason": "slow phones"}}, api_p95_s=1.0), tmp_path
    )
    assert found["stage.code.p95_s"].loosened == "slow phones"
    assert found["stage.code.p99_s"].loosened is None


def test_a_bound_between_two_edges_is_said_to_be_interpolated(tmp_path: Path) -> None:
    found = judged(asking(stage={"code": {"p95_s": 0.9, "p99_s": 3.0}}), tmp_path)
    assert "interpolated" in found["stage.code.p95_s"].detail
    assert "interpolated" not in found["stage.code.p99_s"].detail


def test_numbers_say_where_they_come_from(tmp_path: Path) -> None:
    """Each source of values, bounds and details gives the number again, computed by other code."""
    run = asking(
        stage={stage: {"p95_s": 30.0, "server_error_ratio": 0.001} for stage in STAGES},
        window=[{**WINDOWS[1], "codes_within_10s_ratio": 0.95}],
    )
    run.outcomes["join", "error"] = 1.0
    fault = {"kind": "fault", "name": "outage", "target": "email"}
    run.events = [{"t": 200.0, "edge": "start", **fault}, {"t": 220.0, "edge": "end", **fault}]
    sources, told = Sources(tmp_path), []
    for one in judged(run, tmp_path).values():
        assert isinstance(one.text, Said) and isinstance(one.detail, Said)
        told += [one.value_text, one.bound_text, *one.text.parts, *one.detail.parts]
    numbers = [each for each in told if isinstance(each, Told) and each.source]
    assert len(numbers) > 120
    for number in numbers:
        assert sources.value(number.source) == pytest.approx(number.value, rel=1e-6), number.source


def test_objectives_are_said_in_indonesian(tmp_path: Path) -> None:
    """Every sentence, also those for what could not be judged."""
    window = {"name": "later", "start_s": 9_000, "end_s": 9_999, "api_p95_s": 1.0, "waits_in_range_ratio": 0.75}
    run = asking(stage={"code": {"p95_s": 1.0, "completed_ratio": 0.95}}, window=[window])
    run.config["ledgers"]["joins"].update(database=601, difference=1)
    with speaking("id"):
        found = judged(run, tmp_path)
    assert (
        found["stage.code.p95_s"].text == "Tahap kode: Sedikitnya 95 % jawaban dalam 1 dtk sejak saat yang dimaksudkan"
    )
    assert found["window.later.api_p95_s"].detail == "tidak ada jawaban di luar gangguan yang tercatat"
