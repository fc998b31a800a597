"""Paying out: where somebody wants the money, how one payment goes on, and what it is called at the partner."""

import re
from enum import IntEnum, StrEnum
from uuid import UUID

from service.domain.errors import FieldRefused

MOST_VERSIONS = 10
"""Numbers that somebody may put for one partner: each is asked about there."""
_WALLET = re.compile(r"\+62[0-9]{8,12}")
_BANK = re.compile(r"[0-9]{10}")


class Method(StrEnum):
    """The payout partners; the profile asks for one of them."""

    GOPAY = "gopay"
    BNI = "bni"
    LINKAJA = "linkaja"
    OVO = "ovo"


class AccountStatus(IntEnum):
    ASKED = 0
    """The partner was asked whether it is this person's."""
    GOOD = 1
    REFUSED = 2
    """By the check, or by a payment later: money goes to another account."""


ACCOUNT_WORDS = {AccountStatus.ASKED: "asked", AccountStatus.GOOD: "good", AccountStatus.REFUSED: "refused"}


class PayoutState(IntEnum):
    READY = 0
    """Due, and to be put into the queue."""
    QUEUED = 1
    WAITS = 2
    """The person has no account that it could go to."""
    PAID = 3


PAYOUT_WORDS = {
    PayoutState.READY: "due",
    PayoutState.QUEUED: "due",
    PayoutState.WAITS: "account_needed",
    PayoutState.PAID: "paid",
}
PAID = "paid"
"""The outcome of an attempt that was one."""


def check_number(method: Method, number: str) -> str:
    """The account number as it is kept. Raises FieldRefused.

    A wallet is known by its phone number, a bank account by ten digits.
    """
    plain = re.sub(r"[ .-]", "", number)
    if method is Method.BNI:
        if not _BANK.fullmatch(plain):
            raise FieldRefused("not-an-account", "An account of this bank has ten digits.")
        return plain
    if plain.startswith("0"):
        plain = "+62" + plain[1:]
    if not _WALLET.fullmatch(plain):
        raise FieldRefused("not-an-account", "A wallet is known by its phone number, such as 0812 3456 7890.")
    return plain


def masked_number(number: str) -> str:
    """The last three digits, as every view shows it."""
    return "*" * (len(number) - 3) + number[-3:]


def payment_key(payout_id: UUID, attempt: int) -> str:
    """The name of one attempt at the partner, for ever: whatever becomes of the answer, it is paid at most once."""
    return f"payout-{payout_id}-{attempt}"
