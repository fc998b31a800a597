"""Objectives while the night plays: which of them cannot be met any more (`rehearse --abort-on-miss`).

Metrics tell of the times of answers, of errors and of codes handed over; what takes the rows of people or the ledgers
is judged at the end alone. An objective is out of reach when it would be missed even if everybody who has not ended yet
made all the requests of a journey, and each of these went well:

    bad > allowed * (seen + (planned - ended) * requests of a journey)

So a run that begins badly and could make up for it goes on. What came during injected faults is left out, as in the
verdict.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loadtests.harness.samples import Source
from scenarios.objectives import Demand, stage_of
from service.domain.buckets import CALIBRATION

ANSWERS = "swarm_scheduled_seconds_bucket"
REQUESTS = "swarm_requests_total"
HANDOVERS = "registration_code_handover_seconds_bucket"
ENDED = "swarm_fates_total"
WATCHED = (ANSWERS, REQUESTS, HANDOVERS, ENDED)
"""Metrics that are looked at."""

LAG = 5.0
"""Seconds by which what a look shows may be older than the look: scrapes are 2 s apart, up to 5 s under load."""
IN_A_ROW = 2
"""Looks that must agree: what is read of several processes is not of one moment."""
QUICK_HANDOVER_S = 10.0

REQUESTS_OF = {
    "line": 8, "account": 1, "code": 6, "identity": 1, "profile": 3, "photos": 8, "phone": 2, "assessment": 20,
    "join": 1,
}  # fmt: skip
"""What one person asks of each stage if all is well, rather more than less: over all it is 40 in the median."""
CODES_OF_A_JOURNEY = 2

Series = Sequence[tuple[dict[str, str], float]]


@dataclass(frozen=True)
class Miss:
    """An objective that cannot be met any more."""

    demand: Demand
    bad: float
    seen: float

    @property
    def text(self) -> str:
        """In a few words, for the log of a run."""
        return (
            f"{self.demand.id} cannot be met any more: {self.bad:,.0f} of {self.seen:,.0f} miss it, "
            f"{allowed(self.demand):.2%} of all may"
        )


class Watch:
    """Looks at a source of samples, again and again."""

    def __init__(self, demands: Sequence[Demand], *, planned: int, speed: float) -> None:
        """demands: all of a night; what metrics cannot tell of is left to the verdict. speed: of the night's clock."""
        self._gauges = [_Gauge(demand, speed) for demand in demands if demand.name in _SHARES]
        self._planned = planned
        self._disturbed_at = -math.inf

    def disturb(self, t: float) -> None:
        """An injected fault holds, or changes, at `t` (real seconds since the doors opened)."""
        self._disturbed_at = t

    def look(self, source: Source, t: float) -> Miss | None:
        """The first objective, in the order of the night, that is out of reach now."""
        latest = {name: source.latest(name) for name in WATCHED}
        remaining = max(0.0, self._planned - sum(value for _, value in latest[ENDED]))
        # Every gauge looks, so that each knows how things stood at this look.
        missed = [gauge for gauge in self._gauges if gauge.look(latest, t, self._disturbed_at, remaining)]
        return missed[0].miss if missed else None


_SHARES = {
    "api_p95_s": 0.05, "api_p99_s": 0.01, "p95_s": 0.05, "p99_s": 0.01, "server_error_ratio": None,
    "codes_within_10s_ratio": None,
}  # fmt: skip
"""What can be watched, and the share that may miss the bound; None: the bound itself says it."""


def allowed(demand: Demand) -> float:
    """The share of answers, requests or codes that may miss the bound."""
    share = _SHARES[demand.name]
    if share is not None:
        return share
    return demand.bound if demand.name == "server_error_ratio" else 1.0 - demand.bound


class _Gauge:
    """How many there were of one objective's answers, requests or codes, outside faults and inside its window."""

    def __init__(self, demand: Demand, speed: float) -> None:
        self._demand = demand
        self._start, self._end = demand.start_s / speed, demand.end_s / speed
        self._edge = min((edge for edge in CALIBRATION if edge >= demand.bound), default=math.inf)
        """The edge at or above the bound of a time: what lies beyond it misses for certain."""
        self._before: tuple[float, float, float] | None = None
        """When it looked last, and the totals then."""
        self._seen = self._bad = 0.0
        self._unsure = 0.0
        """What came about an edge of the window, or beside a fault: it may count, and be good."""
        self._in_a_row = 0

    @property
    def miss(self) -> Miss:
        return Miss(self._demand, self._bad, self._seen)

    def look(self, latest: Mapping[str, Series], t: float, disturbed_at: float, remaining: float) -> bool:
        """Whether it is out of reach, as the looks before agree. remaining: people who have not ended yet."""
        seen, bad = self._totals(latest)
        unseen = (t, seen, bad) if t < 0 else (t, 0.0, 0.0)  # what a stack counted before the opening is not of the run
        at, seen_before, bad_before = self._before or unseen
        self._before = (t, seen, bad)
        since = at - LAG
        grown = max(0.0, seen - seen_before)
        if since > disturbed_at and (self._start <= 0 or since >= self._start) and t <= self._end:
            self._seen += grown
            self._bad += min(grown, max(0.0, bad - bad_before))
        elif t >= self._start and since <= self._end:
            self._unsure += grown
        to_come = remaining * self._of_a_journey if t <= self._end else 0.0
        out_of_reach = self._bad > allowed(self._demand) * (self._seen + self._unsure + to_come)
        self._in_a_row = self._in_a_row + 1 if out_of_reach else 0
        return self._in_a_row >= IN_A_ROW

    @property
    def _of_a_journey(self) -> int:
        if self._demand.name == "codes_within_10s_ratio":
            return CODES_OF_A_JOURNEY
        return REQUESTS_OF[self._demand.stage] if self._demand.stage else sum(REQUESTS_OF.values())

    def _totals(self, latest: Mapping[str, Series]) -> tuple[float, float]:
        """How many there have been, and how many of them miss the bound."""
        if self._demand.name == "server_error_ratio":
            asked = list(self._of_stage(latest[REQUESTS], uploads=True))
            return _sum(asked), _sum((labels, n) for labels, n in asked if labels.get("outcome") == "error")
        if self._demand.name == "codes_within_10s_ratio":
            free = ((labels, n) for labels, n in latest[HANDOVERS] if labels.get("quota_bound") == "no")
            return _beyond(free, QUICK_HANDOVER_S)
        return _beyond(self._of_stage(latest[ANSWERS], uploads=False), self._edge)

    def _of_stage(self, series: Series, *, uploads: bool) -> Iterator[tuple[dict[str, str], float]]:
        """Those of the stage; where there is none, of all routes, with or without uploads."""
        stage = self._demand.stage
        for labels, value in series:
            route = labels.get("route", "")
            if stage_of(route) == stage if stage else uploads or not route.startswith("files-"):
                yield labels, value


def _sum(series: Iterator[tuple[dict[str, str], float]] | Series) -> float:
    return sum(value for _, value in series)


def _beyond(buckets: Iterator[tuple[dict[str, str], float]], edge: float) -> tuple[float, float]:
    """All that cumulative buckets hold, and what of it lies beyond `edge`, one of their edges."""
    total = within = 0.0
    for labels, value in buckets:
        if labels["le"] == "+Inf":
            total += value
        if float(labels["le"]) == edge:
            within += value
    return total, total - within
