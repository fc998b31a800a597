"""One row for each queue: how much may wait, how fast it goes, how long it is tried."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.settings import Settings

TICK = 0.05
"""Seconds between claims while there is work: what a partner sees is a stream, not a burst each second."""
LONGEST_TICK = 0.25
"""Seconds; a claim that comes later than this makes up for no more."""
CATCH_UP = 1.25
"""A claim may bring this much more than its share of the rate, to make up for late ones; the database holds the quota
itself."""

LEASE = 10.0
"""Seconds: whoever waits for a code that a killed worker held notices, and does not ask again yet. Four heartbeats."""
RETRY_SHARE = 0.2
"""Of a partner's quota for retries: one in five calls at most asks again, so that a partner in trouble still serves
those who ask for the first time."""


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    queue: str
    limit: int
    rate_per_s: float
    """Negative: the partner sets none."""
    lease: float
    """Seconds; a heartbeat renews it while the job is in hand, so this is how long a killed worker's jobs lie idle."""
    longest: float
    """Seconds of the slowest honest handling; whoever holds a job for longer is not believed any more."""
    attempts: int
    base_delay: float
    longest_delay: float
    concurrency: int
    """Jobs handled at the same time by one worker."""

    @property
    def retries_per_s(self) -> float:
        """Budget of retries; negative: none, as there is no quota to take a share of."""
        return self.rate_per_s * RETRY_SHARE

    def batch(self, elapsed: float, rate_per_s: float) -> int:
        """Most jobs of a claim `elapsed` seconds after the one before, at the quota that holds now."""
        if rate_per_s < 0:
            return self.concurrency
        share = rate_per_s * min(max(elapsed, TICK), LONGEST_TICK)
        return max(1, min(self.concurrency, math.ceil(share * CATCH_UP)))


def policies(settings: Settings) -> Mapping[str, QueuePolicy]:
    """The policy of every queue, by name."""
    # A call at its deadline; before and after it a transaction that waits for a connection and ends at its limit: 14 s.
    longest = settings.partner_timeout + 30.0

    def bound(limit: int) -> int:
        return limit if settings.bounded_queues else -1

    def row(queue: str, limit: int, rate: float, *tries: Any) -> QueuePolicy:
        return QueuePolicy(queue, bound(limit), rate if settings.partner_pacing else -1.0, LEASE, longest, *tries)

    photos_at_once = 2 * settings.photo_inspectors
    announcing, paying = settings.announcement_rate, settings.payout_rate
    rows = (
        # Eight tries in the five minutes for which somebody waits for a code.
        row("email", settings.email_queue_limit, settings.email_rate, 8, 0.5, 30.0, 64),
        row("sms", settings.sms_queue_limit, settings.sms_rate, 8, 0.5, 30.0, 128),
        # Nobody waits for this one: 40 tries outlast a registry that is down for an hour and a half.
        row("identity", settings.identity_queue_limit, settings.civil_registry_rate, 40, 1.0, 300.0, 64),
        # Sent once for ever and never given up lightly: 40 tries outlast a gateway that is down for an hour and a half.
        row("announcement", settings.announcement_queue_limit, announcing, 40, 1.0, 300.0, 64),
        row("payout", settings.payout_queue_limit, paying, 40, 1.0, 300.0, 64),
        row("invitation", settings.invitation_queue_limit, settings.invitation_rate, 40, 1.0, 300.0, 32),
        # Nobody's quota: as fast as inspectors come free, one photo ahead of each. It waits for an inspector and is
        # inspected, each as long as the deadline of one at most. Only a worker in trouble needs a second try.
        QueuePolicy("photo", bound(settings.photo_queue_limit), -1.0, LEASE, 90.0, 8, 1.0, 60.0, photos_at_once),
    )
    return {row.queue: row for row in rows}
