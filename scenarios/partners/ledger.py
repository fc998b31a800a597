"""What a partner remembers of what it was asked: one of the three ledgers that must agree after a run."""

from dataclasses import dataclass, field

from scenarios.partners.windows import BusiestWindow


@dataclass(slots=True)
class Traffic:
    """Every request, and the busiest second and minute of them."""

    asked: int = 0
    """Requests, whatever became of them."""
    invalid: int = 0
    """Requests that no partner could read; they take no quota."""
    duplicates: int = 0
    """Requests with a key that had been answered before."""
    unserved: int = 0
    """Requests met by an error or by silence, on purpose; nothing was done."""
    second: BusiestWindow = field(default_factory=lambda: BusiestWindow(1.0))
    minute: BusiestWindow = field(default_factory=lambda: BusiestWindow(60.0))

    def count(self, now: float) -> None:
        """One more request at `now`, in seconds of a clock that never runs backwards."""
        self.asked += 1
        self.second.count(now)
        self.minute.count(now)

    def outcomes(self) -> dict[str, int]:
        return {"duplicate": self.duplicates, "invalid": self.invalid, "unserved": self.unserved}

    def as_json(self) -> dict[str, int]:
        return {
            "asked": self.asked,
            "invalid": self.invalid,
            "duplicates": self.duplicates,
            "unserved": self.unserved,
            "most_in_1s": self.second.most,
            "most_in_60s": self.minute.most,
        }


@dataclass(slots=True)
class RegistryLedger:
    traffic: Traffic = field(default_factory=Traffic)
    match: int = 0
    mismatch: int = 0
    refused_rate: int = 0
    refused_allowance: int = 0
    errors: int = 0
    """Injected: what a real registry does to 0.5 % of its callers."""

    @property
    def distinct(self) -> int:
        """Checks answered, each key once."""
        return self.match + self.mismatch

    def outcomes(self) -> dict[str, int]:
        """Requests by what became of them; together all that were asked."""
        return {
            "match": self.match,
            "mismatch": self.mismatch,
            "refused_rate": self.refused_rate,
            "refused_allowance": self.refused_allowance,
            "error": self.errors,
            **self.traffic.outcomes(),
        }

    def as_json(self) -> dict[str, int]:
        return {
            **self.traffic.as_json(),
            "distinct": self.distinct,
            "answered": self.distinct + self.traffic.duplicates,
            "match": self.match,
            "mismatch": self.mismatch,
            "refused_rate": self.refused_rate,
            "refused_allowance": self.refused_allowance,
            "errors": self.errors,
        }


@dataclass(slots=True)
class PayoutLedger:
    traffic: Traffic = field(default_factory=Traffic)
    checks: int = 0
    """Accounts judged, each key once."""
    paid: int = 0
    """Payments made, each key once."""
    amount: int = 0
    """Of these, rupiah."""
    declined: int = 0
    """Payments refused for good, each key once."""
    refused: int = 0
    errors: int = 0

    @property
    def distinct(self) -> int:
        """Checks and payments decided, each key once."""
        return self.checks + self.paid + self.declined

    def outcomes(self) -> dict[str, int]:
        """Requests by what became of them; together all that were asked."""
        return {
            "checked": self.checks,
            "paid": self.paid,
            "declined": self.declined,
            "refused_rate": self.refused,
            "error": self.errors,
            **self.traffic.outcomes(),
        }

    def as_json(self) -> dict[str, int]:
        return {
            **self.traffic.as_json(),
            "distinct": self.distinct,
            "checks": self.checks,
            "paid": self.paid,
            "amount": self.amount,
            "declined": self.declined,
            "refused": self.refused,
            "errors": self.errors,
        }


@dataclass(slots=True)
class GatewayLedger:
    traffic: Traffic = field(default_factory=Traffic)
    distinct: int = 0
    """Messages accepted, each key once; every one of them is pending, delivered or lost."""
    refused: int = 0
    delivered: int = 0
    lost: int = 0

    @property
    def pending(self) -> int:
        return self.distinct - self.delivered - self.lost

    def count_delivered(self) -> None:
        self.delivered += 1

    def outcomes(self) -> dict[str, int]:
        """Requests by what became of them; together all that were asked."""
        return {"accepted": self.distinct, "refused_rate": self.refused, **self.traffic.outcomes()}

    def as_json(self) -> dict[str, int]:
        return {
            **self.traffic.as_json(),
            "distinct": self.distinct,
            "accepted": self.distinct + self.traffic.duplicates,
            "refused": self.refused,
            "delivered": self.delivered,
            "lost": self.lost,
            "pending": self.pending,
        }
