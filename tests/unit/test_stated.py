"""Answers: what contradicts itself is refused, and the word for how sure one is follows the rule."""

import pytest

from reports.stated import Stated, confidence, not_known


def stated(**changes: object) -> Stated:
    usual = {"value": 12.0, "low": 11.0, "high": 13.0, "kind": "measured", "confidence": "sure", "why_not": ""}
    return Stated("holds", "holds", unit="people/s", evidence="#held", **{**usual, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"value": None},
        {"why_not": "nobody looked"},
        {"low": 12.5},
        {"high": 11.5},
        {"high": float("nan")},
        {"kind": "felt"},
        {"confidence": "certain"},
    ],
)
def test_an_answer_that_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="holds"):
        stated(**changes)


def test_evidence_is_a_place_on_the_page() -> None:
    with pytest.raises(ValueError, match="id of the page"):
        Stated("holds", "holds", 1.0, 1.0, 1.0, "", "measured", "sure", "held")


def test_an_answer_reads_as_a_sentence() -> None:
    """A bound from one side says so; an interval that is but a point is not shown."""
    assert stated().text == "12 people/s"
    assert stated().interval == "11 to 13"
    assert stated(low=12.0, high=None).text == "at least 12 people/s"
    assert stated(low=None, high=12.0).text == "at most 12 people/s"
    assert stated(low=12.0, high=12.0).interval is None
    assert stated().manner == "measured, sure"
    unknown = not_known("holds", "holds", "people/s", "nobody looked")
    assert unknown.text == "not known, because nobody looked"
    assert unknown.manner == "not known"
    assert unknown.to_dict()["why_not"] == "nobody looked"


def test_numbers_of_an_answer_say_where_they_come_from() -> None:
    """A measured one by its place in the record, an interval by the figure that shows what it was made of."""
    one = Stated("holds", "holds", 2.0, 1.0, 3.0, "", "measured", "likely", "#held", source="people:count")
    assert [part.source for part in one.text.parts] == ["people:count"]
    assert one.interval is not None
    assert [part.source for part in one.interval.parts if hasattr(part, "source")] == ["#held", "#held"]


@pytest.mark.parametrize(
    ("value", "low", "high", "how", "expected"),
    [
        (100.0, 90.0, 110.0, {}, "sure"),
        (100.0, 89.0, 111.0, {}, "likely"),
        (100.0, 70.0, 130.0, {}, "likely"),
        (100.0, 69.0, 131.0, {}, "a guess"),
        (100.0, None, None, {}, "a guess"),
        (100.0, 100.0, None, {}, "sure"),
        (0.0, 0.0, 0.0, {}, "sure"),
        (0.0, -0.1, 0.1, {}, "a guess"),
        (-0.5, -0.52, -0.48, {}, "sure"),
        (100.0, 90.0, 110.0, {"repeats": 2}, "likely"),
        (100.0, 90.0, 110.0, {"reach": 2.1}, "likely"),
        (100.0, 90.0, 110.0, {"assumed": 1}, "likely"),
        (100.0, 90.0, 110.0, {"assumed": 1, "reach": 100.0}, "a guess"),
        (100.0, 90.0, 110.0, {"assumed": 1, "reach": 100.0, "repeats": 1}, "a guess"),
    ],
)
def test_how_sure_one_is_follows_the_rule(
    value: float, low: float | None, high: float | None, how: dict[str, object], expected: str
) -> None:
    assert confidence(value, low, high, **how) == expected  # type: ignore[arg-type]
