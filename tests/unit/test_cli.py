"""The command line: help, verbs, and what is passed on to the service."""

import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pytest

import reports
from loadtests import cli, play_options


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    passed_on = (*cli.SERVICE_VERBS, *cli.SIMULATION_VERBS)
    for verb in ("rehearse", "arrivals", "nights", "report", "compare", "serve", "doctor", *passed_on):
        assert f"    {verb}" in text


def test_help_imports_nothing_heavy() -> None:
    """Imports are what help would cost."""
    code = "import sys; from loadtests import cli; cli.parser(); print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"numpy", "rich", "psutil", "locust", "gevent", "matplotlib", "scipy", "prometheus_client", "asyncio"}
    assert not heavy & set(loaded)


def test_help_comes_at_once() -> None:
    """Within 150 ms, in CPU time, for the machine may be busy."""

    def used() -> float:
        times = os.times()
        return times.children_user + times.children_system

    def seconds() -> float:
        before = used()
        subprocess.run([sys.executable, "-m", "loadtests.cli", "--help"], capture_output=True, check=True)
        return used() - before

    assert min(seconds() for _ in range(5)) < 0.15


@pytest.mark.parametrize("verb", list(cli.SERVICE_VERBS))
def test_verbs_of_the_service_are_passed_on_whole(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda path, words: passed.append(words))
    cli.main([verb, "--json", "--port", "0", "--help"])
    assert passed == [[sys.executable, "-m", "service", verb, "--json", "--port", "0", "--help"]]


def test_an_unknown_verb_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["rehearze"])
    assert stopped.value.code == 2
    assert "invalid choice: 'rehearze'" in capsys.readouterr().err


def test_a_refused_rehearsal_says_every_fault_on_standard_error(
    capsys: pytest.CaptureFixture[str], tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert cli.main(["rehearse", "no-such-night", "--speed", "0", "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.startswith("launchnight: ") for line in said.err.splitlines()] == [True, True]


def test_a_folder_that_holds_no_run_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    assert cli.main(["report", str(tmp_path)]) == 2
    assert "run.json" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "judged", "given"), [(1, 0, 1), (4, 6, 4), (0, 3, 3), (1, 130, 130), (0, 0, 0)])
def test_what_went_wrong_stands_whatever_the_report_says(
    code: int, judged: int, given: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of the documented order among the rehearsal's own end and the verdict."""
    verdict = SimpleNamespace(exit_code=judged, to_dict=dict)
    monkeypatch.setattr("reports.write", lambda folder, language: verdict)
    monkeypatch.setattr("loadtests.verdict_view.show", lambda *_: None)
    assert cli._write_report(tmp_path, Namespace(json=False, language="en"), code) == given


def test_a_report_speaks_the_languages_that_may_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert play_options.LANGUAGES == reports.LANGUAGES
    with pytest.raises(SystemExit) as stopped:
        cli.main(["report", "runs/any", "--language", "de"])
    assert stopped.value.code == 2
    assert "--language" in capsys.readouterr().err
