"""The three surveys about work after training: each pays once, for an answer of any content."""

from datetime import datetime
from enum import StrEnum

from service.domain.money import MONTH, SURVEYS


class Working(StrEnum):
    """What somebody does now."""

    EMPLOYED = "employed"
    SELF_EMPLOYED = "self_employed"
    CASUAL = "casual"
    LOOKING = "looking"
    NOT_LOOKING = "not_looking"


def opens_at(completed_at: datetime | None, number: int) -> datetime | None:
    """Survey `number` opens so many months after the first completed course; it never closes.

    None: no course was completed, or there is no such survey.
    """
    if completed_at is None or not 1 <= number <= SURVEYS:
        return None
    return completed_at + number * MONTH
