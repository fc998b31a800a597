"""A report says what people came by: the night's curve, or what was named instead of it."""

from pathlib import Path

import pytest

from reports import html, tables
from reports.facts import Facts
from scenarios.record import RecordError, Run
from tests.unit.synthetic_run import SyntheticRun


def test_named_arrivals_stand_in_title_and_table(tmp_path: Path) -> None:
    """In place of the reading, which did not matter; a record that does not say it was of the curve."""
    run = SyntheticRun()
    assert Facts(Run.load(run.write(tmp_path / "curve"))).arrivals == "harsh reading"
    run.config |= {"arrivals": "constant:1500", "spacing": "exact", "steps": 1}
    facts = Facts(Run.load(run.write(tmp_path / "named")))
    words = "arrivals constant:1500, leaving after 1 answer"
    assert words in html.title(facts) and "reading" not in html.title(facts)
    assert any(words in cell for row in tables.configuration(facts).rows for cell in row)


def test_a_record_whose_arrivals_are_no_text_is_refused(tmp_path: Path) -> None:
    run = SyntheticRun()
    run.config |= {"arrivals": 1500, "steps": -1}
    with pytest.raises(RecordError, match=r"arrivals: must be text(.|\n)*steps"):
        Run.load(run.write(tmp_path))
