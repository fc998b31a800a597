"""What a process of the swarm measures, and how it tells it."""

from prometheus_client.parser import text_string_to_metric_families

from loadtests.swarm_metrics import FAMILIES, SwarmMetrics
from scenarios.fates import Fate, Furthest


def test_the_exposition_is_prometheus_text_with_what_was_counted():
    metrics = SwarmMetrics(["tickets", "join"], 5, lambda: 2)
    metrics.arrivals = 3
    metrics.fates[Fate.JOINED] += 1
    metrics.stages[Furthest.TICKETED] += 3
    metrics.lateness.observe(0.0004)
    metrics.routes["join"].answered(0.25, 0.0625, 0.3)
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
    assert values[("swarm_blocked_seconds_sum", ("route", "join"))] == 0.0625
    assert values[("swarm_scheduled_seconds_sum", ("route", "join"))] == 0.6125
    assert {families[name].type for name in ("swarm_request_seconds", "swarm_lateness_seconds")} == {"histogram"}


def test_every_metric_is_declared_and_told():
    """One that is counted but not in the table would be on no page."""
    metrics = SwarmMetrics(["join"], 1, lambda: 0)
    told = {*metrics.values(), *(series.partition("{")[0] for series in metrics.times())}
    assert told == set(FAMILIES)


def test_news_tell_of_histograms_that_have_changed_and_of_all_else():
    metrics = SwarmMetrics(["tickets", "join"], 5, lambda: 2, lambda: 4)
    metrics.routes["join"].answered(0.0, 0.0, 0.3)
    first = metrics.news()
    assert set(first["times"]) == {
        f'swarm_{kind}_seconds{{route="join"}}' for kind in ("request", "blocked", "scheduled")
    }
    assert first["values"]["swarm_due_applicants"] == {"": 4}
    metrics.lateness.observe(0.001)
    assert set(metrics.news()["times"]) == {"swarm_lateness_seconds"}
