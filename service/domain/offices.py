"""Labor offices: the access codes with which they sign in, and how often one may be guessed.

A code is sixteen letters and digits: eight find the office, eight prove that it is the office. Only wrong second halves
are counted, so nobody who does not know an office's first half can keep it out.
"""

from service.domain import typed_codes

CODE_BYTES = 10
HALF = 8
MOST_FAILURES = 10
"""Wrong second halves for one office in an hour: a guesser of 40 bits needs some ten million years for even odds."""
HOUR_S = 3600.0
SESSION_S = 12 * HOUR_S
"""A working day; the computer of an office is not left signed in over night."""
MOST_HELD = 500
"""Tickets that one office may hold: a hall full of people, and not the whole line when its code is stolen."""
LABEL_LENGTH = 40
NAME_LENGTH = 60


def new_code(drawn: bytes) -> tuple[str, str]:
    """Both halves of a code. drawn: CODE_BYTES random bytes."""
    text = typed_codes.spelled(drawn)
    return text[:HALF], text[HALF:]


def written(handle: str, secret: str) -> str:
    """As an office reads it: `KQ7M-2XDA-9FTN-B3RV`."""
    return typed_codes.grouped(handle + secret)


def read_code(typed: str) -> tuple[str, str] | None:
    """Both halves of a code as somebody typed it; None when it cannot be one."""
    text = typed_codes.read(typed, 2 * HALF)
    return None if text is None else (text[:HALF], text[HALF:])


def guessing_wait_s(failures: int, first_age: float) -> float:
    """How long nobody may try a code of this office; 0: now. first_age: seconds since the first of the failures."""
    if failures < MOST_FAILURES:
        return 0.0
    return max(HOUR_S - first_age, 0.0)
