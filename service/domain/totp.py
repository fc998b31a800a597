"""One-time codes by time, as authenticator apps show them: RFC 6238 over the HMAC of RFC 4226.

SHA-1, six digits, thirty seconds: what every app can do. SHA-1 is sound here, nobody can look for collisions.
"""

import hmac
import struct
from base64 import b32encode
from hashlib import sha1
from urllib.parse import quote, urlencode

PERIOD_S = 30
DIGITS = 6
SECRET_BYTES = 20
"""As long as the HMAC's digest (RFC 4226, requirement R6 asks for 16 and recommends these)."""
DRIFT = 1
"""Steps that the clock of a phone may be off, either way."""
NEVER = -1
"""A step that is before all others; and no step at all."""


def step_of(unix_s: float) -> int:
    return int(unix_s // PERIOD_S)


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of one step. Source: RFC 4226 section 5.3 (dynamic truncation), RFC 6238 section 4.2."""
    digest = hmac.digest(secret, struct.pack(">Q", step), sha1)
    offset = digest[-1] & 15
    (number,) = struct.unpack_from(">I", digest, offset)
    return f"{(number & 0x7FFF_FFFF) % 10**digits:0{digits}d}"


def accepted_step(secret: bytes, typed: str, unix_s: float, last_step: int) -> int:
    """The step whose code was typed, or NEVER. A code is good once: steps up to `last_step` are over.

    typed: as somebody typed it, `492 039` too. All steps are compared, each in constant time.
    """
    given = "".join(typed.split()).encode()
    now, found = step_of(unix_s), NEVER
    for step in range(max(now - DRIFT, 0), now + DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), given) and step > last_step:
            found = step
    return found


def written(secret: bytes) -> str:
    """As it is typed into an app that cannot read the address."""
    return b32encode(secret).decode()


def address(secret: bytes, name: str, issuer: str = "launchnight") -> str:
    """What an app reads, for example from a square of dots."""
    facts = {"secret": written(secret), "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": PERIOD_S}
    return f"otpauth://totp/{quote(issuer)}:{quote(name, safe='')}?{urlencode(facts)}"
