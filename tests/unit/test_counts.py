"""What of the counts may be told of one place, and which complaints are taken."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.count_ports import Cell, Counts
from service.domain import complaints, counts
from service.domain.callers import network_of
from service.domain.complaints import Category, ComplaintState
from service.domain.counts import ROUNDED_TO, Stage, WaveStage
from service.domain.errors import FieldRefused
from service.domain.regencies import REGENCIES
from service.web.complaints import ComplaintCategory
from service.web.count_views import Told as Answers

Told = tuple[int, ...]
Rule = Callable[[Told, Told], Told]
"""What is told of the chosen of a province's places, beside what is told of those who joined there."""


def as_told(people: Told, before: Told) -> Told:
    return tuple(counts.rounded_beside_the_sum(dict(enumerate(people)), dict(enumerate(before))).values())


def joined_as_told(people: Told, before: Told) -> Told:
    beside = counts.rounded_beside_the_sum(dict(enumerate(people)), dict(enumerate(before)), is_exact=False)
    return tuple(beside.values())


def nearest(people: Told, before: Told = ()) -> Told:
    return tuple(map(counts.rounded, people))


def exact(people: Told, before: Told) -> Told:
    return people


def given_away(most: int, places: int, rule: Rule) -> int:
    """Answers from which a number from 1 to 4 follows, for somebody who knows the rule and the exact sum of all places,
    and tries everything that may stand behind an answer."""
    behind: dict[tuple[Told, int], list[set[int]]] = {}
    for numbers in product(range(most + 1), repeat=places):
        told = rule(numbers, (most * 9,) * places)
        if max(told) + 3 <= most:
            each = behind.setdefault((told, sum(numbers)), [set() for _ in numbers])
            for seen, number in zip(each, numbers, strict=True):
                seen.add(number)
    return sum(any(len(seen) == 1 and 0 < min(seen) < 5 for seen in each) for each in behind.values())


@pytest.mark.parametrize(("places", "most"), [(3, 15), (4, 9), (5, 7)])
def test_no_small_number_follows_beside_the_public_sum(places, most):
    """Negative controls: the nearest numbers whatever the sum, and the numbers themselves."""
    assert given_away(most, places, as_told) == 0
    assert given_away(most, places, nearest) > 0
    assert given_away(most + 3, places, exact) > 0


Seen = list[set[tuple[str, int]]]
"""Of each place, what may stand behind an answer."""


def stages_given_away(most: int, places: int, joined_rule: Rule, rule: Rule) -> int:
    """The same for both stages of a wave and their difference: how many of a place joined and were not chosen. Known
    are the sum of who was chosen and, by the list of tickets, a number that the sum of who joined cannot be below:
    tried is every one that it can be. At the stage before there are plenty."""
    behind: dict[tuple[Told, Told, int], dict[int, Seen]] = {}
    for pairs in product([(one, two) for one in range(most + 1) for two in range(one + 1)], repeat=places):
        joined, chosen = zip(*pairs, strict=True)
        before = joined_rule(joined, (most * 9,) * places)
        if max(before) + 3 <= most:
            sums = behind.setdefault((before, rule(chosen, before), sum(chosen)), {})
            each = sums.setdefault(sum(joined), [set() for _ in pairs])
            for seen, (one, two) in zip(each, pairs, strict=True):
                seen.update([("joined", one), ("chosen", two), ("between", one - two)])
    return sum(any(map(_follows, possible)) for sums in behind.values() for possible in _at_least(sums, places))


def _at_least(sums: dict[int, Seen], places: int) -> Iterator[Seen]:
    """What may stand behind an answer for somebody who knows that so many joined or more, beginning with the most."""
    possible: Seen = [set() for _ in range(places)]
    for joined in sorted(sums, reverse=True):
        for seen, more in zip(possible, sums[joined], strict=True):
            seen |= more
        yield possible


def _follows(seen: set[tuple[str, int]]) -> bool:
    possible = [{number for what, number in seen if what == each} for each in ("joined", "chosen", "between")]
    return any(len(each) == 1 and 0 < min(each) < 5 for each in possible)


def test_no_small_number_or_difference_follows_from_both_stages_of_a_wave():
    """Negative controls: the nearest numbers at either stage, whatever the sum and the list of tickets say."""
    assert stages_given_away(8, 3, joined_as_told, as_told) == 0
    assert stages_given_away(8, 3, nearest, as_told) > 0
    assert stages_given_away(8, 3, joined_as_told, nearest) > 0


PROVINCE = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 4000)), min_size=5, max_size=38)


@given(PROVINCE, st.data())
def test_behind_what_is_told_of_a_province_another_one_may_stand(joined, data):
    """Of real size: for each small number of chosen people another one, with the same sum and the same answers."""
    chosen = tuple(data.draw(st.integers(0, number)) for number in joined)
    before = joined_as_told(joined, (9 * max(joined) + 9,) * len(joined))
    told = as_told(chosen, before)
    assert sum(joined) < sum(before) + 2 * len(joined), "or the list of tickets, if all are in it, would tell it"
    assert all(number % ROUNDED_TO == 0 and abs(number - true) <= 3 for number, true in zip(told, chosen, strict=True))
    assert all(one >= two for one, two in zip(before, told, strict=True)), "nobody is chosen who has not joined"
    low = [max(number - 2, 0) for number in told]
    high = [number + 2 for number in told]
    assert sum(low) < sum(chosen) < sum(high) or not any(0 < number < 5 for number in chosen)


def test_numbers_are_rounded_as_documented():
    assert [counts.rounded(number) for number in (0, 2, 3, 7, 8, 312)] == [0, 0, 5, 5, 10, 310]
    assert as_told((3, 0, 0), (90, 90, 90)) == (0, 0, 0), "or the sum 3 would tell where they live"
    assert as_told((2, 7), (90, 90)) == (5, 5)
    assert as_told((2, 7), (0, 10)) == (0, 10), "where nobody else joined nobody is added"
    assert as_told((0, 0), (0, 0)) == (0, 0)


def test_who_joined_is_not_given_away_by_the_list_of_tickets():
    """Two in each of five regencies, and ten tickets of the province: told as none they would be known. Where no more
    of them were assessed there is nothing else to tell."""
    province = [code for code in REGENCIES if code // 100 == 65]
    now = datetime(2020, 4, 20, tzinfo=UTC)

    def joined_as_told_with(assessed: int) -> list[int]:
        joined = counts.of_wave(3, WaveStage.JOINED)
        cells = [Cell(code, *people) for code in province for people in ((Stage.ASSESSED, assessed), (joined, 2))]
        answer = Answers(Counts(now, 0.0, cells), frozenset(), now)
        return [answer.of_place(code).waves[0].joined for code in province]

    assert joined_as_told_with(9) == [5, 0, 0, 0, 0]
    assert joined_as_told_with(2) == [0] * 5


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
    assert network_of(address) == network


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
