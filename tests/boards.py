"""Grafana's dashboards, rules and alerts as they are committed, for the tests that look at them."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
DASHBOARDS = ROOT / "dashboards"
PROMETHEUS = DASHBOARDS / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks.md"

SCRAPE = 2
"""Seconds, as prometheus.yml has it."""


@dataclass(frozen=True)
class Asked:
    """One question to Prometheus, of a panel or an annotation."""

    board: str
    panel: str
    expr: str
    instant: bool
    empty_is_good: bool


@cache
def boards() -> dict[str, dict[str, Any]]:
    """The committed JSON of each dashboard, by uid."""
    found = {}
    for path in sorted((DASHBOARDS / "grafana").glob("*.json")):
        board = json.loads(path.read_text())
        found[board["uid"]] = board
    return found


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def questions() -> list[Asked]:
    """Every query of every panel and annotation."""
    found = []
    for board in boards().values():
        for panel in panels(board):
            good = "Empty is good: " in panel["description"]
            found += [
                Asked(board["title"], panel["title"], target["expr"], bool(target.get("instant")), good)
                for target in panel["targets"]
            ]
        for annotation in board["annotations"]["list"]:
            good = "Empty is good: " in annotation["name"]
            found.append(Asked(board["title"], annotation["name"], annotation["expr"], False, good))
    return found


def filled(expr: str, *, run: str, range_s: int) -> str:
    """`expr` with Grafana's variables replaced as Grafana would at our scrape interval."""
    return expr.replace("$__rate_interval", f"{4 * SCRAPE}s").replace("$__range", f"{range_s}s").replace("$run", run)


@cache
def rules(name: str) -> list[dict[str, Any]]:
    """All rules of dashboards/prometheus/NAME.rules.yml."""
    groups = yaml.safe_load((PROMETHEUS / f"{name}.rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]
