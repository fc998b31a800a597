"""Who may take part: each rule by itself, the birthday's edge, and what keeps from joining already."""

from dataclasses import replace
from datetime import date

import pytest

from service.domain.devices import device_of
from service.domain.eligibility import AT_JOIN, PHRASES, Facts, Rule, failed
from service.domain.identity import IdentityStatus

ON = date(2020, 4, 11)
GOOD = Facts(
    identity=IdentityStatus.MATCH,
    confirmed=True,
    birth_date=date(1994, 8, 17),
    in_education=False,
    assessed=True,
    granted=False,
    resident=True,
)


def test_who_fulfils_everything_may_take_part():
    assert failed(GOOD, ON) == ()


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (replace(GOOD, identity=IdentityStatus.MISMATCH, confirmed=False), Rule.CITIZEN),
        (replace(GOOD, birth_date=date(2002, 4, 12)), Rule.AGE),
        (replace(GOOD, in_education=True), Rule.EDUCATION),
        (replace(GOOD, assessed=False), Rule.ASSESSED),
        (replace(GOOD, identity=IdentityStatus.PENDING, confirmed=False), Rule.IDENTITY),
        (replace(GOOD, confirmed=False), Rule.IDENTITY),
        (replace(GOOD, identity=-1, confirmed=False, birth_date=None), Rule.IDENTITY),
        (replace(GOOD, granted=True), Rule.GRANT),
        (replace(GOOD, resident=False), Rule.PROVINCE),
    ],
    ids=["mismatch", "17", "student", "no test", "unanswered", "answered too late", "no number", "granted", "nowhere"],
)
def test_each_rule_is_told_by_itself(facts: Facts, rule: Rule):
    assert failed(facts, ON) == (rule,)


def test_all_that_failed_is_told_together():
    nobody = Facts(IdentityStatus.MISMATCH, False, date(2010, 1, 1), True, False, True, False)
    everything = (Rule.CITIZEN, Rule.AGE, Rule.EDUCATION, Rule.ASSESSED, Rule.GRANT, Rule.PROVINCE)
    assert failed(nobody, ON) == everything
    assert failed(nobody, ON, AT_JOIN) == (Rule.AGE, Rule.EDUCATION, Rule.GRANT)
    assert PHRASES.keys() == set(Rule)


@pytest.mark.parametrize(
    ("born", "on", "old_enough"),
    [
        (date(2002, 4, 11), date(2020, 4, 11), True),  # the birthday itself
        (date(2002, 4, 12), date(2020, 4, 11), False),  # the day before it
        (date(2002, 4, 10), date(2020, 4, 11), True),
        (date(2004, 2, 29), date(2022, 2, 28), False),  # 2022 has no 29 February: 1 March it is
        (date(2004, 2, 29), date(2022, 3, 1), True),
        (date(2004, 2, 28), date(2022, 2, 28), True),
        (date(2004, 3, 1), date(2022, 2, 28), False),
        (date(2002, 2, 28), date(2020, 2, 29), True),
        (date(2002, 3, 1), date(2020, 2, 29), False),  # a leap day does not make anybody older
    ],
)
def test_the_birthday_counts_and_not_the_day_before(born: date, on: date, old_enough: bool):
    assert (failed(replace(GOOD, birth_date=born), on) == ()) is old_enough


@pytest.mark.parametrize(
    ("said", "device"),
    [
        ("Mozilla/5.0 (Linux; Android 9; SM-A107F) AppleWebKit/537.36", "android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 13_3 like Mac OS X)", "ios"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "desktop"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "desktop"),
        ("curl/8.0", "other"),
        ("", "other"),
    ],
)
def test_of_a_device_only_its_kind_is_kept(said: str, device: str):
    assert device_of(said) == device
