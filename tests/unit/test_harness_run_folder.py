"""The folder of one run."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.cli import parser
from loadtests.harness import run_folder
from loadtests.harness.errors import Refusal
from loadtests.harness.order import Order, order_of
from loadtests.harness.processes import environment
from loadtests.harness.run_folder import RunFolder
from scenarios.record import Run, read_events
from tests.children import child_process


def order(*more: str) -> Order:
    return order_of(parser().parse_args(["rehearse", "prakerja-wave-1", "--people", "1/5000", *more]))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_run_has_a_folder_of_its_own() -> None:
    """Also two that begin in one second."""
    folders = [RunFolder(order()) for _ in range(3)]
    assert len({folder.path for folder in folders}) == 3
    assert all(folder.logs.is_dir() and folder.photos.is_dir() for folder in folders)


def test_events_before_the_opening_get_their_time_when_it_is_known() -> None:
    folder = RunFolder(order())
    folder.event("phase", "prepare", "start", at=100.0)
    assert read_events(folder.path) == []
    folder.opens_at = 110.0
    folder.event("phase", "arrivals", "start", at=110.0)
    assert [(event["name"], event["t"]) for event in read_events(folder.path)] == [
        ("prepare", -10.0),
        ("arrivals", 0.0),
    ]


def test_a_run_whose_harness_was_killed_can_be_read() -> None:
    """What is written at the opening already makes a record, of a crash."""
    folder = RunFolder(order("--seed", "7"))
    folder.write_config()
    run = Run.load(folder.path)
    assert (run.config["ended"], run.config["seed"], run.config["planned"]) == ("crash", 7, 16)
    assert run.config["factors"] == {"people": "1/5000", "speed": 1.0, "pace": 20.0}
    assert json.loads((folder.path / "run.json").read_text())["night"]["name"] == "prakerja-wave-1"


@pytest.mark.parametrize(("options", "kept"), [((), False), (("--keep-photos",), True)])
def test_photo_bytes_go_unless_they_are_to_be_kept(options: tuple[str, ...], kept: bool, tmp_path: Path) -> None:
    folder = RunFolder(order(*options))
    elsewhere = tmp_path / "elsewhere"
    for path in (folder.photos / "one", folder.work / "database" / "rows", elsewhere / "rows"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    folder.discard_work(elsewhere)
    assert (folder.photos / "one").exists() is kept
    assert not elsewhere.exists() and not (folder.work / "database").exists()
    assert folder.path.exists()


def test_a_refused_rehearsal_leaves_nothing() -> None:
    folder = RunFolder(order())
    folder.discard()
    assert not folder.path.exists() and not folder.work.exists()


def test_receipts_that_are_not_there_are_unknown() -> None:
    folder = RunFolder(order())
    assert folder.receipts() is None
    (folder.path / "receipts.json").write_text('{"accounts": {}}')
    assert folder.receipts() == {"accounts": {}}


@pytest.mark.parametrize("name", ["../../other", "a/b", "a\\b", "a\0b", "n" * 300])
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_made(name: str, tmp_path: Path) -> None:
    good = order()
    bad = replace(good, night=replace(good.night, name=name))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Refusal, match="night's name"):
        RunFolder(bad)
    assert sorted(tmp_path.rglob("*")) == before


LEAVE = """
import os, sys
from tests.unit.test_harness_run_folder import order
from loadtests.harness.run_folder import RunFolder
folder = RunFolder(order(*sys.argv[1:]))
for path in (folder.photos / "one", folder.work / "database" / "rows"):
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
print(folder.work, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("options", "kept"), [((), False), (("--keep-photos",), True)])
def test_what_a_killed_harness_left_is_swept_by_the_next(options: tuple[str, ...], kept: bool, tmp_path: Path) -> None:
    """While it lives nothing of it is touched, which is also the negative control."""
    command, pipe = [sys.executable, "-c", LEAVE, *options], subprocess.PIPE
    with child_process(command, stdin=pipe, stdout=pipe, text=True, env=environment({})) as harness:
        assert harness.stdout is not None
        work = Path(harness.stdout.readline().strip())
        RunFolder(order())
        assert (work / "photos" / "one").exists() and (work / "database" / "rows").exists()
    RunFolder(order())
    assert (work / "photos" / "one").exists() is work.exists() is kept
    assert not (work / "database").exists()


def test_a_sweep_follows_no_link(tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").touch()
    above = RunFolder(order()).work.parent
    (above / "link").symlink_to(treasure)
    RunFolder(order())
    assert (treasure / "gold").exists()


def test_a_record_names_the_code_it_was_played_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of the same code are repeats; a release names none of the changes between two commits."""
    assert set(run_folder.CODE_OF) <= set(run_folder.versions())
    assert "service code" not in run_folder.versions(ours=False), "nobody knows the code of a stack that runs"
    monkeypatch.setattr(run_folder, "ROOT", tmp_path)
    for name in ("service", "loadtests", "scenarios"):
        (tmp_path / name / "__pycache__").mkdir(parents=True)
    (tmp_path / "service" / "rule.py").write_text("LIMIT = 1")
    before = run_folder.versions()
    (tmp_path / "service" / "__pycache__" / "rule.pyc").write_text("compiled")
    assert run_folder.versions() == before
    (tmp_path / "service" / "rule.py").write_text("LIMIT = 2")
    after = run_folder.versions()
    assert [name for name in before if before[name] != after[name]] == ["service code"]
