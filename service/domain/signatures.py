"""Signed values that clients carry: tickets, places and passes. Anyone may read them, only the service can make them.

A value is `FIELD.FIELD.MAC`: whole numbers and 16 bytes of HMAC-SHA-256 in base64url, under a key of its own purpose.
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

_MAC_BYTES = 16  # 128 bits: not guessable, and a ticket fits in a header line
_LONGEST = 240  # what is agreed with one person has nine numbers
_LONGEST_KEY_ID = 9
_LONGEST_NUMBER = 19  # digits of the largest bigint


def sign(key: bytes, *fields: int) -> str:
    """The signed value of `fields`, all >= 0."""
    text = ".".join(map(str, fields))
    return f"{text}.{mac(key, text)}"


def mac(key: bytes, text: str) -> str:
    """What only the service can add to `text`: 22 characters."""
    return urlsafe_b64encode(hmac.digest(key, text.encode(), sha256)[:_MAC_BYTES]).decode().rstrip("=")


def key_id_of(value: str) -> int:
    """The key that `value` says it was signed with, when that is its first field; -1 when it is nothing of ours."""
    head, _, _ = value[: _LONGEST_KEY_ID + 1].partition(".")
    if len(value) > _LONGEST or not value.isascii() or len(head) > _LONGEST_KEY_ID or not head.isdecimal():
        return -1
    return int(head)


def read(key: bytes, value: str, fields: int) -> tuple[int, ...] | None:
    """The `fields` numbers of a value that `sign` made with the same key, otherwise None."""
    if len(value) > _LONGEST or not value.isascii():
        return None
    text, _, _ = value.rpartition(".")
    parts = text.split(".")
    if len(parts) != fields or not all(part.isdecimal() and len(part) <= _LONGEST_NUMBER for part in parts):
        return None
    numbers = tuple(map(int, parts))
    # Signed again instead of compared in parts: only one spelling of a value exists.
    return numbers if hmac.compare_digest(sign(key, *numbers), value) else None
