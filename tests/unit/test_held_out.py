"""How the held-out proof reads figures and grades them: what is off by more than its bar is missed, and says so."""

import hashlib
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from scenarios.calibration_file import ROLES
from scenarios.counters import FloatArray, grown
from scenarios.record import Run
from tests.acceptance.long import core_speed, held_out_page
from tests.acceptance.long.held_out import read
from tests.acceptance.long.held_out_figures import (
    LOOK_S,
    BoolArray,
    Figures,
    Track,
    figures,
    mean_of,
    quantile,
    track_of_dict,
    undisturbed,
)
from tests.acceptance.long.held_out_grades import graded
from tests.acceptance.long.held_out_model import BOUNDS, Case, Lesson, Model, at_even_speed, fitted
from tests.acceptance.long.held_out_runs import Invalid
from tests.acceptance.long.held_out_speed import POWERS, Seen, Speed, learned
from tests.unit.planted_service import SCRAPE_S, PlantedService
from tests.unit.test_calibration_file import calibration

EDGES = np.array([0.001, 0.01, 0.1, 1.0, np.inf])
SEEN = Figures(
    counted_s=130,
    cores={"web": 0.4, "worker": 0.05, "gatekeeper": 0.03, "database": 0.3},
    p50_s=0.01, p75_s=0.05, p95_s=0.1, p99_s=0.2,
    good_per_s=200.0, calm_per_s=200.0, best_per_s=250.0, last_per_s=240.0, oldest_s=40.0,
)  # fmt: skip
LOADS = ("held-60", "held-90", "held-110", "outage", "ramp")


def track(good_per_s: list[float]) -> Track:
    """So many good answers in each second, of which one in ten takes between 0.1 and 1 s, all others less than 0.01."""
    good = np.concatenate(([0.0], np.cumsum(good_per_s)))
    at = np.arange(len(good), dtype=np.float64)
    times = np.outer(good, [0.0, 0.9, 0.9, 1.0, 1.0])
    return Track({"web": 0.25 * at}, good, EDGES, times, at)


def test_figures_are_those_between_warming_up_and_the_last_arrival() -> None:
    found = figures(track([1.0] * 20 + [10.0] * 60), np.ones(80, bool), 20, 80)
    assert found.cores == {"web": 0.25}
    assert (found.good_per_s, found.best_per_s, found.last_per_s, found.oldest_s) == (10.0, 10.0, 10.0, 75.0)
    assert 0.001 < found.p50_s < 0.01 and found.p95_s == pytest.approx(0.1 * 10.0**0.5)
    assert not found.tipped and not found.unknown


def test_seconds_that_do_not_count_are_as_if_they_had_not_been() -> None:
    """A host that takes half of the machine for ten seconds, and all of it for another ten."""
    counts = np.ones(80, bool)
    counts[30:40] = counts[60:70] = False
    good = np.full(80, 10.0)
    good[30:40], good[60:70] = 5.0, 90.0
    found = figures(track(list(good)), counts, 20, 80)
    assert (found.counted_s, found.good_per_s, found.best_per_s, found.calm_per_s, found.last_per_s) == (
        40, 10.0, 10.0, 10.0, 10.0,
    )  # fmt: skip
    assert not found.unknown
    all_of_them = figures(track(list(good)), np.ones(80, bool), 20, 80)
    assert all_of_them.best_per_s > 10.0 and all_of_them.calm_per_s < 10.0


def test_too_few_seconds_leave_figures_unknown() -> None:
    counts = np.ones(80, bool)
    counts[::15] = False
    found = figures(track([10.0] * 80), counts, 20, 80)
    assert np.isnan(found.best_per_s) and found.unknown
    assert figures(track([10.0] * 80), np.zeros(80, bool), 20, 80).counted_s == 0


def test_a_track_is_written_and_read() -> None:
    one = track([1.0, 2.0, 3.0])
    again = track_of_dict(json.loads(json.dumps(one.to_dict())))
    assert again.used.keys() == one.used.keys() and (again.used["web"] == one.used["web"]).all()
    for name in ("good", "edges", "times", "oldest"):
        assert (getattr(again, name) == getattr(one, name)).all()


def test_a_service_that_answers_less_at_the_end_has_tipped() -> None:
    every = np.ones(80, bool)
    assert figures(track([10.0] * 60 + [6.0] * 20), every, 20, 80).tipped
    assert not figures(track([10.0] * 60 + [8.0] * 20), every, 20, 80).tipped


