"""Real rehearsals, tiny: everything as separate processes on loopback, and nothing left afterwards."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadtests import cli
from loadtests.harness import programs, rehearsal, stack
from loadtests.harness.disk import DiskGuard
from reports import little
from scenarios.record import Samples
from tests.launched import launchnight
from tests.stack.rehearsing import FEW, LATE, REHEARSE

pytestmark = pytest.mark.timeout(300)
alone = pytest.mark.alone


@dataclass
class Running:
    """A rehearsal under way."""

    process: "subprocess.Popen[str]"
    folder: Path

    def until(self, words: str) -> None:
        """Read its progress up to a line with these words."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if words in line:
                return
        raise AssertionError(f"it ended without saying {words!r}")

    def family(self) -> list[psutil.Process]:
        """Everything that runs because of it, the database server in its own session included."""
        family: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return family

    def program(self, role: str) -> psutil.Process:
        return next(one for one in self.family() if one.cmdline()[-2:] == [role, "--lifeline"])

    def end(self) -> tuple[int, dict[str, Any]]:
        """Its exit code and its document, once it has ended."""
        output, _ = self.process.communicate(timeout=180)
        return self.process.returncode, json.loads(output)


@contextmanager
def rehearsing(folder: Path, *more: str) -> Iterator[Running]:
    with launchnight(folder, *REHEARSE, "--json", *more) as process:
        yield Running(process, folder)


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert not alive


