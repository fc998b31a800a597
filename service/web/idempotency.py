"""The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07)."""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256

import msgspec

from service.actions.once import Once
from service.domain.errors import IdempotencyKeyInvalid, IdempotencyKeyMissing

_LONGEST = 255
_QUOTED = re.compile(rb'"((?:[^"\\]|\\["\\])*)"')
_PRINTABLE = re.compile(rb"[\x20-\x7e]+")

encode = msgspec.json.Encoder().encode


def key_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The key, 1 to 255 printable ASCII characters, bare or as a quoted string.

    Raises IdempotencyKeyMissing, IdempotencyKeyInvalid.
    """
    value = headers.get(b"idempotency-key")
    if value is None:
        raise IdempotencyKeyMissing("Send a new random value with each new request, the same with its repetition.")
    value = value.strip()
    if value.startswith(b'"'):
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise IdempotencyKeyInvalid("The quoted string is not closed.")
        value = re.sub(rb"\\(.)", rb"\1", quoted[1])
    if len(value) > _LONGEST or _PRINTABLE.fullmatch(value) is None:
        raise IdempotencyKeyInvalid(f"1 to {_LONGEST} printable ASCII characters are needed.")
    return value


def once_of(
    headers: Mapping[bytes, bytes],
    *,
    route: str,
    path: str,
    body: object,
    status: int,
    encode_answer: Callable[[object], bytes] = encode,
) -> Once:
    """What makes this request the same as an earlier one: route and key; and what was asked: path and body."""
    fingerprint = sha256(path.encode() + b"\n" + encode(body)).digest()
    return Once(route=route.encode(), key=key_of(headers), fingerprint=fingerprint, status=status, encode=encode_answer)