def test_quantiles_lie_between_edges_and_nothing_has_none() -> None:
    counts = np.array([0.0, 5.0, 10.0, 10.0, 10.0])
    assert quantile(EDGES, counts, 0.5) == pytest.approx(0.01)
    assert quantile(EDGES, counts, 0.75) == pytest.approx(0.01 * 10.0**0.5)
    assert quantile(EDGES, np.array([4.0, 4.0, 4.0, 4.0, 4.0]), 0.5) == 0.001
    assert quantile(EDGES, np.array([0.0, 0.0, 0.0, 0.0, 4.0]), 0.5) == 1.0
    assert np.isnan(quantile(EDGES, np.zeros(5), 0.5))


@pytest.mark.parametrize(
    ("wrong", "missed"),
    [
        (SEEN, set()),
        (replace(SEEN, p50_s=0.0116), {("held-60", "p50"), ("held-90", "p50")}),
        (replace(SEEN, p95_s=0.079), {("held-60", "p95"), ("held-90", "p95")}),
        (replace(SEEN, oldest_s=33.0), {("held-60", "oldest check"), ("held-90", "oldest check")}),
        (replace(SEEN, good_per_s=217.0), {("held-110", "goodput")}),
        (replace(SEEN, best_per_s=276.0), {("ramp", "knee")}),
        (replace(SEEN, last_per_s=100.0), {(load, "tips") for load in LOADS[:-1]}),
        (
            replace(SEEN, cores={**SEEN.cores, "worker": 0.056}),
            {("held-60", "CPU of worker"), ("held-90", "CPU of worker")},
        ),
    ],
)
def test_what_is_further_off_than_its_bar_is_missed(wrong: Figures, missed: set[tuple[str, str]]) -> None:
    lines = graded({load: [wrong] for load in LOADS}, {load: [SEEN] for load in LOADS})
    assert {(line.load, line.what) for line in lines if not line.held} == missed


def test_what_could_not_be_rehearsed_has_no_line() -> None:
    lines = graded({load: [SEEN] for load in LOADS}, {"held-60": [SEEN]})
    assert {line.load for line in lines} == {"held-60"}


def test_the_table_says_what_was_missed_and_what_is_absent() -> None:
    wrong = replace(SEEN, p50_s=0.021, last_per_s=0.0)
    seen = {"held-60": [SEEN, replace(SEEN, p50_s=0.011)]}
    lines = graded({"held-60": [wrong, wrong]}, seen)
    even = graded({"held-60": [replace(wrong, p50_s=0.03, p95_s=0.3)] * 2}, seen)
    told = held_out_page.text(lines, even, ["ramp"], 30.0, "0123456789abcdef0123", calibration(), 2.5)
    assert "**6 of 8**" in told and "of that alone, 5 would" in told and "`0123456789abcdef...`" in told
    assert "| held-60 | p50 | 0.03 | 0.021 | 0.0105 s | +100.0% | 15% | +10.0% | **missed** |" in told
    assert "| held-60 | tips | yes | yes | no | | | | **missed** |" in told
    assert "| held-60 | CPU of web | 0.4 | 0.4 | 0.4 cores | +0.0% | 10% | +0.0% |  |" in told
    assert "| ramp | could not be rehearsed" in told


def test_the_table_is_put_in_its_place_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "simulation.md"
    as_it_was = held_out_page.PAGE.read_text()
    page.write_text(as_it_was)
    monkeypatch.setattr(held_out_page, "PAGE", page)
    for told in ("first", "second"):
        held_out_page.write(told)
    before, after = held_out_page.BEGINS, held_out_page.ENDS
    assert f"{before}\nsecond\n{after}" in page.read_text()
    assert page.read_text().count(before) == page.read_text().count(after) == 1
    assert page.read_text().partition(before)[0] == as_it_was.partition(before)[0]
    assert page.read_text().partition(after)[2] == as_it_was.partition(after)[2]


def test_of_two_playings_the_mean_is_graded_and_noise_is_how_far_the_second_was_off() -> None:
    near, slow = replace(SEEN, p50_s=0.011), replace(SEEN, p50_s=0.014)
    lines = graded({"held-60": [near, near], "held-90": [near]}, {"held-60": [SEEN, slow], "held-90": [slow]})
    told = {line.load: line for line in lines if line.what == "p50"}
    one, other = told["held-60"], told["held-90"]
    assert (one.expected, one.seen, one.noise) == pytest.approx((0.011, 0.012, 0.4)) and one.held
    assert (other.seen, other.noise, other.held) == (0.014, None, False)


