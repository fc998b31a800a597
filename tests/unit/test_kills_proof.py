"""What the twenty kills prove: each bar can be missed, and a run without its kills proves nothing."""

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.long.kills import CONTROL_KILLS, LATEST_MS, Played, held, invalid, judged

KILLS = 4


def played(
    kills: int = KILLS,
    *,
    bit: bool = True,
    late: float | None = 5.0,
    joined: int = 99,
    finding: str = "",
    **found: Any,
) -> Played:
    """A rehearsal of so many kills, and what its audit counted."""
    ledger = {"client": 100, "database": 100, "partners": 100, "lost": 0, "doubled": 0, **found}
    document = {
        "planned": 100,
        "fates": {"joined": joined},
        "lateness_ms": {"p99": late},
        "ledgers": {"accounts": ledger},
        "verdict": {"findings": [{"subject": finding, "text": "it is so"}] if finding else []},
    }
    ends = [{"kind": "fault", "name": "killed", "edge": "end", "number": i, "bit": bit} for i in range(kills)]
    return Played(Path(), document, ends)


def test_a_run_that_meets_every_bar_is_valid_and_missed_none() -> None:
    assert invalid(played(), KILLS) == "" and judged(played(), KILLS) == []


@pytest.mark.parametrize(
    "spoiled",
    [
        played(KILLS - 1),
        played(bit=False),
        played(late=LATEST_MS + 1),
        played(late=None),
        played(finding="faults"),
        played(finding="ending"),
        played(finding="evidence"),
    ],
)
def test_a_run_that_shows_nothing_is_invalid(spoiled: Played) -> None:
    assert invalid(spoiled, KILLS)


@pytest.mark.parametrize(
    "missed",
    [played(lost=1), played(doubled=1), played(lost=None), played(joined=89), played(finding="processes")],
)
def test_every_bar_can_be_missed(missed: Played) -> None:
    assert judged(missed, KILLS)


def test_the_control_must_lose_something() -> None:
    """But where a kill did not bite, nothing lost says nothing: that is invalid, and no bar."""
    assert held(played(CONTROL_KILLS)) == ["the negative control held: nothing was lost"]
    assert held(played(CONTROL_KILLS, lost=7)) == []
    assert held(played(CONTROL_KILLS - 1)) == []
