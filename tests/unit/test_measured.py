"""What the master makes of the words of its workers."""

from importlib import import_module
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadtests.measured import WINDOW, Measured, show_latency
from loadtests.swarm_metrics import SwarmMetrics
from scenarios.fates import Fate

msgpack: Any = import_module("msgpack")  # says nothing of its types


def worker(planned: int, due: int = 0, live: int = 0) -> SwarmMetrics:
    return SwarmMetrics(["tickets", "join"], planned, lambda: live, lambda: due)


def sent(metrics: SwarmMetrics) -> dict[str, Any]:
    """Its news, as they arrive over the wire."""
    arrived: dict[str, Any] = msgpack.loads(msgpack.dumps(metrics.news()))
    return arrived


def samples(page: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(page)
    return {
        (sample.name, *map("=".join, sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_page_of_the_master_is_the_sum_of_the_pages_of_its_workers():
    """Every sample of every metric, histograms included; the latest word of each counts, once."""
    first, second, measured = worker(3, due=2), worker(2, live=1), Measured()
    measured.take("a", sent(first), 1.0)
    for metrics in (first, second):
        metrics.arrivals += 2
        metrics.fates[Fate.JOINED] += 1
        metrics.routes["join"].answered(0.01, 0.002, 0.3)
        metrics.lateness.observe(0.004)
    for name, metrics in (("a", first), ("b", second), ("a", first)):
        measured.take(name, sent(metrics), 2.0)
    whole = samples(measured.exposition())
    parts = [samples(metrics.exposition()) for metrics in (first, second)]
    moving = {("process_cpu_seconds_total",)}
    seen = set(whole) - moving
    assert seen <= set(parts[0])
    for series in seen:
        assert whole[series] == pytest.approx(parts[0][series] + parts[1][series]), series
    assert whole["swarm_request_seconds_count", "route=join"] == 2
    assert whole["swarm_planned_applicants",] == 5


def test_a_lost_worker_stays_counted_and_its_people_are_cut():
    """Three started of five, one had joined; the two who had not started are another's, who has taken them."""
    first, second, measured = worker(5, due=4, live=2), worker(2, due=2), Measured()
    first.arrivals, first.fates[Fate.JOINED] = 3, 1
    for name, metrics in (("a", first), ("b", second)):
        measured.take(name, sent(metrics), 1.0)
    measured.lose("a")
    measured.lose("nobody")
    second.planned += 2
    measured.take("b", sent(second), 60.0)
    values = measured.values()
    assert values["swarm_arrivals_total"] == {"": 3}
    assert [values[f"swarm_{name}_applicants"][""] for name in ("planned", "due", "live")] == [7, 5, 0]
    fates = values["swarm_fates_total"]
    assert (fates['fate="joined"'], fates['fate="cut"']) == (1, 2)


def test_people_who_only_look_are_added_up_also_of_a_lost_worker():
    """Of the lost one those count who had come; whoever was there is cut, whoever had not come is another's now."""
    first, second, measured = worker(3), worker(2), Measured()
    assert set(measured.onlookers().values()) == {0}
    for metrics, arrived in ((first, 4), (second, 5)):
        metrics.onlookers.planned, metrics.onlookers.arrived = 6, arrived
        metrics.onlookers.live = 1
        metrics.onlookers.left.update(read=2, turned_away=1)
        metrics.onlookers.requests["onlookers-start", "ok"] = arrived
    measured.take("a", sent(first), 1.0)
    measured.take("b", sent(second), 1.0)
    measured.lose("a")
    told = {"planned": 4 + 6, "arrived": 9, "read": 4, "turned_away": 2, "cut": 3, "requests": 9}
    assert measured.onlookers() == told
    assert measured.values()["swarm_onlookers_live"] == {"": 1}


def test_latency_tells_of_each_route_that_was_asked(capsys):
    """Service, scheduled and blocked side by side; a route that nobody asked is left out."""
    metrics, measured = worker(1), Measured()
    for _ in range(100):
        metrics.routes["join"].answered(0.1, 0.2, 0.4)
    measured.take("a", sent(metrics), 1.0)
    latency = measured.latency()
    assert set(latency) == {"join"}
    assert {kind: (told["count"], round(told["p99_99"], 2)) for kind, told in latency["join"].items()} == {
        "service": (100, 0.4), "scheduled": (100, 0.7), "blocked": (100, 0.2),
    }  # fmt: skip
    assert list(latency["join"]["service"]) == ["count", "p50", "p90", "p95", "p99", "p99_9", "p99_99", "max"]
    assert measured.blocked_p99_s() == pytest.approx(0.2, rel=0.01)
    show_latency(latency)
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 4)
    assert "join scheduled" in shown.err


def test_moments_are_one_for_each_window_and_the_latest():
    measured = Measured()
    metrics = worker(9, due=5, live=2)
    metrics.arrivals = 4
    for at in (0.0, 1.0, WINDOW - 0.1, WINDOW, WINDOW + 1.0):
        measured.take("a", sent(metrics), at)
    assert [row.at for row in measured.moments()] == [0.0, WINDOW, WINDOW + 1.0]
    assert measured.moments()[-1][1:4] == (5, 4, 2)


def test_nobody_has_said_anything_yet():
    measured = Measured()
    assert (measured.latency(), measured.signs(), measured.blocked_p99_s()) == ({}, {}, 0.0)
    assert measured.moments() == []
    assert "swarm_arrivals_total" in measured.exposition()
