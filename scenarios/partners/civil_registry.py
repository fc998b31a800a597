"""The civil registry: says whether identity number, family card number and birth date belong to one person.

Like the real one it answers match or no match and never the data, within a rate, within an allowance, slowly at times,
and with an error now and then. Everything is decided here, without I/O; `app.py` waits and answers.
"""

import math
from dataclasses import dataclass

from scenarios.capacities import Registry
from scenarios.identity_numbers import is_match
from scenarios.partners.allowance import Allowance
from scenarios.partners.ledger import RegistryLedger
from scenarios.partners.requests import Check
from scenarios.partners.windows import RateLimit
from scenarios.streams import Purpose, log_normal, uniform

RATE_EXCEEDED, ALLOWANCE_EXHAUSTED = "rate_exceeded", "allowance_exhausted"
Z_99 = 2.3263478740408408
"""The standard normal distribution's 99th percentile."""


@dataclass(frozen=True, slots=True)
class RegistryAnswer:
    """Status 200: `match` holds, after `latency`. 429: `error`, at once. 500 or 503: `error`, after `latency`."""

    status: int
    match: bool = False
    error: str = ""
    latency: float = 0.0
    retry_after: float = 0.0
    """With 429: seconds until it is worth asking again."""


class CivilRegistry:
    def __init__(self, figures: Registry, seed: int) -> None:
        self.figures = figures
        self.ledger = RegistryLedger()
        self.allowance = Allowance(figures.windows())
        self._seed = seed
        self._rate = RateLimit(figures.rate_per_s)
        self._answers: dict[str, bool] = {}  # by idempotency key
        self._attempts: dict[str, int] = {}  # by identity number: which draw comes next

    def change(self, figures: Registry) -> None:
        """Other figures from the next request on; the ledger and what was used of rate and allowance stay."""
        self.figures = figures
        self.allowance.change(figures.windows())
        self._rate.change(figures.rate_per_s)

    def ask(self, check: Check, key: str, now: float, since_opening: float) -> RegistryAnswer:
        """Answer one request that has been counted as asked.

        now: seconds of a clock that never runs backwards. since_opening: seconds since the doors opened.
        A key that was answered before gets its answer again and takes neither rate nor allowance.
        """
        ledger = self.ledger
        if (known := self._answers.get(key)) is not None:
            ledger.traffic.duplicates += 1
            return RegistryAnswer(200, match=known)
        if not self._rate.take(now):
            ledger.refused_rate += 1
            return RegistryAnswer(429, error=RATE_EXCEEDED, retry_after=self._rate.wait(now))
        if self.allowance.left(since_opening) == 0:
            ledger.refused_allowance += 1
            return RegistryAnswer(429, error=ALLOWANCE_EXHAUSTED, retry_after=self.allowance.until_next(since_opening))
        attempt = self._attempts.get(check.nik, 0)
        self._attempts[check.nik] = attempt + 1
        latency = self._latency(int(check.nik), attempt)
        if error := self._injected_error(int(check.nik), attempt):
            ledger.errors += 1
            return RegistryAnswer(error, error="registry_unavailable", latency=latency)
        self.allowance.take(since_opening)
        self._answers[key] = match = is_match(check.nik, check.family_card_number, check.birth_date)
        if match:
            ledger.match += 1
        else:
            ledger.mismatch += 1
        return RegistryAnswer(200, match=match, latency=latency)

    def _latency(self, number: int, attempt: int) -> float:
        """Seconds until the answer: log-normal through the figures' median and 99th percentile."""
        median, p99 = self.figures.latency_median_s, self.figures.latency_p99_s
        if median <= 0:
            return 0.0
        sigma = math.log(max(p99, median) / median) / Z_99
        return log_normal(uniform(self._seed, number, Purpose.REGISTRY_LATENCY, attempt), median, sigma)

    def _injected_error(self, number: int, attempt: int) -> int:
        """500 or 503 by turns for the configured share of requests, else 0."""
        draw = uniform(self._seed, number, Purpose.REGISTRY_ERROR, attempt)
        if draw >= self.figures.error_ratio:
            return 0
        return 500 if draw < self.figures.error_ratio / 2 else 503
