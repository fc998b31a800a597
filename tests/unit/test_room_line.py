"""Small lines under a virtual clock; `make acceptance NAME=waiting-room` plays them with 100,000 people."""

from functools import partial

import numpy as np
import pytest

from tests.acceptance.long.room_line import Night, Told, play

SECONDS = 700
CUT = (300.0, 330.0)


def night(**other) -> Told:
    return play(Night(people=900, rate=lambda _: 1.5, seconds=SECONDS, absent=0.2, **other), 1)


@pytest.fixture(scope="module")
def line() -> Told:
    return night()


def test_everybody_there_is_let_in_and_notices_the_turn(line):
    """Within 3 s for 19 of 20 of those whose turn comes once all have looked."""
    assert np.isfinite(line.told).sum() >= 0.95 * 900 * 0.8
    late = (line.told - line.turn)[line.turn > 75]
    assert np.percentile(late[~np.isnan(late)], 95) <= 3.0


def test_who_asks_every_20_s_notices_late():
    """The negative control of the pauses near the turn."""
    told = night(interval=lambda _: 20.0)
    late = (told.told - told.turn)[told.turn > 75]
    assert np.percentile(late[~np.isnan(late)], 95) > 10.0


def test_people_ahead_are_those_who_are_there():
    """Half of the tickets are held by nobody: they are not counted."""
    errors = play(Night(people=3000, rate=lambda _: 3.0, seconds=300, absent=0.5), 2).ahead_errors
    assert errors and max(errors) <= 0.02


def test_a_crowd_that_was_cut_off_together_comes_back_apart():
    """After half a minute without network: no herd, and one with clients who ask once it is back (the control)."""
    crowd = partial(Night, people=3000, rate=lambda _: 0.5, seconds=500, early=1.0, cuts=(CUT,))
    spread = play(crowd(), 3)
    plain = play(crowd(rushes=True), 3)
    assert spread.peak_to_mean(CUT[1], 60) <= 1.6 < 3.0 < plain.peak_to_mean(CUT[1], 60)
