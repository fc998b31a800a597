"""Counters of processes that ran before begin at zero with the run."""

from pathlib import Path

from loadtests.harness.from_zero import FromZero
from reports import statistics
from scenarios.record import Samples

HERE = {"instance": "old:1"}


def written(tmp_path: Path, samples: list[tuple[float, str, dict[str, str], float]]) -> Samples:
    writer = FromZero(["old:1"])
    for sample in samples:
        writer.add(*sample)
    writer.release()
    writer.write(tmp_path)
    return Samples.load(tmp_path)


def test_only_growth_during_the_run_counts(tmp_path: Path) -> None:
    """A counter that stood at 1,000; one that was born during the run; one of a process that was started anew."""
    counters = {"stood_total": [1000.0, 1003.0], "restarted_total": [500.0, 4.0], "stood_seconds_bucket": [70.0, 72.0]}
    rows = [(float(t), name, HERE, values[t]) for name, values in counters.items() for t in (0, 1)]
    rows += [(1.0, "born_total", HERE, 5.0), (0.0, "level", HERE, 7.0), (1.0, "level", HERE, 7.5)]
    samples = written(tmp_path, rows)
    grown = {name: statistics.total(samples, name) for name in (*counters, "born_total")}
    assert grown == {"stood_total": 3.0, "restarted_total": 4.0, "stood_seconds_bucket": 2.0, "born_total": 5.0}
    assert samples.select("level")[0][2].tolist() == [7.0, 7.5]


def test_processes_of_the_rehearsal_keep_their_first_counts(tmp_path: Path) -> None:
    own = {"instance": "ours:1"}
    samples = written(tmp_path, [(0.0, "stood_total", own, 10.0), (1.0, "stood_total", own, 12.0)])
    assert statistics.total(samples, "stood_total") == 12.0
