"""What may never be committed, and what must stand in each file."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_holds_hashes_and_no_address(lock):
    text = lock.read_text()
    assert "://" not in text
    for block in re.split(r"\n(?=\S)", text):
        assert "--hash=sha256:" in block, f"without a hash: {block.splitlines()[0]}"


def test_locks_are_nested():
    """What the image installs is part of what a rehearsal installs, in the same versions."""
    pins = {lock.stem: set(re.findall(r"^(\S+==\S+)", lock.read_text(), re.M)) for lock in LOCKS}
    assert pins["base"] <= pins["load"] <= pins["dev"]


def test_no_path_of_a_machine_is_committed():
    home = re.compile(r"/(home|Users)/[a-z]+/|" + re.escape(str(ROOT.parent) + "/"))
    faults = []
    for path in _tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        faults += [f"{path.relative_to(ROOT)}: {found.group()}" for found in home.finditer(text)]
    assert faults == []


def test_files_hold_one_thing():
    """A source file near 400 lines is split by noun."""
    sources = {str(path.relative_to(ROOT)): path for path in _tracked() if path.suffix == ".py"}
    assert {name for name, path in sources.items() if _lines(path) > 420} == set()


def _lines(path: Path) -> int:
    return path.read_text().count("\n")


def test_tests_that_run_alone_are_where_they_are_looked_for():
    """`make test` leaves them out everywhere, and then runs those of tests/acceptance."""
    marked = re.compile(r"\bmark\.alone\b")
    tests = [path for path in _tracked() if path.suffix == ".py" and path.is_relative_to(ROOT / "tests")]
    found = {path.parent.name for path in tests if path != Path(__file__) and marked.search(path.read_text())}
    assert found == {"acceptance"}


def test_tests_start_processes_where_they_are_ended():
    """One that outlived its test once hung a whole suite, and failed another test by its warning."""
    starts = re.compile(r"^\s+.*\bPopen\(", re.M)
    tests = [path for path in _tracked() if path.suffix == ".py" and path.is_relative_to(ROOT / "tests")]
    found = {str(path.relative_to(ROOT)) for path in tests if starts.search(path.read_text())}
    assert found == {"tests/children.py"}
