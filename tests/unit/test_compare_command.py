"""`launchnight compare`: exit codes, baseline, trend, and what it refuses."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests import cli
from scenarios import record
from scenarios.record import Run, SamplesWriter
from tests.paired_runs import Night, made
from tests.unit.synthetic_run import SyntheticRun

NIGHT = Night(seconds=80, wavering=0.02, lasting_s=(1.0, 2.0), people=100)

Write = Callable[..., Path]


@cache
def _made(seed: int, slower: float) -> Run:
    return made(NIGHT, np.random.default_rng(seed), slower)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a run folder below tmp_path / "runs"."""

    def written(seed: int, slower: float = 1.0, **config: Any) -> Path:
        run = _made(seed, slower)
        folder = tmp_path / "runs" / f"run-{seed}"
        folder.mkdir(parents=True)
        told = {**run.config, "id": folder.name, "seed": seed, "opens_at": 1_800_000_000 + seed, **config}
        record.write_config(folder, told)
        record.write_people(folder, run.people)
        writer = SamplesWriter()
        for name in run.samples.names:
            for labels, times, values in run.samples.select(name):
                for t, value in zip(times, values, strict=True):
                    writer.add(float(t), name, labels, float(value))
        writer.write(folder)
        return folder

    return written


def compare(*arguments: object) -> int:
    return cli.main(["compare", *map(str, arguments)])


