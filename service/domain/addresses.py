"""Addresses and names of people: the form in which they are kept and compared, and the form in which they are shown."""

import re
import unicodedata

from service.domain.codes import Channel
from service.domain.errors import FieldRefused

_SEPARATORS = str.maketrans("", "", " -.()")
# Mobile numbers: 8 and 8 to 12 more digits after the country code.
_PHONE = re.compile(r"\+628[0-9]{8,12}")
# The part of RFC 5321 that mail systems agree on: no quoted local parts, no address literals, no comments.
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
_LONGEST_EMAIL = 254
_LONGEST_LOCAL_PART = 64


def phone(text: str) -> str:
    """`+628...` of a number written as +62, 62 or 0 and with spaces or dashes. Raises FieldRefused."""
    digits = text.translate(_SEPARATORS)
    if digits.startswith("0"):
        digits = "+62" + digits[1:]
    elif digits.startswith("62"):
        digits = "+" + digits
    if _PHONE.fullmatch(digits) is None:
        raise FieldRefused("not-a-mobile-number", "A mobile number is needed, for example +62 812 3456 789.")
    return digits


def email(text: str) -> str:
    """The address in lower case. Raises FieldRefused."""
    address = text.strip(" ").lower()
    local_part = address.partition("@")[0]
    if len(address) > _LONGEST_EMAIL or len(local_part) > _LONGEST_LOCAL_PART or _EMAIL.fullmatch(address) is None:
        raise FieldRefused("not-an-email-address", "An e-mail address is needed, for example name@example.org.")
    return address


def address(text: str) -> str:
    """A phone number or an e-mail address in the form in which it is kept. Raises FieldRefused."""
    return email(text) if "@" in text else phone(text)


def channel_of(kept_address: str) -> Channel:
    return Channel.EMAIL if "@" in kept_address else Channel.SMS


def plain_text(text: str) -> str:
    """`text` composed and without space around it. Raises FieldRefused: control characters, or nothing left.

    Names of one letter, apostrophes and every script are fine; what cannot be printed is not.
    """
    kept = unicodedata.normalize("NFC", text).strip()
    if not kept:
        raise FieldRefused("empty", "Something must be given here.")
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Cn", "Co"} for letter in kept):
        raise FieldRefused("invalid-character", "Control characters and line breaks cannot be used.")
    return kept


def masked(kept_address: str) -> str:
    """A phone number or an e-mail address as every view shows it."""
    return masked_email(kept_address) if "@" in kept_address else masked_phone(kept_address)


def masked_email(kept_email: str) -> str:
    """The first letter and the provider."""
    local_part, _, provider = kept_email.partition("@")
    return local_part[:1] + "*" * max(len(local_part) - 1, 2) + "@" + provider


def masked_phone(kept_phone: str) -> str:
    """Country code and the last three digits, as every view shows it."""
    return kept_phone[:3] + "*" * (len(kept_phone) - 6) + kept_phone[-3:]
