"""What a report shows of how throughput grows: of a run's windows and of a search's probes."""

from pathlib import Path

import numpy as np
import pytest

from reports import capacity_page, laws, little, search_figures, search_verdict
from reports.facts import Facts
from reports.scalability import Law, fit
from reports.search import Searched
from reports.wording import say
from scenarios.record import Run, SamplesWriter
from tests.unit import synthetic_search
from tests.unit.synthetic_run import SyntheticRun

LEVELS = (1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 32.0, 48.0)
HELD_S = 30.0


def rate(n: float) -> float:
    return 40.0 * n / (1.0 + 0.03 * (n - 1.0) + 0.002 * n * (n - 1.0))


def climbing(folder: Path) -> Run:
    """A run whose API requests out at a time climb through LEVELS and are answered as a known law has it.

    Two uploads are out all along, and a third of all answers is refused in the second of each level's three windows.
    """
    SyntheticRun(planned=20).write(folder)
    writer = SamplesWriter()
    own = {"job": "swarm", "instance": "a"}
    timed, answered, refused, t = 0.0, 0.0, 0.0, 0.0
    for n in LEVELS:
        for place in range(int(HELD_S / 2.0)):
            writer.add(t, "swarm_watched_seconds_total", own, t + 1.0)
            writer.add(t, "swarm_requests_out_seconds_total", own, timed + 2.0 * t)
            writer.add(t, "swarm_request_seconds_sum", {**own, "route": "me"}, timed)
            writer.add(t, "swarm_request_seconds_sum", {**own, "route": "files-patch"}, 2.0 * t)
            writer.add(t, "swarm_requests_total", {**own, "route": "me", "outcome": "ok"}, answered)
            writer.add(t, "swarm_requests_total", {**own, "route": "me", "outcome": "busy"}, refused)
            writer.add(t, "swarm_requests_total", {**own, "route": "files-patch", "outcome": "ok"}, t)
            t, timed = t + 2.0, timed + 2.0 * n
            answered += 2.0 * rate(n)
            refused += place % 2
    writer.write(folder)
    return Run.load(folder)


def test_the_windows_of_a_run_give_its_law(tmp_path: Path) -> None:
    """API requests alone, those answered well alone; the law behind them is told with its figures."""
    facts = Facts(climbing(tmp_path))
    n, x = laws.points(facts)
    assert len(n) == len(little.windows(facts.run.samples))
    law = fit(n, x)
    assert isinstance(law, Law)
    assert (law.rate_of_one.value, law.sigma.value, law.kappa.value) == pytest.approx((40.0, 0.03, 0.002), rel=0.25)
    found = laws.of_run(facts)
    assert found is not None
    assert "It peaks at" in " ".join(found["told"])
    (picture,) = found["pictures"]
    assert picture.table.head[-1] == "by the law"
    assert len(picture.table.rows) == min(len(n), laws.ROWS)


def test_windows_with_faults_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = climbing(folder)
    everything = len(laws.points(Facts(run))[0])
    run.events.extend([
        {"t": 40.0, "kind": "fault", "name": "slow", "edge": "start", "target": "email"},
        {"t": 75.0, "kind": "fault", "name": "slow", "edge": "end", "target": "email"},
    ])  # fmt: skip
    assert everything - len(laws.points(Facts(run))[0]) in (4, 5)


def test_a_run_before_its_knee_has_the_reason_and_the_points(tmp_path: Path) -> None:
    """And a record that does not tell has no such section."""
    found = laws.of_run(Facts(Run.load(SyntheticRun(planned=100).write(tmp_path, scrape_s=10.0))))
    assert found is not None
    assert found["told"][0].startswith("No law is fitted, because")
    assert len(found["pictures"][0].table.head) == 2
    SamplesWriter().write(tmp_path)
    assert laws.of_run(Facts(Run.load(tmp_path))) is None


def test_a_search_shows_its_probes_and_where_the_methods_place_the_knee(tmp_path: Path) -> None:
    """Both on the page, each with its data; the law has too few probes, and says so."""
    searched = Searched.load(synthetic_search.write(tmp_path))
    (picture,) = search_figures.view(searched)
    assert len(picture.table.rows) == len(synthetic_search.RATES)
    assert str(say("by goodput")) in picture.svg and str(say("by objectives")) in picture.svg
    found = capacity_page.SECTIONS["scalability"](searched, search_verdict.judge(searched))
    assert found is not None
    assert found["pictures"][0].id == "throughput"
    assert found["told"][0].startswith("No law is fitted, because")


def test_a_law_that_never_falls_is_told_so() -> None:
    n = np.array([1.0, 2, 4, 8, 16, 32, 64, 128, 256, 400, 600])
    x = 10.0 * n / (1.0 + 0.05 * (n - 1.0)) * np.random.default_rng(3).lognormal(0.0, 0.03, len(n))
    told = laws.section(n, x, fit(n, x), say("cores of the service busy"), say("finished, people/s"))["told"]
    assert any("never falls" in sentence for sentence in told)
