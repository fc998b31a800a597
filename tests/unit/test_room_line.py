"""Small lines under a virtual clock. `make acceptance NAME=waiting-room` plays them with 100,000 people,
`make acceptance NAME=room-millions` with two million."""

from functools import partial

import numpy as np
import pytest

from tests.acceptance.long import room_crowd
from tests.acceptance.long.room_line import Line, Night, Told, play

SECONDS = 700
CUT = (300, 330)


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
    told = night(every_s=20.0)
    late = (told.told - told.turn)[told.turn > 75]
    assert np.percentile(late[~np.isnan(late)], 95) > 10.0


def test_people_ahead_are_those_who_are_there():
    """Half of the tickets are held by nobody: they are not counted."""
    errors = play(Night(people=3000, rate=lambda _: 3.0, seconds=300, absent=0.5), 2).ahead_errors
    assert errors and max(errors) <= 0.02


def test_a_count_that_is_not_the_services_is_found():
    """The line counts live people by itself, and looks now and then whether the service counts as many."""
    line = Line(Night(people=500, rate=lambda _: 0.5, seconds=200), 1)
    line.count_live = lambda asked, before, since: before.fill(0)
    with pytest.raises(AssertionError, match="the service counts"):
        line.play()


def test_a_crowd_that_was_cut_off_together_comes_back_apart():
    """After half a minute without network: no herd, and one with clients who ask once it is back (the control)."""
    crowd = partial(Night, people=10_000, rate=lambda _: 0.5, seconds=500, early=1.0, cuts=(CUT,))
    spread = play(crowd(), 3)
    plain = play(crowd(rushes=True), 3)
    assert spread.peak_to_mean(CUT[1], 60) <= 1.5 < 3.0 < plain.peak_to_mean(CUT[1], 60)


def test_compiled_and_plain_are_the_same_to_the_digit():
    """The digest is over every look: when, whose, what was told. Another seed or a longer cut gives another."""
    crowd = partial(Night, people=300, rate=lambda _: 1.0, seconds=330, absent=0.2, leaving_per_s=1e-4)
    once, plain = (play(crowd(cuts=((90, 95),)), 1, plain) for plain in (False, True))
    assert once.digest == plain.digest
    assert np.array_equal(once.told, plain.told, equal_nan=True)
    others = [play(crowd(cuts=((90, end),)), seed).digest for end, seed in ((95, 2), (96, 1))]
    assert once.digest not in others


def test_who_tries_again_in_the_second_of_a_failure_is_not_lost():
    """Near the turn people try again within half a second; a cut there loses nobody of those who stay."""
    told = night(cuts=((300, 301), (350, 352)))
    passed = ~np.isnan(told.turn) & (told.looks > 0) & (told.turn < SECONDS - 80)
    assert passed.sum() > 500 and not np.isnan(told.told[passed]).any()


def test_looks_in_closed_form_are_those_one_by_one():
    """As the simulation reckons a line of minutes."""
    told = play(room_crowd.line_of(room_crowd.SHORT, 4_000), 1)
    found = room_crowd.closed_form(told)
    assert found["played"] > 8_000 and abs(found["off"]) <= 0.05
