"""`launchnight simulate` as a command: record, report and seeds by real processes, which end with it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from loadtests.simulated import INTERRUPTED
from tests.children import child_process

NIGHT = ("simulate", "prakerja-wave-1", "--cut", "--people")
SOON_S = 60.0


def command(*words: str, where: Path) -> AbstractContextManager["subprocess.Popen[str]"]:
    """Uncompiled, so that nothing is compiled for so few people; with its processes a group, as at a terminal."""
    return child_process(
        [sys.executable, "-m", "loadtests.cli", *NIGHT, *words, "--runs", where],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "LAUNCHNIGHT_PLAIN": "1"},
        start_new_session=True,
    )  # fmt: skip


def test_two_seeds_leave_the_record_and_the_report_of_the_first(tmp_path: Path) -> None:
    with command("3", "--seeds", "2", "--json", where=tmp_path) as process:
        out, told = process.communicate()
    assert process.returncode == 0, told
    document = json.loads(out)
    assert document["seeds"] == [1, 2] and "seed 2" in told
    (folder,) = tmp_path.iterdir()
    assert document["record"] == str(folder)
    assert json.loads((folder / "run.json").read_text())["seed"] == 1
    assert document["report"] == str(folder / "report.html") and (folder / "report.html").exists()
    assert not list(folder.glob(".notes*"))
    assert document["total_cpu_s"] > sum(each["cpu_s"] for each in document["runs"])
    assert document["runs"][0]["digest"] != document["runs"][1]["digest"]


def killed(process: "subprocess.Popen[str]") -> None:
    process.kill()


def interrupted(process: "subprocess.Popen[str]") -> None:
    """Alone."""
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=SOON_S)
    assert process.returncode == INTERRUPTED and told == ""


def interrupted_at_the_terminal(process: "subprocess.Popen[str]") -> None:
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=SOON_S)
    assert process.returncode == INTERRUPTED and "nothing is kept" in told and "Traceback" not in told


@pytest.mark.parametrize(
    ("seeds", "end"),
    [("2", killed), ("1", interrupted), ("1", interrupted_at_the_terminal)],
    ids=["killed", "interrupted", "at-the-terminal"],
)
def test_whatever_ends_the_command_ends_its_processes_and_leaves_no_record(
    seeds: str, end: Callable[["subprocess.Popen[str]"], None], tmp_path: Path
) -> None:
    """3,000 people uncompiled would take minutes."""
    with command("3000", "--seeds", seeds, "--quiet", where=tmp_path) as process:
        parent = psutil.Process(process.pid)
        deadline = time.monotonic() + SOON_S
        while not list(tmp_path.glob("*/.notes-*/*")):
            assert process.poll() is None and time.monotonic() < deadline
            psutil.wait_procs([parent], timeout=0.05)
        children = parent.children(recursive=True)
        assert len(children) == (1 if seeds == "1" else 3)
        end(process)
        if end is not killed:  # it waits for the others
            assert list(tmp_path.iterdir()) == []
    _, alive = psutil.wait_procs(children, timeout=SOON_S)
    assert alive == []
    assert list(tmp_path.iterdir()) == []