def test_what_plays_come_to_is_the_mean_of_each_figure() -> None:
    other = replace(SEEN, cores={**SEEN.cores, "web": 0.5}, p50_s=0.03, last_per_s=0.0)
    found = mean_of([SEEN, other])
    assert (found.cores["web"], found.p50_s, found.last_per_s) == pytest.approx((0.45, 0.02, 120.0))
    assert replace(found, cores=SEEN.cores, p50_s=SEEN.p50_s, last_per_s=SEEN.last_per_s) == SEEN


def test_tips_are_right_only_where_each_playing_is() -> None:
    tipped = replace(SEEN, last_per_s=0.0)
    for expected, right in (([SEEN, tipped], True), ([tipped, SEEN], False), ([SEEN, SEEN], False)):
        lines = graded({"held-60": expected}, {"held-60": [SEEN, tipped]})
        assert [line.held for line in lines if line.what == "tips"] == [right]


def test_predictions_count_only_with_the_calibration_that_they_come_from(tmp_path: Path) -> None:
    """A rough run may have learned from other rehearsals, and left what it expected."""
    path, found = tmp_path / "predictions.json", calibration()
    expected = {name: [track([1.0, 2.0]).to_dict(), track([3.0]).to_dict()] for name in LOADS}
    model = Model(found, 0.3, (0.1, 0.9), 0.001, 0.5, 2.0, 0.03)
    document = {
        "calibration": found.digest, "expected": expected, "model": model.to_dict(), "speed": [150.0, 1.5],
    }  # fmt: skip
    path.write_text(json.dumps(document))
    written, sha = read(path, found)
    assert sha == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {name: [each.to_dict() for each in plays] for name, plays in written.even.items()} == expected
    assert (written.model.costs(0.6), written.speed) == (model.costs(0.6), Speed(150.0, 1.5))
    with pytest.raises(Invalid, match="begin anew with --anew"):
        read(path, calibration(name="another"))
    for missing in document:
        path.write_text(json.dumps({name: each for name, each in document.items() if name != missing}))
        with pytest.raises(Invalid, match="another version"):
            read(path, found)


def test_what_the_host_took_does_not_count_nor_what_follows(tmp_path: Path) -> None:
    planted = PlantedService(3)
    planted.load[:] = 0.5
    assert undisturbed(Run.load(planted.write(tmp_path / "left alone")), 120).all()
    taken_s = 60.0
    planted.stolen[round(taken_s / SCRAPE_S)] = 0.1 * LOOK_S
    counts = undisturbed(Run.load(planted.write(tmp_path / "taken")), 120)
    assert counts[:50].all() and counts[75:].all()
    assert not counts[round(taken_s) : round(taken_s) + LOOK_S].any()
    assert LOOK_S < np.count_nonzero(~counts) <= 4 * LOOK_S


def took(half_s: float) -> Figures:
    """Slow answers take twice as long as half of them do."""
    return replace(SEEN, p50_s=half_s, p75_s=half_s, p95_s=2.0 * half_s, p99_s=2.0 * half_s)


class Sketch:
    """Stands where a Model does: half of the answers take what is fitted as `pause_s`."""

    def __init__(self, pause_s: float = 0.01) -> None:
        self.pause_s = pause_s

    def with_fitted(self, *guess: float) -> "Sketch":
        assert all(low <= each <= high for each, (low, high) in zip(guess, BOUNDS, strict=True))
        return Sketch(guess[0])

    def figures(self, case: Case, counts: BoolArray, slow: FloatArray) -> Figures:
        return took(self.pause_s + 1e-6)


@pytest.mark.parametrize(("seen_s", "found_s"), [(0.05, 0.05), (1e-7, BOUNDS[0][0]), (0.9, BOUNDS[0][1])])
def test_what_is_fitted_is_found_and_stays_inside_its_bounds(seen_s: float, found_s: float) -> None:
    lesson = Lesson(cast(Case, None), np.ones(1, bool), took(seen_s), np.ones(1))
    found = fitted(cast(Model, Sketch()), [lesson], lambda _: None)
    assert found.pause_s == pytest.approx(found_s, rel=0.02, abs=1e-4)


