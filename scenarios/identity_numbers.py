"""Identity and family card numbers of synthetic people: well formed, never anybody's.

An identity number (NIK) has 16 digits: province 2, regency 2, district 2, day (women: plus 40), month, year, serial 4.
Ours have real province and regency codes and district 99, which does not exist. Applicant k has serial and birth date
of her own: k is scattered over 8,999 serials x 1,113 days, and the birth date is chosen among the days that are
congruent to hers modulo 1,113. So no two of the first 10,015,887 applicants share a number, wherever they live.
Serials from 9000 are never given out: a wrong digit there makes a number that is nobody's.
"""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from scenarios import streams
from scenarios.provinces import BY_CODE
from scenarios.streams import Purpose

DISTRICT = 99
_SERIALS = 8999
_DAYS = 1113
CAPACITY = _SERIALS * _DAYS
"""Applicants with an identity number of their own."""

_SCATTER = 6190157
"""Shares no divisor with the capacity, so multiplying by it only reorders the applicants."""

_CARDS_FROM = date(2008, 1, 1).toordinal()
_CARD_DAYS = 4000


def serial_and_day(k: int) -> tuple[int, int]:
    """The serial 1..8999 and the day modulo 1113 of applicant `k`, a pair that nobody else has.

    Raises ValueError unless 0 <= k < CAPACITY.
    """
    if not 0 <= k < CAPACITY:
        raise ValueError(f"applicant {k} is outside 0..{CAPACITY - 1}: no identity number left")
    day, serial = divmod(k * _SCATTER % CAPACITY, _SERIALS)
    return serial + 1, day


def born_by(target: int, day: int) -> int:
    """The last ordinal day that is `day` modulo 1113 and not after ordinal `target`."""
    return target - (target - day) % _DAYS


def born_from(target: int, day: int) -> int:
    """The first ordinal day that is `day` modulo 1113 and not before ordinal `target`."""
    return target + (day - target) % _DAYS


def days(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The day modulo 1113 of each of these applicants, as `serial_and_day` gives it for one."""
    return numbers * _SCATTER % CAPACITY // _SERIALS


def born_by_all(target: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    """`born_by` of each, int64 of the same shape."""
    return target - (target - day) % _DAYS


def nik(province: int, regency: int, born: date, is_woman: bool, serial: int) -> str:
    """The 16 digits; the caller has taken codes, date and serial from the same applicant."""
    day = born.day + 40 if is_woman else born.day
    return f"{province:02}{regency:02}{DISTRICT}{day:02}{born.month:02}{born.year % 100:02}{serial:04}"


def with_wrong_digit(nik: str) -> str:
    """The number with one digit wrong: well formed, and nobody's."""
    return f"{nik[:12]}9{nik[13:]}"


def birth_date_fits(nik: str, birth_date: str) -> bool:
    """Whether `nik` is well formed and its six date digits are those of `birth_date` (YYYY-MM-DD)."""
    if len(nik) != 16 or not (nik.isascii() and nik.isdecimal()) or nik[12:] == "0000":
        return False
    area = BY_CODE.get(int(nik[:2]))
    if area is None or int(nik[2:4]) not in area.regencies or nik[4:6] == "00":
        return False
    try:
        born = date.fromisoformat(birth_date)
    except ValueError:
        return False
    return nik[6:12] in {f"{born.day + shift:02}{born:%m%y}" for shift in (0, 40)}


def family_card_of(nik: str) -> str:
    """The family card number of the holder of `nik` (16 digits): area 6, date of recording 6, serial 4.

    A pure function of the number, so that the simulated registry needs no table of people.
    """
    bits = streams.digest(0, int(nik), Purpose.FAMILY_CARD, 0)
    recorded = date.fromordinal(_CARDS_FROM + bits % _CARD_DAYS)
    return f"{nik[:6]}{recorded:%d%m%y}{bits // _CARD_DAYS % 9999 + 1:04}"


def is_match(nik: str, family_card_number: str, birth_date: str) -> bool:
    """What the civil registry says: the three belong together. Any text is accepted."""
    return birth_date_fits(nik, birth_date) and family_card_of(nik) == family_card_number
