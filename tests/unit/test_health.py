"""Was the generator the limit? Each audit is provoked once, and none by a run that was well."""

import gc
import time
from typing import Any

import gevent
import pytest

from loadtests import health
from loadtests.vitals import Vitals
from tests.patience import least

WELL = {
    "cpu_share": 0.6, "busy_share": 0.7, "wait_share": 0.1, "loop_p99_9_s": 0.004, "loop_max_s": 0.01, "gc_max_s": 0.01,
    "gc_total_s": 0.1, "no_port": 0, "no_file": 0, "files": 900, "files_limit": 20_000, "ports": 3_000,
    "ports_limit": 28_232,
}  # fmt: skip
IN_TIME = {"p50": 0.4, "p99": 2.0, "max": 40.0}

PROVOKED: dict[str, tuple[bool, dict[str, Any], str]] = {
    "lateness": (True, {"lateness_ms": {"p99": 812.0, "max": 900.0}}, "812.0 ms late"),
    "latest": (True, {"lateness_ms": {"p99": 2.0, "max": 1700.0}}, "started 1,700 ms late"),
    "cpu": (True, {"cpu_share": 0.97}, "worker 1 used 97% of a core"),
    "cores": (False, {"busy_share": 0.98, "wait_share": 0.5}, "for three seconds worker 1 waited 50% of the time"),
    "rush": (False, {"busy_share": 0.99, "wait_share": 0.04}, "worker 1 used 95% of a core for three seconds"),
    "ports": (True, {"no_port": 12}, "worker 1 had no local ports left for 12 connections"),
    "files": (True, {"no_file": 3}, "no open files left"),
    "connections": (True, {"blocked_p99_s": 0.25}, "250.0 ms for a connection of the swarm's own"),
    "loop": (False, {"loop_p99_9_s": 0.12}, "blocked: 1 look in 1,000 came more than 120 ms late"),
    "gc": (False, {"gc_max_s": 0.3}, "stopped for 300 ms to look for garbage"),
    "worker-lost": (True, {"lost_share": 0.02}, "2.00% of the planned applicants"),
}


def audited(**changed: Any) -> list[health.Audit]:
    """The audits of a run with two workers that was well but for what is changed."""
    whole = {name: changed.pop(name) for name in ("lateness_ms", "blocked_p99_s", "lost_share") if name in changed}
    signs = {"worker 0": WELL, "worker 1": WELL | changed}
    return health.audits(whole.pop("lateness_ms", IN_TIME), signs, **whole)


def test_a_run_that_was_well_has_no_audit():
    assert audited() == []
    assert health.audits({}, {}) == []


@pytest.mark.parametrize("name", PROVOKED)
def test_each_audit_provoked_alone(name):
    invalid, changed, words = PROVOKED[name]
    (found,) = audited(**changed)
    assert (found.id, found.invalid) == (name, invalid)
    assert words in found.cause
    assert found.advice
    assert found.to_dict()["cause"] == found.cause


def test_each_bound_is_where_it_is_said_to_be():
    """At the bound nothing is found; the provocations above are beyond."""
    at_the_bound = {"lateness_ms": {"p99": health.LATE_P99_MS, "max": health.LATE_MAX_MS}, "cpu_share": 0.9,
                    "loop_p99_9_s": 0.05, "gc_max_s": 0.05, "blocked_p99_s": 0.01, "busy_share": 0.9,
                    "files": 16_000}  # fmt: skip
    assert audited(**at_the_bound) == []


def test_what_comes_near_its_end_is_told_and_spoils_nothing():
    for name, used in (("files", 17_000), ("ports", 25_000)):
        (found,) = audited(**{name: used})
        assert (found.id, found.invalid) == (name, False)
        assert "% of the" in found.cause
    (lost,) = audited(lost_share=0.001)
    assert not lost.invalid


def test_lateness_names_the_resource_that_was_at_its_end():
    """And says so when it was none of the generator's."""
    late = {"p99": 50.0, "max": 60.0}
    first, second, third = audited(lateness_ms=late, busy_share=0.98, wait_share=0.5, loop_p99_9_s=0.2)
    assert (first.id, second.id, third.id) == ("lateness", "cores", "loop")
    assert third.cause not in first.cause  # it was late for want of a core
    assert second.cause in first.cause
    assert first.advice == second.advice
    (alone,) = audited(lateness_ms=late)
    assert "nothing of the generator's own was at its end" in alone.cause


def test_a_blocked_loop_is_seen():
    """The watcher sleeps 25 ms; somebody keeps the loop for 150. Nobody does: the least delay stays far below."""

    def delay(blocked_s: float) -> float:
        vitals = Vitals()
        vitals.watch()
        gevent.sleep(0.06)
        end = time.monotonic() + blocked_s
        while time.monotonic() < end:
            pass
        gevent.sleep(0.06)
        vitals.rest()
        return vitals.figures()["loop_max_s"]

    assert delay(0.15) > 0.1
    assert least(lambda: delay(0.0), below=0.1) < 0.1


def test_searches_for_garbage_are_timed_while_it_watches():
    vitals = Vitals()
    vitals.watch()
    gc.collect()
    seen = vitals.gc_pause.count
    vitals.rest()
    gc.collect()
    assert vitals.gc_pause.count == seen >= 1
    assert vitals.figures()["gc_max_s"] == vitals.gc_pause.greatest > 0.0


def test_use_of_a_core_is_that_of_the_busiest_ten_seconds_and_of_the_busiest_three():
    """One second of rush in a quiet minute is no busy worker; ten are, and stay told. Of three it is noted."""
    vitals, used, waited = Vitals(), 0.0, 0.0
    for second in range(40):
        rush = 20 <= second < 32
        vitals.look(float(second), used, waited)
        used += 0.5 if rush else 0.05
        waited += 0.48 if rush else 0.0
    figures = vitals.figures()
    assert figures["cpu_share"] == pytest.approx(0.5)
    assert [figures["busy_share"], figures["wait_share"]] == pytest.approx([0.98, 0.48])
    short = Vitals()
    for second in range(9):
        short.look(float(second), 0.9 * second, 0.0)
    assert "cpu_share" not in short.figures()
    assert short.figures()["busy_share"] == pytest.approx(0.9)


def test_files_and_ports_are_counted_where_the_system_tells():
    vitals = Vitals()
    vitals.watch()
    gevent.sleep(0)
    vitals.rest()
    figures = vitals.figures()
    assert 3 <= figures["files"] <= figures["files_limit"]
    assert figures["ports"] >= 0 and figures["ports_limit"] > 1000


def test_a_system_that_does_not_tell_of_ports_is_watched_all_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr("loadtests.vitals._SOCKETS", tmp_path / "absent")
    vitals = Vitals()
    vitals.watch()
    with gevent.Timeout(10):
        while not vitals.loop_delay.count:
            gevent.sleep(0.01)
    vitals.rest()
    assert "ports" not in vitals.figures()
    assert "ports" not in {audit.id for audit in health.audits({}, {"worker 0": vitals.figures()})}
