"""The run record: what is written comes back, and what does not fit is refused with every fault named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios import record
from scenarios.record import Fate, Furthest, RecordError, Run, Samples, SamplesWriter


def config(**changes: Any) -> dict[str, Any]:
    return {**dict.fromkeys(record.CONFIG_KEYS, 0), "schema": 1, "ended": "drained", "exits": [], **changes}


def test_people_come_back_sorted_by_number(tmp_path: Path) -> None:
    people = record.blank_people(3)
    people["number"] = np.array([2, 0, 1])
    people["requests"][:] = [22, 0, 11]
    record.write_people(tmp_path, people)
    read = record.read_people(tmp_path)
    assert {name: column.dtype for name, column in read.items()} == record.PEOPLE_COLUMNS
    assert read["number"].tolist() == [0, 1, 2]
    assert read["requests"].tolist() == [0, 11, 22]
    assert np.isnan(read["due"]).all()
    assert (read["fate"] == Fate.CUT).all()


def test_people_may_be_plain_lists(tmp_path: Path) -> None:
    """The swarm keeps lists; counts are checked against the column's type, not wrapped around."""
    record.write_people(tmp_path, {name: [0, 1] for name in record.PEOPLE_COLUMNS})
    with pytest.raises(RecordError, match="'photos_stored' has values that do not fit uint8"):
        people = {name: [0, 1] for name in record.PEOPLE_COLUMNS}
        record.write_people(tmp_path, {**people, "photos_stored": [0, 300]})


def test_every_wrong_column_is_named_at_once(tmp_path: Path) -> None:
    people: dict[str, Any] = dict(record.blank_people(2))
    del people["wait"], people["fate"]
    people["shoe_size"] = [1, 2]
    people["due"] = [1.0]
    with pytest.raises(RecordError) as refused:
        record.write_people(tmp_path, people)
    for part in ("unknown column 'shoe_size'", "missing column 'wait'", "missing column 'fate'", "differ in length"):
        assert part in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_two_rows_of_one_applicant_are_refused(tmp_path: Path) -> None:
    people = record.blank_people(2)
    people["number"][:] = 7
    with pytest.raises(RecordError, match="same number"):
        record.write_people(tmp_path, people)


def test_samples_come_back_by_series(tmp_path: Path) -> None:
    writer = SamplesWriter()
    for t in range(10):
        writer.add(t, "up", {"job": "web", "instance": "a"}, 1.0)
        writer.add(t, "hits_total", {"job": "web", "instance": "a"}, float(t // 4))
        writer.add(t, "hits_total", {"job": "web", "instance": "b"}, float(t))
    writer.write(tmp_path)
    samples = Samples.load(tmp_path)
    assert samples.names == ["hits_total", "up"]
    (labels, times, values), *more = samples.select("hits_total", instance="a")
    assert not more
    assert labels == {"job": "web", "instance": "a"}
    assert np.interp(np.arange(10), times, values).tolist()[:4] == [0, 0, 0, 0]
    assert list(zip(times, values, strict=True)) == [(0, 0), (3, 0), (4, 1), (7, 1), (8, 2), (9, 2)]
    assert len(samples.select("hits_total", job="web")) == 2
    assert [len(times) for _, times, _ in samples.select("up")] == [2]
    assert samples.select("nothing") == []


def test_samples_may_be_written_in_between(tmp_path: Path) -> None:
    """The harness writes now and then, so that a crash keeps what was seen; later samples still count."""
    writer = SamplesWriter()
    writer.write(tmp_path)
    assert Samples.load(tmp_path).names == []
    for t in (0.0, 1.0, 2.0):
        writer.add(t, "level", {}, 5.0)
        writer.write(tmp_path)
    ((_, times, values),) = Samples.load(tmp_path).select("level")
    assert (times[0], times[-1], set(values)) == (0.0, 2.0, {5.0})


def test_events_survive_a_cut_last_line(tmp_path: Path) -> None:
    record.add_event(tmp_path, 0.0, "phase", "arrivals", edge="start", planned=9)
    record.add_event(tmp_path, 1.23456, "note", "café")
    with (tmp_path / "events.jsonl").open("a") as log:
        log.write('{"t": 3, "ki')
    assert record.read_events(tmp_path) == [
        {"t": 0.0, "kind": "phase", "name": "arrivals", "edge": "start", "planned": 9},
        {"t": 1.235, "kind": "note", "name": "café"},
    ]


def test_a_whole_run_loads(tmp_path: Path) -> None:
    record.write_config(tmp_path, config(id="r1"))
    record.write_people(tmp_path, record.blank_people(4))
    SamplesWriter().write(tmp_path)
    run = Run.load(tmp_path)
    assert (run.config["id"], len(run.people["due"]), run.absent, run.events) == ("r1", 4, (), [])


def test_configuration_without_a_key_is_refused(tmp_path: Path) -> None:
    whole = config()
    del whole["seed"], whole["ended"]
    with pytest.raises(RecordError, match="missing key 'seed'; missing key 'ended'"):
        record.write_config(tmp_path, whole)
    with pytest.raises(RecordError, match="'asleep' is none of drained"):
        record.write_config(tmp_path, config(ended="asleep"))
    with pytest.raises(RecordError, match="schema 2"):
        record.write_config(tmp_path, config(schema=2))


@pytest.mark.parametrize("changes", [{"ended": "interrupted"}, {"exits": [{"role": "swarm", "expected": False}]}])
def test_a_run_cut_short_may_lack_people_and_samples(tmp_path: Path, changes: dict[str, Any]) -> None:
    record.write_config(tmp_path, config(**changes))
    run = Run.load(tmp_path)
    assert run.absent == ("people.npz", "samples.npz")
    assert len(run.people["number"]) == 0


def test_a_complete_run_may_not(tmp_path: Path) -> None:
    record.write_config(tmp_path, config())
    with pytest.raises(RecordError, match=r"people\.npz and samples\.npz absent"):
        Run.load(tmp_path)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="not a readable run"):
        Run.load(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(config(ended="crash")))
    (tmp_path / "people.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(RecordError, match="not a readable npz"):
        Run.load(tmp_path)


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    def fail(file: object) -> None:
        raise OSError("disk full")

    (tmp_path / "people.npz").write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"):
        record.write_whole(tmp_path / "people.npz", fail)
    assert (tmp_path / "people.npz").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["people.npz"]


def test_every_stage_has_its_column_and_every_member_a_phrase() -> None:
    assert all(stage.column in record.PEOPLE_COLUMNS for stage in Furthest if stage)
    assert all(fate.phrase for fate in Fate)
    assert all(reason.phrase for reason in record.Reason)
