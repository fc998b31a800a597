"""Tickets of the waiting room: `KEY_ID.EPOCH.NUMBER.BINDING.MAC`, worth nothing without the secret they are bound to.

A ticket may be read by anybody: it names its number and no more. Whoever shows it must hold its secret as well. The
service makes that from the request's key, so that the same request finds the same again and nothing secret is kept.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

from service.domain.signatures import mac

BINDING_BYTES = 16
"""128 bits of the secret's digest: nobody finds another secret for it."""
SECRET_CHARACTERS = 43  # 32 bytes in base64url
_LONGEST = 120  # characters: two numbers of ten digits, one of nineteen, and twice 22
_LONGEST_KEY_ID = 9
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


def secret_of(key: bytes, epoch: int, request: bytes) -> str:
    """The secret of the ticket that `request` (its idempotency key) drew in this epoch. key: 32 bytes, of secrets."""
    return _base64url(hmac.digest(key, b"%d " % epoch + request, sha256))


def binding_of(secret: str) -> bytes:
    """What a ticket says of its secret: BINDING_BYTES. secret: ASCII."""
    return sha256(secret.encode()).digest()[:BINDING_BYTES]


def sign_ticket(key: bytes, key_id: int, epoch: int, number: int, binding: bytes) -> str:
    """The ticket as its holder carries it. key: 32 bytes, the one named key_id."""
    text = f"{key_id}.{epoch}.{number}.{_base64url(binding)}"
    return f"{text}.{mac(key, text)}"


def key_id_of(value: str) -> int:
    """The key that `value` says it was signed with; -1 when it is no ticket."""
    head, _, _ = value[: _LONGEST_KEY_ID + 1].partition(".")
    if len(value) > _LONGEST or not value.isascii() or len(head) > _LONGEST_KEY_ID or not head.isdecimal():
        return -1
    return int(head)


def read_ticket(key: bytes, value: str, secret: str) -> Ticket | None:
    """The ticket that `sign_ticket` made with the same key, shown with its own secret; otherwise None.

    value: one for which `key_id_of` gave a key. Both comparisons take the same time whatever differs.
    """
    text, _, signed = value.rpartition(".")
    fields = text.split(".")
    if len(fields) != _FIELDS - 1 or not secret.isascii() or len(secret) > SECRET_CHARACTERS:
        return None
    shown = _base64url(binding_of(secret))
    # The text is signed as it stands, so there is one spelling of each ticket, and what is read below is our own.
    ours, held = hmac.compare_digest(mac(key, text), signed), hmac.compare_digest(shown, fields[3])
    if not (ours and held):
        return None
    return Ticket(int(fields[0]), int(fields[1]), int(fields[2]), fields[3])


def _base64url(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
