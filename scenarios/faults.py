"""Faults on a night's timeline: for some time a partner misbehaves, a process is gone, a connection is spoiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from scenarios.figures import OneOf, Ratio, Seconds, Share, Unit

PARTNERS = ("civil_registry", "email", "sms")
PARTNER_KINDS = {
    "outage": "nothing is accepted",
    "slow": "answers and deliveries take `factor` times as long",
    "errors": "the share `factor` of checks errs, of messages is lost",
    "throttled": "the rate is `factor` times the agreed one",
    "failing": "the share `factor` of requests is answered by an error, and nothing is done",
    "silent": "the share `factor` of requests is not answered at all, and nothing is done",
}

PROCESSES = ("web", "worker", "gatekeeper", "database", "proxy")
PROCESS_KINDS = {
    "killed": "dies at once with all below it, and is started again at the end",
    "stopped": "holds its connections and locks and does nothing",
}

LINKS = ("applicants_link", "database_link")
"""Between the applicants and the service, and between the service and its database."""
LINK_KINDS = {
    "latency": "everything comes `delay_s` later, give or take `jitter_s`",
    "bandwidth": "a connection gets no more than `rate_bytes_per_s`",
    "black_hole": "nothing is passed on, no end and no reset; all of it comes afterwards",
    "slicer": "pieces of `size_bytes`, give or take `variation_bytes`, with `pause_s` after each",
    "reset": "both sides get a reset, after `after_bytes`",
    "limit_data": "both directions are closed in order, after `after_bytes`",
    "half_close": "one direction is closed in order, after `after_bytes`",
    "slow_close": "the end of a connection comes `delay_s` late",
    "down": "nobody listens: open connections are reset, new ones refused",
}

KINDS = {**PARTNER_KINDS, **PROCESS_KINDS, **LINK_KINDS}
TARGETS = (*PARTNERS, *PROCESSES, *LINKS)
DIRECTIONS = ("downstream", "upstream")

Pause = Annotated[float, Unit("s", 0, 3600)]
BytesPerSecond = Annotated[float, Unit("bytes/s", 0, 1e10)]
Piece = Annotated[int, Unit("bytes", 0, 65536)]
Variation = Annotated[int, Unit("bytes", 0, 65535)]
Mark = Annotated[int, Unit("bytes", 0, 2**50)]


@dataclass(frozen=True)
class Fault:
    """`kind` befalls `target` in [start_s, end_s), seconds of the night's clock since the doors open.

    Which figures a kind needs stands in scenarios.fault_checks; those of links are real seconds and bytes.
    """

    kind: Annotated[str, OneOf(tuple(KINDS))]
    target: Annotated[str, OneOf(TARGETS)]
    start_s: Seconds
    end_s: Seconds
    factor: Ratio = 0.0
    direction: Annotated[str, OneOf(DIRECTIONS)] = DIRECTIONS[0]
    """Of a link: downstream go answers, to the applicants or to the service."""
    toxicity: Share = 1.0
    """Of a link: the share of its connections that is hit."""
    delay_s: Pause = 0.0
    jitter_s: Pause = 0.0
    rate_bytes_per_s: BytesPerSecond = 0.0
    size_bytes: Piece = 0
    variation_bytes: Variation = 0
    pause_s: Pause = 0.0
    after_bytes: Mark = 0


def targets_of(kind: str) -> tuple[str, ...]:
    """Whom a fault of this kind can befall."""
    if kind in PROCESS_KINDS:
        return PROCESSES
    return LINKS if kind in LINK_KINDS else PARTNERS


def overlapping(faults: Sequence[Fault]) -> list[tuple[int, int]]:
    """Pairs of positions of faults that share a moment and what they take hold of, the earlier start first.

    That is one kind on one target; of a process any kind: it cannot be stopped while it is gone.
    """
    order = sorted(range(len(faults)), key=lambda i: (faults[i].start_s, i))
    return [
        (one, other)
        for place, one in enumerate(order)
        for other in order[place + 1 :]
        if _hold(faults[one]) == _hold(faults[other]) and faults[other].start_s < faults[one].end_s
    ]


def _hold(fault: Fault) -> tuple[str, str]:
    return ("" if fault.target in PROCESSES else fault.kind, fault.target)
