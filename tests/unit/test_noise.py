"""How far two runs may differ by chance: block lengths, resamples, and intervals against what is known elsewhere."""

import math

import numpy as np
import pytest
from scipy import signal, stats

from reports import noise
from reports.noise import Noise


def autoregressive(memory: float, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asarray(signal.lfilter([1.0], [1.0, -memory], rng.standard_normal(n + 500)))[500:]


@pytest.mark.parametrize("memory", [0.5, 0.8])
def test_blocks_are_as_long_as_theory_has_it_for_an_autoregressive_series(memory):
    """Politis and White's optimum is (2 a / (1 - a^2))^(2/3) n^(1/3) where x(t) = a x(t-1) + e(t)."""
    n = 1000
    lengths = [noise.block_length(autoregressive(memory, n, seed)) for seed in range(40)]
    assert np.median(lengths) == pytest.approx((2 * memory / (1 - memory**2)) ** (2 / 3) * n ** (1 / 3), rel=0.25)


def test_independent_windows_want_short_blocks():
    rng = np.random.default_rng(1)
    assert np.median([noise.block_length(rng.standard_normal(400)) for _ in range(40)]) < 2.5
    assert noise.block_length(np.ones(400)) == 1.0
    assert noise.block_length(np.arange(3.0)) == 1.0


def test_a_resample_has_as_many_windows_in_blocks_of_the_wanted_length():
    n, length = 200, 8.0
    weights = noise.drawn(n, length)
    assert (weights.sum(axis=1) == n).all()
    assert weights.mean() == 1.0
    # How a window and the next are drawn together falls off with the length of a block: half at log(2) of it.
    centered = weights - weights.mean(axis=0)
    near, far = (float((centered * np.roll(centered, by, axis=1)).mean()) for by in (1, 60))
    spread = float((centered**2).mean())
    assert near / spread == pytest.approx(1.0 - 1.0 / length, abs=0.08)
    assert abs(far / spread) < 0.1


def test_the_error_of_independent_windows_is_that_of_their_mean():
    series = np.random.default_rng(2).standard_normal(400)
    weights = noise.drawn(400, 1.0)
    found = noise.of_windows(weights @ series / 400, 400, 1.0)
    assert found.error == pytest.approx(series.std() / math.sqrt(400), rel=0.12)
    assert found.freedom == 399.0


def test_the_error_of_windows_that_resemble_each_other_is_larger():
    """Negative control: single windows as blocks would take them for independent witnesses."""
    truly = float(np.std([autoregressive(0.8, 600, seed).mean() for seed in range(200)]))

    def found(length: float) -> float:
        errors = []
        for seed in range(30):
            series = autoregressive(0.8, 600, seed)
            each = length or noise.blocks(600, [noise.block_length(series)], noise.LEAST_BLOCK_S)
            weights = noise.drawn(600, each)
            errors.append(noise.of_windows(weights @ series / 600, 600, each).error)
        return float(np.median(errors))

    assert found(0.0) == pytest.approx(truly, rel=0.2)
    assert found(1.0) < 0.5 * truly


def test_blocks_last_for_minutes_where_the_run_does():
    assert noise.blocks(1000, [2.0], 2.0) == 90.0
    assert noise.blocks(1000, [50.0], 2.0) == 150.0
    assert noise.blocks(100, [2.0], 2.0) == 25.0
    assert noise.blocks(3, [1.0], 2.0) == 1.0


def test_repeats_are_judged_as_by_students_test():
    before, after = [1.0, 1.2, 0.9, 1.1], [1.3, 1.6, 1.2]
    found = noise.of_repeats(before, after)
    expected = stats.ttest_ind(after, before)
    assert found.freedom == expected.df
    difference = np.mean(after) - np.mean(before)
    assert difference / found.error == pytest.approx(expected.statistic)
    assert difference - found.reach() == pytest.approx(expected.confidence_interval(0.95).low)


def test_many_questions_make_each_interval_wider():
    """2.228 and 3.581 are in any table of Student's t with 10 degrees of freedom, for 0.975 and 0.9975."""
    assert Noise(1.0, 10.0).reach() == pytest.approx(2.228, abs=1e-3)
    assert Noise(1.0, 10.0).reach(10) == pytest.approx(3.581, abs=1e-3)
