"""One verdict: screen, document, verdict.json, JUnit, page, summary and exit code of `launchnight report` say the same.

On records drawn at random: anything may be broken, unjudged, loosened, cut short; in stages and windows too.
"""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from loadtests import cli, verdict_view
from loadtests.harness.errors import PRECEDENCE as OF_THE_COMMAND
from reports import html, verdict
from scenarios.objectives import STAGE_BOUNDS, STAGES, WINDOW_BOUNDS
from scenarios.record import Fate
from tests.unit.synthetic_run import SyntheticRun
from tests.unit.test_report_verdict import BREAKS

SEEDS = range(14)
ENDS = ("drained", "limit", "interrupted", "disk", "missed", "crash", "not-ready")
BOUNDS = {"api_p95_s": 0.02, "api_p99_s": 0.9, "p95_s": 0.05, "p99_s": 0.9, "server_error_ratio": 0.0}
"""Of some of the objectives drawn: met by some routes and missed by others. Of the rest nine in ten are asked."""
MARKS = {True: "met", False: "missed", None: "not judged"}


def drawn(seed: int) -> SyntheticRun:
    """A record with about a third of all that can be wrong."""
    rng = np.random.default_rng(seed)
    run = SyntheticRun(planned=60)
    asked = run.config["night"]["objectives"]
    asked["stage"] = {str(stage): _bounds(rng, STAGE_BOUNDS) for stage in rng.choice(list(STAGES), rng.integers(0, 4))}
    asked["window"] = [
        {"name": f"w{i}", "start_s": 130.0 * i, "end_s": 130.0 * (i + 2), **_bounds(rng, WINDOW_BOUNDS),
         "stage": {"code": _bounds(rng, STAGE_BOUNDS)}}
        for i in range(rng.integers(0, 3))
    ]  # fmt: skip
    for broken in rng.choice(list(BREAKS), rng.integers(0, 4)):
        BREAKS[str(broken)](run)
    config = run.config
    config["ended"] = str(rng.choice(ENDS, p=[0.4, 0.1, *[0.1] * 5]))
    if config["ended"] == "missed":
        config["missed"] = {"objective": str(rng.choice(["api_p95_s", "stage.code.p95_s"])), "at_s": 75.5}
    if rng.random() < 0.2:
        config["exits"][0] = {"role": "web", "code": [-9, None][rng.integers(2)], "expected": False}
    if rng.random() < 0.2:
        run.people["started"][:9] += 0.05
    if rng.random() < 0.2:
        run.people["fate"][:] = Fate.ABANDONED
    if rng.random() < 0.2:
        config["ledgers"]["codes"].update(difference=None)
    if rng.random() < 0.3:
        audits = ({"id": "gc", "cause": "<a pause>", "advice": "add workers", "figure": 1.0},
                  {"id": "cpu", "cause": "worker 1 & 2", "advice": "more cores", "figure": 2.0})  # fmt: skip
        config["swarm"] = {"health": [{**one, "invalid": bool(rng.integers(2))} for one in audits]}
    if rng.random() < 0.3:
        edges = ["end", "failed"]
        run.events = [{"t": 100.0, "kind": "fault", "name": "outage", "target": "email", "edge": "start"},
                      {"t": 140.0, "kind": "fault", "name": "outage", "target": "email", "edge": edges[rng.integers(2)],
                       **({"bit": False, "text": "nobody asked"} if rng.integers(2) else {})}]  # fmt: skip
    return run


def _bounds(rng: np.random.Generator, names: tuple[str, ...]) -> dict[str, Any]:
    chosen = [str(name) for name in rng.choice(names, 2, replace=False)]
    return {**{name: BOUNDS.get(name, 0.9) for name in chosen}, "reason": "a drill & <more>"}


class Page(HTMLParser):
    """What the page tells of the verdict."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.body: dict[str, str] = {}
        self.objectives: dict[str, Any] = {}
        self.findings: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "data-exit-code" in found:
            self.body = found
        if "data-objective" in found:
            self.objectives[found["data-objective"]] = json.loads(found["data-met"])
        if "data-finding" in found:
            self.findings.append(found["data-finding"])

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return _plain("".join(self.words))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.fixture
def told_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the page only what tells the verdict, which takes no figures; and a screen that breaks no line."""
    monkeypatch.setattr(html, "SECTIONS", {name: html.SECTIONS[name] for name in ("first_page", "objectives")})
    monkeypatch.setenv("COLUMNS", "1000")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.usefixtures("told_alone")
