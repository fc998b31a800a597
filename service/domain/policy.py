"""The figures of this installation that decisions need, handed to the actions as one value."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """Defaults are those of the settings table, which says why."""

    email_queue_limit: int = 60_000
    sms_queue_limit: int = 120_000
    identity_queue_limit: int = 500_000
    photo_queue_limit: int = 200_000
    announcement_queue_limit: int = 6_000
    payout_queue_limit: int = 60_000
    """Of the limits: negative is none."""
    drop_abandoned_work: bool = True
    email_rate_per_s: float = 500.0
    sms_rate_per_s: float = 1000.0
    identity_rate_per_s: float = 15.0
    payout_rate_per_s: float = 100.0
    photo_rate_per_s: float = 20.0
    """Photos that the inspectors of one worker do: what a full queue is told by."""
    upload_lifetime_s: float = 86_400.0
    gate_rate_per_s: float = 600.0
    gate_planned_per_s: float | None = None
    waiting_room: bool = True
    inside_limit: int = 0
    """People inside at most; 0: any number."""
    wave_id: int = 1
    wave_closes_at: datetime = field(default=datetime(2099, 12, 31, 17, tzinfo=UTC))
    age_on: date = date(2020, 4, 11)
    complaint_promise_s: float = 604_800.0
    synthetic_people: bool = False
