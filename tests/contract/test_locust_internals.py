"""What the swarm relies on inside Locust: fails loudly when another version behaves otherwise."""

import json
import subprocess
import sys
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from loadtests.harness.processes import free_ports
from tests.children import child_process
from tests.integration.swarm_room import (
    PLANNED,
    QUICK,
    ROOT,
    counts,
    eventually,
    hurried_night,
    master_port,
    target,
)


@pytest.fixture(scope="module")
def internals() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.locust_internals"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_is_the_version_that_was_read(internals):
    """Before raising the pin, read runners.py, main.py and stats.py of the new one."""
    assert internals["version"] == "2.47.0"


def test_a_process_without_workers_sends_messages_to_itself(internals):
    assert internals["to_self"] == ["crowd_plan", "bytes", "local"]


def test_messages_carry_bytes(internals):
    assert internals["messages_carry_bytes"]


def test_statistics_are_written_without_request_events(internals):
    """One request: in the total, in its row, and once as a failure."""
    assert internals["requests"] == [1, 1, 1]


def test_live_applicants_can_stand_in_for_users(internals):
    """The local runner's count is a property; a worker's report passes our listener after the runner's own."""
    assert internals["user_count"] == 42
    assert internals["own_report"]
    assert internals["last_word"] == 2


def test_a_worker_can_report_at_once(internals):
    """What its statistics are sent by, when the ledger follows: the event, then the message."""
    assert [name for name in internals["stats_at_once"] if name in ("report_to_master", "fire", "send")] == [
        "report_to_master",
        "fire",
        "send",
    ]


def test_a_lost_worker_is_called_missing(internals):
    assert internals["missing"] == "missing"
    assert internals["clients"] == []


def test_a_lost_worker_is_noticed_within_seconds(internals):
    """A beat a second, missing after three; statistics come every three seconds."""
    assert internals["heartbeats"] == [1, 3, 3.0]


def test_a_shape_that_stands_still_starts_its_crowd_once(internals):
    """Asked every second; only what changes starts anything, and None ends the test."""
    assert internals["shape"] == {"ticks": 4, "starts": [[1, 1]], "stopped": ["stopping"], "knows_runner": True}


def test_the_exit_code_is_ours_to_set(internals):
    assert internals["exit_code"] is None


def test_the_web_ui_takes_tabs_of_ours(internals):
    """What is put into its template's facts stays there, and the view of its rows can be replaced by name."""
    assert internals["web_ui"] == {"views": True, "kept": ["ours"], "in_page": True, "blueprint": True}


def test_the_web_ui_starts_a_night_and_counts_its_people(tmp_path):
    """Started by its button, with workers: live applicants as users while they wait, every request in the table, and
    a stop that leaves a record."""
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--web-host", "127.0.0.1"]
    web = free_ports(1)
    command += ["--web-port", str(web), "--processes", "2", *master_port(), "--lifeline"]
    command += ["--night", str(hurried_night(tmp_path)), *QUICK]
    with target("--mute") as url:
        command += ["--host", url, "--partners-url", url, "--record", str(tmp_path / "run")]
        with (
            (tmp_path / "locust.log").open("w") as log,
            child_process(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log) as process,
        ):
            address = f"http://127.0.0.1:{web}"
            eventually(lambda: len(_stats(address).get("workers", [])) == 2, "two workers")
            urlopen(Request(f"{address}/swarm", urlencode({"host": url}).encode()), timeout=30).close()
            eventually(lambda: counts(url).get("codes", 0) == PLANNED, "everybody waits for a code")
            eventually(lambda: _stats(address)["user_count"] == PLANNED, "all of them are shown")
            eventually(lambda: _requests(address, "codes") == PLANNED, "each request is in the table")
            urlopen(Request(f"{address}/stop", b""), timeout=90).close()
            eventually((tmp_path / "run/people.npz").exists, "a record of the stopped run")
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)
    assert "Traceback" not in (tmp_path / "locust.log").read_text()


def _stats(address: str) -> dict[str, Any]:
    try:
        with urlopen(f"{address}/stats/requests", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
    except OSError:
        return {}
    return found


def _requests(address: str, name: str) -> int:
    return sum(row["num_requests"] for row in _stats(address).get("stats", []) if row["name"] == name)
