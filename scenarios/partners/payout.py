"""The payout partners (gopay, bni, linkaja, ovo) behind one gateway: they know accounts, and pay into them.

Some accounts are in order and some are not, as their last two digits say, like the test numbers of card companies:
97 exists and can no longer be paid into, 98 does not exist, 99 is somebody else's.
A key decides once: what was paid under it, or refused for good, gets the same answer for ever.
"""

import csv
import io
from collections import Counter
from dataclasses import dataclass

from scenarios.capacities import Payouts
from scenarios.partners.ledger import PayoutLedger
from scenarios.partners.requests import Account, Payment
from scenarios.partners.windows import RateLimit
from scenarios.streams import Purpose, uniform

CLOSED, UNKNOWN, OTHER_HOLDER = "97", "98", "99"
RATE_EXCEEDED, UNAVAILABLE = "rate_exceeded", "payout_unavailable"


@dataclass(frozen=True, slots=True)
class PayoutAnswer:
    """Status 200: `outcome` of a check, `id` of a payment. 422: `error`, for good. 429, 500: `error`, not done."""

    status: int
    outcome: str = ""
    id: str = ""
    error: str = ""
    retry_after: float = 0.0


class PayoutPartners:
    def __init__(self, figures: Payouts, seed: int) -> None:
        self.figures = figures
        self.ledger = PayoutLedger()
        self._seed = seed
        self._rate = RateLimit(figures.rate_per_s)
        self._answers: dict[str, PayoutAnswer] = {}  # by idempotency key
        self._paid: dict[str, Payment] = {}  # by idempotency key
        self._wallets: Counter[Account] = Counter()
        self._asked: Counter[str] = Counter()  # by account: which draw comes next

    def change(self, figures: Payouts) -> None:
        """Other figures from the next request on."""
        self.figures = figures
        self._rate.change(figures.rate_per_s)

    def check(self, account: Account, key: str, now: float) -> PayoutAnswer:
        """Whether the account can be paid into and is the holder's. now: seconds of a clock that never runs back."""
        answer = self._turned_away(key, account, now)
        if answer is None:
            outcome = {UNKNOWN: "no_such_account", OTHER_HOLDER: "other_holder"}.get(account.number[-2:], "ok")
            answer = self._answers[key] = PayoutAnswer(200, outcome=outcome)
            self.ledger.checks += 1
        return answer

    def pay(self, payment: Payment, key: str, now: float) -> PayoutAnswer:
        """Pay, once for a key, or refuse for good."""
        answer = self._turned_away(key, payment.to, now)
        if answer is not None:
            return answer
        if payment.to.number[-2:] in (CLOSED, UNKNOWN):
            error = "account_closed" if payment.to.number.endswith(CLOSED) else "no_such_account"
            answer = PayoutAnswer(422, error=error)
            self.ledger.declined += 1
        else:
            self.ledger.paid += 1
            self.ledger.amount += payment.amount
            self._paid[key] = payment
            self._wallets[payment.to] += payment.amount
            answer = PayoutAnswer(200, id=f"payout-{self.ledger.paid}")
        self._answers[key] = answer
        return answer

    def _turned_away(self, key: str, account: Account, now: float) -> PayoutAnswer | None:
        """The answer that the key got before, or a refusal that says nothing for good; None: it is to be decided."""
        if (known := self._answers.get(key)) is not None:
            self.ledger.traffic.duplicates += 1
            return known
        if not self._rate.take(now):
            self.ledger.refused += 1
            return PayoutAnswer(429, error=RATE_EXCEEDED, retry_after=self._rate.wait(now))
        attempt = self._asked[account.number]
        self._asked[account.number] += 1
        digits = int("".join(filter(str.isdigit, account.number)))
        if uniform(self._seed, digits, Purpose.PAYOUT_ERROR, attempt) < self.figures.error_ratio:
            self.ledger.errors += 1
            return PayoutAnswer(500, error=UNAVAILABLE)
        return None

    def received(self, account: Account) -> int:
        """What was paid into an account, rupiah."""
        return self._wallets[account]

    def statement(self) -> str:
        """What was paid, as `launchnight books check --statement` reads it."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("key", "method", "amount"))
        writer.writerows((key, each.to.method, each.amount) for key, each in self._paid.items())
        return file.getvalue()
