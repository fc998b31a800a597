"""The money of a grant: what the articles promised, in double entry."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import money
from service.domain.catalogue import COURSES, PLATFORMS
from service.domain.money import (
    TRAINING_ENTRY,
    Entry,
    Kind,
    Ledger,
    balances,
    course_entry,
    faults_of,
    granted,
    instalment_due,
    instalment_entry,
    payout_entry,
    reference_of,
    survey_entry,
)
from service.domain.surveys import opens_at

NOW = datetime(2020, 5, 1, tzinfo=UTC)
OWED = [*(instalment_entry(number) for number in (1, 2, 3, 4)), *(survey_entry(number) for number in (1, 2, 3))]
ALL = [TRAINING_ENTRY, *OWED]
PAID = {reference_of(each): (each.amount, "ovo") for each in OWED}
WHOLE = [*ALL, *(payout_entry(reference, amount, method) for reference, (amount, method) in PAID.items())]


def test_a_whole_grant_is_what_was_promised() -> None:
    """1,000,000 for training, four times 600,000, three times 50,000: 3,550,000; 2,550,000 of it in money."""
    assert [each.amount for each in ALL] == [1_000_000, *[600_000] * 4, *[50_000] * 3]
    assert granted(WHOLE) == money.GRANT == 3_550_000
    held = balances([*WHOLE, course_entry("x", 480_000)])
    assert (held[Ledger.TRAINING], held[Ledger.COURSES], held[Ledger.DUE]) == (520_000, 480_000, 0)
    assert (held[Ledger.PROGRAM], held[Ledger.OVO]) == (-3_550_000, 2_550_000)
    assert faults_of(WHOLE, {}, PAID) == []


@given(st.sets(st.sampled_from(OWED)), st.sets(st.sampled_from(OWED)), st.lists(st.sampled_from(list(COURSES))))
def test_the_ledgers_hold_nothing_together(owed: set[Entry], paid: set[Entry], courses: list[str]) -> None:
    """Whatever is booked; and what waits to be paid is what is due."""
    payouts = {reference_of(each): (each.amount, "bni") for each in owed & paid}
    entries = [TRAINING_ENTRY, *owed, *(payout_entry(name, *rest) for name, rest in payouts.items())]
    entries += [course_entry(course, COURSES[course].price) for course in courses]
    held = balances(entries)
    assert sum(held.values()) == 0
    assert held[Ledger.DUE] == sum(each.amount for each in owed - paid)
    unpaid = {reference_of(each): each.amount for each in owed - paid}
    faults = faults_of(entries, unpaid, payouts)
    assert any("training holds" in fault for fault in faults) == (held[Ledger.TRAINING] < 0)
    assert any("times" in fault for fault in faults) == (len(set(courses)) < len(courses))
    if not any(word in fault for fault in faults for word in ("training holds", "times")):
        assert faults == []


FIRST = OWED[0]
BROKEN: dict[str, tuple[list[Entry], dict[str, int], dict[str, tuple[int, str]]]] = {
    "instalment 1 is booked 2 times": ([*ALL, FIRST], {}, {}),
    "instalment 1 is booked as 600,001": ([replace(FIRST, amount=600_001)], {}, {}),
    "instalment 5 is booked as": ([replace(FIRST, reference="5")], {}, {}),
    "survey 1 is booked as 50,000 from program to gopay": ([replace(survey_entry(1), credit=Ledger.GOPAY)], {}, {}),
    "training holds -1": ([TRAINING_ENTRY, course_entry("x", 1_000_001)], {}, {}),
    "due holds -600,000": ([payout_entry("instalment-1", 600_000, "ovo")], {}, {}),
    "4,150,000 was granted": ([*ALL, replace(FIRST, reference="9")], {}, {}),
    "600,000 is due, and 0 waits": ([FIRST], {}, {}),
    "0 is due, and 600,000 waits": ([], {"instalment-1": 600_000}, {}),
    "payout instalment-1 is booked as None": ([FIRST], {}, {"instalment-1": (600_000, "ovo")}),
    "booked as (600000, 'ovo') and was (600000, 'bni')": (
        [FIRST, payout_entry("instalment-1", 600_000, "ovo")], {}, {"instalment-1": (600_000, "bni")},
    ),
    "payout travel-1 is booked as": ([Entry(Kind.PAYOUT, "travel-1", Ledger.DUE, Ledger.OVO, 600_000)], {}, {}),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_wrong_is_told(fault: str) -> None:
    """Negative controls: each kind of fault, one at a time."""
    found = faults_of(*BROKEN[fault])
    assert any(fault in each for each in found), found


def test_instalments_and_surveys_come_month_by_month() -> None:
    days = [(instalment_due(NOW, number) or NOW) - NOW for number in (1, 2, 3, 4)]
    assert [each.days for each in days] == [0, 30, 60, 90]
    assert instalment_due(NOW, 5) is None
    assert [opens_at(NOW, number) for number in (1, 2, 3)] == [NOW + timedelta(days=30 * n) for n in (1, 2, 3)]
    assert opens_at(NOW, 4) is None and opens_at(None, 1) is None


def test_every_course_can_be_paid_from_one_grant() -> None:
    assert len(COURSES) >= 20 and {each.platform for each in COURSES.values()} == set(PLATFORMS)
    assert all(0 < each.price <= money.TRAINING and each.id.startswith(each.platform) for each in COURSES.values())
