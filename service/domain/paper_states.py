"""The way of a paper application, and what keeps "we have your paper" from looking like "you are registered".

In April 2020 an office had taken 1,071 papers. They were typed, sent on and received, everybody said so, and when the
wave closed some of these people had no account. So the first four states are steps of a paper, which offices take, and
the last is none: nobody can set it. It is looked up: an account holds the number, or was made with the claim code.
"""

import hmac
from datetime import timedelta
from enum import IntEnum, StrEnum
from hashlib import sha256

from service.domain import typed_codes


class PaperState(IntEnum):
    COLLECTED = 1
    """The office has typed it; nobody else has it."""
    FORWARDED = 2
    """On its way to the center."""
    RECEIVED = 3
    """The center has the data. That is no registration."""
    ACCOUNT_INVITED = 4
    """The SMS gateway has taken the claim code for the person."""
    REGISTERED = 5
    """There is an account: made with the claim code, or by the person online."""

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def phrase(self) -> str:
        """For the office's list, in the language of its people."""
        return PHRASES[self]


PHRASES = {
    PaperState.COLLECTED: "BELUM TERDAFTAR - berkas baru ada di kantor",
    PaperState.FORWARDED: "BELUM TERDAFTAR - berkas sedang dikirim ke pusat",
    PaperState.RECEIVED: "BELUM TERDAFTAR - data diterima pusat, akun belum ada",
    PaperState.ACCOUNT_INVITED: "BELUM TERDAFTAR - kode undangan sudah dikirim lewat SMS, akun belum dibuat",
    PaperState.REGISTERED: "TERDAFTAR - akun sudah ada",
}
"""Each begins with what people ask first."""
UNREGISTERED = (PaperState.COLLECTED, PaperState.FORWARDED, PaperState.RECEIVED, PaperState.ACCOUNT_INVITED)

BY_HAND = {PaperState.FORWARDED: PaperState.COLLECTED, PaperState.RECEIVED: PaperState.FORWARDED}
"""Steps that an operator records -> the step before. An invitation is recorded by the worker that sent it."""


def state_of(step: int, has_account: bool) -> PaperState:
    """step: 1 to 4, how far the paper has come."""
    return PaperState.REGISTERED if has_account else PaperState(step)


class Outcome(StrEnum):
    """What became of one row of a table."""

    ADDED = "added"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    RENUMBERED = "number-corrected"
    """A person of the office stood there under another identity number: same name, birth date and phone."""
    HAS_ACCOUNT = "has-account"
    """The row says something new about a person who has an account by now, and corrects it there."""
    OLDER = "older-file"
    """This very table was taken before, and a later one says something else."""
    REFUSED = "refused"


def outcome_of(*, is_kept: bool, is_same: bool, has_account: bool, renumbers: bool, was_taken: bool) -> Outcome:
    """Of a row without a fault. is_kept: the office has a person of this identity number; is_same: and nothing about it
    differs; renumbers: it has the person under another number; was_taken: this very table was taken before."""
    if is_kept and is_same:
        return Outcome.UNCHANGED
    if was_taken:
        return Outcome.OLDER
    if is_kept:
        return Outcome.HAS_ACCOUNT if has_account else Outcome.CHANGED
    return Outcome.RENUMBERED if renumbers else Outcome.ADDED


# The claim code: twelve characters in an SMS, with which the invited person makes the account.

CODE_LENGTH = 12
"""60 bits: among a million invited people a guess hits one in 10^12."""
CLAIM_LIFE = timedelta(days=30)
"""From its asking on: people without a phone of their own read their messages when they visit somebody."""
MOST_FAILURES = 5
"""Wrong birth dates for one code: enough for typing, and one day in four thousand for whoever found the message."""
_CODE_BYTES = 10


def claim_code(key: bytes, person: int, generation: int) -> str:
    """The code of a person's invitation. Nothing that could be read or guessed back is stored; sent again it is the
    same. key: 32 bytes."""
    digest = hmac.digest(key, b"%d %d" % (person, generation), sha256)
    return typed_codes.spelled(digest[:_CODE_BYTES])[:CODE_LENGTH]


def written(code: str) -> str:
    """As the person reads it: `KQ7M-2XDA-9FTN`."""
    return typed_codes.grouped(code)


def read_code(typed: str) -> str | None:
    """The code as somebody typed it; None when it cannot be one."""
    return typed_codes.read(typed, CODE_LENGTH)


def claim_refusal(*, is_right: bool, is_over: bool, failures: int) -> str:
    """Why a claim is refused: too-many-tries, expired or wrong; empty = it is accepted. Only "wrong" counts."""
    if failures >= MOST_FAILURES:
        return "too-many-tries"
    if is_over:
        return "expired"
    return "" if is_right else "wrong"
