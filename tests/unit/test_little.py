"""Little's law over a record: exact where all is well, and no clock or count can lie alone."""

from pathlib import Path

import numpy as np
import pytest

from loadtests.flights import Flights
from reports import clock_check, little
from reports.facts import Facts
from reports.little import ALLOWED, Window
from reports.statistics import FloatArray
from reports.verdict import judge
from scenarios.record import Run, Samples, SamplesWriter
from tests.unit.synthetic_run import SyntheticRun

LENGTH_S = 60.0
SCRAPES_S = 2.0


class Played:
    """Requests of one process that come at random, ever more of them; what its page shows at each scrape."""

    def __init__(self, seed: int = 1, crowd: float = 1.0, process: float = 1.0, doubled: float = 0.0) -> None:
        """crowd: how fast its own clock goes by which answers are timed; process: how fast all its clocks go;
        doubled: share of answers that are counted twice."""
        rng = np.random.default_rng(seed)
        self.process = process
        leaves = np.sort(LENGTH_S * rng.power(2.0, 4000))
        takes = rng.lognormal(-1.5, 1.0, len(leaves))
        takes[leaves > 0.7 * LENGTH_S] += 4.0  # most of them are out when a window ends
        trips = [(t, 1, t, 0.0) for t in leaves] + [(t + d, -1, t, d) for t, d in zip(leaves, takes, strict=True)]
        self._trips = sorted(trips)
        self._twice = rng.random(len(self._trips)) < doubled
        self._at = 0.0
        self._flights = Flights(lambda: crowd * process * self._at, lambda: process * self._at)
        self._crowd = crowd * process
        self._timed = self._ended = 0.0

    def samples(self, folder: Path, instance: str = "a", shift: float = 0.0, late: FloatArray | None = None) -> Samples:
        """Its record. shift: by how much the timed answers are stamped too late; late: of each page after its stamp."""
        folder.mkdir(exist_ok=True)
        writer = SamplesWriter()
        stamps = np.arange(1.0, LENGTH_S + 20.0, SCRAPES_S)
        lateness = np.zeros(len(stamps)) if late is None else late[: len(stamps)]
        trips = iter(zip(self._trips, self._twice, strict=True))
        pending = next(trips, None)
        for stamp, by in zip(stamps, lateness, strict=True):
            while pending is not None and pending[0][0] <= stamp + by:
                self._happen(*pending)
                pending = next(trips, None)
            self._at = stamp + by
            own = {"job": "swarm", "instance": instance}
            for name, values in self._flights.values().items():
                writer.add(stamp, name, own, values[""])
            writer.add(stamp + shift, "swarm_request_seconds_sum", own, self._timed)
            writer.add(stamp, "swarm_requests_total", own, self._ended)
        writer.write(folder)
        return Samples.load(folder)

    def _happen(self, trip: tuple[float, int, float, float], twice: bool) -> None:
        self._at, direction, leaves, takes = trip
        if direction > 0:
            self._flights.take_off(self._crowd * leaves)
        else:
            self._flights.land(self._crowd * leaves, self._crowd * (leaves + takes), answered=True)
            self._timed += self._crowd * takes * (1 + twice)
            self._ended += 1 + twice


def largest(found: list[Window]) -> float:
    return max(abs(one.gap) for one in found if one.is_judged)


@pytest.mark.parametrize("seed", range(5))
def test_it_holds_to_the_last_request_though_the_load_grows(tmp_path: Path, seed: int) -> None:
    """And the edges matter: without the ages of what is out there it would be missed by far."""
    found = little.windows(Played(seed).samples(tmp_path))
    assert sum(one.is_judged for one in found) >= 6
    assert largest(found) < 1e-3
    assert any(one.drifts for one in found)
    assert max(abs(one.carried / one.out) for one in found if one.is_judged) > ALLOWED
    assert little.broken(Samples.load(tmp_path)) is None


@pytest.mark.parametrize("fast", [1.05, 0.95])
def test_a_clock_of_the_crowd_that_lies_is_caught(tmp_path: Path, fast: float) -> None:
    """In every window, and the words name the clock that stands alone."""
    samples = Played(crowd=fast).samples(tmp_path, "10.0.0.7:9101")
    judged = [one for one in little.windows(samples) if one.is_judged]
    assert all(one.is_broken for one in judged)
    assert all(one.gap == pytest.approx(fast - 1.0, abs=0.002) for one in judged)
    found = little.broken(samples)
    assert found is not None
    assert "the clock that times answers and the wall clock of 10.0.0.7:9101 differ" in found[0]


