"""Joining a wave.

Compiled rules (DESIGN section 2): instants are seconds since any fixed origin.
"""

from enum import IntEnum

PHOTO_SLOTS = 2


class JoinDecision(IntEnum):
    ACCEPTED = 0
    """The applicant is in the draw, provided that the identity is confirmed when the wave freezes."""
    NOT_OPEN = 1
    CLOSED = 2
    NOT_ELIGIBLE = 3
    STEPS_MISSING = 4


def join_decision(
    opens_at: float, closes_at: float, now: float, eligible: int, assessed: int, photos: int, phone_verified: int
) -> JoinDecision:
    """Whether an applicant may join now.

    The wave is open in [opens_at, closes_at). eligible, assessed, phone_verified: 0 or 1; photos: slots with
    a photo that was not refused. A registry that has not answered yet, or an inspection, keeps nobody out.
    """
    if now < opens_at:
        return JoinDecision.NOT_OPEN
    if now >= closes_at:
        return JoinDecision.CLOSED
    if eligible == 0:
        return JoinDecision.NOT_ELIGIBLE
    if assessed == 0 or photos < PHOTO_SLOTS or phone_verified == 0:
        return JoinDecision.STEPS_MISSING
    return JoinDecision.ACCEPTED
