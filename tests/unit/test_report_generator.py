"""What a report says of the generator: the swarm's audits, and times to one answer in ten thousand."""

import json
from pathlib import Path
from typing import Any

import pytest

import reports
from loadtests.histograms import Histogram
from reports import first_page
from reports.facts import Facts
from reports.verdict import Verdict, judge
from scenarios.record import RecordError, Run
from tests.unit.synthetic_run import SyntheticRun


def judged(run: SyntheticRun, folder: Path) -> Verdict:
    return judge(Run.load(run.write(folder)))


def audit(**changed: Any) -> dict[str, Any]:
    text = {"id": "cpu", "cause": "worker 1 used 97 % of a core", "advice": "add workers"}
    return {"invalid": True, "figure": 0.97, **text, **changed}


def test_an_audit_of_the_generator_makes_the_run_invalid_and_is_named(tmp_path: Path) -> None:
    """Cause in the findings, advice on the first page; what only comes near its end is told and spoils nothing."""
    run = SyntheticRun()
    run.config["swarm"] = {"health": [audit()]}
    verdict = judged(run, tmp_path / "invalid")
    assert (verdict.outcome, verdict.exit_code) == ("invalid", 5)
    assert [one.text for one in verdict.findings] == ["worker 1 used 97 % of a core"]
    assert "add workers" in first_page.meaning(Facts(Run.load(tmp_path / "invalid")), verdict)[0]
    run.config["swarm"] = {"health": [audit(invalid=False)]}
    verdict = judged(run, tmp_path / "told")
    assert verdict.exit_code == 0
    assert [one.cause for one in verdict.generator or ()] == ["worker 1 used 97 % of a core"]


def test_lateness_is_told_once_with_the_cause_that_the_swarm_knows(tmp_path: Path) -> None:
    """And from the rows alone where the swarm says nothing; nobody was late: nothing is told, or not known."""
    run = SyntheticRun()
    assert judged(run, tmp_path / "before").generator is None
    run.config["swarm"] = {"health": []}
    assert judged(run, tmp_path / "well").generator == []
    run.people["started"][:12] += 0.05
    assert [one.id for one in judged(run, tmp_path / "rows").generator or ()] == ["lateness"]
    run.config["swarm"] = {"health": [audit(id="lateness", cause="late: no core")]}
    assert [one.text for one in judged(run, tmp_path / "both").findings] == ["late: no core"]


def test_who_was_taken_over_from_a_lost_worker_is_not_late(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.people["started"][:12] += 4.0
    run.people["taken_over"][:12] = True
    assert judged(run, tmp_path).exit_code == 0


def page(folder: Path) -> str:
    reports.write(folder)
    return (folder / "report.html").read_text()


def test_the_page_tells_each_audit_with_what_to_do(tmp_path: Path) -> None:
    run = SyntheticRun(planned=50)
    run.config["swarm"] = {"health": [audit(id="gc", invalid=False, cause="it stopped for 90 ms"), audit()]}
    text = page(run.write(tmp_path))
    section = text[text.index('<h2 id="generator">') : text.index('<h2 id="scale">')]
    for words in ("worker 1 used 97 % of a core", "add workers", "makes the run invalid", "it stopped for 90 ms"):
        assert words in section
    assert "to one answer in ten thousand" not in section
    run.config["swarm"] = {"health": []}
    assert "Nothing of it was at its end." in page(run.write(tmp_path / "well"))


def test_times_to_one_in_ten_thousand_stand_in_a_table(tmp_path: Path) -> None:
    """As the swarm's workers measured them, in the order of the journey."""
    histogram = Histogram()
    for milliseconds in range(1, 10_001):
        histogram.observe(milliseconds / 1000.0)
    folder = SyntheticRun(planned=50).write(tmp_path)
    told = dict.fromkeys(("service", "scheduled", "blocked"), histogram.summary())
    at_once = {**told, "blocked": {**histogram.summary(), "max": 0.0}}
    (folder / "latency.json").write_text(json.dumps({"join": told, "tickets": at_once}))
    text = page(folder)
    assert text.count("waiting for a connection") == 1  # nobody waited at the other route
    assert text.index("tickets, from the departure") < text.index("join, from the intended start")
    assert "<td>10,000" in text
    (folder / "latency.json").write_text('{"join": 3}')
    with pytest.raises(RecordError, match="latency"):
        reports.write(folder)


def test_an_audit_that_is_none_is_refused(tmp_path: Path) -> None:
    run = SyntheticRun(planned=50)
    run.config["swarm"] = {"health": [{"id": "cpu", "invalid": 1}]}
    with pytest.raises(RecordError, match=r"swarm\.health"):
        Run.load(run.write(tmp_path))
