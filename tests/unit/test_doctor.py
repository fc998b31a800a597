"""`launchnight doctor` on machines that lack something, and on one that lacks nothing."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.harness import doctor
from loadtests.harness.errors import Exit
from tests.tools import need

ROOT = Path(__file__).parents[2]
WANTED = {"nginx": "--proxy nginx", "prometheus": "--prometheus auto", "chromium": "make test-browser"}


def examine(path: Path, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the doctor with `path` as the whole PATH."""
    return subprocess.run(
        [sys.executable, "-m", "loadtests.cli", "doctor", *options],
        cwd=ROOT,
        env={**os.environ, "PATH": str(path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def lacks(done: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, str]]:
    """By command: what is missing, with its fix."""
    verbs = json.loads(done.stdout)["verbs"]
    return {verb["command"]: {lack["what"]: lack["fix"] for lack in verb["lacks"]} for verb in verbs}


def put_program(folder: Path, name: str, says: str, code: int = 0) -> None:
    script = folder / name
    script.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    script.chmod(0o755)


def test_a_machine_without_nginx_prometheus_and_chromium(tmp_path):
    """The three are named with their fix, each beside the verb that needs it; everything else works, so exit 0."""
    done = examine(tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    for name, verb in WANTED.items():
        assert re.search(rf"^  {name}: apt-get install {name}\b", done.stdout, re.M)
        assert re.search(rf"{verb} +missing: .*\b{name}\b", done.stdout)
    assert re.search(r"^  launchnight rehearse +ready$", done.stdout, re.M)


def test_what_is_there_is_not_missed(tmp_path):
    """Negative control of the test above: with the three on the PATH none is named."""
    for name in WANTED:
        put_program(tmp_path, name, f"{name} version 1.2.3")
    done = examine(tmp_path, "--json")
    missed = {what for each in lacks(done).values() for what in each}
    assert not missed & set(WANTED)
    assert json.loads(done.stdout)["versions"] == dict.fromkeys(WANTED, "1.2.3")


def test_nginx_is_found_where_debian_puts_it(monkeypatch):
    """The PATH of people who are not root has no /usr/sbin; the harness finds nginx there all the same."""
    asked = []
    monkeypatch.setattr("shutil.which", lambda name, path: asked.append(path))
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    assert doctor.found("nginx") is None
    assert asked == ["/usr/local/bin:/usr/bin:/bin:/usr/sbin"]


def test_a_program_that_does_not_run_is_not_there(tmp_path):
    put_program(tmp_path, "prometheus", "error while loading shared libraries", code=127)
    fix = lacks(examine(tmp_path, "--json"))["launchnight rehearse --prometheus auto"]["prometheus"]
    assert "does not run" in fix and "apt-get install --reinstall prometheus" in fix


def test_a_database_that_does_not_answer(tmp_path):
    with socket.socket() as taken:  # bound and never listening: whoever connects is refused
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://app:swordfish@127.0.0.1:{taken.getsockname()[1]}/registration"
        done = examine(tmp_path, "--json", DATABASE_URL=url)
    assert "the server of DATABASE_URL" in lacks(done)["launchnight rehearse"]
    assert "swordfish" not in done.stdout


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert doctor.port(number, "end it")() == doctor.Lack(f"port {number}, which is in use", "end it")
    assert doctor.port(number, "end it")() is None


def test_only_a_python_too_old_is_fatal(monkeypatch):
    """A machine that lacks everything else can be mended with what the doctor says."""
    nothing = doctor.Diagnosis({}, {}, [doctor.Verb("make test", [doctor.Lack("git", "apt-get install git")])])
    assert (nothing.exit_code, doctor.python((3, 11))) == (Exit.OK, None)
    lack = doctor.python((3, 10))
    assert lack is not None and lack.what == "Python 3.11" and "make setup PYTHON=" in lack.fix
    monkeypatch.setattr(doctor, "PYTHON_NEEDED", (99, 0))
    assert nothing.exit_code == Exit.USAGE


@pytest.mark.parametrize("target", ["doctor", "setup"])
def test_make_says_so_before_a_python_too_old_reads_our_code(target, tmp_path):
    """An older one would stop at our syntax, with a traceback."""
    need("make", package="make")
    put_program(tmp_path, "old-python", "", code=1)
    done = subprocess.run(
        ["make", target, f"VENV={tmp_path}/venv", f"PYTHON={tmp_path}/old-python"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "needs Python 3.11" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_a_package_of_another_version_is_missing(tmp_path, monkeypatch):
    (tmp_path / "requirements").mkdir()
    lock = tmp_path / "requirements" / "load.txt"
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    check = doctor.packages("load.txt", "make setup")
    lock.write_text(f"pytest=={pytest.__version__} \\\n    --hash=sha256:00\n")
    assert check() is None
    lock.write_text("pytest==0.0.1 \\\n    --hash=sha256:00\nno-such-package==1 \\\n    --hash=sha256:00\n")
    assert check() == doctor.Lack("packages of requirements/load.txt: pytest, no-such-package", "make setup")


@pytest.mark.parametrize(("cores", "free", "files", "count"), [(2, 4e9, 10_000, 0), (1, 1e9, 1024, 3)])
def test_a_small_machine_is_warned_about(cores, free, files, count, monkeypatch):
    monkeypatch.setattr(doctor, "machine", lambda: {"cores": cores})
    monkeypatch.setattr(doctor, "memory_free", lambda: int(free))
    monkeypatch.setattr(doctor, "_open_files", lambda: files)
    assert len(doctor.warnings()) == count


def test_every_suite_and_its_programs_are_known():
    """Each `make test-*` has its line, and what its tests need from outside Python stands in it."""
    suites = set(re.findall(r"^(test-[a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert suites <= {command.removeprefix("make ") for command in doctor.VERBS}
    for suite in suites:
        needed = {
            name
            for path in (ROOT / "tests" / suite.removeprefix("test-")).rglob("*.py")
            for name in re.findall(r"""\bneed\(\s*["']([\w-]+)""", path.read_text())
        }
        listed = {check.__name__ for check in doctor.VERBS[f"make {suite}"]}
        assert needed <= listed, f"doctor does not look for {needed - listed} before make {suite}"
