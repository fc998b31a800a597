"""What callers send, read strictly: all faults of a body come at once, and nothing they send is more than a 4xx."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from scenarios.json_bodies import BodyFault, Refused

KEY = re.compile(r"[\x20-\x7e]{1,255}")
"""An Idempotency-Key: printable ASCII, bare or quoted."""
SIXTEEN_DIGITS = re.compile(r"[0-9]{16}")
PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}")
METHOD = re.compile(r"gopay|bni|linkaja|ovo")
ACCOUNT = re.compile(r"\+[1-9][0-9]{7,14}|[0-9]{10}")
SMALL_NUMBER = re.compile(r"[0-9]{1,6}")
LATEST = 4_102_444_800
"""The year 2100, in unix seconds."""
MOST_AMOUNT = 1_000_000_000
"""Rupiah of one payment."""
LONGEST_TEXT = 1600
"""Characters; ten SMS of 160."""


@dataclass(frozen=True, slots=True)
class Check:
    """What the registry is asked: do these three belong to one person?"""

    nik: str
    family_card_number: str
    birth_date: str
    """YYYY-MM-DD, a date that exists."""


@dataclass(frozen=True, slots=True)
class Message:
    to: str
    text: str


@dataclass(frozen=True, slots=True)
class Account:
    """With one payout partner."""

    method: str
    number: str


@dataclass(frozen=True, slots=True)
class Payment:
    to: Account
    amount: int
    """Rupiah."""


def idempotency_key(headers: Mapping[str, str]) -> str:
    """The request's key. Raises Refused (400): without a key a retry would be sent twice."""
    key = headers.get("Idempotency-Key", "").strip().strip('"')
    if not KEY.fullmatch(key):
        fault = BodyFault(
            "Idempotency-Key", "missing", "send 1 to 255 printable ASCII characters, other for each effect"
        )
        raise Refused(400, "idempotency-key-missing", [fault])
    return key


def check(body: Mapping[str, Any]) -> Check:
    """Raises Refused (422) with every fault."""
    fields = _Fields(body, {"nik", "family_card_number", "birth_date"})
    nik = fields.text("nik", SIXTEEN_DIGITS.fullmatch, "16 digits")
    card = fields.text("family_card_number", SIXTEEN_DIGITS.fullmatch, "16 digits")
    born = fields.text("birth_date", _is_date, "a date such as 1994-08-17")
    fields.raise_faults()
    return Check(nik, card, born)


def email_message(body: Mapping[str, Any]) -> Message:
    """Raises Refused (422) with every fault."""
    return _message(body, EMAIL, "an e-mail address")


def sms_message(body: Mapping[str, Any]) -> Message:
    """Raises Refused (422) with every fault."""
    return _message(body, PHONE, "a phone number such as +6281234567890")


def payout_account(body: Mapping[str, Any]) -> Account:
    """The holder's name is not compared: nobody here knows names. Raises Refused (422) with every fault."""
    fields = _Fields(body, {"method", "account", "holder"})
    account = fields.account()
    fields.text("holder", lambda text: 1 <= len(text) <= 200, "1 to 200 characters")
    fields.raise_faults()
    return account


def payment(body: Mapping[str, Any]) -> Payment:
    """Raises Refused (422) with every fault."""
    fields = _Fields(body, {"method", "account", "amount"})
    account, amount = fields.account(), fields.amount("amount")
    fields.raise_faults()
    return Payment(account, amount)


def opening(body: Mapping[str, Any]) -> float:
    """`opens_at` in unix seconds. Raises Refused (422)."""
    value = body.get("opens_at")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST or len(body) != 1:
        raise Refused(
            422, "invalid-fields", [BodyFault("opens_at", "invalid", "must be the one field, in unix seconds")]
        )
    return float(value)


def share(query: Mapping[str, str]) -> tuple[frozenset[int], int]:
    """(residues, modulus) of a standing connection; every address when none is given. Raises Refused (422)."""
    residues, modulus = query.get("residue", "0").split(","), query.get("modulus", "1")
    if not (
        SMALL_NUMBER.fullmatch(modulus)
        and all(SMALL_NUMBER.fullmatch(residue) and int(residue) < int(modulus) for residue in residues)
    ):
        words = "must be whole numbers, 0 <= residue < modulus, several residues with commas between them"
        raise Refused(422, "invalid-fields", [BodyFault("residue, modulus", "invalid", words)])
    return frozenset(map(int, residues)), int(modulus)


def _message(body: Mapping[str, Any], address: re.Pattern[str], words: str) -> Message:
    fields = _Fields(body, {"to", "text"})
    to = fields.text("to", address.fullmatch, words)
    text = fields.text("text", lambda text: 1 <= len(text) <= LONGEST_TEXT, f"1 to {LONGEST_TEXT} characters")
    fields.raise_faults()
    return Message(to, text)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class _Fields:
    """Takes fields out of a body and collects what is wrong with them."""

    def __init__(self, body: Mapping[str, Any], known: set[str]) -> None:
        self._body = body
        self._faults = [BodyFault(name, "unknown", "there is no such field") for name in body if name not in known]

    def text(self, name: str, valid: Callable[[str], object], words: str) -> str:
        """The field as text; "" and a fault when it is missing, no text, or not valid."""
        value = self._body.get(name)
        if isinstance(value, str) and valid(value):
            return value
        self._faults.append(BodyFault(name, "missing" if name not in self._body else "invalid", f"must be {words}"))
        return ""

    def account(self) -> Account:
        method = self.text("method", METHOD.fullmatch, "gopay, bni, linkaja or ovo")
        return Account(method, self.text("account", ACCOUNT.fullmatch, "a phone number, or ten digits"))

    def amount(self, name: str) -> int:
        """The field as rupiah; 0 and a fault when it is missing or not valid."""
        value = self._body.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_AMOUNT:
            return value
        words = f"must be whole rupiah, from 1 to {MOST_AMOUNT}"
        self._faults.append(BodyFault(name, "missing" if name not in self._body else "invalid", words))
        return 0

    def raise_faults(self) -> None:
        if self._faults:
            raise Refused(422, "invalid-fields", self._faults)
