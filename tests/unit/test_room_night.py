"""How the night of two million people is judged: by planted figures of its nights."""

import pytest

from tests.acceptance.long import room_night
from tests.acceptance.long.room_goals import Figures, Invalid
from tests.acceptance.long.room_night import LIMIT, OFF, PLENTY, ROOM, STAGE_PER_S, UNPLANNED

MINUTES, LINE, LATER = 240, 120, 30
PER_EMAIL = 1.25
"""Registrations of an e-mail."""


def night(used: float, finish: float, line: int = 0) -> Figures:
    """So much of what e-mails allow joins each minute; so many of a hundred who come each minute and stay."""
    joined = round(used * STAGE_PER_S * PER_EMAIL * 60.0)
    return {
        "joined": [joined] * MINUTES,
        "line": [line] * LINE + [0] * (MINUTES - LINE),
        "stayed_from": [1000] * MINUTES,
        "finished_from": [round(1000 * finish)] * MINUTES,
        "handed": joined * MINUTES / PER_EMAIL,
        "took_min": float(LATER),
        "digest": "0" * 64,
        "people": 2_000_000,
        "cpu_s": 25.0,
        "peak_rss_mb": 500,
        "gate": {"looks": 0, "lowest_per_s": 600.0, "bound_s": {}},
    }


def nights(room: Figures, control: Figures) -> dict[str, Figures]:
    return {ROOM: room, UNPLANNED: control, LIMIT: control, OFF: control, PLENTY: night(1.0, 1.0)}


def test_a_night_is_held_to_what_its_bottleneck_allows() -> None:
    """In the two hours of its line, less until the rate is found, and later by what a registration takes."""
    found = nights(night(0.97, 0.99, line=5000), night(0.8, 0.98))
    told = room_night.shares(found)
    assert told["window"] == (room_night.FOUND_MIN + LATER, LINE + LATER)
    assert told[ROOM]["used"] == pytest.approx(0.97, abs=1e-3)
    assert [each.kept for each in room_night.findings(found)] == [True, True]
    assert "97.0%" in room_night.findings(found)[0].text
    assert "twice the same" in room_night.page(found)


@pytest.mark.parametrize(("used", "finish", "kept"), [(0.94, 0.99, [False, True]), (0.97, 0.94, [True, False])])
def test_each_bar_can_be_missed(used: float, finish: float, kept: list[bool]) -> None:
    found = nights(night(used, finish, line=5000), night(0.5, 0.5))
    assert [each.kept for each in room_night.findings(found)] == kept


def test_a_control_that_does_as_well_proves_nothing() -> None:
    with pytest.raises(Invalid, match="nothing was protected"):
        room_night.findings(nights(night(0.97, 0.99, line=5000), night(0.96, 0.98)))


def test_without_a_line_nothing_is_proved() -> None:
    with pytest.raises(Invalid, match="no line"):
        room_night.findings(nights(night(0.97, 0.99, line=10), night(0.5, 0.5)))
