"""Every question of the dashboards is asked of a real Prometheus that holds a real rehearsal."""

import math
from itertools import pairwise

import pytest

from dashboards.one_run import SEEN
from tests import boards
from tests.boards import Asked
from tests.dashboards.conftest import Loaded

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("rehearsal")]


@pytest.mark.parametrize(
    "asked", boards.questions(), ids=lambda asked: f"{asked.board}: {asked.panel}: {asked.expr[:40]}"
)
def test_question_is_answered(loaded: Loaded, asked: Asked) -> None:
    """With at least one number; or nothing, where the panel says why that is good."""
    values = loaded.values(asked.expr, instant=asked.instant)
    assert any(map(math.isfinite, values)) or (asked.empty_is_good and not values)


def test_a_question_about_nothing_is_seen(loaded: Loaded) -> None:
    """Negative control: a misspelt metric gives no values."""
    assert loaded.values('registration_queue_deepth{run=~"$run"}') == []


def test_the_run_can_be_chosen(loaded: Loaded) -> None:
    """The variable `run` of each dashboard lists the loaded run."""
    for board in boards.boards().values():
        (variable,) = [one for one in board["templating"]["list"] if one["name"] == "run"]
        metric, label = variable["query"].removeprefix("label_values(").removesuffix(")").split(", ")
        assert loaded.server.get(f"label/{label}/values", **{"match[]": metric}) == [loaded.recorded.id]


def test_the_panels_say_what_the_record_says(loaded: Loaded) -> None:
    """Joined in the run's record, on "One run" and on "Launch night" are one number; so are the planned."""
    last = loaded.recorded.run.samples.select("swarm_fates_total", fate="joined")
    joined = sum(values[-1] for _, _, values in last)
    assert joined > 0
    exprs = {(asked.board, asked.panel): asked.expr for asked in boards.questions()}
    assert loaded.values(exprs["One run", "Joined"], instant=True) == [joined]
    (shown,) = loaded.values(exprs["Launch night", "Joined"], instant=True)
    assert shown == pytest.approx(joined, abs=1)  # increase() extrapolates
    assert loaded.values(exprs["One run", "Planned"], instant=True) == [loaded.recorded.run.config["planned"]]


def test_crowd_and_service_end_with_the_same_story(loaded: Loaded) -> None:
    """In a run without kills both have counted the same people through each stage; near the end, because the two are
    not scraped at the same instant."""
    (expr,) = [asked.expr for asked in boards.questions() if asked.panel == "Stages: crowd minus service"]
    last = loaded.recorded.exported.last
    asked = boards.filled(expr, run=loaded.recorded.id, range_s=loaded.range_s)
    series = loaded.server.over(asked, last - 10, last, boards.SCRAPE)
    together = {one["metric"]["stage"] for one in series if "0" in [text for _, text in one["values"]]}
    assert together == {one["metric"]["stage"] for one in series} == set(SEEN)


@pytest.mark.parametrize(("name", "kind", "label"), [("Phases", "phase", "phase"), ("Faults", "fault", "fault")])
def test_phases_and_faults_are_regions(loaded: Loaded, name: str, kind: str, label: str) -> None:
    """Each stands where the harness told of it, to a step of the graph; the harness tells of nothing before it is so,
    and is late by no more than a busy machine makes it."""
    annotation = next(one for one in boards.boards()["launchnight-night"]["annotations"]["list"] if one["name"] == name)
    asked = boards.filled(annotation["expr"], run=loaded.recorded.id, range_s=loaded.range_s)
    step = float(annotation["step"].removesuffix("s"))
    exported = loaded.recorded.exported
    series = loaded.server.over(asked, exported.first, exported.last, step)
    regions = {one["metric"][label]: [float(at) for at, _ in one["values"]] for one in series}
    opens_at = loaded.recorded.run.config["opens_at"]
    events = [event for event in loaded.recorded.run.events if event["kind"] == kind and event["name"] != "audit"]
    edges = {(event["name"], event["edge"]): opens_at + event["t"] for event in events}
    assert {name for name, _ in edges} == set(regions)
    metric, compared = annotation["expr"].partition("{")[0], set()
    for labels, times, values in loaded.recorded.run.samples.select(metric):
        event, told = labels[label], [float(at) for at in opens_at + times[values == 1]]
        if event not in regions:
            continue
        compared.add(event)
        assert abs(regions[event][0] - max(told[0], exported.first)) <= step * 1.01, event
        assert abs(regions[event][-1] - min(told[-1], exported.last)) <= step * 1.01, event
        longest = max(later - sooner for sooner, later in pairwise(times.tolist()))
        assert edges[event, "start"] - 0.01 <= told[0] < edges[event, "end"], (
            "as soon as it is looked at, while it lasts"
        )
        assert told[-1] >= edges[event, "end"] - longest - 0.01, "to its last look"
    assert compared == set(regions)
    for moments in regions.values():
        assert all(later - sooner <= step * 1.01 for sooner, later in pairwise(moments)), "one region, without gaps"
