"""What may be set of a wave, and until when."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from service.domain.wave_plans import WavePlan, faults_of_change, is_announced, state_of

OPENS = datetime(2020, 4, 11, 12, tzinfo=UTC)
CLOSES = datetime(2020, 4, 16, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WAVE = WavePlan(
    id=1,
    opens_at=OPENS,
    closes_at=CLOSES,
    seats=200_000,
    quotas={52: 50_229},
    announce_at=CLOSES + DAY,
    sms_from=CLOSES + 2 * DAY,
    sms_until=CLOSES + 4 * DAY,
    age_on=date(2020, 4, 11),
)


def test_the_first_wave_as_it_was_can_be_planned():
    """Open Saturday to Thursday, announced on Friday, messages from Saturday to Monday."""
    assert list(faults_of_change(None, WAVE, [])) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"closes_at": OPENS}, "closes before it opens"),
        ({"seats": -1}, "not negative"),
        ({"quotas": {52: -1}}, "not negative"),
        ({"quotas": {99: 5}}, "no province 99"),
        ({"announce_at": CLOSES - DAY}, "announced before it closes"),
        ({"sms_until": None}, "both a first and a last"),
        ({"sms_until": CLOSES + 2 * DAY}, "end before they begin"),
        ({"sms_from": CLOSES}, "before it is announced"),
        ({"sms_from": CLOSES - DAY, "announce_at": None}, "before it is announced"),
    ],
)
def test_what_contradicts_itself_is_refused(changes, said):
    (fault,) = faults_of_change(None, replace(WAVE, **changes), [])
    assert said in fault


def test_two_waves_are_never_open_together():
    """One may begin where the other ends; the job after wave 1 may last into wave 2."""
    second = WavePlan(2, CLOSES, CLOSES + 3 * DAY)
    assert list(faults_of_change(None, second, [WAVE])) == []
    (fault,) = faults_of_change(None, replace(second, opens_at=CLOSES - timedelta(seconds=1)), [WAVE])
    assert "open together with wave 1" in fault


def test_the_freeze_fixes_the_rules_and_leaves_the_announcement():
    frozen = replace(WAVE, frozen_at=CLOSES + timedelta(hours=1))
    later = replace(frozen, announce_at=CLOSES + 1.5 * DAY, sms_until=CLOSES + 5 * DAY)
    assert list(faults_of_change(frozen, later, [])) == []
    changed = replace(frozen, seats=1, quotas={}, closes_at=CLOSES + DAY, age_on=None, opens_at=OPENS - DAY)
    faults = list(faults_of_change(frozen, changed, []))
    assert [fault.split()[0] for fault in faults] == ["opens_at", "closes_at", "seats", "quotas", "age_on"]
    assert list(faults_of_change(WAVE, replace(changed, frozen_at=None), [])) == []


def test_a_wave_says_how_far_it_is():
    moments = [OPENS - DAY, OPENS, CLOSES - timedelta(microseconds=1), CLOSES]
    assert [state_of(WAVE, each) for each in moments] == ["before", "open", "open", "closed"]
    frozen = replace(WAVE, frozen_at=CLOSES)
    assert state_of(frozen, CLOSES) == "frozen"
    assert state_of(replace(frozen, published_at=CLOSES), CLOSES) == "published"


def test_places_are_told_when_all_are_there_and_it_is_the_day():
    day = CLOSES + DAY
    assert not is_announced(None, None, day)
    assert is_announced(CLOSES, None, CLOSES)
    assert not is_announced(CLOSES, day, day - timedelta(seconds=1))
    assert is_announced(CLOSES, day, day)
