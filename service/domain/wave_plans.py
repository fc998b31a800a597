"""What operators set of a wave: hours, seats, quotas, dates; and what of it may still be changed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from service.domain.regions import PROVINCES

FIXED_BY_THE_FREEZE = ("opens_at", "closes_at", "seats", "quotas", "age_on")
"""Who is in the draw and how it is drawn was committed to; when it is announced was not."""


@dataclass(frozen=True, slots=True)
class WavePlan:
    id: int
    opens_at: datetime
    closes_at: datetime
    seats: int = 0
    quotas: Mapping[int, int] = field(default_factory=dict)
    """Province code -> the most grants that may go there; a province that is not named has no limit."""
    announce_at: datetime | None = None
    """Nobody is told a place before; None: when it is published."""
    sms_from: datetime | None = None
    sms_until: datetime | None = None
    age_on: date | None = None
    """Who is 18 on this day is old enough; None: the day of the settings."""
    frozen_at: datetime | None = None
    published_at: datetime | None = None
    commitment: bytes | None = None
    """Digest of the frozen list."""


def state_of(plan: WavePlan, now: datetime) -> str:
    """before, open, closed, frozen or published."""
    if plan.published_at is not None:
        return "published"
    if plan.frozen_at is not None:
        return "frozen"
    if now < plan.opens_at:
        return "before"
    return "open" if now < plan.closes_at else "closed"


def is_announced(published_at: datetime | None, announce_at: datetime | None, now: datetime) -> bool:
    """Whether people may be told their places: these are all there, and it is the day."""
    return published_at is not None and (announce_at is None or now >= announce_at)


def faults_of_change(before: WavePlan | None, after: WavePlan, others: Iterable[WavePlan]) -> Iterator[str]:
    """Why a wave cannot be as `after` says. before: None for a new one; others: the other waves there are."""
    yield from _faults_of(after)
    for other in others:
        if after.opens_at < other.closes_at and other.opens_at < after.closes_at:
            yield f"it would be open together with wave {other.id}: {other.opens_at} to {other.closes_at}"
    if before is not None and before.frozen_at is not None:
        for name in FIXED_BY_THE_FREEZE:
            if getattr(before, name) != getattr(after, name):
                yield f"{name} was fixed when the wave froze at {before.frozen_at}"


def _faults_of(plan: WavePlan) -> Iterator[str]:
    if plan.closes_at <= plan.opens_at:
        yield "it closes before it opens"
    if plan.seats < 0 or any(most < 0 for most in plan.quotas.values()):
        yield "seats and quotas are not negative"
    for province in plan.quotas:
        if province not in PROVINCES:
            yield f"there is no province {province}"
    if plan.announce_at is not None and plan.announce_at < plan.closes_at:
        yield "it would be announced before it closes"
    if (plan.sms_from is None) != (plan.sms_until is None):
        yield "messages need both a first and a last moment"
    elif plan.sms_from is not None and plan.sms_until is not None and plan.sms_until <= plan.sms_from:
        yield "messages would end before they begin"
    if plan.sms_from is not None and plan.sms_from < (plan.announce_at or plan.closes_at):
        yield "messages would go out before it is announced"
