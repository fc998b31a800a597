"""Who of the staff may do what, and how they prove who they are.

A password is made, never chosen: sixteen letters and digits, 80 random bits, which nobody guesses. So wrong passwords
shut nobody out but the address that they come from, and whoever does not know one cannot keep an operator from work on
the night. Only wrong codes after the right password are counted against the person.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import scrypt

from service.domain import typed_codes

PASSWORD_BYTES = 10
PASSWORD_LENGTH = 16
"""Five bits a character."""
NAME_LENGTH = 100
SESSION_S = 8 * 3600.0
"""A shift."""
MOST_FAILURES = 10
"""Wrong codes in an hour after the right password: three of a million are good at a time, so a thief of the password
needs two years and a half for even odds, and every try is on the record."""
HOUR_S = 3600.0
CONFIRM_WITHIN_S = 15 * 60.0
"""For a second person: long enough to be called, short enough that what was proposed is still what is meant."""
SALT_BYTES = 16
_KEY_BYTES = 32


class Role(StrEnum):
    """Each may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Rule:
    least: Role
    two: bool = False
    """Only when a second person confirms it: it cannot be taken back."""


_SEE, _ACT, _RULE = Rule(Role.VIEWER), Rule(Role.OPERATOR), Rule(Role.ADMINISTRATOR)

RULES: Mapping[str, Rule] = {
    "status": _SEE,
    "events": _SEE,
    "preview": _SEE,
    "queues": _SEE,
    "waves": _SEE,
    "proposals": _SEE,
    "audit": _ACT,
    "open": _ACT,
    "pause": _ACT,
    "close": _ACT,
    "message": _ACT,
    "rate": _ACT,
    "limit": _ACT,
    "inside": _ACT,
    "queue-all": _ACT,
    "end-session": _ACT,
    "schedule": _ACT,
    "rotate-keys": _ACT,
    "queue-quota": _ACT,
    "wave-set": _ACT,
    "wave-close": Rule(Role.OPERATOR, two=True),
    "draw-publish": Rule(Role.OPERATOR, two=True),
    "confirm": _ACT,
    "staff-sessions": _RULE,
    "end-staff-session": _RULE,
}
"""Verb -> who may. The one place that says so; docs/operators.md shows the same table, and a test compares them."""


def may(role: Role, verb: str) -> bool:
    """Whether the role is enough. Nobody may what is not in the table."""
    order = list(Role)
    rule = RULES.get(verb)
    return rule is not None and order.index(role) >= order.index(rule.least)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of scrypt: `n` x `r` x 128 bytes of memory, `p` times over."""

    n: int = 2**15
    r: int = 8
    p: int = 3


COST = Cost()
"""32 MiB, 0.28 s of a core: the third of the equal choices of OWASP's cheat sheet on password storage."""


def new_password(drawn: bytes) -> str:
    """As a person reads it, `KQ7M-2XDA-9FTN-B3RV`. drawn: PASSWORD_BYTES random bytes."""
    return typed_codes.grouped(typed_codes.spelled(drawn))


def read_password(typed: str) -> str | None:
    """What is hashed of a password as somebody typed it; None when it cannot be one."""
    return typed_codes.read(typed, PASSWORD_LENGTH)


def hashed(password: str, salt: bytes, cost: Cost = COST) -> str:
    """What is kept of a password (as `read_password` gives it): with its cost, so that a later one can be dearer."""
    key = _derived(password, salt, cost)
    return f"scrypt${cost.n}${cost.r}${cost.p}${salt.hex()}${key.hex()}"


def is_password(password: str, kept: str) -> bool:
    """Whether it is the password of which `kept` was kept; takes as long either way."""
    _, n, r, p, salt, key = kept.split("$")
    derived = _derived(password, bytes.fromhex(salt), Cost(int(n), int(r), int(p)))
    return hmac.compare_digest(derived, bytes.fromhex(key))


def _derived(password: str, salt: bytes, cost: Cost) -> bytes:
    most = 2 * 128 * cost.n * cost.r + 2**20  # what it needs, and room for the library's own
    return scrypt(password.encode(), salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=most, dklen=_KEY_BYTES)


def guessing_wait_s(failures: int, first_age: float) -> float:
    """How long no code of this person is tried; 0: now. first_age: seconds since the first of the failures."""
    if failures < MOST_FAILURES:
        return 0.0
    return max(HOUR_S - first_age, 0.0)
