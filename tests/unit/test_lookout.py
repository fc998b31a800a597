"""What a replica knows of the line: nobody seen is lost, places are not numbers, and ranges learn."""

import pytest

from service.domain import promises
from service.domain.lookout import MOST_UNWRITTEN, WITHOUT_TOKEN, Lookout
from service.domain.presence import MOST_SPAN, SLOT, Live, united


def counted(lookout: Lookout, now: float, *, drawn: bool = True) -> int:
    """Live people in what is to be written."""
    slots = [each.seen for each in lookout.to_write(now, 0, drawn) if each.drawn == drawn]
    return Live(united(slots, 0)).count


def test_what_could_not_be_written_is_written_later():
    """Slot after slot, until the database takes it; each as it was seen last."""
    lookout = Lookout()
    for number in range(4):
        lookout.note(number + 1, 0, True)
        assert counted(lookout, number * SLOT + SLOT) == number + 1
    slots = lookout.to_write(4 * SLOT, 0, True)
    lookout.written(slots)
    assert lookout.to_write(4 * SLOT + 1.0, 0, True) == []
    lookout.note(9, 0, True)
    assert counted(lookout, 4 * SLOT + 2.0) == 1


def test_a_long_outage_does_not_fill_the_memory():
    lookout = Lookout()
    for number in range(100):
        lookout.note(number + 1, 0, True)
        lookout.to_write(number * SLOT, 0, True)
    assert len(lookout.to_write(100 * SLOT, 0, True)) <= MOST_UNWRITTEN + 1


def test_numbers_are_no_places():
    """Early comers are noted by number; from the draw on by place, in other bitmaps, and the old count is forgotten."""
    lookout = Lookout()
    for number in range(1, 301):
        lookout.note(number, 0, False)
    early = lookout.to_write(1.0, 0, False)
    assert [each.drawn for each in early] == [False]
    lookout.count(united([each.seen for each in early], 0), False, 400)
    assert lookout.ahead(401, 0, warm=False) == 300  # three in four are there, so 300 of the 400 before
    lookout.note(77, 0, True)
    assert [each.drawn for each in lookout.to_write(2.0, 0, True)] == [False, True]
    lookout.count(united([each.seen for each in early], 0), False, 400)  # still the count of numbers
    assert lookout.ahead(401, 0, warm=True) == 300


def test_who_shows_no_token_is_answered_once_in_ten_seconds():
    lookout = Lookout()
    assert lookout.wait_without_token(5, 100.0) == 0.0
    assert 0.0 < lookout.wait_without_token(5, 101.0) <= WITHOUT_TOKEN
    assert lookout.wait_without_token(6, 101.0) == 0.0
    assert lookout.wait_without_token(5, 100.0 + WITHOUT_TOKEN) == 0.0


def test_who_shows_no_token_is_answered_whatever_the_number():
    """Numbers go on from one start of the room to the next, and end nowhere."""
    lookout = Lookout()
    number = 3 * MOST_SPAN + 7
    assert lookout.wait_without_token(number, 100.0) == 0.0
    assert lookout.wait_without_token(number, 101.0) > 0.0


def test_the_pace_at_which_people_come_in_is_seen():
    """Half of the chosen rate comes in: after some minutes the expected wait is twice as long. A gate that stands
    still, or an empty line, teaches nothing."""
    lookout = Lookout()
    for second in range(300):
        lookout.watch(second * 1000, second * 5, 10.0, in_line=True)
    assert lookout.used_share == pytest.approx(0.5, abs=0.05)
    seen = lookout.used_share
    lookout.watch(299_000, 99_999, 10.0, in_line=True)
    lookout.watch(300_000, 99_999, 10.0, in_line=False)
    assert lookout.used_share == seen


def test_ranges_learn_from_waits_that_ended():
    """All waits take half as long again as expected: the range that is shown comes to hold that; other kinds stay."""
    lookout = Lookout()
    before = lookout.range_of(60.0)
    for second in range(3_000):
        lookout.learn(float(second), 90.0, 60.0)
    low, high = lookout.range_of(60.0)
    assert low == pytest.approx(90.0, rel=0.02) and high == pytest.approx(90.0, rel=0.02)
    assert before[1] < 90.0
    assert lookout.range_of(3600.0) == (3600.0 * promises.FIRST_LOW[3], 3600.0 * promises.FIRST_HIGH[3])
