"""When messages about a draw may leave, what they say, and what everybody may know when."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.announcement import Place, WaveState, Window, announcement_message, wave_state, window
from service.domain.errors import FieldRefused
from service.domain.payouts import Method, check_number, masked_number
from service.domain.queues import fed_to

SECOND = timedelta(seconds=1)
FROM, UNTIL = datetime(2020, 4, 18, tzinfo=UTC), datetime(2020, 4, 21, tzinfo=UTC)


def test_messages_leave_from_the_first_date_until_the_second() -> None:
    assert window(FROM, UNTIL, FROM - SECOND) is Window.EARLY
    assert window(FROM, UNTIL, FROM) is window(FROM, UNTIL, UNTIL - SECOND) is Window.OPEN
    assert window(FROM, UNTIL, UNTIL) is Window.OVER
    assert window(None, UNTIL, FROM) is Window.EARLY
    assert window(FROM, None, UNTIL) is Window.OPEN


def test_a_wave_is_announced_when_its_hour_has_come_and_every_place_stands() -> None:
    opens, closes = datetime(2020, 4, 11, 12, tzinfo=UTC), datetime(2020, 4, 16, 9, tzinfo=UTC)
    hour = datetime(2020, 4, 17, 3, tzinfo=UTC)

    def state(now: datetime, published_at: datetime | None = None) -> WaveState:
        return wave_state(opens, closes, hour, published_at, now)

    assert state(opens - SECOND) is WaveState.BEFORE
    assert state(opens) is state(closes - SECOND) is WaveState.OPEN
    assert state(closes) is state(hour) is WaveState.CLOSED  # the job overran: nothing is told before it is true
    assert state(hour - SECOND, closes) is WaveState.CLOSED
    assert state(hour, hour - SECOND) is WaveState.ANNOUNCED
    assert wave_state(opens, closes, None, closes, closes) is WaveState.ANNOUNCED


@pytest.mark.parametrize("place", [Place.CHOSEN, Place.WAITING])
@pytest.mark.parametrize("wave", [1, 999])
def test_a_message_is_one_sms_and_holds_no_code(place: Place, wave: int) -> None:
    """160 characters of the plain alphabet, no link to be imitated, no run of digits that looks like a code."""
    text = announcement_message(place, wave)
    assert len(text) <= 160 and text.isascii() and str(wave) in text
    assert not re.search(r"\d{4,}|http|www", text)
    assert announcement_message(Place.CHOSEN, wave) != announcement_message(Place.WAITING, wave)


def test_numbers_of_accounts_are_kept_in_one_form() -> None:
    assert (
        check_number(Method.OVO, "0812 3456 7890") == check_number(Method.GOPAY, "+62812-3456-7890") == "+6281234567890"
    )
    assert check_number(Method.BNI, "0123.456.789") == "0123456789"
    assert masked_number("+6281234567890") == "***********890"


@pytest.mark.parametrize(
    ("method", "number"),
    [
        (Method.BNI, "+6281234567890"),
        (Method.BNI, "012345678"),
        (Method.OVO, "0123"),
        (Method.LINKAJA, "０８１２３４５６７８９"),
    ],
)
def test_what_is_no_account_is_refused(method: Method, number: str) -> None:
    with pytest.raises(FieldRefused):
        check_number(method, number)


def test_we_fill_a_queue_to_half() -> None:
    """A full one wakes somebody; without a bound there is no half."""
    assert [fed_to(limit) for limit in (-1, 1, 2, 3, 6000)] == [-1, 1, 1, 1, 3000]
