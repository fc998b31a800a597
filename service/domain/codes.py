"""One-time codes: how long they live, how often they may be tried, sent and asked for.

Compiled rules (DESIGN section 2) up to `resend_wait_s`; instants are seconds since any fixed origin, -1 is "never".
"""

import hmac
from collections.abc import Sequence
from enum import IntEnum
from hashlib import sha256
from uuid import UUID


class Channel(IntEnum):
    EMAIL = 1
    SMS = 2


LIFE_EMAIL_S = 600.0
"""10 minutes from hand-over: the most that NIST 800-63B-4 allows."""
LIFE_SMS_S = 300.0
"""5 minutes: a text message is late after seconds, not minutes."""
MAX_FAILURES = 5
"""With six digits: five guesses in a million for each code that the guesser had to have sent."""
MAX_SENDS = 5
"""Sends for one request: one, and four presses of "send again"."""
DAY_S = 86_400.0
HOUR_S = 3_600.0
MOST_PER_HOUR = 5
MOST_PER_DAY = 10
DIGITS = 6


def life_s(channel: int) -> float:
    """Life of a code of this channel, from its hand-over."""
    if channel == 1:
        return LIFE_EMAIL_S
    return LIFE_SMS_S


def code_alive(handed_at: float, now: float, life_s: float) -> bool:
    """Whether a code handed over at `handed_at` (-1: not yet) can still be used."""
    return handed_at >= 0.0 and now - handed_at < life_s


def may_try(failures: int) -> bool:
    return failures < MAX_FAILURES


def next_generation(generation: int, handed_at: float, now: float, life_s: float, failures: int) -> int:
    """Generation of the code to send now: the same while it lives and may be tried, otherwise a new one."""
    if generation > 0 and code_alive(handed_at, now, life_s) and may_try(failures):
        return generation
    return generation + 1


def resend_wait_s(sends: int) -> float:
    """Cool-down after send number `sends` (from 1): 30, 60, then 120 s."""
    if sends <= 1:
        return 30.0
    if sends == 2:
        return 60.0
    return 120.0


def budget_wait_s(asked_at: Sequence[float], now: float) -> float:
    """Seconds until one more code may be asked for; 0 = now.

    asked_at: when codes were asked for in the last day, newest first.
    """
    wait = 0.0
    for most, span in ((MOST_PER_HOUR, HOUR_S), (MOST_PER_DAY, DAY_S)):
        if len(asked_at) >= most:
            wait = max(wait, asked_at[most - 1] + span - now)
    return wait


def derive(key: bytes, request_id: UUID, generation: int) -> str:
    """The code of a request's generation, six digits. Nothing that could be read or guessed back is stored."""
    digest = hmac.digest(key, request_id.bytes + generation.to_bytes(8, "big"), sha256)
    # 64 bits modulo 10^6: the bias is below 10^-13.
    return f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}d}"


def matches(given: str, wanted: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def refusal(handed_at: float, now: float, life_s: float, failures: int, used: bool, right: bool) -> str:
    """Why a code is refused: expired, not-sent-yet, too-many-tries or wrong; empty = it is accepted.

    Only "wrong" counts as a failure: what cannot succeed tells a guesser nothing.
    """
    if used:
        return "expired"
    if handed_at < 0.0:
        return "not-sent-yet"
    if not code_alive(handed_at, now, life_s):
        return "expired"
    if not may_try(failures):
        return "too-many-tries"
    return "" if right else "wrong"
