"""How the line of two million is judged; `make acceptance NAME=room-millions` plays it."""

from typing import Any

import pytest

from tests.acceptance.long import room_crowd, room_crowd_board
from tests.acceptance.long.room_goals import Figures, Invalid

CLOSED = {"off": 0.01, "part_off": -0.02, "played": 1_000}
NIGHT: Figures = {
    "people": 1_000, "wall_s": 1.0, "bytes_each": 50.0, "digest": "a", "looks": 9_000, "most_in_line": 1_000,
    "looks_per_hour": 80.0, "looks_of_long_waits": 70.0, "notice_p95": 2.0, "closed_form": CLOSED,
    "peaks": {"opening": 1.1, "restart": 1.1, "cut": 1.2},
}  # fmt: skip
HERDS = {"peaks": {"opening": 1.1, "restart": 9.0, "cut": 50.0}}
NIGHTS = {
    "calm": NIGHT, "all": NIGHT, "disturbed": NIGHT, "again": NIGHT, "other": {**NIGHT, "digest": "b"},
    "together": {**NIGHT, **HERDS}, "seldom": {**NIGHT, "notice_p95": 19.0}, "short": NIGHT,
}  # fmt: skip
BOARD: Figures = {
    "people": 1_000, "asked": 1_000, "made_per_s": 1.0, "board_us": 5.0, "board_bytes": 150, "place_us": 60.0,
    "too_early": 10, "too_early_refused": 10, "too_early_changed": False, "count_ms": 1.0,
}  # fmt: skip


def figures(night: str = "calm", board: dict[str, Any] | None = None, **other: Any) -> Figures:
    """As they should be, but for one night, or one board."""
    nights = {name: dict(one) for name, one in NIGHTS.items()}
    nights[night].update(other)
    return {"nights": nights, "boards": [BOARD, {**BOARD, **(board or {})}]}


def missed(found: Figures) -> set[str]:
    return {each.goal for each in room_crowd.findings(found) if not each.kept}


def test_figures_as_they_should_be_miss_nothing():
    assert missed(figures()) == set()
    assert "| undisturbed | 1,000 | 9,000 |" in room_crowd.page(figures())


@pytest.mark.parametrize(
    ("night", "other", "goal"),
    [
        ("calm", {"looks_per_hour": 86.0}, "G7"),
        ("calm", {"looks_of_long_waits": 86.0}, "G7"),
        ("calm", {"notice_p95": 3.1}, "G7"),
        ("short", {"closed_form": {**CLOSED, "part_off": -0.06}}, "G7"),
        ("other", {"peaks": {"opening": 1.1, "restart": 1.1, "cut": 1.6}}, "G8"),
        ("all", {"bytes_each": 64.1}, "G10"),
        ("disturbed", {"wall_s": 601.0}, "G10"),
        ("again", {"digest": "c"}, "G10"),
    ],
)
def test_each_bar_is_missed_alone(night, other, goal):
    assert missed(figures(night, **other)) == {goal}


@pytest.mark.parametrize(
    "board",
    [
        {"made_per_s": 1.1},
        {"board_us": 11.0},
        {"place_us": 130.0},
        {"too_early_refused": 9},
        {"too_early_changed": True},
    ],
)
def test_a_board_or_a_look_that_grows_or_writes_is_found(board):
    assert missed(figures(board=board)) == {"G7"}


@pytest.mark.parametrize(
    ("night", "other"),
    [
        ("together", {"peaks": {"opening": 1.1, "restart": 1.4, "cut": 50.0}}),
        ("seldom", {"notice_p95": 2.9}),
        ("other", {"digest": "a"}),
        ("all", {"most_in_line": 700}),
    ],
)
def test_a_control_that_shows_nothing_makes_it_invalid(night, other):
    with pytest.raises(Invalid):
        room_crowd.findings(figures(night, **other))


def test_the_board_is_made_once_a_second_and_early_looks_change_nothing():
    """By the service's own copy of the board and its own look, for a short line."""
    found = room_crowd_board.measure(6_000)
    assert found["asked"] == 6_000 and 0.9 <= found["made_per_s"] <= 1.0
    assert (found["too_early_refused"], found["too_early_changed"]) == (found["too_early"], False)