def test_all_say_the_same(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn(seed).write(tmp_path, scrape_s=130.0)
    code = cli.main(["report", str(tmp_path)])
    screen = capsys.readouterr().out
    whole = json.loads((tmp_path / "verdict.json").read_text())
    document, stored = verdict_view.document(whole, tmp_path / "report.html")["verdict"], whole["verdict"]
    outcome, objectives, findings = stored["outcome"], stored["objectives"], stored["findings"]

    assert (stored["exit_code"], document["exit_code"], document["outcome"]) == (code, code, outcome)
    assert outcome == verdict.OUTCOMES[code]
    assert document["objectives"] == objectives
    assert code == (findings[0]["code"] if findings else 0)
    missed = {one["id"] for one in objectives if one["met"] is False}
    assert missed <= {one["subject"] for one in findings}

    lines = [_plain(line) for line in screen.splitlines()]
    assert lines[0] == f"{outcome}: {stored['sentence']}"
    assert [line for line in lines if line.startswith("exit ")] == [
        f"exit {one['code']}: {one['text']}" for one in findings
    ]
    if any(one["met"] is not None for one in objectives):
        rows = [_plain(f"{one['text']} {MARKS[one['met']]} {one['detail']}") for one in objectives]
        assert [line.strip() for line in lines if line.strip() in rows] == rows
    assert [line.removeprefix("note: ") for line in lines if line.startswith("note: ")] == stored["remarks"]

    page = Page((tmp_path / "report.html").read_text())
    assert (page.body["data-outcome"], page.body["data-exit-code"]) == (outcome, str(code))
    assert page.objectives == {one["id"]: one["met"] for one in objectives}
    assert page.findings == [one["subject"] for one in findings]
    assert _plain(stored["sentence"]) in page.text
    for one in objectives:
        assert _plain(one["text"]) in page.text and _plain(one["detail"]) in page.text

    assert_junit(ET.parse(tmp_path / "junit.xml").getroot(), stored)
    summary = (tmp_path / "summary.md").read_text()
    assert f"(exit code {code}): {stored['sentence']}" in summary
    marks = {**MARKS, False: "**missed**"}
    assert all(f"| {one['text']} | {marks[one['met']]} |" in summary for one in objectives)
    assert all(f"- {one['code']}: {one['text']}" in summary for one in findings)


@pytest.mark.usefixtures("told_alone")
def test_standard_output_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn(3).write(tmp_path, scrape_s=130.0)
    code = cli.main(["report", str(tmp_path), "--json"])
    said = json.loads(capsys.readouterr().out)
    stored = json.loads((tmp_path / "verdict.json").read_text())
    assert said == verdict_view.document(stored, tmp_path / "report.html")
    assert said["verdict"]["exit_code"] == code


def assert_junit(suite: ET.Element, stored: dict[str, Any]) -> None:
    """A case for each objective, stages and windows too; failures, skips and warnings are those of the verdict."""
    cases = {case.get("classname", "").removeprefix("launchnight."): case for case in suite.iter("testcase")}
    objectives = {one["id"]: one for one in stored["objectives"]}
    assert list(cases)[: len(objectives)] == list(objectives)
    failed = {name: case.find("failure") for name, case in cases.items() if case.find("failure") is not None}
    assert set(failed) == {one["subject"] for one in stored["findings"]}
    for one in stored["findings"]:
        assert f"exit code {one['code']}: {one['text']}" in failed[one["subject"]].get("message", "")  # type: ignore[union-attr]
    unjudged = {name for name, one in objectives.items() if one["met"] is None}
    assert {name for name, case in cases.items() if case.find("skipped") is not None} == unjudged
    counts = [int(suite.get(name, "")) for name in ("tests", "failures", "skipped", "errors")]
    assert counts == [len(cases), len(failed), len(unjudged), 0]
    for name, one in objectives.items():
        assert cases[name].get("name") == one["text"]
        output = cases[name].findtext("system-out", "")
        assert (one["loosened"] or "") in output and (one["detail"] in output or one["met"] is not True)
    warnings = suite.findtext("system-out", "")
    assert all(remark in warnings for remark in stored["remarks"])
    assert {one.get("name"): one.get("value") for one in suite.iter("property")} == {
        "outcome": stored["outcome"],
        "exit_code": str(stored["exit_code"]),
    }


def test_the_draws_reach_every_kind_of_verdict() -> None:
    """Else agreement on them would prove little."""
    configs = [drawn(seed).config for seed in SEEDS]
    assert {config["ended"] for config in configs} == set(ENDS)
    asked = [config["night"]["objectives"] for config in configs]
    assert sum(bool(one["stage"]) for one in asked) > 5 and sum(bool(one["window"]) for one in asked) > 5
    assert sum("swarm" in config for config in configs) > 2


def test_command_and_verdict_rank_exit_codes_alike() -> None:
    assert tuple(map(int, OF_THE_COMMAND)) == verdict.PRECEDENCE
    assert set(verdict.OUTCOMES) == set(verdict.PRECEDENCE)
