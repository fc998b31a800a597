"""The knee by two methods, on services whose knee is known."""

import math

import numpy as np
import pytest

from reports.knee import Call, call, knee_of_goodput, knee_of_objectives
from reports.scalability import Estimate, Refusal
from reports.statistics import FloatArray

KNEE = 40.0
RATES = np.array([5.0, 10.0, 20.0, 32.0, 36.0, 38.5, 42.0, 48.0, 80.0, 160.0])


def good_service(rates: FloatArray) -> FloatArray:
    """Keeps serving at its maximum and turns the rest away."""
    return np.minimum(rates, KNEE)


def bad_service(rates: FloatArray) -> FloatArray:
    """Answers more and more people too late."""
    return np.where(rates <= KNEE, rates, np.maximum(0.0, KNEE - 1.5 * (rates - KNEE)))


@pytest.mark.parametrize("service", [good_service, bad_service])
@pytest.mark.parametrize("share", [1.0, 0.8])
def test_both_methods_find_a_known_knee_and_agree(service, share) -> None:
    """Within 5 %, with measuring errors of 1 %, in each of 40 trials; also where a fifth never comes back well."""
    for seed in range(40):
        noise = np.random.default_rng(seed).lognormal(0.0, 0.01, len(RATES))
        found = call(RATES, share * service(RATES) * noise, RATES > KNEE)
        for knee in (found.goodput, found.objectives, found.rate):
            assert isinstance(knee, Estimate)
            assert knee.low <= knee.value <= knee.high
            assert knee.value == pytest.approx(KNEE, rel=0.05)


def test_methods_that_differ_make_no_call() -> None:
    """Goodput keeps up to 40 while an objective breaks from 20 on: something else breaks it."""
    found = call(RATES, good_service(RATES), RATES > 20.0)
    assert isinstance(found.goodput, Estimate) and isinstance(found.objectives, Estimate)
    assert isinstance(found.rate, Refusal)
    assert found.rate.id == "methods-differ"
    assert "40/s" in found.rate.reason and "25.3/s" in found.rate.reason


@pytest.mark.parametrize("apart", [0.08, 0.12])
def test_a_tenth_is_the_most_they_may_differ(apart: float) -> None:
    rates = np.array([10.0, 20.0, 30.0, 39.0, 41.0, 44.0, 50.0, 60.0])
    broken = 40.0 * (1.0 + apart)
    strain = (rates / broken) ** 4
    found = call(rates, good_service(rates), rates > broken, strain)
    assert isinstance(found.rate, Estimate) == (apart < 0.1)


def test_strain_places_the_knee_between_its_neighbors() -> None:
    """Where the objective nearest to its bound would reach it; without, in the middle, in logarithms."""
    rates, broke = [10.0, 40.0], [False, True]
    plain, strained = knee_of_objectives(rates, broke), knee_of_objectives(rates, broke, [0.5, 8.0])
    assert isinstance(plain, Estimate) and isinstance(strained, Estimate)
    assert plain.value == pytest.approx(20.0)
    assert strained.value == pytest.approx(10.0 * 4.0 ** (math.log(2.0) / math.log(16.0)))


def test_a_rate_that_broke_by_accident_widens_the_interval_only() -> None:
    rates = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    found = knee_of_objectives(rates, [False, True, False, False, True, True])
    assert found == Estimate(math.sqrt(40.0 * 50.0), 20.0, 50.0)


def test_repeats_of_a_rate_count_once() -> None:
    found = knee_of_objectives([10.0, 20.0, 20.0, 20.0, 30.0], [False, True, False, False, True])
    assert isinstance(found, Estimate)
    assert (found.low, found.high) == (20.0, 30.0)
    goodput = knee_of_goodput([5.0, 10.0, 15.0, 20.0, 30.0, 30.0], [5.0, 10.0, 15.0, 20.0, 24.0, 20.0])
    assert isinstance(goodput, Estimate)
    assert goodput.value == pytest.approx(22.0)


@pytest.mark.parametrize(
    ("offered", "goodput", "broke", "goodput_refusal", "objectives_refusal"),
    [
        ([10, 20, 30], [10, 20, 30], [False, False, False], "not-reached", "not-reached"),
        ([10, 20, 30], [10, 11, 12], [True, True, True], "none-below", "none-below"),
        ([10, 20, 30, 40], [0, 0, 0, 1], [True, True, True, True], "nothing-good", "none-below"),
        ([10], [10], [False], "few-points", "few-points"),
        ([], [], [], "few-points", "few-points"),
    ],
)
def test_without_points_on_both_sides_there_is_no_knee(
    offered, goodput, broke, goodput_refusal, objectives_refusal
) -> None:
    found = call(offered, goodput, broke)
    assert [one.id for one in (found.goodput, found.objectives) if isinstance(one, Refusal)] == [
        goodput_refusal,
        objectives_refusal,
    ]
    assert isinstance(found.rate, Refusal)


def test_goodput_that_catches_up_again_is_no_knee() -> None:
    found = knee_of_goodput([10, 20, 30, 40, 50], [10, 20, 25, 40, 50])
    assert isinstance(found, Refusal)
    assert found.id == "no-bend"
    assert isinstance(call([], [], []), Call)
