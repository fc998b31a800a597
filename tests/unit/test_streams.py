"""Every draw is a pure function of (seed, applicant, purpose, attempt), well spread and independent of the order."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import streams
from scenarios.streams import Purpose
from service.domain import hashing

ANY = st.integers(-(2**63), 2**64 - 1)


@given(ANY, ANY, st.sampled_from(Purpose), ANY)
def test_draws_take_any_integer_modulo_2_to_the_64(seed: int, applicant: int, purpose: Purpose, attempt: int) -> None:
    """-1 and 2**64 - 1 are the same 64 bits, and a draw is in [0, 1)."""
    drawn = streams.uniform(seed, applicant, purpose, attempt)
    assert 0.0 <= drawn < 1.0
    assert drawn == streams.uniform(seed % 2**64, applicant % 2**64, purpose, attempt % 2**64)


def test_mixed_is_the_finalizer_of_splitmix64() -> None:
    """The first output of splitmix64 seeded with 0 is published with the generator: 0xE220A8397B1DCDAF."""
    assert hashing.mixed(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF


def test_uniforms_are_uniform_and_differ_by_purpose_attempt_and_seed() -> None:
    """Mean, variance and correlations of 200,000 draws, each within four standard errors."""
    numbers = np.arange(200_000)
    base = streams.uniforms(1, numbers, Purpose.ARRIVAL, 0)
    error = 4.0 / np.sqrt(12.0 * len(numbers))
    assert abs(base.mean() - 0.5) < error
    assert abs(base.var() * 12.0 - 1.0) < 0.01
    for other in (
        streams.uniforms(2, numbers, Purpose.ARRIVAL, 0),
        streams.uniforms(1, numbers, Purpose.THINK, 0),
        streams.uniforms(1, numbers, Purpose.ARRIVAL, 1),
        streams.uniforms(1, numbers + 1, Purpose.ARRIVAL, 0),
    ):
        assert abs(np.corrcoef(base, other)[0, 1]) < 4.0 / np.sqrt(len(numbers))


def test_uniforms_are_the_digits_of_uniform() -> None:
    """Whole arrays and single draws agree, negative seeds included."""
    numbers = np.array([0, 1, 5, 999_999_999])
    for seed in (0, -1, 2**64 - 1):
        expected = [streams.uniform(seed, int(number), Purpose.PATIENCE, 3) for number in numbers]
        assert streams.uniforms(seed, numbers, Purpose.PATIENCE, 3).tolist() == expected


def test_normal_is_the_inverse_of_the_normal_distribution() -> None:
    """Against the standard library's inverse; relative error below the 1.2e-9 of the docstring."""
    for u in [*np.linspace(0.0001, 0.9999, 4001), 1e-9, 1 - 1e-9]:
        wanted = NormalDist().inv_cdf(float(u))
        assert streams.normal(float(u)) == pytest.approx(wanted, rel=1.2e-9, abs=1e-9)
    assert np.isfinite(streams.normal(0.0))


def test_variates_have_their_median_and_mean() -> None:
    """Exponential: median = mean ln 2; log-normal: median at u = 1/2 and p95 = median exp(1.645 sigma)."""
    assert streams.exponential(0.5, 10.0) == pytest.approx(6.931471805599453)
    assert streams.exponential(0.0, 10.0) == 0.0
    assert streams.log_normal(0.5, 12.0, 1.0) == pytest.approx(12.0)
    assert streams.log_normal(0.95, 8.0, 1.22) == pytest.approx(8.0 * np.exp(1.6448536269514722 * 1.22))


def test_purposes_are_distinct_numbers() -> None:
    """Two purposes with one number would share their luck; an alias would hide it."""
    assert len(Purpose.__members__) == len(set(Purpose))
