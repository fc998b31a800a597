"""What a rehearsal keeps of the swarm's last words."""

from pathlib import Path

import pytest

from loadtests.harness.rehearsal import Rehearsal
from loadtests.harness.swarm import losses
from scenarios import record, record_shapes
from scenarios.fates import Fate, Reason
from tests.unit import synthetic_run

TAKEOVER = {"worker": 1, "at_s": 33.06, "silent_s": 3.2, "shards": 80, "cut": 1200, "overdue": 7, "takers": [0, 2]}


def test_each_lost_worker_is_a_line() -> None:
    """And the record says it in the shape that its readers expect."""
    assert losses({"health": []}) == []
    (line,) = losses({"takeovers": [TAKEOVER]})
    assert line == (
        "the swarm lost worker 1 at 33.1 s: 1,200 of its people are cut, 2 others went on with its 80 shards, "
        "7 people started late"
    )
    config = {**synthetic_run.config(4), "swarm": {"health": [], "takeovers": [TAKEOVER]}}
    assert record_shapes.config_faults(config) == []
    config["swarm"] = {"takeovers": [{**TAKEOVER, "takers": "all"}]}
    assert "swarm.takeovers" in str(record_shapes.config_faults(config))


@pytest.mark.parametrize(("reason", "most"), [(Reason.RUN_ENDED, 6), (Reason.WORKER_LOST, None)])
def test_how_many_codes_a_lost_worker_asked_for_nobody_knows(tmp_path: Path, reason: Reason, most: int | None) -> None:
    """Of whoever was cut by the run's end it is one more than known at most."""
    people = record.blank_people(3)
    people["codes_asked"][:] = [2, 3, 0]
    people["fate"][:] = [Fate.JOINED, Fate.JOINED, Fate.CUT]
    people["reason"][:] = [Reason.JOINED, Reason.JOINED, reason]
    record.write_people(tmp_path, people)
    rehearsal = Rehearsal.__new__(Rehearsal)
    rehearsal.folder = type("Folder", (), {"path": tmp_path})()
    assert rehearsal._most_codes() == most
    assert rehearsal._anyone_cut() == (reason == Reason.RUN_ENDED)
