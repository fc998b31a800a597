"""What is asked of a waiting room (G1 to G24), what a proof finds about it, and the table of both.

A proof is a module with
  GOALS           the goals that it tells of
  SEEDS           how many seeds it takes when nothing is said, QUICK how many with --quick
  measure(seed, run)  figures of one seed, a plain dict; runs in a process of its own, may raise Invalid
  judge(figures)  findings on the figures of all seeds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Figures = dict[str, Any]


class Invalid(Exception):
    """The proof proves nothing: a fault did not bite, a control held."""


GOALS = {
    "G1": "order",
    "G2": "lottery of early comers",
    "G3": "hard limits",
    "G4": "use of the limit",
    "G5": "absent people",
    "G6": "coming back",
    "G7": "cost of polling",
    "G8": "herds",
    "G9": "burst of joins",
    "G10": "two million waiting",
    "G11": "promised wait",
    "G12": "people ahead",
    "G13": "tickets and passes",
    "G14": "crashes",
    "G15": "several regions",
    "G16": "admitting without the store",
    "G17": "choosing the rate",
    "G18": "stages behind the gate",
    "G19": "operators",
    "G20": "browsers, phones, apps",
    "G21": "fairness to people",
    "G22": "reset and epochs",
    "G23": "bypasses",
    "G24": "proof beside others",
}
ELSEWHERE = {"G10": '`make acceptance NAME=room-millions`: see "At two million"'}
"""Which proof tells of it, and where it stands."""
NOT_BUILT = {
    "G15": "not wanted: one region, one database",
    "G16": "not wanted: without the database the board says paused, and nobody loses a place",
}


@dataclass(frozen=True)
class Run:
    """How a proof is run. folder: for what is too long for a figure."""

    folder: Path
    quick: bool = False


@dataclass(frozen=True)
class Finding:
    """One bar: which goal asks for it, whether it is met, and the figure beside the bar in words."""

    goal: str
    kept: bool
    text: str


@dataclass
class Row:
    """A goal's line in the table."""

    goal: str
    verdict: str = "not run"
    """pass, fail, invalid, elsewhere, not built, not run"""
    texts: list[str] = field(default_factory=list)


def rows(findings: Iterable[Finding], invalid: Mapping[str, Sequence[str]]) -> list[Row]:
    """Every goal in order. invalid: of goals whose proof proved nothing, and why."""
    table = {goal: Row(goal) for goal in GOALS}
    for verdict, goals in (("elsewhere", ELSEWHERE), ("not built", NOT_BUILT)):
        table |= {goal: Row(goal, verdict, [why]) for goal, why in goals.items()}
    for found in findings:
        row = table[found.goal]
        row.texts.append(found.text if found.kept else f"MISSED: {found.text}")
        if row.verdict != "fail":
            row.verdict = "pass" if found.kept else "fail"
    for goal, reasons in invalid.items():
        table[goal].texts += [f"INVALID: {why}" for why in reasons]
        if table[goal].verdict != "fail":
            table[goal].verdict = "invalid"
    return list(table.values())


def table(of: Sequence[Row]) -> str:
    """Markdown, as it stands in docs/waiting-room.md."""
    lines = ["| goal | verdict | what was found |", "|---|---|---|"]
    lines += [f"| {row.goal} {GOALS[row.goal]} | {row.verdict} | {'; '.join(row.texts)} |" for row in of]
    return "\n".join(lines)
