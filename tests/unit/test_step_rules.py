"""Identity, addresses, waves, sessions and the test: the rules of the steps."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import addresses, assessment, identity, profile, sessions, waves
from service.domain.errors import FieldRefused
from service.domain.regions import PROVINCES
from service.domain.waves import JoinDecision

days = st.dates(date(1900, 1, 1), date(2030, 12, 31))


@given(days, days)
def test_age_in_completed_years(born, today):
    """On the birthday one is a year older, the day before not yet; 29 February counts as 1 March."""
    if born > today:
        born, today = today, born
    years = identity.age_years(born.year, born.month, born.day, today.year, today.month, today.day)
    birthdays = sum(
        (year, born.month, born.day) <= (today.year, today.month, today.day)
        for year in range(born.year + 1, today.year + 1)
    )
    assert years == birthdays


def test_corrections_run_out():
    assert [identity.corrections_left(version) for version in (1, 2, 3, 4, 5)] == [3, 2, 1, 0, 0]


@given(
    st.sampled_from(sorted(PROVINCES)),
    st.integers(1, 69) | st.integers(71, 99),
    st.integers(1, 98),
    st.dates(date(1930, 1, 1), date(2010, 1, 1)),
    st.booleans(),
    st.integers(1, 9999),
)
def test_every_number_that_can_be_issued_is_accepted(province, regency, district, born, is_woman, serial):
    day = born.day + (40 if is_woman else 0)
    nik = f"{province}{regency:02}{district:02}{day:02}{born.month:02}{born.year % 100:02}{serial:04}"
    assert identity.check_nik(nik, False) == nik


@given(st.text(max_size=20) | st.from_regex(r"\A[0-9]{16}\Z"))
def test_other_text_is_refused_without_an_error(text):
    """Whatever is accepted is 16 ASCII digits of a known province; district 99 never without the switch."""
    try:
        identity.check_nik(text, False)
    except FieldRefused:
        return
    assert text.isascii() and text.isdecimal() and int(text[:2]) in PROVINCES and text[4:6] != "99"


def test_days_above_71_are_no_day():
    """Women's days are 41 to 71; a check that takes the day modulo 40 would let 81 and more through."""
    for day in ("00", "32", "40", "72", "81", "99"):
        with pytest.raises(FieldRefused):
            identity.check_nik(f"337201{day}08940001", False)


def test_masks_show_the_last_digits_only():
    assert identity.masked_nik("3372011708940001") == "************0001"
    assert addresses.masked_phone("+6281234567890") == "+62********890"
    assert addresses.masked("+6281234567890") == "+62********890"
    assert addresses.masked("siti.rahma@people.example") == "s*********@people.example"
    assert addresses.masked("s@people.example") == "s**@people.example"


@pytest.mark.parametrize(
    "given_text", ["+62 812-3456-7890", "6281234567890", "081234567890", "0812.3456.7890", "(0812) 34567890"]
)
def test_spellings_of_a_phone_are_one(given_text):
    assert addresses.phone(given_text) == "+6281234567890"


@given(st.emails())
def test_usual_addresses_are_accepted_in_lower_case(text):
    """What mail systems agree on passes; what is refused is refused as a field, never as an error."""
    try:
        kept = addresses.email(text)
    except FieldRefused:
        return
    assert kept == text.lower() and addresses.address(kept) == kept


@given(st.text(max_size=400))
def test_any_address_is_judged_quickly(text):
    """No text takes the pattern long, and nothing with a control character passes."""
    for rule in (addresses.address, addresses.email, addresses.phone, addresses.plain_text):
        try:
            kept = rule(text)
        except FieldRefused:
            continue
        assert "\x00" not in kept and "\n" not in kept


@given(st.text(min_size=1, max_size=100))
def test_plain_text_is_stable(text):
    """What was accepted once is accepted again unchanged."""
    try:
        kept = addresses.plain_text(text)
    except FieldRefused:
        return
    assert addresses.plain_text(kept) == kept


@given(*[st.integers(0, 1)] * 2, st.integers(0, 2), st.integers(0, 1), st.floats(0.0, 100.0))
def test_joining_needs_everything_and_the_hour(eligible, assessed, photos, phone, now):
    """Open in [10, 60); accepted exactly when nothing is missing; being too late is told before what is missing."""
    decision = waves.join_decision(10.0, 60.0, now, eligible, assessed, photos, phone)
    if now < 10.0:
        assert decision is JoinDecision.NOT_OPEN
    elif now >= 60.0:
        assert decision is JoinDecision.CLOSED
    elif not eligible:
        assert decision is JoinDecision.NOT_ELIGIBLE
    else:
        complete = assessed and photos == 2 and phone
        assert decision is (JoinDecision.ACCEPTED if complete else JoinDecision.STEPS_MISSING)


@given(st.integers(-(10**6), 10**7))
def test_a_session_outlasts_the_wave(until_close_s):
    now = datetime(2020, 4, 11, 12, tzinfo=UTC)
    closes_at = now + timedelta(seconds=until_close_s)
    life = sessions.session_expires_at(now, closes_at) - now
    assert timedelta(days=1) <= life <= timedelta(days=14)
    assert life == timedelta(days=14) or now + life > closes_at


def test_the_test_is_as_announced():
    """18 items of four options, 25 minutes; the last second counts, the next one does not."""
    assert len(assessment.SHEET) == assessment.ITEMS == 18
    assert all(len(item.options) == len(set(item.options)) == assessment.OPTIONS for item in assessment.SHEET)
    assert all(-1 <= item.right < 4 for item in assessment.SHEET)
    assert assessment.DURATION_S == 25 * 60
    assert assessment.in_time(100.0, 1599.9) and not assessment.in_time(100.0, 1600.0)


def test_the_score_counts_right_answers():
    right = [max(item.right, 0) for item in assessment.SHEET]
    assert assessment.score(right) == 18
    assert assessment.score([-1] * 18) == 0
    assert assessment.score([(answer + 1) % 4 for answer in right]) == sum(
        item.right == -1 for item in assessment.SHEET
    )


def test_a_profile_is_complete_with_all_steps():
    assert profile.is_complete(frozenset(profile.STEPS))
    assert not profile.is_complete(frozenset(profile.STEPS[:-1]))
