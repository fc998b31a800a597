"""The kernel against the oracle in SimPy: everybody comes to the same end, at the same microsecond.

Few people, because the kernel is played uncompiled here; `make acceptance NAME=oracle` compares thousands.
"""

import pytest

from scenarios.fates import Reason
from scenarios.journey_state import Action
from scenarios.journey_state import Result as Told
from scenarios.simulation.figures import EMAIL, IDENTITY
from scenarios.simulation.run import Result
from tests.simpy_oracle.comparing import by_kernel, by_oracle, differences
from tests.simpy_oracle.nights import impatient, troubled, unprotected
from tests.simpy_oracle.plants import PLANTS
from tests.unit.simulated_nights import answers

PEOPLE, FEW = 20, 12


@pytest.fixture(scope="module")
def protected() -> Result:
    return by_kernel(troubled(PEOPLE), PEOPLE, plain=True)


def test_everything_binds_that_is_compared(protected: Result) -> None:
    """The outage keeps codes back until they are of no use, the quota checks; the gate, the door and lines do, too."""
    world = protected.world[0]
    levels = protected.tally.levels
    assert world["expired"][EMAIL] > 0
    assert world["refused"][EMAIL] > 0
    assert levels[:, 5].max() > 60_000, "checks wait for more than a minute"
    assert world["failed"][IDENTITY] > 0
    assert levels[:, 6].max() > PEOPLE / 4, "people stand in line"
    assert world["turned_away"].sum() > 0
    assert answers(protected, Action.PHOTO_SEND, Told.ERROR) > 0


def test_everybody_comes_to_the_same_end(protected: Result) -> None:
    assert differences(protected, by_oracle(troubled(PEOPLE), PEOPLE)) == []


def test_without_protection_too() -> None:
    """Requests time out, pages are refreshed, the service works for those who left."""
    setup = unprotected(FEW)
    kernel = by_kernel(setup, FEW, plain=True)
    assert kernel.tally.answered[:, :, Told.TIMEOUT].sum() > FEW / 3
    assert differences(kernel, by_oracle(setup, FEW)) == []


def test_who_loses_patience_with_the_line_comes_back_at_the_same_moment_in_both() -> None:
    """Often, with her ticket or with another browser; some are in the end let in, some have gone for good."""
    setup = impatient(FEW)
    kernel = by_kernel(setup, FEW, plain=True)
    assert kernel.rows["visits"].sum() >= FEW
    assert kernel.world["tickets"][0] > FEW
    left = kernel.rows["reason"] == Reason.LEFT_THE_LINE
    assert 0 < left.sum() < FEW
    assert differences(kernel, by_oracle(setup, FEW)) == []


@pytest.mark.parametrize("plant", ["a call leaves a millisecond later", "the frontier moves every other second"])
def test_another_rule_is_found(protected: Result, plant: str) -> None:
    """The negative control: an oracle with one other rule disagrees."""
    with PLANTS[plant]():
        assert differences(protected, by_oracle(troubled(PEOPLE), PEOPLE))
