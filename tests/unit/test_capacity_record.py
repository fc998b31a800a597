"""The record of a search for capacity: written and read, and refused when it does not fit."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scenarios import catalogue
from scenarios.capacity_record import (
    FILE,
    Beyond,
    Capacity,
    Outcome,
    Phase,
    Point,
    Probe,
    RecordError,
    Recovery,
    Search,
    is_capacity,
)

NIGHT = catalogue.load("prakerja-wave-1").to_dict()


def search() -> Capacity:
    """A search that found 40 people a second."""
    probe = Probe(1, Phase.RAMP, 40.0, 1, "probes/01", Outcome.HELD, "all objectives are met", 0, 39.8, 0.1)
    broken = replace(
        probe, number=2, offered_per_s=80.0, folder="probes/02", outcome=Outcome.BROKE, why="too slow", exit_code=3
    )
    return Capacity(
        id="20261122-120000-prakerja-wave-1-capacity",
        night=NIGHT,
        order={
            "set": "prepared", "factors": {"people": "1", "speed": 1.0, "pace": 60.0}, "steps": 0, "minutes": 3.0,
            "length_s": 180.0, "drain_limit_s": 300.0, "workers": 1, "replicas": 1, "seed": 1, "from_per_s": 1.0,
            "most_probes": 8, "beyond": True, "target": None,
            "options": {"night": "prakerja-wave-1"},
        },
        machine={"cpus": 2},
        versions={"launchnight": "0.1"},
        probes=(probe, broken),
        search=Search(40.0, 42.0, {"goodput": 41.0, "objectives": 41.0}, 41.0),
        beyond=Beyond(41.0, (Point(2.0, 82.0, 40.0, 0.976, "probes/05", "broke"),)),
        recovery=Recovery(20.0, 82.0, 30.0, 100.0, 900.0, 44.0, 120.0, "probes/07"),
    )  # fmt: skip


def test_what_is_written_is_read(tmp_path: Path) -> None:
    found = search()
    found.write(tmp_path)
    assert Capacity.load(tmp_path) == found
    assert is_capacity(tmp_path) and not is_capacity(tmp_path / "probes")


def test_a_search_that_has_just_begun_is_a_record(tmp_path: Path) -> None:
    begun = replace(search(), probes=(), search=Search(no_call_because="nothing yet"), beyond=None, recovery=None)
    begun.write(tmp_path)
    assert Capacity.load(tmp_path) == begun


def test_what_a_later_version_adds_is_left_alone(tmp_path: Path) -> None:
    search().write(tmp_path)
    document = json.loads((tmp_path / FILE).read_text())
    document["probes"][0]["mood"] = document["search"]["mood"] = document["mood"] = "good"
    (tmp_path / FILE).write_text(json.dumps(document))
    assert Capacity.load(tmp_path) == search()


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        (("schema",), 2, "schema 2 is not 1"),
        (("probes", 0, "phase"), "guess", "probes[0].phase: must be one of ramp"),
        (("probes", 1, "outcome"), None, "probes[1].outcome: must be one of held"),
        (("probes", 0, "offered_per_s"), -1, "probes[0].offered_per_s: must be a number above 0"),
        (("search", "methods"), {}, "search.methods.goodput: missing"),
        (("search", "call"), "much", "search.call: must be a number"),
        (("order", "factors", "people"), "1/0", "order.factors.people"),
        (("beyond", "points", 0, "kept"), -0.1, "beyond.points[0].kept"),
        (("recovery", "level"), "high", "recovery.level"),
        (("night", "objectives"), {}, "night.objectives.api_p95_s: missing"),
    ],
)
def test_a_damaged_record_is_refused_with_its_key(
    where: tuple[Any, ...], value: Any, told: str, tmp_path: Path
) -> None:
    search().write(tmp_path)
    document = json.loads((tmp_path / FILE).read_text())
    inner = document
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    (tmp_path / FILE).write_text(json.dumps(document))
    with pytest.raises(RecordError, match=FILE) as refused:
        Capacity.load(tmp_path)
    assert told in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": 1}'])
def test_what_is_no_record_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(RecordError, match=FILE):
        Capacity.load(tmp_path)


def test_a_folder_without_a_search_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"nowhere.*No such file"):
        Capacity.load(tmp_path / "nowhere")
