"""An e-mail or SMS gateway: takes messages up to its throughput, delivers most of them, later.

Decides without I/O when a message arrives or that it never does; `deliveries.py` keeps the time, `app.py` answers.
"""

import hashlib
from dataclasses import dataclass

from scenarios.capacities import Gateway
from scenarios.partners.ledger import GatewayLedger
from scenarios.partners.requests import Message
from scenarios.partners.windows import RateLimit
from scenarios.population import number_of
from scenarios.streams import Purpose, log_normal, uniform

EMAIL, SMS, ANNOUNCEMENT = "email", "sms", "announcement"
PURPOSES = {
    EMAIL: (Purpose.EMAIL_LOSS, Purpose.EMAIL_DELAY),
    SMS: (Purpose.SMS_LOSS, Purpose.SMS_DELAY),
    ANNOUNCEMENT: (Purpose.ANNOUNCEMENT_LOSS, Purpose.ANNOUNCEMENT_DELAY),
}
ARRIVES_AS = {EMAIL: EMAIL, SMS: SMS, ANNOUNCEMENT: SMS}
"""What a message is for whoever reads it."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """`id` "" = refused, ask again after `retry_after`. `delay` None = nothing will be delivered for this request."""

    id: str
    delay: float | None = None
    retry_after: float = 0.0


class MessageGateway:
    def __init__(self, channel: str, figures: Gateway, seed: int) -> None:
        self.channel = channel
        self.figures = figures
        self.ledger = GatewayLedger()
        self._seed = seed
        self._loss, self._delay = PURPOSES[channel]
        self._rate = RateLimit(figures.rate_per_s)
        self._ids: dict[str, str] = {}  # by idempotency key
        self._sent: dict[str, int] = {}  # by address: which draw comes next

    def change(self, figures: Gateway) -> None:
        """Other figures from the next message on; messages on their way keep their delay."""
        self.figures = figures
        self._rate.change(figures.rate_per_s)

    def send(self, message: Message, key: str, now: float) -> Acceptance:
        """Take or refuse one message that has been counted as asked.

        now: seconds of a clock that never runs backwards.
        A key that was accepted before gets its id again, takes no throughput and is not sent twice.
        """
        ledger = self.ledger
        if (known := self._ids.get(key)) is not None:
            ledger.traffic.duplicates += 1
            return Acceptance(known)
        if not self._rate.take(now):
            ledger.refused += 1
            return Acceptance("", retry_after=self._rate.wait(now))
        ledger.distinct += 1
        self._ids[key] = message_id = f"{self.channel}-{ledger.distinct}"
        attempt = self._sent.get(message.to, 0)
        self._sent[message.to] = attempt + 1
        number = draw_number(message.to)
        if uniform(self._seed, number, self._loss, attempt) < self.figures.loss:
            ledger.lost += 1
            return Acceptance(message_id)
        luck = uniform(self._seed, number, self._delay, attempt)
        return Acceptance(message_id, log_normal(luck, self.figures.delay_median_s, self.figures.delay_sigma))


def draw_number(address: str) -> int:
    """The number that this address's draws are keyed by: the applicant's, or a hash for anybody else's address."""
    number = number_of(address)
    if number >= 0:
        return number
    return int.from_bytes(hashlib.blake2b(address.encode(), digest_size=7).digest())
