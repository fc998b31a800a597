"""Complaints: what they are about, how long they may be, how many, and which way they go."""

import unicodedata
from enum import IntEnum

from service.domain.errors import FieldRefused
from service.domain.regencies import REGENCIES

MOST_TEXT = 2000
"""Characters: a page of a letter. Four bytes each still fit the 16 KB that the service reads of a body."""
HOUR_S = 3600
MOST_OF_ACCOUNT = 10
"""Complaints of one account in an hour."""
MOST_OF_ADDRESS = 300
"""From one network address in an hour: a mobile network shows thousands of phones under one, and an office that writes
down what people say files one every two minutes at each desk."""
MOST_OF_ALL = 20_000
"""In an hour: one in ten of the people whom the gate lets in meanwhile, at most 40 MB. Beyond it is a flood."""


class Category(IntEnum):
    """What people complained about in April 2020, and what they may complain about later."""

    SLOW_SITE = 1
    PHOTO_UPLOAD = 2
    CODE = 3
    """No code came, or too late."""
    SIGN_IN = 4
    IDENTITY = 5
    """The registry does not know the person, or somebody else holds the number."""
    ASSESSMENT = 6
    JOINING = 7
    SELECTION = 8
    PAPER = 9
    """Handed in on paper at an office, and not heard of since."""
    PAYMENT = 10
    OTHER = 11


CATEGORY_WORDS = {category: category.name.lower() for category in Category}


class ComplaintState(IntEnum):
    FILED = 1
    FORWARDED = 2
    """To the labor office of the regency, under the number of a letter."""
    ANSWERED = 3


STATE_WORDS = {state: state.name.lower() for state in ComplaintState}


def may_forward(state: int) -> bool:
    return state == ComplaintState.FILED


def may_answer(state: int) -> bool:
    """What the center can answer by itself need not travel."""
    return state < ComplaintState.ANSWERED


def letter_number(regency: int, letter: int) -> str:
    """As the office files it: its regency, and the how-manieth it was."""
    return f"{regency}/{letter:06d}"


def complaint_text(text: str) -> str:
    """`text` composed, its lines kept, without space around it.

    Raises FieldRefused when nothing is left, or something cannot be printed. What turns the direction of the text is
    refused as well: an officer must read what was written.
    """
    kept = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\t", " ")).strip()
    if not kept:
        raise FieldRefused("empty", "Something must be given here.")
    if any(_is_unprintable(letter) for letter in kept):
        raise FieldRefused("invalid-character", "Control characters cannot be used.")
    return kept


_TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def _is_unprintable(letter: str) -> bool:
    if letter == "\n":
        return False
    return unicodedata.category(letter) in {"Cc", "Cs", "Cn", "Co"} or unicodedata.bidirectional(letter) in _TURNS


def known_regency(code: int) -> int:
    """Raises FieldRefused."""
    if code not in REGENCIES:
        raise FieldRefused("unknown-area", "There is no regency or city with this code.")
    return code
