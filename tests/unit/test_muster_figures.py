"""What the master makes of what was measured: the record's latencies, and whether the swarm was the limit."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.muster import INVALID
from loadtests.swarm_metrics import SwarmMetrics
from tests.unit.test_health import WELL
from tests.unit.test_muster import Room, said


def figures(**signs: float) -> dict[str, Any]:
    """Of a worker with one request, a tenth of a second long."""
    metrics = SwarmMetrics(["join"], 8, lambda: 0)
    metrics.routes["join"].answered(0.0, 0.0, 0.1)
    return {**metrics.news(), "vitals": WELL | signs}


def played(folder: Path, **signs: float) -> Room:
    """A run in which everybody joined in time, and the workers' vital signs were these."""
    room = Room(record=str(folder))
    room.agree()
    room.figures = figures(**signs)
    for worker in range(3):
        room.play_all(worker)
    return room


def test_a_run_whose_generator_was_well_is_valid_and_has_its_latencies(tmp_path, capsys):
    room = played(tmp_path)
    captured = capsys.readouterr()
    done = json.loads(captured.out.splitlines()[-1])
    assert (done["exit_code"], done["health"]) == (0, [])
    assert room.muster.exit_code == 0
    latency = json.loads((tmp_path / "latency.json").read_text())
    assert {kind: told["count"] for kind, told in latency["join"].items()} == {
        "service": 3, "scheduled": 3, "blocked": 3,
    }  # fmt: skip
    assert latency["join"]["service"]["p99_99"] == pytest.approx(0.1, rel=0.01)
    assert "join service" in captured.err and "INVALID" not in captured.err


def test_a_run_whose_generator_was_the_limit_ends_with_5_and_names_it(tmp_path, capsys):
    room = played(tmp_path, cpu_share=0.97)
    captured = capsys.readouterr()
    done = json.loads(captured.out.splitlines()[-1])
    assert (done["exit_code"], done["defect"], room.muster.exit_code) == (INVALID, "", INVALID)
    (audit,) = done["health"]
    assert (audit["id"], audit["invalid"]) == ("cpu", True)
    assert f"INVALID: {audit['cause']}; {audit['advice']}" in captured.err


def test_what_only_comes_near_its_end_is_told(tmp_path, capsys):
    room = played(tmp_path, gc_max_s=0.3)
    assert [audit["id"] for audit in said(capsys)[-1]["health"]] == ["gc"]
    assert room.muster.exit_code == 0


def test_a_run_that_was_cut_short_is_not_judged(tmp_path, capsys):
    """Whoever stops it knows that it says little."""
    room = Room(record=str(tmp_path))
    room.agree()
    room.figures = figures(cpu_share=0.97)
    room.muster.stop()
    done = said(capsys)[-1]
    assert (done["ended"], done["exit_code"]) == ("interrupted", 0)
    assert [audit["id"] for audit in done["health"]] == ["cpu"]
