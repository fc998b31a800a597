"""A run's samples come out as text that a Prometheus can read: held at every scrape, and nothing made up."""

import json
import re
from pathlib import Path

import numpy as np

from loadtests import cli, openmetrics
from loadtests.openmetrics import families, filled
from scenarios import record
from scenarios.record import Run, Samples, SamplesWriter
from tests.unit import synthetic_run

OPENS_AT = 1_800_000_000


def write_run(folder: Path, writer: SamplesWriter) -> Path:
    record.write_config(folder, synthetic_run.config(1))
    record.write_people(folder, record.blank_people(1))
    writer.write(folder)
    return folder


def exported(folder: Path, writer: SamplesWriter) -> dict[str, list[tuple[float, float]]]:
    """Series -> (seconds since the doors opened, value)."""
    done = openmetrics.export(Run.load(write_run(folder, writer)))
    found: dict[str, list[tuple[float, float]]] = {}
    for line in done.path.read_text().splitlines():
        if not line.startswith("#"):
            series, value, at = line.rsplit(" ", 2)
            found.setdefault(series, []).append((round(float(at) - OPENS_AT, 3), float(value)))
    assert (len(found), sum(map(len, found.values()))) == (done.series, done.samples)
    return found


LABELS = {"job": "web", "instance": "127.0.0.1:1"}
WRITTEN = 'instance="127.0.0.1:1",job="web",run="20200411-190000-synthetic"'


def test_a_quiet_series_is_held_at_each_scrape(tmp_path):
    """The moments are those of what moved; where nothing moved for long, every two seconds."""
    writer = SamplesWriter()
    for t in (0.0, 2.1, 3.9, 6.0, 12.0):
        writer.add(t, "up", LABELS, 1)
        writer.add(t, "registration_queue_depth", {**LABELS, "queue": "sms"}, 7)
        writer.add(t, "registration_upload_bytes_total", LABELS, 100 * min(t, 6.0))
    found = exported(tmp_path, writer)
    moments = [0.0, 2.1, 3.9, 6.0, 8.0, 10.0, 12.0]
    depth = WRITTEN.replace(",run", ',queue="sms",run')
    assert found[f"registration_queue_depth{{{depth}}}"] == [(t, 7.0) for t in moments]
    assert found[f"registration_upload_bytes_total{{{WRITTEN}}}"] == [(t, 100.0 * min(t, 6.0)) for t in moments]


def test_a_target_that_did_not_answer_has_no_samples_but_up(tmp_path):
    writer = SamplesWriter()
    for t, up in ((0, 1), (2, 1), (4, 0), (6, 0), (8, 1), (10, 1)):
        writer.add(t, "up", LABELS, up)
        if up:
            writer.add(t, "registration_uploads_open", LABELS, t)
    found = exported(tmp_path, writer)
    assert found[f"up{{{WRITTEN}}}"] == [(0, 1), (2, 1), (4, 0), (6, 0), (8, 1), (10, 1)]
    assert found[f"registration_uploads_open{{{WRITTEN}}}"] == [(0, 0), (2, 2), (8, 8), (10, 10)]


def test_families_stand_together_with_their_type():
    names = ["a_seconds_sum", "b_total", "a_seconds_bucket", "a_seconds_count", "up", "c_count"]
    assert families(names) == [
        ("a_seconds", "histogram", ["a_seconds_bucket", "a_seconds_count", "a_seconds_sum"]),
        ("b", "counter", ["b_total"]),
        ("c_count", "gauge", ["c_count"]),
        ("up", "gauge", ["up"]),
    ]


def test_label_values_are_escaped(tmp_path):
    writer = SamplesWriter()
    writer.add(0, "up", {**LABELS, "text": 'a "b"\\\n'}, 1)
    (series,) = exported(tmp_path, writer)
    assert r'text="a \"b\"\\\n"' in series


def test_moments_between_are_laid_evenly():
    assert filled(np.array([0.0, 2.9, 9.0])).tolist() == [0.0, 2.9, 4.933, 6.967, 9.0]


def test_the_verb_says_how_to_load_and_where_to_look(tmp_path, capsys):
    writer = SamplesWriter()
    for t in (0, 2):
        writer.add(t, "up", LABELS, 1)
    assert cli.main(["export", str(write_run(tmp_path, writer))]) == 0
    said = capsys.readouterr().out
    assert re.search(r"metrics\.om: 2 samples of 1 series", said)
    assert f"var-run=20200411-190000-synthetic&from={OPENS_AT}000&to={OPENS_AT + 2}000" in said


def test_a_run_without_samples_is_refused(tmp_path, capsys):
    config = synthetic_run.config(1) | {"ended": "crash"}
    (tmp_path / "run.json").write_text(json.dumps(config))
    assert Run.load(tmp_path).samples.names == Samples.none().names
    assert cli.main(["export", str(tmp_path)]) == 2
    assert "has no samples" in capsys.readouterr().err
