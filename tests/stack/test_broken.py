"""A night that breaks processes and links of every kind, and whose people join all the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from scenarios import catalogue
from tests.launched import launchnight
from tests.stack.rehearsing import NIGHT, Done, ended
from tests.tools import need

pytestmark = pytest.mark.timeout(300)

FAULTS: list[tuple[str, str, float, float, str]] = [
    ("latency", "database_link", 0.0, 2.0, "delay_s = 0.01"),
    ("killed", "worker", 1.0, 1.5, ""),
    ("killed", "web", 2.0, 2.5, ""),
    ("stopped", "gatekeeper", 2.0, 3.5, ""),
    ("killed", "database", 5.0, 5.5, ""),
    ("half_close", "applicants_link", 6.0, 7.0, "after_bytes = 1_000_000_000"),
    ("killed", "proxy", 7.0, 7.5, ""),
]
IDLE = "half_close of applicants_link"
"""It cannot bite: nobody receives a gigabyte. So the run is not valid, and says why."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    need("nginx", package="nginx-light")
    folder = tmp_path_factory.mktemp("broken")
    published = Path(catalogue.__file__).parent / "nights" / f"{NIGHT[0]}.toml"
    tables = [
        f'[[faults]]\nkind = "{kind}"\ntarget = "{target}"\nstart_s = {start}\nend_s = {end}\n{more}\n'
        for kind, target, start, end, more in FAULTS
    ]
    night = folder / "night.toml"
    night.write_text("\n".join([published.read_text(), *tables]))
    options = [
        *NIGHT[1:],
        "--minutes",
        "0.15",
        "--drain-minutes",
        "0.75",
        "--replicas",
        "2",
        "--proxy",
        "nginx",
        "--json",
    ]
    with launchnight(folder, "rehearse", str(night), *options) as process:
        return ended(process, folder)


def events(done: Done, edge: str) -> dict[str, dict[str, Any]]:
    """What faults said of this edge, by name."""
    lines = [json.loads(line) for line in (done.run / "events.jsonl").read_text().splitlines()]
    faults = [one for one in lines if one["kind"] == "fault" and one["edge"] == edge]
    return {f"{one['name']} of {one['target']}": one for one in faults}


def test_nothing_is_lost_or_doubled_and_people_join(done: Done) -> None:
    """Not everybody: on a slow machine some have given up or are still at it when the run ends."""
    assert done.differences() == dict.fromkeys(done.document["ledgers"], 0), done.said
    assert 2 * done.document["fates"]["joined"] > done.document["planned"] > 3


def test_every_fault_but_one_bit(done: Done) -> None:
    over = events(done, "end")
    assert {name: one["bit"] for name, one in over.items()} == {
        f"{kind} of {target}": f"{kind} of {target}" != IDLE for kind, target, *_ in FAULTS
    }
    for name, one in events(done, "start").items():
        if name.startswith("killed"):
            assert {change["after"] for change in one["proof"]["processes"]} <= {"zombie", "gone"}, name
            assert over[name]["back_after_s"] > 0
    assert len(events(done, "start")["killed of database"]["proof"]["processes"]) > 5  # the server with its backends
    assert over["stopped of gatekeeper"]["proof"]["cpu_while_stopped_s"] == pytest.approx(0.0, abs=0.02)
    assert over["latency of database_link"]["counted"]["bytes"] > 0


def test_a_fault_that_touched_nothing_makes_the_run_invalid(done: Done) -> None:
    findings = [one for one in done.verdict["verdict"]["findings"] if one["subject"] == "faults"]
    assert done.code == 5 and [one["code"] for one in findings] == [5]
    assert findings[0]["text"].startswith("a fault did not bite: half close of applicants' link")
    assert findings[0]["text"] in (done.run / "summary.md").read_text()


def test_a_process_that_the_night_killed_did_not_crash(done: Done) -> None:
    """Its end is expected, the run went on, and its successor was measured too."""
    exits = [(one["role"], one["code"], one["expected"]) for one in done.config["exits"]]
    for role in ("web", "worker", "database", "proxy"):
        assert next(code for name, code, _ in exits if name == role) != 0, role
        assert len([one for one in exits if one[0] == role]) >= 2
    assert all(expected for _, _, expected in exits)
    assert done.config["ended"] in ("drained", "limit")
    report = (done.run / "report.html").read_text()
    assert "killed of worker" in report and "worker was gone, and ready" in report
