"""The section that names the bottleneck: what is at its limit, beside everything else, in either language."""

from pathlib import Path

import pytest

from reports import LANGUAGES, why
from reports.wording import speaking
from tests.unit.strained_run import StrainedRun


@pytest.fixture
def strained(tmp_path: Path) -> StrainedRun:
    run = StrainedRun()
    run.lane("email", "email", rate=2.0, calls=1.95)
    run.queue("email", jobs=1.95, depth=(0.0, 120.0), age=(0.0, 25.0))
    return run


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_section_names_it_and_shows_the_others(language: str, strained: StrainedRun, tmp_path: Path) -> None:
    with speaking(language):
        told = why.view(strained.facts(tmp_path))
    assert told is not None and told["named"].id == "email" and len(told["evidence"]) == 3
    rows = told["resources"].rows
    assert rows[0][0] == told["named"].label
    assert all(len(row) == len(told["resources"].head) for row in rows)
    (picture,) = told["pictures"]
    assert len(picture.table.head) == 1 + why.SHOWN and len(picture.table.rows) > 5
    assert picture.svg.startswith("<svg")


def test_what_is_hardly_used_is_only_counted(strained: StrainedRun, tmp_path: Path) -> None:
    """The partners' answers come at once, so their limits of calls at once are far away."""
    told = why.view(strained.facts(tmp_path))
    assert told is not None
    labels = [row[0] for row in told["resources"].rows]
    assert "the answers of the SMS provider" not in labels
    assert told["more"].startswith("4 more")


def test_the_section_says_when_nothing_was_full(tmp_path: Path) -> None:
    told = why.view(StrainedRun().facts(tmp_path))
    assert told is not None and told["named"] is None
    assert told["why_not"].startswith("not known, because nothing was at its limit")


def test_a_record_without_samples_has_no_section(tmp_path: Path) -> None:
    run = StrainedRun()
    run.grows.clear()
    run.holds.clear()
    assert why.view(run.facts(tmp_path)) is None
