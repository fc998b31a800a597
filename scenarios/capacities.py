"""What the partners of a night can do: gateways for messages, the civil registry, and the gate in front of it all."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.figures import Count, PerSecond, PerSecondOrNone, Seconds, Share, Sigma

_DAY = 86400.0


@dataclass(frozen=True)
class Gateway:
    """An e-mail or SMS gateway: accepts `rate_per_s`, delivers after a log-normal delay, loses the share `loss`."""

    rate_per_s: PerSecond
    delay_median_s: Seconds
    delay_sigma: Sigma
    loss: Share


@dataclass(frozen=True)
class AllowanceSpan:
    """So many checks in [start_s, end_s): `count` in all, or `per_day`; exactly one of the two is set.

    A day is 24 hours from start_s; a last, shorter day gets its share; nothing is carried over.
    """

    start_s: Seconds
    end_s: Seconds
    count: Count | None = None
    per_day: Count | None = None


@dataclass(frozen=True)
class Window:
    """`count` checks in [start_s, end_s)."""

    start_s: float
    end_s: float
    count: int


@dataclass(frozen=True)
class Registry:
    """The civil registry: a rate, an allowance (empty = none set), a log-normal latency, and errors."""

    rate_per_s: PerSecond
    latency_median_s: Seconds
    latency_p99_s: Seconds
    error_ratio: Share
    allowance: tuple[AllowanceSpan, ...] = ()

    def windows(self) -> list[Window]:
        """The allowance as windows with one count each, ascending; a time outside them all has no allowance to keep."""
        found: list[Window] = []
        for span in self.allowance:
            if span.count is not None:
                found.append(Window(span.start_s, span.end_s, span.count))
                continue
            start = span.start_s
            while start < span.end_s:
                end = min(start + _DAY, span.end_s)
                found.append(Window(start, end, int((span.per_day or 0) * (end - start) / _DAY)))
                start = end
        return found


@dataclass(frozen=True)
class Payouts:
    """The payout gateway: a rate, and errors after which nothing was paid."""

    rate_per_s: PerSecond
    error_ratio: Share


PAYOUTS = Payouts(rate_per_s=100.0, error_ratio=0.0)
ROUTE_OF_MANY = Gateway(rate_per_s=50.0, delay_median_s=8.0, delay_sigma=1.0, loss=0.05)
"""The SMS provider's route for messages to many at once: apart from that of the codes."""


@dataclass(frozen=True)
class PartnerSet:
    """One set of capacities. `gate_per_s`: people per second that the waiting room admits, -1 = no gate."""

    title: str
    gate_per_s: PerSecondOrNone
    email: Gateway
    sms: Gateway
    civil_registry: Registry