def test_a_regression_ends_with_7_and_says_what_got_worse(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = write(1), write(2, 1.5)
    assert compare(before, after, "--json") == 7
    document = json.loads(capsys.readouterr().out)
    (one,) = document["comparisons"]
    assert (document["exit_code"], one["call"], one["confidence"]) == (7, "worse", 0.95)
    p99 = next(each for each in one["changes"] if each["id"] == "api_p99_s")
    assert p99["call"] == "worse"
    assert p99["relative"]["low"] <= p99["relative"]["estimate"] <= p99["relative"]["high"]
    assert p99["relative"]["low"] > 0.0
    assert compare(before, after) == 7
    assert "Worse beyond chance: " in capsys.readouterr().out


def test_nothing_worse_ends_with_0(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = write(1), write(2)
    assert compare(before, after) == 0
    assert "No call: what changed is within what chance does." in capsys.readouterr().out
    assert compare(write(3, 1.5), before) == 0, "what got better is no regression"


def test_runs_are_named_by_folder_or_in_the_runs_folder(write: Write, tmp_path: Path) -> None:
    write(1), write(2)
    assert compare("run-1", "run-2", "--runs", tmp_path / "runs") == 0
    assert compare(tmp_path / "runs", "--runs", tmp_path) == 0, "a folder of runs stands for all that are in it"


def test_runs_that_differ_in_the_seed_alone_are_repeats(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Of one code before, of another after, in whatever order they are named."""
    old, new = ({"launchnight": "0.1.0", "service code": code} for code in ("aa", "bb"))
    folders = [write(seed, versions=new if seed % 2 else old) for seed in range(6)]
    assert compare(*folders, "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert [run["seed"] for run in one["before"]] == [0, 2, 4]
    assert [run["seed"] for run in one["after"]] == [1, 3, 5]
    assert one["changes"][0]["why"] == "3 repeats against 3"


def test_repeats_may_be_named_with_commas(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = (write(seed) for seed in range(3))
    assert compare(f"{first},{second}", third, "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert [run["seed"] for run in one["before"]] == [0, 1]


def test_unlike_runs_are_refused_unless_told(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = write(1), write(2, steps=4)
    assert compare(before, after) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "launchnight: the runs are unlike in steps: 0 and 4\n"
    assert compare(before, after, "--unlike") == 0
    assert "unlike steps: 0 and 4" in capsys.readouterr().out


def test_what_cannot_be_compared_is_named_in_a_line(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(1)
    cut_short = write(2, ended="interrupted")
    invalid = SyntheticRun(planned=50)
    invalid.people["started"] += 0.5
    for arguments, words in (
        ([good], "two runs are needed"),
        ([good, tmp_path / "nowhere"], "nowhere/run.json"),
        (
            [good, invalid.write(tmp_path / "invalid")],
            "nothing can be compared with it: 1 in 100 applicants was started",
        ),
        ([good, cut_short], "it did not go to its end (interrupted)"),
        ([good, "--baseline", "--runs", tmp_path / "runs"], "no baseline in"),
        ([good, "--baseline", "--mark"], "--mark and --baseline do not go together"),
        ([good, good, "--trend"], "--trend takes one run at most"),
        (["--mark", good, "--runs", tmp_path], f"{good} is not in {tmp_path}"),
        (["--trend", "--runs", tmp_path / "empty"], "no runs in"),
    ):
        assert compare(*arguments) == 2, words
        said = capsys.readouterr()
        assert words in said.err
        assert said.err.count("\n") == 1
        assert said.out == ""


def test_a_marked_baseline_is_compared_with(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tmp_path / "runs"
    write(1), write(2), write(3, 1.5), write(4, steps=4)
    assert compare("run-1", "run-4", "--mark", "--runs", runs) == 2, "they are no repeats"
    assert compare("run-1", "run-2", "--mark", "--runs", runs) == 0
    assert json.loads((runs / "baseline.json").read_text()) == {"runs": ["run-1", "run-2"]}
    assert compare("run-3", "--baseline", "--runs", runs) == 7
    assert compare("run-2", "--baseline", "--runs", runs) == 2
    assert "run-2 is in the baseline itself" in capsys.readouterr().err
    (runs / "baseline.json").write_text('{"runs": ["../elsewhere"]}')
    assert compare("run-3", "--baseline", "--runs", runs) == 2
    assert "not a readable baseline" in capsys.readouterr().err


def test_the_trend_shows_the_last_ten_played_alike(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    for seed in range(12):  # one was played otherwise, the newest is slower
        write(seed, 1.5 if seed == 11 else 1.0, **({"steps": 4} if seed == 10 else {}))
    assert compare("--trend", "--runs", runs, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    points = document["trend"]["points"]
    assert [point["run"] for point in points] == [f"run-{seed}" for seed in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11)]
    assert document["trend"]["reference"] == ["run-1"]
    assert points[-1]["call"] == "worse"
    assert {point["call"] for point in points[:-1]} <= {"no call", "same"}
    page = Path(document["page"]).read_text()
    assert page.count("<figure") == len(points[0]["told"])
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", page)
    assert all(point["short"] in page for point in points)
    assert len(page.encode()) < 250_000


def test_the_trend_passes_over_what_is_no_run(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tmp_path / "runs"
    write(1), write(2)
    (runs / "other").mkdir()
    (runs / "other" / "run.json").write_text('{"opens_at": 1}')
    assert compare("--trend", "--runs", runs, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["trend"]["points"]) == 2


def test_the_trend_is_against_the_baseline_and_in_indonesian_when_asked(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    write(1), write(2, 1.5), write(3, 1.5)
    compare("run-1", "--mark", "--runs", runs)
    capsys.readouterr()
    assert compare("--trend", "run-3", "--runs", runs, "--language", "id") == 0
    calls = [line.split()[-1] for line in capsys.readouterr().out.splitlines() if line.startswith("run-")]
    assert calls == ["acuan", "memburuk", "memburuk"]
    assert '<html lang="id">' in (runs / "trend.html").read_text()


def test_a_file_that_cannot_be_written_is_named(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(1)
    (tmp_path / "runs" / "baseline.json").mkdir()  # root, who runs some test suites, may write everywhere else
    assert compare("run-1", "--mark", "--runs", tmp_path / "runs") == 2
    assert capsys.readouterr().err == f"launchnight: cannot write {tmp_path / 'runs'}: Is a directory\n"