def events(folder: Path) -> list[dict[str, Any]]:
    (path,) = folder.glob("runs/*/events.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


@dataclass(frozen=True)
class Done:
    code: int
    document: dict[str, Any]
    folder: Path
    run: Path
    family: list[psutil.Process]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One whole rehearsal, looked at by several tests; a second one where other programs made the first one late.

    It may be ended for an objective out of reach, and must not be: nothing is.
    """
    done = whole(tmp_path_factory.mktemp("whole"))
    return done if done.code != LATE else whole(tmp_path_factory.mktemp("again"))


def whole(folder: Path) -> Done:
    with rehearsing(folder, "--abort-on-miss") as running:
        running.until("the doors are open")
        family = running.family()
        code, document = running.end()
    return Done(code, document, folder, Path(document["report"]).parent, family)


@alone
def test_a_night_that_holds_is_exit_0(done: Done) -> None:
    """Or 5, where and only where the generator was too late."""
    verdict = done.document["verdict"]
    missed = [objective for objective in verdict["objectives"] if objective["met"] is False]
    late = done.document["lateness_ms"]["p99"] > 10
    assert (done.code, verdict["outcome"], missed) == ((LATE, "invalid", []) if late else (0, "met", []))
    assert verdict["exit_code"] == done.code


@alone
def test_the_document_has_the_promised_figures(done: Done) -> None:
    document = done.document
    assert list(document) == [
        "planned", "plan_hash", "seed", "factors", "fates", "lateness_ms", "generator", "answer", "ledgers", "verdict",
        "report", "cpu_s",
    ]  # fmt: skip
    assert document["planned"] > 5 and sum(document["fates"].values()) == document["planned"]
    assert document["fates"]["joined"] > 0
    assert 0 <= document["lateness_ms"]["p50"] <= document["lateness_ms"]["p99"]
    assert document["factors"] == {"people": "1/100", "speed": 1.0, "pace": 500.0}


@alone
def test_littles_law_holds_whoever_else_has_the_machine(done: Done) -> None:
    """A late generator spoils times, not clocks: every window of a rehearsal tells, and none is apart."""
    samples = Samples.load(done.run)
    assert little.windows(samples)
    assert little.broken(samples) is None


@alone
def test_the_three_ledgers_agree(done: Done) -> None:
    ledgers = done.document["ledgers"]
    assert list(ledgers) == ["accounts", "codes", "identity_checks", "photos", "joins"]
    assert all(ledger["difference"] == 0 for ledger in ledgers.values())
    assert ledgers["joins"]["client"] == ledgers["joins"]["database"] == done.document["fates"]["joined"]
    assert ledgers["codes"]["partners"] >= ledgers["codes"]["client"] > 0
    assert ledgers["photos"]["database"] > 0


@alone
def test_cpu_of_every_role_is_counted(done: Done) -> None:
    cpu = done.document["cpu_s"]
    assert set(cpu) == {"database", "gatekeeper", "harness", "partners", "swarm", "web", "worker"}
    assert all(seconds > 0 for seconds in cpu.values())


@alone
def test_the_record_is_whole(done: Done) -> None:
    names = {"run.json", "people.npz", "samples.npz", "events.jsonl", "receipts.json"}
    written = {"report.html", "summary.md", "verdict.json", "junit.xml"}
    assert names | written <= {path.name for path in done.run.iterdir()}
    phases = [event["name"] for event in events(done.folder) if event["kind"] == "phase" and event["edge"] == "start"]
    assert phases == ["prepare", "arrivals", "drain", "audit"]
    config = json.loads((done.run / "run.json").read_text())
    assert config["ended"] == "drained" and all(one["expected"] for one in config["exits"])


@alone
def test_nothing_is_left_but_the_record(done: Done) -> None:
    assert_gone(done.family)
    assert list((done.folder / ".launchnight" / "rehearsals").iterdir()) == []


@alone
def test_the_report_can_be_written_anew(done: Done) -> None:
    (done.run / "report.html").unlink()
    assert cli.main(["report", str(done.run)]) == 0
    assert (done.run / "report.html").stat().st_size <= 250_000


def test_killing_the_service_is_exit_3(tmp_path: Path) -> None:
    """A program that dies in mid-run is a finding with a report, never a crash of the harness."""
    with rehearsing(tmp_path) as running:
        running.until("the doors are open")
        family = running.family()
        running.program("web").kill()
        code, document = running.end()
    assert code == document["verdict"]["exit_code"] and code in (3, LATE)
    assert sum(document["fates"].values()) == document["planned"]
    assert all(ledger["difference"] == 0 for ledger in document["ledgers"].values())
    assert Path(document["report"]).exists()
    assert [event["role"] for event in events(tmp_path) if event["name"] == "exit"] == ["web"]
    assert_gone(family)


def test_a_lost_worker_of_the_swarm_is_no_crash(tmp_path: Path) -> None:
    """The other one goes on with its people: each has one fate, and nothing is taken for lost or done twice.

    Invalid when too many were on their way there: of so few people one is too many.
    """
    with rehearsing(tmp_path, "--workers", "2", "--steps", "9") as running:
        running.until("the doors are open")
        family = running.family()
        swarm = next(one for one in family if "--record" in one.cmdline())
        swarm.children()[0].kill()
        code, document = running.end()
    assert code in (0, 3, 5)  # 3: a slow machine misses objectives
    assert [ledger["difference"] for ledger in document["ledgers"].values()] == [0] * 5
    assert sum(document["fates"].values()) == document["planned"]
    (config,) = (json.loads(path.read_text()) for path in tmp_path.rglob("run.json"))
    (takeover,) = config["swarm"]["takeovers"]
    assert (code == 5) or takeover["cut"] == 0
    assert_gone(family)


def test_an_audit_that_fails_is_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also when everything else went well: a night that nobody audited is no night that held."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(stack.OwnStack, "ledger", lambda _: b"no JSON")
    assert cli.main([*REHEARSE, *FEW, "--steps", "1", "--json"]) == 1
    said = capsys.readouterr()
    assert "launchnight: the audit failed: see " in said.err
    document = json.loads(said.out)
    assert (document["verdict"]["exit_code"], document["verdict"]["outcome"]) == (1, "crashed")


def test_ctrl_c_keeps_a_partial_report_and_leaves_nothing(tmp_path: Path) -> None:
    with rehearsing(tmp_path) as running:
        running.until("the doors are open")
        family = running.family()
        running.process.send_signal(signal.SIGINT)
        began = time.monotonic()
        code, document = running.end()
    assert time.monotonic() - began < 60
    assert (code, document["verdict"]["outcome"]) == (130, "interrupted")
    assert document["fates"]["cut"] > 0 and sum(document["fates"].values()) == document["planned"]
    assert all(ledger["difference"] == 0 for ledger in document["ledgers"].values())
    assert Path(document["report"]).exists()
    assert_gone(family)
    assert list((tmp_path / ".launchnight" / "rehearsals").iterdir()) == []


def test_killing_the_harness_leaves_nothing_running(tmp_path: Path) -> None:
    with rehearsing(tmp_path) as running:
        running.until("the doors are open")
        family = running.family()
        roles = {word for one in family for word in one.cmdline()}
        assert {"web", "worker", "gatekeeper", "database", "scenarios.partners", "locust"} <= roles
        running.process.kill()
        running.process.wait()
        assert_gone(family)


def test_the_disk_cap_stops_the_run_with_a_partial_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The guard with a cap of one byte: passed at its first look."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(rehearsal, "DiskGuard", lambda folders, cap_bytes: DiskGuard(folders, cap_bytes=1))
    before = psutil.Process().children(recursive=True)
    assert cli.main([*REHEARSE, "--json"]) == 2
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert "raise it with --disk-cap-gb" in said.err
    assert document["verdict"]["outcome"] == "stopped" and Path(document["report"]).exists()
    assert psutil.Process().children(recursive=True) == before


def test_a_program_that_does_not_come_up_is_exit_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setitem(programs.READY_WITHIN, "partners", 0.01)
    before = psutil.Process().children(recursive=True)
    assert cli.main([*REHEARSE, "--quiet"]) == 4
    assert "launchnight: partners did not come up within 0.01 s; its log: " in capsys.readouterr().err
    assert psutil.Process().children(recursive=True) == before
    assert list((tmp_path / ".launchnight" / "rehearsals").iterdir()) == []
