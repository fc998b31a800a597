"""What all processes of a swarm have measured, as the master knows it: the latest word of each, added up.

A worker says once a second what it has counted since the beginning, and a last time with its ledger; of histograms only
those that have changed, because what it said arrives in order (SwarmMetrics.news). So what a worker said before it was
lost stays counted.
"""

import sys
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from loadtests.histograms import Histogram, Packed
from loadtests.swarm_metrics import Times, Values, text

KINDS = {
    "service": "swarm_request_seconds",
    "scheduled": "swarm_scheduled_seconds",
    "blocked": "swarm_blocked_seconds",
}
"""What is told of each route: from the request's departure, from the intended instant, waiting for a connection."""
WINDOW = 10.0
"""Seconds between two rows of the history."""
HISTORY = 360
"""Rows kept: an hour, as much as a table in a browser bears."""

CUT = 'fate="cut"'
"""The label of those whom the end of their worker ended."""

Latency = dict[str, dict[str, dict[str, float]]]
"""Route -> kind -> count, quantiles and max in seconds: the document latency.json of a record."""


class Moment(NamedTuple):
    """How the run stood. at: seconds since the opening; lateness in seconds, of all started so far."""

    at: float
    due: int
    started: int
    live: int
    late_p99: float
    late_max: float


class Measured:
    """The figures of one run."""

    def __init__(self) -> None:
        self._values: dict[str, Values] = {}
        self._times: dict[str, dict[str, Packed]] = {}
        self._signs: dict[str, Mapping[str, float]] = {}
        self._history: deque[Moment] = deque(maxlen=HISTORY)
        self._at = self._next = 0.0

    def take(self, worker: str, news: Mapping[str, Any], at: float) -> None:
        """A worker's latest word. at: seconds since the opening."""
        self._values[worker] = news["values"]
        self._times.setdefault(worker, {}).update(news["times"])
        self._signs[worker] = news["vitals"]
        self._at = at
        if at >= self._next:
            self._next = (at // WINDOW + 1.0) * WINDOW
            self._history.append(self._moment())

    def lose(self, worker: str) -> None:
        """The worker is lost: whoever was on the way there is cut, whoever had not started is another's now."""
        told = self._values.get(worker)
        if told is None:
            return
        started, live = told["swarm_arrivals_total"], told["swarm_live_applicants"]
        fates = dict(told["swarm_fates_total"])
        fates[CUT] = fates.get(CUT, 0) + live[""]
        self._values[worker] = {
            **told,
            "swarm_planned_applicants": started,
            "swarm_due_applicants": started,
            "swarm_live_applicants": {"": 0},
            "swarm_requests_out": {"": 0},
            "swarm_requests_out_age_seconds": {"": 0.0},
            "swarm_onlookers_planned": told["swarm_onlookers_arrived_total"],
            "swarm_onlookers_live": {"": 0},
            "swarm_fates_total": fates,
        }

    def values(self) -> Values:
        """Counters and gauges, added up."""
        whole: dict[str, dict[str, float]] = {}
        for values in self._values.values():
            for name, of_labels in values.items():
                own = whole.setdefault(name, {})
                for labels, value in of_labels.items():
                    own[labels] = own.get(labels, 0) + value
        return whole

    def times(self) -> Times:
        """All histograms, added up."""
        whole: dict[str, Histogram] = {}
        for times in self._times.values():
            for series, packed in times.items():
                whole.setdefault(series, Histogram()).add(packed)
        return whole

    def signs(self) -> dict[str, Mapping[str, float]]:
        """Vital signs of each worker (loadtests.vitals)."""
        return dict(self._signs)

    def exposition(self) -> str:
        """All of the swarm in Prometheus's text format."""
        return text(self.values(), self.times())

    def moments(self) -> list[Moment]:
        """How the run stood every ten seconds, and at the latest word; of a run without any there is none."""
        return [*self._history, self._moment()] if self._history else []

    def _moment(self) -> Moment:
        due, started, live = map(self._count, ("due_applicants", "arrivals_total", "live_applicants"))
        late = self._merged("swarm_lateness_seconds")
        p99 = late.quantiles(0.99)[0] if late.count else 0.0
        return Moment(self._at, due, started, live, p99, late.greatest)

    def onlookers(self) -> dict[str, int]:
        """People who only look: planned, arrived, gone after reading or turned away, there at the end, and requests."""
        values = self.values()

        def total(name: str, labels: str = "") -> int:
            of_labels = values.get(f"swarm_onlookers_{name}", {})
            return int(sum(count for each, count in of_labels.items() if labels in each))

        arrived, read, turned_away = total("arrived_total"), total("left_total", "read"), total("left_total", "turned")
        return {
            "planned": total("planned"),
            "arrived": arrived,
            "read": read,
            "turned_away": turned_away,
            "cut": arrived - read - turned_away,
            "requests": total("requests_total"),
        }

    def lateness(self) -> dict[str, Histogram]:
        """Of each worker, how late it started people."""
        return {worker: self._merged("swarm_lateness_seconds", worker) for worker in self._values}

    def lateness_ms(self) -> dict[str, float]:
        """p99 and max over all who started; empty if nobody did."""
        late = self._merged("swarm_lateness_seconds")
        return {"p99": 1000.0 * late.quantiles(0.99)[0], "max": 1000.0 * late.greatest} if late.count else {}

    def latency(self) -> Latency:
        """What latency.json says: of each route that was asked."""
        found: Latency = {}
        times = self.times()
        for kind, name in KINDS.items():
            for series, histogram in times.items():
                if series.startswith(name) and histogram.count:
                    route = series.split('"')[1]
                    found.setdefault(route, {})[kind] = histogram.summary()
        return found

    def blocked_p99_s(self) -> float:
        """Of all requests: 99 of 100 waited at most so long for a connection; 0 without any."""
        whole = Histogram()
        for times in self._times.values():
            for series, packed in times.items():
                if series.startswith(KINDS["blocked"]):
                    whole.add(packed)
        return whole.quantiles(0.99)[0] if whole.count else 0.0

    def _count(self, name: str) -> int:
        return int(sum(values.get(f"swarm_{name}", {}).get("", 0) for values in self._values.values()))

    def _merged(self, series: str, *workers: str) -> Histogram:
        whole = Histogram()
        for worker in workers or self._times:
            packed = self._times[worker].get(series)
            if packed is not None:
                whole.add(packed)
        return whole


def show_latency(latency: Latency) -> None:
    """The table of a swarm that nobody watches in a browser: on standard error, where Locust's own stands too."""
    if not latency:
        return
    columns = ("p50", "p90", "p99", "p99_9", "p99_99", "max")
    lines = [f"{'milliseconds, within 1 %':<34}{'count':>10}" + "".join(f"{name:>12}" for name in columns)]
    for route, kinds in latency.items():
        for kind, told in kinds.items():
            figures = "".join(f"{1000.0 * told[name]:>12,.2f}" for name in columns)
            lines.append(f"{route + ' ' + kind:<34}{told['count']:>10,}{figures}")
    print("\n".join(lines), file=sys.stderr, flush=True)
