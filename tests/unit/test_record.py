"""The run record: what is written comes back, and what does not fit is refused with every fault named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios import record
from scenarios.record import Fate, Furthest, RecordError, Run, Samples, SamplesWriter
from tests.unit import synthetic_run


def config(**changes: Any) -> dict[str, Any]:
    return {**synthetic_run.config(4), **changes}


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


def test_records_of_before_lack_newer_columns(tmp_path: Path) -> None:
    """Nobody was taken over then, and all clients were punctual."""
    older: Any = {n: c for n, c in record.blank_people(2).items() if n not in ("taken_over", "manners")}
    np.savez(tmp_path / "people.npz", **older)
    read = record.read_people(tmp_path)
    assert read["taken_over"].tolist() == [False, False]
    assert read["manners"].tolist() == [0, 0]


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


@pytest.mark.parametrize(
    "changes", [{"ended": "interrupted"}, {"exits": [{"role": "swarm", "code": 1, "expected": False}]}]
)
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


DAMAGE: list[tuple[str, Any, str]] = [
    ("id", 7, "id: must be text"),
    ("night", [], "night: must be a table"),
    ("night.title", None, "night.title: must be text"),
    ("night.opens_at", "tonight", "night.opens_at: must be an instant with its zone"),
    ("night.closes_at", "2020-04-16T16:00:00", "night.closes_at: must be an instant with its zone"),
    ("night.objectives", {}, "night.objectives.api_p95_s: missing"),
    ("night.objectives.lost", "none", "night.objectives.lost: must be a number"),
    ("night.objectives.stage", ["code"], "night.objectives.stage: must be a table"),
    ("night.objectives.stage", {"code": {"p95_s": "1"}}, "night.objectives.stage.code.p95_s: must be a number"),
    ("night.objectives.window", [{"name": "x", "start_s": 0}], "night.objectives.window[0].end_s: missing"),
    ("night.objective_reasons", None, "night.objective_reasons: must be a table"),
    ("night.funnel", [7], "night.funnel[0]: must be a table"),
    ("night.figures", [{"key": "x"}], "night.figures[0].value: missing"),
    ("factors", 3, "factors: must be a table"),
    ("factors.people", "1/0", "factors.people: people must be a fraction"),
    ("factors.speed", 0, "factors.speed: must be a number above 0"),
    ("factors.pace", float("nan"), "factors.pace: must be a number above 0"),
    ("planned", -1, "planned: must be a whole number"),
    ("machine", "big", "machine: must be a table"),
    ("machine.memory_bytes", None, "machine.memory_bytes: must be a number"),
    ("ledgers", [], "ledgers: must be a table"),
    ("ledgers.joins", {"client": 1}, "ledgers.joins.database: missing"),
    ("ledgers.joins.difference", "2", "ledgers.joins.difference: must be a whole number"),
    ("ledgers.joins.lost", None, "ledgers.joins.lost: must be a whole number"),
    ("cpu_s", {"web": True}, "cpu_s.web: must be a number"),
    ("exits", [{"role": "web"}], "exits[0].expected: missing"),
    ("last_arrival_s", None, "last_arrival_s: must be a number"),
    ("ended", "missed", "missed: does not say which objective ended the run"),
    ("missed", {"objective": 7, "at_s": 1.0}, "missed.objective: must be text"),
]


@pytest.mark.parametrize(("key", "value", "words"), DAMAGE, ids=[f"{key}={value!r}" for key, value, _ in DAMAGE])
def test_values_inside_the_configuration_are_checked(tmp_path: Path, key: str, value: Any, words: str) -> None:
    """In one line with the file, before anything computes with them."""
    damaged = config(ended="crash")
    *tables, last = key.split(".")
    inner = damaged
    for name in tables:
        inner = inner[name]
    inner[last] = value
    (tmp_path / "run.json").write_text(json.dumps(damaged))
    with pytest.raises(RecordError) as error:
        Run.load(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'run.json'}: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "9" * 6_000, "7"])
def test_a_configuration_that_cannot_be_parsed_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RecordError, match=r"run\.json: not a"):
        Run.load(tmp_path)


def test_a_missing_run_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    with pytest.raises(RecordError) as error:
        Run.load(path)
    assert str(error.value) == f"{path / 'run.json'}: not a readable run (No such file or directory)"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("7", "event: must be a table"),
        ('{"kind": "note", "name": "x"}', "event.t: missing"),
        ('{"t": "soon", "kind": "note", "name": "x"}', "event.t: must be a number"),
        ('{"t": NaN, "kind": "note", "name": "x"}', "event.t: must be a number"),
        ('{"t": 1, "kind": "fault"}', "event.name: missing"),
        ('{"t": 1, "kind": "fault", "name": "x", "edge": []}', "event.edge: must be text"),
        ("{", "not JSON"),
    ],
)
def test_events_that_are_none_are_refused_by_line(tmp_path: Path, line: str, words: str) -> None:
    record.add_event(tmp_path, 0.0, "note", "fine")
    with (tmp_path / "events.jsonl").open("a") as log:
        log.write(f"{line}\n")
    with pytest.raises(RecordError) as error:
        record.read_events(tmp_path)
    assert f"events.jsonl:2: {words}" in str(error.value)


@pytest.mark.parametrize(
    ("series", "words"),
    [("[", "not JSON"), ("[7]", r"series\[0\]: must be a table"), ('[{"name": "x"}]', "labels: missing")],
)
def test_series_that_are_none_are_refused(tmp_path: Path, series: str, words: str) -> None:
    nothing = np.zeros(0)
    np.savez(tmp_path / "samples.npz", series=series, series_index=np.zeros(0, "i4"), time=nothing, value=nothing)
    with pytest.raises(RecordError, match=words):
        Samples.load(tmp_path)


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
