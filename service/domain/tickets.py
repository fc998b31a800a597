"""Tickets of the waiting room: `KEY_ID.EPOCH.NUMBER.BINDING.MAC`, worth nothing without the secret they are bound to.

A ticket may be read by anybody: it names its number and no more. Whoever shows it must hold its secret as well. The
service makes that from the request's key, so that the same request finds the same again and nothing secret is kept.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from service.domain.signatures import mac

BINDING_BYTES = 16
"""128 bits of the secret's digest: nobody finds another secret for it."""
SECRET_CHARACTERS = 43  # 32 bytes in base64url
_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Ticket:
    """A number in the waiting room's line: immutable. `epoch` rises when an operator starts the room anew.

    key_id: the key that signed it. binding: of its secret, in base64url.
    """

    key_id: int
    epoch: int
    number: int
    binding: str


class Shown(NamedTuple):
    """What a holder shows: a ticket, and its secret as proof."""

    ticket: str
    secret: str


def secret_of(key: bytes, request: bytes) -> str:
    """The secret of the ticket that `request` drew, by whatever names it. key: 32 bytes, of secrets."""
    return _base64url(hmac.digest(key, request, sha256))


def binding_of(secret: str) -> bytes:
    """What a ticket says of its secret: BINDING_BYTES. secret: ASCII."""
    return sha256(secret.encode()).digest()[:BINDING_BYTES]


def sign_ticket(key: bytes, key_id: int, epoch: int, number: int, binding: bytes) -> str:
    """The ticket as its holder carries it. key: 32 bytes, the one named key_id."""
    text = f"{key_id}.{epoch}.{number}.{_base64url(binding)}"
    return f"{text}.{mac(key, text)}"


def read_ticket(key: bytes, shown: Shown) -> Ticket | None:
    """The ticket that `sign_ticket` made with the same key, shown with its own secret; otherwise None.

    shown: a ticket for which `key_id_of` gave a key. Both comparisons take the same time whatever differs.
    """
    text, _, signed = shown.ticket.rpartition(".")
    fields = text.split(".")
    if len(fields) != _FIELDS - 1 or not shown.secret.isascii() or len(shown.secret) > SECRET_CHARACTERS:
        return None
    proof = _base64url(binding_of(shown.secret))
    # The text is signed as it stands, so there is one spelling of each ticket, and what is read below is our own.
    ours, held = hmac.compare_digest(mac(key, text), signed), hmac.compare_digest(proof, fields[3])
    if not (ours and held):
        return None
    return Ticket(int(fields[0]), int(fields[1]), int(fields[2]), fields[3])


def binding_bytes(ticket: Ticket) -> bytes:
    return urlsafe_b64decode(ticket.binding + "==")


def _base64url(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
