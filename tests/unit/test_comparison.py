"""Two sides of runs compared: calls beyond chance, none within it."""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from reports import comparison
from reports.change import BETTER, NO_CALL, SAME, UNKNOWN, WORSE
from reports.comparison import Comparison, NotComparable, compare
from reports.facts import Facts
from reports.measures import MEASURES, Seen, quantiles, seen
from reports.responses import api_answers
from scenarios.record import Fate, Run
from service.domain import buckets
from tests.paired_runs import Night, made
from tests.unit.synthetic_run import SyntheticRun

NIGHT = Night(seconds=160, wavering=0.05, lasting_s=(2.0, 4.0), people=300)
PAIRS = 8


@cache
def run(seed: int, slower: float = 1.0) -> Seen:
    return seen(made(NIGHT, np.random.default_rng(seed), slower, seed=seed))


@cache
def pair(i: int, slower: float = 1.0) -> Comparison:
    return one([run(2 * i)], [run(2 * i + 1, slower)])


def one(before: list[Seen], after: list[Seen], *, unlike: bool = False) -> Comparison:
    (found,) = compare([before, after], unlike=unlike)
    return found


def calls(found: Comparison) -> dict[str, str]:
    return {change.id: change.call for change in found.changes}


def test_nothing_is_called_between_runs_of_the_same():
    """Eight pairs that differ by chance: 0.4 calls are to be expected at most."""
    called = [pair(i).call for i in range(PAIRS)]
    assert sum(call != NO_CALL for call in called) <= 2


def test_what_got_slower_is_found():
    """Negative control of the test above: the same pairs with answers a quarter slower."""
    found = [calls(pair(i, 1.25)) for i in range(PAIRS)]
    assert sum(each["api_p99_s"] == WORSE for each in found) >= PAIRS - 1


def test_what_got_faster_is_better_and_no_regression():
    found = one([run(0)], [run(1, 0.7)])
    assert found.call == BETTER
    assert calls(found)["api_p50_s"] == BETTER


def test_the_intervals_hold_the_true_change():
    inside = 0
    for i in range(PAIRS):
        (p50,) = (each for each in pair(i, 1.25).changes if each.id == "api_p50_s")
        assert p50.relative is not None
        assert p50.absolute is not None
        assert p50.before is not None
        assert p50.absolute == pytest.approx(tuple(p50.before * each for each in p50.relative))
        inside += p50.relative[1] <= 0.25 <= p50.relative[2]
    assert inside >= PAIRS - 1


def test_a_run_compared_with_itself_is_the_same():
    assert set(calls(one([run(0)], [run(0)])).values()) <= {SAME, NO_CALL, UNKNOWN}


def test_repeats_are_their_own_measure_of_chance():
    before, after = ([run(seed) for seed in span] for span in (range(4), range(4, 8)))
    changes = one(before, after).changes
    assert changes[0].why == "4 repeats against 4"
    assert {each.call for each in changes} <= {SAME, NO_CALL, UNKNOWN}
    slower = one(before, [run(seed, 1.25) for seed in range(4, 8)])
    assert calls(slower)["api_p99_s"] == WORSE


def test_unlike_runs_are_refused_unless_told():
    other = replace(run(1), config={**run(1).config, "steps": 4, "set": "as-launched"})
    with pytest.raises(NotComparable) as refused:
        one([run(0)], [other])
    assert set(refused.value.faults) == {
        "the runs are unlike in set: prepared and as-launched", "the runs are unlike in steps: 0 and 4"
    }  # fmt: skip
    found = one([run(0)], [other], unlike=True)
    assert [difference.key for difference in found.unlike] == ["set", "steps"]
    assert found.call == NO_CALL


def test_one_more_lost_is_worse_without_statistics():
    lost = one([run(0)], [replace(run(1), lost=1.0)])
    assert calls(lost)["lost"] == WORSE
    assert calls(lost)["doubled"] == SAME
    assert calls(one([run(0)], [replace(run(1), lost=None)]))["lost"] == UNKNOWN


def test_every_further_side_is_compared_with_the_first():
    found = compare([[run(0)], [run(1)], [run(2, 1.4)]])
    assert [each.call for each in found] == [NO_CALL, WORSE]


def test_a_run_too_short_to_tell_is_not_called():
    brief = seen(made(replace(NIGHT, seconds=8), np.random.default_rng(1)))
    found = one([brief], [brief])
    assert {each.call for each in found.changes if each.id not in ("lost", "doubled")} == {UNKNOWN}
    assert found.changes[0].why == "too short: fewer than 8 windows hold anything"


def test_values_are_those_of_the_report(tmp_path: Path):
    made_up = SyntheticRun()
    made_up.people["fate"][:60] = Fate.FAILED
    facts = Facts(Run.load(made_up.write(tmp_path, scrape_s=26.0)))
    value = {measure.id: seen(facts.run).value(measure) for measure in MEASURES}
    for q, name in ((0.5, "api_p50_s"), (0.95, "api_p95_s"), (0.99, "api_p99_s")):
        # Placed otherwise inside the same bucket, whose edges lie 23 % apart.
        assert value[name] == pytest.approx(api_answers(facts).quantile(q), rel=0.05)
    assert value["joined_ratio"] == pytest.approx(0.9)
    assert value["server_error_ratio"] == 0.0
    assert value["tries_per_photo"] == 1.0
    assert value["wait_median_s"] == pytest.approx(float(np.median(facts.people["wait"])), rel=0.01)
    # Used from the first scrape in the run, after 26 s, up to the last one before everybody had gone.
    last = 26 * math.floor((facts.end_s + 2.0) / 26)
    used = (math.exp(-26 / 180) - math.exp(-last / 180)) / (1 - math.exp(-520 / 180))
    service = sum(facts.config["cpu_s"][role] for role in ("web", "worker", "gatekeeper", "database"))
    assert value["cpu_per_answer_s"] == pytest.approx(service * used / sum(made_up.outcomes.values()))


def test_a_quantile_moves_with_what_it_is_of():
    """Of exact times between the edges of the histograms: a shift of 5 % shows as 5 %, wherever the edges lie."""
    edges = np.append(buckets.CALIBRATION, np.inf)
    times = np.random.default_rng(1).lognormal(-3.0, 0.6, 400_000)

    def p99(factor: float) -> float:
        counts = np.histogram(factor * times, np.concatenate(([0.0], edges)))[0]
        return float(quantiles(counts[None, :].astype(float), edges, 0.99)[0])

    for middle in np.geomspace(1.0, 1.23, 6):
        assert p99(1.05 * middle) / p99(middle) == pytest.approx(1.05, abs=0.004)
        assert p99(middle) == pytest.approx(middle * float(np.quantile(times, 0.99)), rel=0.01)


def test_quantiles_at_the_ends():
    edges = np.array([1.0, 2.0, np.inf])
    rows = np.array([[10.0, 0.0, 0.0], [0.0, 10.0, 0.0], [0.0, 0.0, 10.0], [0.0, 0.0, 0.0]])
    assert quantiles(rows, edges, 0.5) == pytest.approx([0.5, 1.5, 2.0, np.nan], nan_ok=True)


def test_a_run_that_is_not_valid_is_not_compared(tmp_path: Path):
    invalid = SyntheticRun()
    invalid.people["started"] += 0.5
    with pytest.raises(NotComparable, match="nothing can be compared with it: 1 in 100 applicants was started"):
        comparison.load(invalid.write(tmp_path))
    missed = SyntheticRun()
    missed.people["fate"][:] = Fate.FAILED
    assert comparison.load(missed.write(tmp_path)).id == "20200411-190000-synthetic"
