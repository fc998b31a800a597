"""What of the counts may be told of one place, and which complaints are taken."""

from collections.abc import Callable
from itertools import product

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
def test_each_small_number_is_withheld_and_two_larger_ones_with_them(people):
    hidden = counts.withheld(people)
    small = {place for place, number in people.items() if 0 < number < LEAST_SHOWN}
    larger = {place for place, number in people.items() if number >= LEAST_SHOWN}
    assert small <= hidden <= small | larger
    assert len(hidden - small) == (min(2, len(larger)) if small else 0)
    assert not small or max((people[each] for each in hidden), default=0) <= min(
        (people[each] for each in larger - hidden), default=1000
    )
    assert small or counts.may_tell_all(people)


def told_of(numbers: tuple[int, ...], told_all: Callable[[dict[int, int]], bool]) -> tuple[object, ...]:
    """Everything that is told of one stage: each place, and all together."""
    people = dict(enumerate(numbers))
    hidden = counts.withheld(people)
    places = [counts.shown(number, place in hidden) for place, number in people.items()]
    return (*places, sum(numbers) if told_all(people) else None)


def given_away(most: int, places: int, told_all: Callable[[dict[int, int]], bool]) -> set[tuple[object, ...]]:
    """Answers from which a number from 1 to 4 follows, for somebody who knows the rule and tries everything."""
    behind: dict[tuple[object, ...], list[set[int]]] = {}
    for numbers in product(range(most + 1), repeat=places):
        each = behind.setdefault(told_of(numbers, told_all), [set() for _ in numbers])
        for seen, number in zip(each, numbers, strict=True):
            seen.add(number)
    return {
        answer
        for answer, each in behind.items()
        if any(told == "<5" and len(seen) == 1 for told, seen in zip(answer, each, strict=False))
    }


@pytest.mark.parametrize(("places", "most"), [(1, 20), (2, 12), (3, 12), (4, 9), (5, 6)])
def test_no_small_number_follows_from_all_that_is_told(places, most):
    """Negative control: with the number of all beside it always, some would."""
    assert given_away(most, places, counts.may_tell_all) == set()
    assert given_away(most, places, lambda people: True)


def test_the_number_of_all_is_told_where_it_can_be():
    assert not counts.may_tell_all({1: 3, 2: 0})
    assert not counts.may_tell_all(dict.fromkeys(range(5), 1))
    assert not counts.may_tell_all({1: 1, 2: 5, 3: 5, 4: 90})
    assert counts.may_tell_all({1: 3, 2: 40, 3: 80, 4: 90})
    assert counts.may_tell_all({place: place for place in range(515)})


def test_numbers_are_told_as_documented():
    assert [counts.shown(number, number < 5) for number in (1, 4, 5, 312)] == ["<5", "<5", 5, 312]
    assert counts.shown(0, False) == 0
    assert counts.shown(37, True) is None
    assert counts.withheld({1: 3, 2: 40, 3: 80, 4: 90}) == {1, 2, 3}


def test_stages_have_their_words_with_the_wave():
    numbers = {counts.of_wave(wave, stage) for wave in (1, 2, 33) for stage in WaveStage} | set(Stage)
    assert len(numbers) == 6 + len(Stage)
    assert counts.waves_of(dict.fromkeys(numbers)) == [1, 2, 33]
    assert counts.named(counts.of_wave(33, WaveStage.SELECTED)) == "wave 33 selected"
    assert counts.named(Stage.ASSESSED) == "assessed"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:7:7:1:2:3:4", "2001:db8:7:7::/64"),
        ("2001:DB8:7:7::", "2001:db8:7:7::/64"),
        ("2001:db8:7:8::1", "2001:db8:7:8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("somewhere", "somewhere"),
    ],
)
def test_complaints_are_counted_by_network(address, network):
    assert complaints.network_of(address) == network


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
