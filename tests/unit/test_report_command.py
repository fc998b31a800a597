"""`launchnight report` on folders that are damaged or cannot be written: one line, exit code 2, no traceback."""

import json
from pathlib import Path

import pytest

from loadtests import cli
from tests.unit.synthetic_run import SyntheticRun


def refusal(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that `report` says about `folder`."""
    assert cli.main(["report", str(folder)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


def test_a_run_that_is_not_there_is_named_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(tmp_path / "nowhere", capsys)
    assert line.count("nowhere") == 1
    assert line.endswith("(No such file or directory)")


def test_a_damaged_configuration_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = SyntheticRun(planned=20)
    run.write(tmp_path)
    run.config["factors"]["people"] = "1/0"
    (tmp_path / "run.json").write_text(json.dumps(run.config))
    assert "run.json: factors.people: people must be a fraction" in refusal(tmp_path, capsys)


def test_a_damaged_event_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SyntheticRun(planned=20).write(tmp_path)
    (tmp_path / "events.jsonl").write_text('{"t": 1}\n')
    assert "events.jsonl:1: event.kind: missing; event.name: missing" in refusal(tmp_path, capsys)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SyntheticRun(planned=20).write(tmp_path)
    (tmp_path / "verdict.json").mkdir()  # root, who runs some test suites, may write everywhere else
    assert refusal(tmp_path, capsys) == f"launchnight: cannot write {tmp_path}: Is a directory"


def test_the_answer_on_the_screen_is_in_the_language_of_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The document of --json is that of verdict.json, in any language."""
    folder = SyntheticRun(planned=60).write(tmp_path / "run", scrape_s=130.0)
    assert cli.main(["report", str(folder), "--language", "id", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    written = json.loads((folder / "verdict.json").read_text())
    assert told["answer"] == written["answer"]
    assert all(one["text"].startswith("tidak diketahui") for one in written["answer"] if one["value"] is None)
