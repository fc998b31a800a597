"""Rules of the photos' inspection: what a photo is by its first bytes, and how an inspection can end.

Whether a picture can be decoded is found out by `service.storage.photo_image`, in a process that may die of it.
"""

from enum import IntEnum

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
"""How every JPEG and every PNG begins."""
SIGNATURE_BYTES = max(map(len, SIGNATURES))
"""So many bytes of an upload tell its type: it is judged as soon as they have arrived."""
QUEUE = "photo"


class PhotoVerdict(IntEnum):
    """How an inspection ended."""

    ACCEPTED = 0
    """A clean copy is kept: the same picture upright, nothing else."""
    WRONG_TYPE = 1
    """Neither JPEG nor PNG by its content."""
    UNREADABLE = 2
    """Broken, cut off, or made to harm whoever decodes it."""
    TOO_MANY_PIXELS = 3
    """More than may be decoded, or more memory than an inspection has."""


VERDICT_WORDS = {verdict: verdict.name.lower().replace("_", "-") for verdict in PhotoVerdict}
"""The reasons of a refusal as callers see them."""


def may_be_photo(head: bytes) -> bool:
    """Whether a file that begins so can be a JPEG or PNG; with less than a signature: as far as one can tell."""
    return head.startswith(SIGNATURES) or any(one.startswith(head) for one in SIGNATURES)


def photo_status(verdict: int | None) -> str:
    """pending, accepted or refused. verdict: None before the inspection."""
    if verdict is None:
        return "pending"
    return "accepted" if verdict == PhotoVerdict.ACCEPTED else "refused"


def refusal_reason(verdict: int | None) -> str | None:
    """Why a photo was refused: wrong-type, unreadable or too-many-pixels. None: it was not."""
    if verdict is None or verdict == PhotoVerdict.ACCEPTED:
        return None
    return VERDICT_WORDS[PhotoVerdict(verdict)]
