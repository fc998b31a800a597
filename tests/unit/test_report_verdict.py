"""The verdict: a run that meets everything, then each objective broken once, and every way to end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports import tables
from reports.facts import Facts
from reports.verdict import Verdict, judge
from scenarios.objectives import DEFAULTS
from scenarios.record import Fate, Run
from tests.unit.synthetic_run import SyntheticRun


def judged(run: SyntheticRun, folder: Path) -> Verdict:
    return judge(Run.load(run.write(folder)))


def met(verdict: Verdict) -> dict[str, bool | None]:
    return {objective.id: objective.met for objective in verdict.objectives}


def objective(verdict: Verdict, name: str) -> Any:
    return next(one for one in verdict.objectives if one.id == name)


def test_everything_met(tmp_path: Path) -> None:
    verdict = judged(SyntheticRun(), tmp_path)
    assert met(verdict) == dict.fromkeys(DEFAULTS, True)
    assert (verdict.outcome, verdict.exit_code, verdict.findings) == ("met", 0, [])
    assert verdict.fates == {"joined": 600, "refused": 0, "abandoned": 0, "failed": 0, "cut": 0}
    assert verdict.to_dict()["verdict"]["exit_code"] == 0


def slow_from_the_intended_start(run: SyntheticRun) -> None:
    """Service times stay quick: only the time from the intended start tells that people waited."""
    for took in run.scheduled.values():
        took[: len(took) // 15] = 2.0


def slow_for_one_in_fifty(run: SyntheticRun) -> None:
    for took in run.scheduled.values():
        took[: len(took) // 50] = 4.0


def server_errors(run: SyntheticRun) -> None:
    run.outcomes["answers", "error"] = 0.002 * sum(run.outcomes.values())


def slow_codes(run: SyntheticRun) -> None:
    run.codes["email", "no"][:70] = 11.0


def photos_not_stored(run: SyntheticRun) -> None:
    run.people["photos_stored"][:10] = 0


def photos_tried_again(run: SyntheticRun) -> None:
    run.people["photo_tries"][:310] = 3


def admitted_but_failed(run: SyntheticRun) -> None:
    run.people["fate"][:40] = Fate.FAILED


def waits_longer_than_promised(run: SyntheticRun) -> None:
    run.people["wait_high"][::10] = run.people["wait_low"][::10] = 0.0


def account_lost(run: SyntheticRun) -> None:
    run.config["ledgers"]["accounts"].update(database=599, difference=1)


def join_doubled(run: SyntheticRun) -> None:
    run.config["ledgers"]["joins"].update(database=601, difference=1)


BREAKS: dict[str, Callable[[SyntheticRun], None]] = {
    "api_p95_s": slow_from_the_intended_start,
    "api_p99_s": slow_for_one_in_fifty,
    "server_error_ratio": server_errors,
    "codes_within_10s_ratio": slow_codes,
    "photos_stored_ratio": photos_not_stored,
    "photo_tries_median": photos_tried_again,
    "admitted_joined_ratio": admitted_but_failed,
    "waits_in_range_ratio": waits_longer_than_promised,
    "lost": account_lost,
    "doubled": join_doubled,
}


@pytest.mark.parametrize("name", BREAKS)
def test_each_objective_broken_alone(name: str, tmp_path: Path) -> None:
    run = SyntheticRun()
    BREAKS[name](run)
    verdict = judged(run, tmp_path)
    assert met(verdict) == {**dict.fromkeys(DEFAULTS, True), name: False}
    lost_or_doubled = name in ("lost", "doubled")
    assert verdict.exit_code == (6 if lost_or_doubled else 3)
    assert verdict.outcome == ("lost-or-doubled" if lost_or_doubled else "missed")
    (finding,) = verdict.findings
    assert finding.text.startswith(objective(verdict, name).text)


def test_every_objective_has_its_break() -> None:
    assert list(BREAKS) == list(DEFAULTS)


def test_the_audit_says_what_is_lost_and_what_is_doubled(tmp_path: Path) -> None:
    """A photo with missing bytes is lost although the database still counts it."""
    run = SyntheticRun()
    run.config["ledgers"]["photos"].update(difference=3, lost=2, doubled=1)
    verdict = judged(run, tmp_path)
    assert (objective(verdict, "lost").value, objective(verdict, "doubled").value) == (2, 1)
    assert objective(verdict, "lost").detail == "2 photos"
    assert [finding.code for finding in verdict.findings] == [6, 6]


def test_ledgers_that_could_not_be_read_prove_nothing(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.config["ledgers"]["joins"].update(database=None, difference=None)
    verdict = judged(run, tmp_path)
    assert (met(verdict)["lost"], met(verdict)["doubled"], verdict.exit_code) == (None, None, 0)
    assert verdict.sentence == "All 8 objectives that could be judged are met; 2 could not be."
    assert objective(verdict, "lost").detail == "the ledgers of joins could not be compared"


def test_late_generator_makes_the_run_invalid(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.people["started"][:12] += 0.05
    verdict = judged(run, tmp_path)
    assert (verdict.outcome, verdict.exit_code) == ("invalid", 5)
    exact = np.sort(run.people["started"] - run.people["due"])[int(np.ceil(0.99 * 600)) - 1] * 1000
    assert verdict.lateness_ms["p99"] == pytest.approx(exact, abs=0.001)
    assert met(verdict) == dict.fromkeys(DEFAULTS, True)


def test_a_child_that_died_is_a_miss_and_is_named(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.config["exits"][0] = {"role": "web", "code": -9, "expected": False}
    verdict = judged(run, tmp_path)
    assert verdict.exit_code == 3
    assert [finding.text for finding in verdict.findings] == ["web ended unexpectedly in mid-run (exit code -9)"]


@pytest.mark.parametrize(
    ("ended", "code", "outcome"),
    [
        ("interrupted", 130, "interrupted"),
        ("crash", 1, "crashed"),
        ("disk", 2, "stopped"),
        ("not-ready", 4, "not-ready"),
    ],
)
def test_a_run_that_ended_early(ended: str, code: int, outcome: str, tmp_path: Path) -> None:
    """What the end itself prevents is not judged."""
    run = SyntheticRun()
    run.config["ended"] = ended
    run.people["fate"][100:] = Fate.CUT
    verdict = judged(run, tmp_path)
    assert (verdict.exit_code, verdict.outcome) == (code, outcome)
    assert met(verdict)["admitted_joined_ratio"] is None
    assert met(verdict)["photos_stored_ratio"] is None
    assert met(verdict)["api_p95_s"] is True


def test_a_run_that_an_objective_ended_says_which_and_when(tmp_path: Path) -> None:
    """Missed, even where the last answers that were recorded would just do."""
    run = SyntheticRun()
    run.config.update(ended="missed", missed={"objective": "api_p95_s", "at_s": 75.5})
    verdict = judged(run, tmp_path)
    assert (verdict.exit_code, verdict.outcome) == (3, "missed")
    (finding,) = verdict.findings
    text = objective(verdict, "api_p95_s").text
    assert finding.text == f"the run was ended at 0:01:16, when this could not be met any more: {text}"
    assert verdict.sentence.startswith("An objective could not be met any more, so the run was ended")
    assert met(verdict)["admitted_joined_ratio"] is None


def test_the_worst_decides_and_all_are_listed(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.config["ended"] = "interrupted"
    account_lost(run)
    slow_from_the_intended_start(run)
    run.people["started"][:12] += 0.05
    run.config["exits"][0] = {"role": "web", "code": 1, "expected": False}
    verdict = judged(run, tmp_path)
    assert [finding.code for finding in verdict.findings] == [130, 6, 5, 3, 3]
    assert verdict.exit_code == 130


def test_a_run_that_never_began(tmp_path: Path) -> None:
    """The target did not come up: no people, no samples, no ledgers; everyone planned was cut."""
    run = SyntheticRun()
    run.config.update(ended="not-ready", ledgers={}, cpu_s={}, last_arrival_s=0.0)
    run.write(tmp_path)
    (tmp_path / "people.npz").unlink()
    (tmp_path / "samples.npz").unlink()
    verdict = judge(Run.load(tmp_path))
    assert verdict.exit_code == 4
    assert verdict.fates["cut"] == 600
    assert met(verdict) == dict.fromkeys(DEFAULTS, None)
    assert verdict.lateness_ms == {"p50": None, "p99": None, "max": None}


def test_faults_are_left_out_of_the_objectives(tmp_path: Path) -> None:
    """Everybody who was there during the fault, and every answer of its seconds, is not judged."""
    run = SyntheticRun()
    run.events = [
        {"t": 0.0, "kind": "fault", "name": "partner-down", "edge": "start", "target": "email"},
        {"t": 200.0, "kind": "fault", "name": "partner-down", "edge": "end", "target": "email"},
    ]
    during = run.people["started"] < 200
    run.people["fate"][during] = Fate.FAILED
    run.people["photos_stored"][during] = 0
    for took in run.scheduled.values():
        took[: len(took) // 3] = 9.0
    verdict = judged(run, tmp_path)
    assert met(verdict)["api_p95_s"] is True
    assert met(verdict)["photos_stored_ratio"] is True
    assert objective(verdict, "admitted_joined_ratio").detail.startswith(f"{np.count_nonzero(~during):,} of")


def test_a_fault_without_end_leaves_nothing_to_judge(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.events = [{"t": 0.0, "kind": "fault", "name": "partner-down", "edge": "start"}]
    verdict = judged(run, tmp_path)
    assert {name for name, one in met(verdict).items() if one is not None} == {"lost", "doubled"}
    assert (verdict.outcome, verdict.exit_code) == ("missed", 3)
    assert [finding.subject for finding in verdict.findings] == ["evidence"]
    assert "nobody was judged" in verdict.findings[0].text


def test_api_answers_alone_are_evidence(tmp_path: Path) -> None:
    """A short run, in which nobody had time enough to join, still says how quick the answers were."""
    run = SyntheticRun()
    run.config["drain_limit_s"] = 60
    assert judged(run, tmp_path).exit_code == 0


def test_a_fault_that_could_not_be_injected_makes_the_run_invalid(tmp_path: Path) -> None:
    """It never began, so nothing is left out of the objectives for it."""
    run = SyntheticRun()
    text = "it could not be injected: timed out"
    run.events = [{"t": 61.0, "kind": "fault", "name": "outage", "edge": "failed", "target": "email", "text": text}]
    verdict = judged(run, tmp_path)
    assert (verdict.outcome, verdict.exit_code) == ("invalid", 5)
    said = "a fault did not bite: outage of email at 0:01:01: it could not be injected: timed out"
    assert [one.text for one in verdict.findings] == [said]
    assert "a fault of the night did not bite" in verdict.sentence
    assert met(verdict) == dict.fromkeys(DEFAULTS, True)


def test_a_fault_that_touched_nothing_makes_the_run_invalid(tmp_path: Path) -> None:
    """It held, so its window is left out all the same; records of before say nothing of bites, and pass."""
    run = SyntheticRun()
    fault = {"kind": "fault", "name": "reset", "target": "database_link"}
    over = {"t": 430.0, "edge": "end", **fault}
    idle = {**over, "bit": False, "text": "no connection was touched", "counted": {"connections": 0, "first_at": None}}
    run.events = [{"t": 400.0, "edge": "start", **fault}, idle]
    record = Run.load(run.write(tmp_path / "idle"))
    verdict = judge(record)
    assert (verdict.exit_code, [one.code for one in verdict.findings]) == (5, [5])
    assert verdict.findings[0].text == (
        "a fault did not bite: reset of database link at 0:06:40: no connection was touched"
    )
    assert Facts(record).windows == [(400.0, 430.0)]
    run.events = [{"t": 400.0, "edge": "start", **fault}, over]
    assert judged(run, tmp_path / "before").exit_code == 0


def test_a_fault_that_could_not_be_ended_lasts_and_is_a_miss(tmp_path: Path) -> None:
    run = SyntheticRun()
    fault = {"kind": "fault", "name": "outage", "target": "email"}
    run.events = [{"t": 400.0, "edge": "start", **fault}, {"t": 430.0, "edge": "failed", **fault}]
    record = Run.load(run.write(tmp_path))
    assert Facts(record).windows == [(400.0, np.inf)]
    assert [one.text for one in judge(record).findings] == ["a fault did not end: outage of email at 0:07:10"]


def test_several_faults_of_a_kind_are_told_apart(tmp_path: Path) -> None:
    """The second process of a kind is killed before the first is back; the third time nobody was there to kill."""
    run = SyntheticRun()
    killed = {"kind": "fault", "name": "killed", "target": "web"}
    back = {**killed, "edge": "end", "role": "web", "bit": True, "back_after_s": 2.0}
    run.events = [
        {"t": 400.0, "edge": "start", "number": 0, **killed},
        {"t": 401.0, "edge": "start", "number": 1, **killed},
        {"t": 402.0, "edge": "failed", "number": 2, "text": "there is no process 7", **killed},
        {"t": 403.0, "number": 0, **back},
        {"t": 405.0, "number": 1, **back},
    ]
    record = Run.load(run.write(tmp_path))
    assert Facts(record).windows == [(400.0, 403.0), (401.0, 405.0)]
    verdict = judge(record)
    said = "a fault did not bite: killed of web at 0:06:42: there is no process 7"
    assert [(one.code, one.text) for one in verdict.findings] == [(5, said)]
    told = [row[-1] for row in tables.faults(Facts(record)).rows]
    assert told == ["yes; web was gone, and ready 2 s after its new start"] * 2 + [said]


def test_who_was_due_and_never_started_was_late(tmp_path: Path) -> None:
    """Only where the run went to its end: an interruption explains it."""
    run = SyntheticRun()
    run.people["started"][-1] = np.nan
    verdict = judged(run, tmp_path / "complete")
    assert (verdict.outcome, verdict.exit_code) == ("invalid", 5)
    assert verdict.findings[0].text == "1 of 600 applicants were due and never started"
    run.config["ended"] = "interrupted"
    verdict = judged(run, tmp_path / "interrupted")
    assert [one.subject for one in verdict.findings] == ["ending"]


def test_only_people_admitted_in_time_who_stayed_are_judged(tmp_path: Path) -> None:
    """Limit = last arrival 300 + drain 720 - 300 - 2,400 / pace 20 = 600 s."""
    run = SyntheticRun()
    run.people["fate"][:100] = Fate.ABANDONED
    run.people["fate"][100:200] = Fate.REFUSED
    run.people["fate"][200:300] = Fate.CUT
    run.people["admitted_at"][200:300] = 600.1
    run.people["admitted_at"][300:310] = 600.0
    run.people["fate"][300:310] = Fate.CUT
    verdict = judged(run, tmp_path)
    assert objective(verdict, "admitted_joined_ratio").value == 290 / 300


def test_a_drain_too_short_for_anyone_is_not_judged(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.config["drain_limit_s"] = 60
    joined = objective(judged(run, tmp_path), "admitted_joined_ratio")
    assert joined.met is None
    assert "left nobody the time" in joined.detail


def test_the_close_of_the_wave_ends_the_time_to_join(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.config["night"]["closes_at"] = "2020-04-11T19:10:00+07:00"
    assert "admitted by 180 s" in objective(judged(run, tmp_path), "admitted_joined_ratio").detail


def test_few_waits_are_not_judged_and_a_wide_range_is_remarked(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.people["wait_low"][:] = 0.0
    wide = objective(judged(run, tmp_path / "wide"), "waits_in_range_ratio")
    assert wide.met is True
    assert "range too wide" in wide.detail
    run.people["wait"][199:] = np.nan
    few = objective(judged(run, tmp_path / "few"), "waits_in_range_ratio")
    assert few.met is None
    assert few.detail == "199 waits were recorded; judged from 200 on"


def test_codes_held_by_a_quota_are_not_judged(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.codes["email", "yes"] = np.full(500, 60.0)
    handed = objective(judged(run, tmp_path), "codes_within_10s_ratio")
    assert handed.met is True
    assert "500 more waited for a partner's quota" in handed.detail


def test_uploads_are_judged_apart_from_api_answers(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.scheduled["files-patch"][:] = 50.0
    assert met(judged(run, tmp_path))["api_p99_s"] is True


def test_a_quantile_beyond_the_last_edge_is_still_a_number(tmp_path: Path) -> None:
    run = SyntheticRun()
    for took in run.scheduled.values():
        took[:] = 500.0
    slow = objective(judged(run, tmp_path), "api_p95_s")
    assert (slow.met, slow.value) == (False, 120.0)
    assert "lies beyond 120 s" in slow.detail


def test_loosened_objectives_carry_their_reason(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.config["night"]["objectives"]["api_p95_s"] = 2.0
    run.config["night"]["objective_reasons"] = {"api_p95_s": "the April line had 3G phones only"}
    loose = objective(judged(run, tmp_path), "api_p95_s")
    assert loose.text == "At least 95 % of API answers within 2 s of the intended start"
    assert loose.loosened == "the April line had 3G phones only"
