"""The three factors of a rehearsal (people, speed, pace) and what they make of a night's capacities.

people = 1/N scales persons, partner rates, allowances, the gate and the bounds of queues that a partner limits.
speed runs the night's clock S times as fast, so a rate of that clock is S/N times itself in real seconds.
pace runs what people do by themselves P times as fast and scales nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from scenarios.capacities import AllowanceSpan, Gateway, PartnerSet, Registry

IDENTITY_QUEUE_LIMIT = 500_000
"""Jobs: that night 439,000 people with verified e-mail were waiting for their identity check after 21 hours."""

MESSAGE_QUEUE_S = 120.0
"""Seconds of a gateway's rate that may wait: a code two minutes late is of no use."""


@dataclass(frozen=True)
class Factors:
    people: Fraction = Fraction(1)
    speed: float = 1.0
    pace: float = 1.0

    @property
    def rate(self) -> float:
        """By what a rate of the night's clock is multiplied to be one per real second: S / N."""
        return float(self.people) * self.speed


def parse_people(text: str) -> Fraction:
    """The fraction of "1/100", "0.01" or "1". Raises ValueError unless it is in (0, 1]."""
    try:
        people = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"people must be a fraction like 1/100, not {text!r}") from None
    if not 0 < people <= 1:
        raise ValueError(f"people must be more than 0 and at most 1, not {text!r}")
    return people


def scaled(partner_set: PartnerSet, factors: Factors) -> tuple[PartnerSet, list[str]]:
    """The set per real second, and a remark for each count that lost its fraction.

    Rates are multiplied by S/N, allowances by 1/N with their spans 1/S as long; delays, latencies, losses and errors
    stay. Every allowance comes back as windows of one `count` each. A gate of -1 (none) stays -1.
    """
    rounded: list[str] = []
    allowance: list[AllowanceSpan] = []
    for window in partner_set.civil_registry.windows():
        exact = window.count * factors.people
        count = int(exact)
        if count != exact:
            rounded.append(
                f"civil registry allowance from {window.start_s:.0f} s: {float(exact):,.3f} became {count:,} checks"
            )
        allowance.append(AllowanceSpan(window.start_s / factors.speed, window.end_s / factors.speed, count))
    registry: Registry = replace(
        partner_set.civil_registry,
        rate_per_s=partner_set.civil_registry.rate_per_s * factors.rate,
        allowance=tuple(allowance),
    )
    gate = partner_set.gate_per_s
    result = replace(
        partner_set,
        gate_per_s=gate if gate < 0 else gate * factors.rate,
        email=_scaled_gateway(partner_set.email, factors),
        sms=_scaled_gateway(partner_set.sms, factors),
        civil_registry=registry,
    )
    return result, rounded


def _scaled_gateway(gateway: Gateway, factors: Factors) -> Gateway:
    return replace(gateway, rate_per_s=gateway.rate_per_s * factors.rate)


def queue_limits(partner_set: PartnerSet, factors: Factors) -> tuple[dict[str, int], list[str]]:
    """Bounds, in jobs, of the queues that a partner limits (identity, email, sms), and remarks as `scaled` gives them.

    `partner_set` is the unscaled one. Bounds are scaled by people alone and never below 1.
    """
    exact = {
        "identity": IDENTITY_QUEUE_LIMIT * factors.people,
        "email": Fraction(str(partner_set.email.rate_per_s * MESSAGE_QUEUE_S)) * factors.people,
        "sms": Fraction(str(partner_set.sms.rate_per_s * MESSAGE_QUEUE_S)) * factors.people,
    }
    limits = {name: max(1, int(value)) for name, value in exact.items()}
    rounded = [
        f"bound of the {name} queue: {float(value):,.3f} became {limits[name]:,} jobs"
        for name, value in exact.items()
        if limits[name] != value
    ]
    return limits, rounded