@pytest.mark.parametrize(("fast", "words"), [(1.05, "went 5 % faster"), (0.95, "went 5 % slower")])
def test_clocks_of_a_machine_that_all_lie_are_caught_by_the_records(tmp_path: Path, fast: float, words: str) -> None:
    samples = Played(process=fast).samples(tmp_path)
    found = little.broken(samples)
    assert found is not None
    assert words in found[0]
    assert found[2] == pytest.approx(abs(fast - 1.0), abs=0.005)


def test_answers_that_are_counted_twice_are_caught(tmp_path: Path) -> None:
    found = little.broken(Played(doubled=0.06).samples(tmp_path))
    assert found is not None
    assert found[2] > 0.04


def test_samples_that_are_shifted_are_caught(tmp_path: Path) -> None:
    """Two seconds are enough while the load grows."""
    assert little.broken(Played().samples(tmp_path / "right", shift=0.0)) is None
    found = little.broken(Played().samples(tmp_path / "shifted", shift=2.0))
    assert found is not None


def test_pages_that_come_late_are_no_lie(tmp_path: Path) -> None:
    """Of the scrapes about an edge the most timely one counts, so that a busy machine spoils no run."""
    late = np.random.default_rng(3).exponential(0.25, 60)
    assert largest(little.windows(Played().samples(tmp_path, late=late))) < ALLOWED


def test_a_process_that_is_lost_leaves_the_others_windows(tmp_path: Path) -> None:
    """Each process is judged by its own clock, and they are put together window by window."""
    writer = SamplesWriter()
    for instance, until in (("a", 99.0), ("b", 33.0)):
        for own, times, values in _everything(Played(4).samples(tmp_path / instance, instance)):
            for t, value in zip(times, values, strict=True):
                if t < until:
                    writer.add(t, own["__name__"], {k: v for k, v in own.items() if k != "__name__"}, value)
    (tmp_path / "both").mkdir()
    writer.write(tmp_path / "both")
    found = little.windows(Samples.load(tmp_path / "both"))
    assert {one.instance for one in found} == {"a", "b"}
    assert largest(found) < 1e-3
    together = little.moments(found)
    assert [one.start for one in together] == sorted(one.start for one in together)
    assert len(together) == sum(one.instance == "a" for one in found)
    assert together[0].out == pytest.approx(2.0 * found[0].out)


def _everything(samples: Samples) -> list[tuple[dict[str, str], FloatArray, FloatArray]]:
    return [({**own, "__name__": name}, t, v) for name in samples.names for own, t, v in samples.select(name)]


def test_a_run_with_a_lying_clock_is_invalid_and_says_why(tmp_path: Path) -> None:
    """The same record with an honest clock is met: verdict, finding, section and table."""
    honest = Run.load(SyntheticRun().write(tmp_path / "honest", scrape_s=10.0))
    assert judge(honest).outcome == "met"
    assert "the largest gap is" in " ".join(clock_check.view(Facts(honest))["told"])
    verdict = judge(Run.load(SyntheticRun(fast=1.05).write(tmp_path / "fast", scrape_s=10.0)))
    assert (verdict.outcome, verdict.exit_code) == ("invalid", 5)
    assert [one.id for one in verdict.generator or ()] == ["little"]
    assert "Little's law does not hold" in verdict.findings[0].text


def test_a_record_that_does_not_tell_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    SamplesWriter().write(tmp_path / "run")
    assert little.windows(Samples.load(tmp_path / "run")) == []
    assert little.broken(Samples.load(tmp_path / "run")) is None


def test_the_table_keeps_the_worst_windows(tmp_path: Path) -> None:
    folder = SyntheticRun().write(tmp_path, scrape_s=10.0)
    facts = Facts(Run.load(folder))
    moments = little.moments(little.windows(facts.run.samples))
    (picture,) = clock_check.view(facts)["pictures"]
    assert len(moments) > clock_check.ROWS >= len(picture.table.rows)
    assert all(len(row) == len(picture.table.head) for row in picture.table.rows)
