"""Offsets that were told are held against those told later: what the proof of the killed replicas stands on."""

from tests.upload_phones import Promises


def test_an_offset_may_stay_and_grow() -> None:
    promises = Promises()
    promises.sent = 100
    assert [promises.broken_by(offset) for offset in (0, 40, 40, 100)] == [None] * 4


def test_an_offset_that_falls_breaks_a_promise() -> None:
    promises = Promises()
    promises.sent = 100
    promises.broken_by(40)
    assert promises.broken_by(39) == "39 was told after 40"
    assert promises.floor == 40


def test_bytes_that_nobody_sent_break_a_promise() -> None:
    promises = Promises()
    promises.sent = 100
    assert promises.broken_by(101) == "101 was told of 100 that were sent"
