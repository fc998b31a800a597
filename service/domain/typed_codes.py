"""Codes that people read from paper or a screen and type: letters and digits that cannot be taken for each other."""

from base64 import b32encode

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Of Crockford: without I, L, O and U, which are misread."""
GROUP = 4
_FROM_BASE32 = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET)
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def spelled(drawn: bytes) -> str:
    """A character for every five bits of `drawn`, whose length is a multiple of five bytes."""
    return b32encode(drawn).decode().translate(_FROM_BASE32)


def grouped(text: str) -> str:
    """As people read it: `KQ7M-2XDA-9FTN`."""
    return "-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP))


def read(typed: str, length: int) -> str | None:
    """What `spelled` gave, of somebody's typing; None when it cannot be a code of that length."""
    text = typed.upper().translate(_MISREAD)
    return text if len(text) == length and set(text) <= set(ALPHABET) else None
