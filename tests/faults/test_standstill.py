"""The self-test in short: a target that stands still, and people who waited as long as that, also on a busy machine.

How long at most they waited is judged by `launchnight self-test` on a quiet one; what does not fit is shown in
tests/unit/test_omission.py.
"""

import pytest

from loadtests.self_test import PUBLISHED, measure

NEARLY = 0.95
"""Four hundred people are a coarse distribution."""


def test_nobody_who_was_due_in_a_standstill_is_left_out():
    """Everybody is measured from the instant she was due, and the published quantiles are those of the people."""
    found = measure(rate=100.0, length=4.0, freeze=1.0, seed=1)
    night = found.night
    assert found.planned == 400
    assert night.freeze == pytest.approx(1.0, abs=0.5)
    assert found.fit.delayed >= NEARLY * night.delayed
    for q, name in PUBLISHED.items():
        assert found.fit.quantiles[q] >= NEARLY * night.quantile(q)
        if night.quantile(q) > 0.1:
            assert found.published[name] == pytest.approx(found.fit.quantiles[q], rel=0.02)
