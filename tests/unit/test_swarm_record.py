"""The crowd's list of people, its figures and its photos."""

import io
from dataclasses import replace

import numpy as np
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from loadtests import photos, roster
from loadtests.roster import Roster
from loadtests.swarm_metrics import Histogram, SwarmMetrics
from scenarios import catalogue
from scenarios.fates import Fate, Furthest, Reason
from scenarios.record import PEOPLE_COLUMNS, read_people, write_people
from service.domain.buckets import CALIBRATION

DUE = np.linspace(0.0, 9.0, 10)


def test_every_planned_applicant_has_one_row_in_the_record(tmp_path):
    """Three shares, one of them lost: all numbers once, the lost ones cut, everything in the order of the plan."""
    shares = [Roster(DUE[residue::3], residue, 3) for residue in range(3)]
    shares[1].put(0, started=1.002)
    shares[1].end(0, Fate.JOINED, Reason.JOINED, 5.0)
    merged = roster.unpacked(each.pack() for each in shares[:2])
    write_people(tmp_path, roster.with_missing(merged, DUE))
    people = read_people(tmp_path)
    assert set(people) == set(PEOPLE_COLUMNS)
    np.testing.assert_array_equal(people["number"], np.arange(10))
    np.testing.assert_array_equal(people["due"], DUE)
    assert roster.fates(people) == {"joined": 1, "refused": 0, "abandoned": 0, "failed": 0, "cut": 9}
    assert roster.was_cut(people)
    late = roster.lateness_ms(people)
    assert {name: round(value, 2) for name, value in late.items()} == {"p50": 2.0, "p99": 2.0, "max": 2.0}


def test_without_any_ledger_everybody_is_cut():
    people = roster.with_missing({}, DUE)
    assert roster.fates(people)["cut"] == 10
    assert roster.lateness_ms(people) == {}


def test_stages_passed_together_happen_together():
    """A code by SMS verifies the phone; its stage is passed with the photos."""
    share = Roster(DUE, 0, 1)
    assert share.reach(0, Furthest.PROFILE_COMPLETED, 5.0)[-1] is Furthest.PROFILE_COMPLETED
    assert list(share.reach(0, Furthest.PHONE_VERIFIED, 8.0)) == [Furthest.PHOTOS_UPLOADED, Furthest.PHONE_VERIFIED]
    assert share.columns["phone_verified_at"][0] == share.columns["photos_uploaded_at"][0] == 8.0
    assert share.columns["profile_completed_at"][0] == 5.0
    assert np.isnan(share.columns["assessed_at"][0])


def test_the_exposition_is_prometheus_text_with_what_was_counted():
    metrics = SwarmMetrics(["tickets", "join"], 5, lambda: 2)
    metrics.arrivals = 3
    metrics.fates[Fate.JOINED] += 1
    metrics.stages[Furthest.TICKETED] += 3
    metrics.lateness.observe(0.0004)
    metrics.routes["join"].service.observe(0.3)
    metrics.routes["join"].scheduled.observe(0.31)
    metrics.routes["join"].outcomes["busy"] += 1
    families = {family.name: family for family in text_string_to_metric_families(metrics.exposition())}
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values[("swarm_planned_applicants",)] == 5
    assert values[("swarm_live_applicants",)] == 2
    assert values[("swarm_arrivals_total",)] == 3
    assert values[("swarm_fates_total", ("fate", "joined"))] == 1
    assert values[("swarm_stage_total", ("stage", "ticketed"))] == 3
    assert values[("swarm_requests_total", ("outcome", "busy"), ("route", "join"))] == 1
    assert values[("swarm_lateness_seconds_bucket", ("le", "0.001"))] == 1
    assert values[("swarm_request_seconds_bucket", ("le", "0.3"), ("route", "join"))] == 1
    assert values[("swarm_scheduled_seconds_bucket", ("le", "0.3"), ("route", "join"))] == 0
    assert values[("swarm_scheduled_seconds_sum", ("route", "join"))] == 0.31
    assert {families[name].type for name in ("swarm_request_seconds", "swarm_lateness_seconds")} == {"histogram"}


def test_an_edge_belongs_to_its_bucket():
    """As Prometheus counts: at most the edge. So the share under an objective is exact."""
    histogram = Histogram("x")
    for seconds in (1.0, 1.0000001, 1000.0):
        histogram.observe(seconds)
    lines = dict(line.rsplit(" ", 1) for line in histogram.lines())
    assert lines['x_bucket{le="1.0"}'] == "1"
    assert lines[f'x_bucket{{le="{CALIBRATION[-1]}"}}'] == "2"
    assert lines['x_bucket{le="+Inf"}'] == lines["x_count "[:-1]] == "3"


def test_photos_are_valid_of_the_asked_size_and_kept(tmp_path):
    """About twenty, the median near the night's; raw ones turned by their orientation mark; made once."""
    asked = replace(catalogue.load("prakerja-wave-1").population.photos, count=8, median_bytes=60_000)
    corpus = photos.corpus(asked, tmp_path)
    wanted = photos.sizes(asked)
    assert len(corpus) == 8
    for made, (size, _) in zip(corpus, wanted, strict=True):
        assert abs(len(made) / size - 1) < 0.15
        Image.open(io.BytesIO(made)).load()
    assert photos.corpus(asked, tmp_path) == corpus
    turned = Image.open(io.BytesIO(photos.picture(30_000, raw=True, seed=3)))
    assert turned.getexif()[0x0112] == 6


def test_the_nights_corpus_has_the_nights_sizes():
    asked = catalogue.load("prakerja-wave-1").population.photos
    wanted = photos.sizes(asked)
    small = [size for size, raw in wanted if not raw]
    assert len(wanted) == asked.count
    assert abs(np.median(small) / asked.median_bytes - 1) < 0.05
    assert [size for size, raw in wanted if raw] == [asked.raw_median_bytes]
