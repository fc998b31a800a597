"""What of the counts may be told of one place, and which complaints are taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import complaints, counts
from service.domain.complaints import Category, ComplaintState
from service.domain.counts import LEAST_SHOWN, Stage, WaveStage
from service.domain.errors import FieldRefused
from service.web.complaints import ComplaintCategory

CELLS = st.dictionaries(st.integers(0, 40), st.integers(0, 30), max_size=20)


@given(CELLS)
def test_no_small_number_is_told_and_none_can_be_reckoned(people):
    """What is hidden holds every small number, and with one of them five people in two places, if there are so many."""
    hidden = counts.withheld(people)
    small = {place for place, number in people.items() if 0 < number < LEAST_SHOWN}
    some = {place for place, number in people.items() if number > 0}
    assert small <= hidden <= some
    if not small:
        assert hidden == frozenset()
    elif hidden != some:
        assert len(hidden) >= 2 and sum(people[place] for place in hidden) >= LEAST_SHOWN


@given(CELLS)
def test_no_more_is_withheld_than_has_to_be(people):
    """Without the largest of those withheld for others, what is left would give a small number away."""
    hidden = counts.withheld(people)
    others = [place for place in hidden if people[place] >= LEAST_SHOWN]
    if others:
        rest = hidden - {max(others, key=lambda place: (people[place], place))}
        assert len(rest) < 2 or sum(people[place] for place in rest) < LEAST_SHOWN


def test_numbers_are_told_as_documented():
    assert [counts.shown(number, number < 5) for number in (1, 4, 5, 312)] == ["<5", "<5", 5, 312]
    assert counts.shown(0, False) == 0
    assert counts.shown(37, True) is None
    assert counts.withheld({1: 3, 2: 40, 3: 80}) == {1, 2}


def test_stages_have_their_words_with_the_wave():
    numbers = {counts.of_wave(wave, stage) for wave in (1, 2, 33) for stage in WaveStage} | set(Stage)
    assert len(numbers) == 6 + len(Stage)
    assert counts.waves_of(dict.fromkeys(numbers)) == [1, 2, 33]
    assert counts.named(counts.of_wave(33, WaveStage.SELECTED)) == "wave 33 selected"
    assert counts.named(Stage.ASSESSED) == "assessed"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" Foto tidak terkirim. ", "Foto tidak terkirim."),
        ("Satu\r\nDua\n\nTiga\tEmpat", "Satu\nDua\n\nTiga Empat"),
        ("ꦲꦏ꧀ꦱꦫ", "ꦲꦏ꧀ꦱꦫ"),
        ("e\u0301", "é"),
    ],
)
def test_a_text_is_kept_as_people_write(text, kept):
    assert complaints.complaint_text(text) == kept


@pytest.mark.parametrize("text", ["", " \n ", "a\x00b", "a\x1b[2Jb", "a\u202eb", "a\u2066b", "\ud800"])
def test_a_text_that_an_officer_cannot_read_is_refused(text):
    with pytest.raises(FieldRefused):
        complaints.complaint_text(text)


def test_callers_name_the_categories_of_the_rules():
    assert {each.name: each.value for each in ComplaintCategory} == {
        category.name: word for category, word in complaints.CATEGORY_WORDS.items()
    }
    assert set(complaints.CATEGORY_WORDS) == set(Category)


def test_a_complaint_goes_one_way():
    assert [complaints.may_forward(state) for state in ComplaintState] == [True, False, False]
    assert [complaints.may_answer(state) for state in ComplaintState] == [True, True, False]
    assert complaints.letter_number(3372, 17) == "3372/000017"
