"""What a report says of the stack that was played against, above all where the database was not read."""

from pathlib import Path
from typing import Any

import pytest

import reports
from reports.facts import Facts
from reports.verdict import Verdict, judge
from scenarios.record import RecordError, Run
from tests.unit.synthetic_run import SyntheticRun

RUNNING: dict[str, Any] = {
    "started": False, "replicas": None, "proxy": None, "target": "http://127.0.0.1:8080",
    "partners": "http://127.0.0.1:8100", "ledger": False,
    "remarks": ["the gate admits 60 people/s, the night asks for 6"],
}  # fmt: skip
UNREAD = {"client": 600, "database": None, "partners": None, "unknown": 0, "difference": None}


def without_database(*, doubled: int = 0) -> SyntheticRun:
    run = SyntheticRun()
    run.config["stack"] = dict(RUNNING)
    run.config["cpu_s"] = {"swarm": 200.0, "harness": 3.0}
    seen = {**UNREAD, "partners": 600 + doubled, "difference": doubled, "lost": 0, "doubled": doubled}
    ledgers = {kind: dict(UNREAD) for kind in run.config["ledgers"]}
    run.config["ledgers"] = {**ledgers, "codes": seen, "identity_checks": {**seen, "doubled": 0, "difference": 0}}
    return run


def judged(run: SyntheticRun, folder: Path) -> Verdict:
    return judge(Run.load(run.write(folder)))


def test_what_was_not_read_is_not_taken_for_kept(tmp_path: Path) -> None:
    verdict = judged(without_database(), tmp_path)
    objectives = {one.id: one for one in verdict.objectives}
    assert (objectives["lost"].met, objectives["doubled"].met) == (None, None)
    assert objectives["lost"].detail == (
        "between clients and partners none among codes, identity checks; the database, which holds accounts, photos, "
        "joins, was not read"
    )
    assert (verdict.exit_code, verdict.sentence) == (
        0, "All 8 objectives that could be judged are met; 2 could not be.",
    )  # fmt: skip


def test_what_clients_and_partners_alone_prove_is_a_finding(tmp_path: Path) -> None:
    verdict = judged(without_database(doubled=2), tmp_path)
    assert (verdict.exit_code, verdict.outcome) == (6, "lost-or-doubled")
    assert [finding.text for finding in verdict.findings] == ["Nothing is done twice: 2 codes"]


def test_every_page_says_what_was_played_against(tmp_path: Path) -> None:
    reports.write(without_database().write(tmp_path))
    summary, page = (tmp_path / name for name in ("summary.md", "report.html"))
    for text in (summary.read_text(), page.read_text()):
        assert "The gate admits 60 people/s, the night asks for 6" in text
        assert "Differences were taken between clients and partners only" in text
        assert "Processor time is that of the swarm and the harness" in text
    assert "a running stack at http://127.0.0.1:8080" in page.read_text()


def test_a_target_that_was_gone_at_the_end_is_a_miss(tmp_path: Path) -> None:
    run = without_database()
    run.config["exits"] = [{"role": "target", "code": None, "expected": False}]
    verdict = judged(run, tmp_path)
    assert verdict.exit_code == 3
    assert [finding.text for finding in verdict.findings] == ["the target no longer answered at the end of the run"]


def test_a_record_from_before_is_of_a_stack_started_for_it(tmp_path: Path) -> None:
    facts = Facts(Run.load(SyntheticRun().write(tmp_path)))
    assert facts.stack["started"] and facts.stack["ledger"] and facts.stack["remarks"] == []


def test_a_stack_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.config["stack"] = {**RUNNING, "ledger": "yes", "remarks": [7]}
    with pytest.raises(RecordError, match=r"stack\.ledger: must be true or false; stack\.remarks\[0\]: must be text"):
        Run.load(run.write(tmp_path))
