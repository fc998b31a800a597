"""The folder that a simulation fills: one command's alone, and nothing of it stays when the command fails."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scenarios.simulation.unfinished import Unfinished

NIGHT = "a-night"
ENDED = """
import sys
from pathlib import Path
from scenarios.simulation.unfinished import Unfinished

unfinished = Unfinished()
with unfinished.taken(Path(sys.argv[1])) as folder:
    (folder / "notes").touch()
    if not sys.argv[2]:
        unfinished.end(7)
unfinished.end(7)
"""


class Failed(Exception):
    """What a night failed of."""


def test_commands_of_one_second_have_a_folder_each(tmp_path: Path) -> None:
    """Ten in less than a second, or so: those that share one have a number behind it."""
    commands = [Unfinished() for _ in range(10)]
    folders = []
    for each in commands:
        with each.made(tmp_path, NIGHT) as folder:
            folders.append(folder)
    assert sorted(tmp_path.iterdir()) == sorted(set(folders)) and len(set(folders)) == len(commands)


def test_what_fails_takes_nobody_elses_record_with_it(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "mine"
    with Unfinished().made(tmp_path, NIGHT, out) as folder:
        (folder / "run.json").touch()
        with pytest.raises(ValueError, match="is there already"), Unfinished().made(tmp_path, NIGHT, out):
            pass
        with pytest.raises(Failed), Unfinished().made(out.parent, NIGHT) as other:
            assert other != folder and other.is_dir()
            (other / "notes").touch()
            raise Failed
    assert list(out.parent.iterdir()) == [out] and (out / "run.json").exists()


def test_a_folder_is_there_as_soon_as_it_is_named(tmp_path: Path) -> None:
    """So that whoever comes later finds another name, however long the first one takes to write anything."""
    found: list[Path] = []
    begin = threading.Barrier(4)

    def take() -> None:
        begin.wait()
        with Unfinished().made(tmp_path, NIGHT) as folder:
            found.append(folder)

    threads = [threading.Thread(target=take) for _ in range(begin.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == begin.parties


@pytest.mark.parametrize("whole", [False, True])
def test_a_process_that_is_ended_leaves_only_what_is_whole(whole: bool, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    ended = subprocess.run([sys.executable, "-c", ENDED, given, "whole" if whole else ""])
    assert ended.returncode == 7
    assert list(tmp_path.iterdir()) == ([given] if whole else [])


@pytest.mark.parametrize("name", ["a/b", "a\nb", "n" * 201])
def test_a_name_that_is_no_folders_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be part of a folder's name"), Unfinished().made(tmp_path, name):
        pass
    assert list(tmp_path.iterdir()) == []
