"""Identity: what a number must look like, who is old enough, how often it may be corrected.

`age_years` and `corrections_left` are compiled rules (DESIGN section 2); the rules on strings are not.
"""

from datetime import date
from enum import IntEnum

from service.domain.errors import FieldRefused
from service.domain.regions import PROVINCES, is_district, is_regency

LEAST_AGE = 18
MOST_AGE = 120
CORRECTIONS = 3
"""One wrong digit is a mismatch; three more tries are enough for typing, too few for guessing."""


class IdentityStatus(IntEnum):
    PENDING = 0
    """The civil registry has not answered yet; everything else goes on."""
    MATCH = 1
    MISMATCH = 2
    """The registry does not know this combination; it can be corrected, nothing else is typed again."""
    NOT_ELIGIBLE = 3
    """Under 18; no check is asked."""


STATUS_WORDS = {
    IdentityStatus.PENDING: "pending",
    IdentityStatus.MATCH: "match",
    IdentityStatus.MISMATCH: "mismatch",
    IdentityStatus.NOT_ELIGIBLE: "not_eligible",
}


def age_years(birth_y: int, birth_m: int, birth_d: int, y: int, m: int, d: int) -> int:
    """Completed years on the day y-m-d."""
    years = y - birth_y
    if m < birth_m or (m == birth_m and d < birth_d):
        years -= 1
    return years


def is_old_enough(birth_date: date, on: date) -> bool:
    """Whether somebody is of age on that day. Who is born on 29 February is, from 1 March of a year without one."""
    return age_years(birth_date.year, birth_date.month, birth_date.day, on.year, on.month, on.day) >= LEAST_AGE


def corrections_left(version: int) -> int:
    """Corrections still possible after version number `version` (from 1) was put."""
    return max(CORRECTIONS - (version - 1), 0)


def _sixteen_digits(text: str) -> None:
    # isdecimal alone would let full-width and Arabic digits through.
    if len(text) != 16 or not (text.isascii() and text.isdecimal()):
        raise FieldRefused("not-16-digits", "16 digits are needed, without spaces.")


def _check_area(text: str, synthetic_people: bool) -> None:
    if int(text[:2]) not in PROVINCES or not is_regency(int(text[2:4])):
        raise FieldRefused("unknown-area", "The first four digits are no province and regency.")
    if not is_district(int(text[4:6]), synthetic_people):
        raise FieldRefused("unknown-area", "The fifth and sixth digit are no district.")


def _check_date(day: int, month: int, year_of_century: int) -> None:
    # The century is not in the number: 29 February counts when either century has it.
    for century in (1900, 2000):
        try:
            date(century + year_of_century, month, day)
        except ValueError:
            continue
        return
    raise FieldRefused("impossible-date", "Digits 7 to 12 are no date.")


def check_nik(text: str, synthetic_people: bool) -> str:
    """The identity number as it is stored. Raises FieldRefused when no such number can have been issued.

    Province, regency, district of first registration; day (women: plus 40), month, year; serial from 0001. There is no
    check digit, so a number of the right form can still be nobody's.
    """
    _sixteen_digits(text)
    _check_area(text, synthetic_people)
    day = int(text[6:8])
    _check_date(day - 40 if day > 40 else day, int(text[8:10]), int(text[10:12]))
    if text[12:] == "0000":
        raise FieldRefused("impossible-serial", "The last four digits start at 0001.")
    return text


def check_family_card_number(text: str, synthetic_people: bool) -> str:
    """The family card number as it is stored: area, date of recording, serial. Raises FieldRefused."""
    _sixteen_digits(text)
    _check_area(text, synthetic_people)
    _check_date(int(text[6:8]), int(text[8:10]), int(text[10:12]))
    if text[12:] == "0000":
        raise FieldRefused("impossible-serial", "The last four digits start at 0001.")
    return text


def check_birth_date(birth_date: date, today: date) -> date:
    """Raises FieldRefused when nobody alive can be born on that day."""
    years = age_years(birth_date.year, birth_date.month, birth_date.day, today.year, today.month, today.day)
    if birth_date > today or years > MOST_AGE:
        raise FieldRefused("impossible-date", f"The birth date must lie within the last {MOST_AGE} years.")
    return birth_date


def masked_nik(nik: str) -> str:
    """The last four digits, as every view shows it."""
    return "*" * (len(nik) - 4) + nik[-4:]