def test_processor_time_is_told_as_if_the_core_had_not_been_slow(tmp_path: Path) -> None:
    """Twice as slow from the 60th second on: half of what was used counts from then on, of nothing else."""
    run = Run.load(PlantedService(3).write(tmp_path / "planted"))
    slow = np.where(np.arange(120 * core_speed.PARTS) < 60 * core_speed.PARTS, 1.0, 2.0)
    even = at_even_speed(run, slow)
    moments = np.array([10.0, 50.0, 70.0, 110.0])
    for role in ROLES:
        seen, told = (
            np.diff(grown(one.samples, "rehearsal_cpu_seconds_total", moments, role=role)) for one in (run, even)
        )
        assert told[0] == pytest.approx(seen[0]) and told[2] == pytest.approx(seen[2] / 2.0)
    for name in ("registration_http_requests_total", "rehearsal_core_busy_seconds_total"):
        assert (grown(even.samples, name, moments) == grown(run.samples, name, moments)).all()
    assert even.samples.names == run.samples.names


def planted(power: float, seed: int, good_per_s: float, seconds: int = 200) -> Seen:
    """A service whose processor time grows with the small work's to a power; half as many answers cost two thirds."""
    dice = np.random.default_rng(seed)
    work_us = 250.0 * np.repeat(dice.uniform(0.8, 1.3, seconds // 10), 10)
    cores = 0.02 * good_per_s**0.585 * (work_us / 250.0) ** power * dice.normal(1.0, 0.03, seconds)
    used = np.concatenate(([0.0], np.cumsum(cores)))
    made = track([good_per_s] * seconds)
    return Seen(made._replace(used={"web": 0.4 * used, "database": 0.6 * used}), np.ones(seconds, bool), work_us)


@pytest.mark.parametrize("power", [0.6, 1.0, 1.7])
def test_how_much_slower_a_core_is_for_the_service_is_learned(power: float) -> None:
    some = [planted(power, seed, good) for seed, good in enumerate((10.0, 20.0, 30.0, 30.0, 20.0, 10.0))]
    found = learned(some, 20)
    assert found.power == pytest.approx(power, abs=0.05)
    assert found.usual_us == pytest.approx(np.mean([each.work_us[20:].mean() for each in some]))
    assert found.slow(np.array([1.0, 2.0]) * found.usual_us).tolist() == pytest.approx([1.0, 2.0**found.power])


def test_seconds_that_do_not_count_tell_nothing_of_speed() -> None:
    """And of too few the service is taken to be as slow as the small work is; a power stays inside its bounds."""
    wrong = [planted(2.9, seed, 10.0) for seed in range(3)]
    for each in wrong:
        each.counts[:] = False
    right = [planted(0.7, seed, good) for seed, good in enumerate((10.0, 20.0, 30.0))]
    assert learned([*right, *wrong], 20).power == pytest.approx(0.7, abs=0.1)
    assert learned([*right[:1], *wrong], 20).power == 1.0
    assert learned([planted(4.0, seed, 10.0) for seed in range(3)], 20).power == POWERS[1]


def test_how_fast_a_core_was_is_the_mean_of_each_part_of_a_second(tmp_path: Path) -> None:
    path = tmp_path / "core.txt"
    path.write_text("99.5 20.0\n100.1 10.0\n100.5 20.0\n100.9 900.0\n103.2 50.0\n")
    found = core_speed.by_part(path, 100.0, 5)
    at = np.array([0, 3, 5, 19]) / core_speed.PARTS
    assert found.tolist() == pytest.approx(np.interp(np.arange(30) / core_speed.PARTS, at, [10.0, 20.0, 50.0, 50.0]))
    assert core_speed.by_second(found).tolist() == pytest.approx([found[6 * each :][:6].mean() for each in range(5)])
    for nothing in ("", "1.0 20.0\n"):
        path.write_text(nothing)
        with pytest.raises(ValueError, match="nothing of these seconds"):
            core_speed.by_part(path, 100.0, 5)


def test_a_core_is_timed_while_the_block_runs(tmp_path: Path) -> None:
    path, began = tmp_path / "core.txt", time.time()
    with core_speed.timed(min(os.sched_getaffinity(0)), path):
        end = time.monotonic() + 20.0
        while not path.exists() or path.read_text().count("\n") < 3:
            assert time.monotonic() < end, "nothing was written"
            time.sleep(0.02)
    assert (core_speed.by_part(path, began, 600) > 0.0).all()
