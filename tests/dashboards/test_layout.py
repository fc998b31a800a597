"""The committed dashboards are what the code makes, and keep the rules of good dashboards."""

import re
from itertools import combinations
from typing import Any

import pytest

from dashboards import __main__ as generator
from tests import boards
from tests.promql import selectors

BOARDS = boards.boards()
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in boards.panels(board)]
every_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
every_panel = pytest.mark.parametrize("panel", [panel for _, panel in PANELS], ids=[p["title"] for _, p in PANELS])


def test_json_is_what_the_code_makes() -> None:
    texts = generator.texts()
    assert {path.name for path in texts} == {path.name for path in (boards.DASHBOARDS / "grafana").glob("*.json")}
    for path, text in texts.items():
        assert path.read_text() == text, "run: make dashboards"


@every_board
def test_panels_have_their_own_place_and_number(board: dict[str, Any]) -> None:
    numbers = [panel["id"] for panel in board["panels"]]
    assert sorted(numbers) == sorted(set(numbers))
    titles = [panel["title"] for panel in board["panels"]]
    assert sorted(titles) == sorted(set(titles))
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    assert [pair for pair in combinations(places, 2) if _overlap(*pair)] == []


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(one[a] < other[a] + other[b] and other[a] < one[a] + one[b] for a, b in (("x", "w"), ("y", "h")))


def test_overlapping_panels_are_seen() -> None:
    """Negative control."""
    assert _overlap({"x": 0, "y": 0, "w": 9, "h": 8}, {"x": 8, "y": 7, "w": 8, "h": 8})
    assert not _overlap({"x": 0, "y": 0, "w": 8, "h": 8}, {"x": 8, "y": 0, "w": 8, "h": 8})


@every_board
def test_rows_are_questions(board: dict[str, Any]) -> None:
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert len(rows) >= 5 and all(title.endswith("?") for title in rows)
    assert board["panels"][0]["type"] == "row"


@every_board
def test_board_can_be_provisioned(board: dict[str, Any]) -> None:
    """No inputs of an export, nothing that Grafana would let people change, only variables that exist."""
    assert "__inputs" not in board and board["editable"] is False and board.get("id") is None
    declared = {variable["name"] for variable in board["templating"]["list"]} | {"__rate_interval", "__range"}
    used = set(re.findall(r"\$\{?(\w+)", str([panel.get("targets") for panel in board["panels"]])))
    assert used <= declared and {"datasource", "run"} <= declared
    assert board["annotations"]["list"] and board["links"]


@every_panel
def test_panel_explains_itself(panel: dict[str, Any]) -> None:
    """A sentence, a unit, thresholds (one green step says that there are none), and a legend where there are lines."""
    assert len(panel["description"]) > 20 and panel["description"].endswith(
        (".", "fires", "answer", "partners", "faults")
    )
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"] and defaults["thresholds"]["steps"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    if panel["type"] == "timeseries":
        assert panel["options"]["legend"]["showLegend"] is True
        assert all(target["legendFormat"] for target in panel["targets"])


@every_panel
def test_panel_asks_well(panel: dict[str, Any]) -> None:
    """PromQL that 2.42 and 3.x both understand, of one run, and no average of quantiles."""
    assert panel["targets"]
    for target in panel["targets"]:
        plain = boards.filled(target["expr"], run="r", range_s=60)
        found = selectors(plain)
        assert found and all(("run", "r") in {(label, text) for label, _, text in one.matchers} for one in found)
        assert not re.search(r"avg[^(]*\(\s*histogram_quantile|limitk|fill\(|info\(", plain)
