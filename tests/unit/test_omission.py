"""The arithmetic of a target that stands still, against a play of it by hand, and what does not fit it."""

import numpy as np
import pytest

from loadtests.omission import Standstill, fit

NIGHT = Standstill(rate=100.0, length=40.0, freeze=10.0)


def played(rate: float, length: float, began: float, freeze: float) -> np.ndarray:
    """Each arrival waits until the thaw when it comes in the freeze."""
    due = np.arange(round(rate * length)) / rate
    return np.where((due >= began) & (due < began + freeze), began + freeze - due, 0.0)


def test_the_arithmetic_is_that_of_the_play():
    """A thousand people due in ten seconds; a quarter of all wait, and a tenth wait longer than six seconds."""
    found = fit(played(100.0, 40.0, 12.0, 10.0), NIGHT)
    assert found.misfits(NIGHT) == []
    assert abs(found.delayed - 990) <= 1
    assert found.distance < 0.001
    assert [NIGHT.quantile(q) for q in (0.75, 0.9, 1.0)] == pytest.approx([0.0, 6.0, 10.0])
    assert found.quantiles[0.9] == pytest.approx(6.0, abs=0.02)


def test_the_distribution_function_meets_its_quantiles():
    for q in (0.8, 0.9, 0.99):
        assert NIGHT.share_below(np.array([NIGHT.quantile(q)]))[0] == pytest.approx(q)


def test_who_waits_for_an_answer_before_asking_again_does_not_fit():
    """Negative control: a hundred users who each ask once a second have one delayed request each, not ten."""
    kept_asking = np.zeros(3000)
    kept_asking[:100] = np.linspace(9.0, 10.0, 100)
    found = fit(kept_asking, NIGHT)
    assert found.delayed == 100
    assert found.distance > 0.15
    assert len(found.misfits(NIGHT)) >= 3


@pytest.mark.parametrize("late", [0.25, -0.25])
def test_a_clock_that_is_off_does_not_fit(late):
    """Each wait a quarter of a second longer or shorter than it was."""
    waits = played(100.0, 40.0, 12.0, 10.0)
    assert fit(np.where(waits > 0, np.clip(waits + late, 0.0, None), 0.0), NIGHT).misfits(NIGHT)


def test_nobody_measured_is_no_fit():
    with pytest.raises(ValueError, match="nobody"):
        fit([], NIGHT)
