"""One row for each queue: how much may wait, how fast it goes, how long it is tried."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from service.settings import Settings

TICK = 0.05
"""Seconds between claims while there is work: what a partner sees is a stream, not a burst each second."""
LONGEST_TICK = 0.25
"""Seconds; a claim that comes later than this makes up for no more."""
CATCH_UP = 1.25
"""A claim may bring this much more than its share of the rate, to make up for late ones; the database holds the quota
itself."""


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    queue: str
    limit: int
    rate_per_s: float
    """Negative: the partner sets none."""
    lease: float
    """Seconds; longer than the slowest honest handling, or work would be done twice."""
    attempts: int
    base_delay: float
    longest_delay: float
    concurrency: int
    """Jobs handled at the same time by one worker."""

    def batch(self, elapsed: float) -> int:
        """Most jobs of a claim `elapsed` seconds after the one before."""
        if self.rate_per_s < 0:
            return self.concurrency
        share = self.rate_per_s * min(max(elapsed, TICK), LONGEST_TICK)
        return max(1, min(self.concurrency, math.ceil(share * CATCH_UP)))


def policies(settings: Settings) -> Mapping[str, QueuePolicy]:
    """The policy of every queue, by name."""
    # A call at its deadline; before and after it a transaction that waits for a connection and ends at its limit: 14 s.
    lease = settings.partner_timeout + 30.0
    rows = (
        # Eight tries in the five minutes for which somebody waits for a code.
        QueuePolicy("email", settings.email_queue_limit, settings.email_rate, lease, 8, 0.5, 30.0, 64),
        QueuePolicy("sms", settings.sms_queue_limit, settings.sms_rate, lease, 8, 0.5, 30.0, 128),
        # Nobody waits for this one: 40 tries outlast a registry that is down for an hour and a half.
        QueuePolicy("identity", settings.identity_queue_limit, settings.civil_registry_rate, lease, 40, 1.0, 300.0, 64),
    )
    return {row.queue: row for row in rows}
