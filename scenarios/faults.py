"""Faults on a night's timeline: for some time a partner is down, slow, erring, silent or has less capacity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from scenarios.figures import OneOf, Ratio, Seconds

KINDS = {
    "outage": "nothing is accepted",
    "slow": "answers and deliveries take `factor` times as long",
    "errors": "the share `factor` of checks errs, of messages is lost",
    "throttled": "the rate is `factor` times the agreed one",
    "failing": "the share `factor` of requests is answered by an error, and nothing is done",
    "silent": "the share `factor` of requests is not answered at all, and nothing is done",
}
TARGETS = ("civil_registry", "email", "sms")


@dataclass(frozen=True)
class Fault:
    """`kind` befalls `target` in [start_s, end_s), seconds of the night's clock since the doors open.

    Every kind but an outage needs its `factor` (scenarios.validate).
    """

    kind: Annotated[str, OneOf(tuple(KINDS))]
    target: Annotated[str, OneOf(TARGETS)]
    start_s: Seconds
    end_s: Seconds
    factor: Ratio = 0.0


def overlapping(faults: Sequence[Fault]) -> list[tuple[int, int]]:
    """Pairs of positions of faults of one kind on one target that share a moment, the earlier start first."""
    order = sorted(range(len(faults)), key=lambda i: (faults[i].start_s, i))
    return [
        (one, other)
        for place, one in enumerate(order)
        for other in order[place + 1 :]
        if (faults[one].kind, faults[one].target) == (faults[other].kind, faults[other].target)
        and faults[other].start_s < faults[one].end_s
    ]
