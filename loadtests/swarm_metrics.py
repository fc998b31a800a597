"""What the crowd of one process measures, and Prometheus's text of it.

Counting is an addition, timing a few words put aside. The text is written by hand, because a scrape that keeps the loop
busy for 15 ms would make people late. What a process says of itself (`news`) is cumulative, so that the master adds up
the latest words of all (loadtests.measured) and may miss any of them.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from gevent.pywsgi import WSGIServer

from loadtests.flights import Flights
from loadtests.histograms import Histogram
from loadtests.onlooker_figures import OnlookerFigures
from loadtests.vitals import Vitals
from scenarios.fates import Fate, Furthest
from scenarios.networks import Cut
from service.domain.buckets import CALIBRATION

OUTCOMES = ("ok", "refused", "busy", "error", "timeout", "transport")


class Family(NamedTuple):
    """A metric, as it is declared."""

    kind: str
    """counter, gauge or histogram."""
    text: str


FAMILIES = {
    "swarm_planned_applicants": Family("gauge", "Applicants this process will start."),
    "swarm_due_applicants": Family("gauge", "Applicants of this process whose planned instant has come."),
    "swarm_live_applicants": Family("gauge", "Applicants on their way now."),
    "swarm_arrivals_total": Family("counter", "Applicants started."),
    "swarm_taken_over_total": Family("counter", "Applicants started late because the worker they were of was lost."),
    "swarm_lateness_seconds": Family("histogram", "Start of an applicant minus the planned instant."),
    "swarm_fates_total": Family("counter", "Applicants who ended, by fate."),
    "swarm_stage_total": Family("counter", "Applicants who completed a stage."),
    "swarm_requests_total": Family("counter", "Requests by route and outcome."),
    "swarm_first_requests_total": Family("counter", "Requests of first attempts at a step, by route; others repeat."),
    "swarm_refreshes_total": Family("counter", "Requests sent once more after a long silence, beside the first."),
    "swarm_setbacks_total": Family("counter", "Visits that ended, browsers changed, pages lost by the phone."),
    "swarm_codes_delivered_total": Family("counter", "Messages with a code, by whether anybody waited for them."),
    "swarm_held_back_total": Family("counter", "Requests that adaptive clients did not make."),
    "swarm_photo_bytes_total": Family("counter", "Bytes that left the phones, and of photos that arrived."),
    "swarm_photo_resumes_total": Family("counter", "Requests that went on with a photo begun before."),
    "swarm_line_cuts_total": Family("counter", "Connections that broke while a photo was being sent."),
    "swarm_request_seconds": Family("histogram", "Time of a request from when it left."),
    "swarm_blocked_seconds": Family("histogram", "Time that a request waited for a connection of the swarm's own."),
    "swarm_scheduled_seconds": Family("histogram", "Time of a request from the instant it was intended."),
    "swarm_requests_out": Family("gauge", "Requests that are out now."),
    "swarm_requests_out_seconds_total": Family("counter", "Requests that were out, added up over wall clock seconds."),
    "swarm_requests_out_age_seconds": Family("gauge", "For how long those that are out have been, added up."),
    "swarm_unanswered_seconds_total": Family("counter", "Time of requests that ended without an answer."),
    "swarm_watched_seconds_total": Family("counter", "Seconds of the wall clock since the first request."),
    "swarm_onlookers_planned": Family("gauge", "People who only look that this process will start."),
    "swarm_onlookers_live": Family("gauge", "People who only look and are there now."),
    "swarm_onlookers_arrived_total": Family("counter", "People who only look, started."),
    "swarm_onlookers_left_total": Family("counter", "People who only looked and left: after reading, or turned away."),
    "swarm_onlookers_requests_total": Family("counter", "Requests of people who only look, by route and outcome."),
    "swarm_onlookers_request_seconds": Family("histogram", "Time of their requests from when they left."),
    "swarm_loop_delay_seconds": Family("histogram", "How late the loop let a sleeper of its own go on."),
    "swarm_gc_pause_seconds": Family("histogram", "Pauses in which Python looked for garbage."),
    "swarm_core_wait_seconds_total": Family("counter", "Time in which this process could run and had no core."),
    "swarm_open_files": Family("gauge", "Files and connections that this process holds open."),
    "process_cpu_seconds_total": Family("counter", "CPU time of this process."),
}
"""Every metric of the swarm, in the order of the page; a new one stands here and in `SwarmMetrics`."""

Values = Mapping[str, Mapping[str, float]]
"""Metric -> labels as in the exposition (`route="tickets"`, without braces) -> value; no histograms."""
Times = Mapping[str, Histogram]
"""`metric{labels}`, or the metric's name alone -> its histogram."""


class RouteFigures:
    """Times and outcomes of one route. On each answer: scheduled = delay + blocked + service."""

    def __init__(self) -> None:
        self.service = Histogram()
        self.blocked = Histogram()
        self.scheduled = Histogram()
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.firsts = 0
        """Requests that belong to the first attempt at a step of somebody's way."""

    def answered(self, delay: float, blocked: float, service: float) -> None:
        """An answer came. Seconds: from the intended instant until the swarm turned to the request, until it had a
        connection for it, until the answer was read."""
        self.service.observe(service)
        self.blocked.observe(blocked)
        self.scheduled.observe(delay + blocked + service)


class SwarmMetrics:
    """All figures of one process of the swarm."""

    def __init__(
        self,
        routes: Iterable[str],
        planned: int,
        live: Callable[[], int],
        due: Callable[[], int] = lambda: 0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """planned: applicants of this process; live: how many are on their way now; due: whose instant has come; now:
        the clock that times requests."""
        self.routes = {route: RouteFigures() for route in routes}
        self.planned = planned
        self.arrivals = 0
        self.refreshes = 0
        self.setbacks = {"visit_ended": 0, "browser_changed": 0, "page_lost": 0}
        self.codes = {"awaited": 0, "unread": 0}
        """Messages that came while their reader looked out for them, and all others."""
        self.taken_over = 0
        self.held_back = 0
        self.photo_bytes = {"sent": 0, "stored": 0}
        """That left the phones, and of the photos that arrived whole."""
        self.photo_resumes = 0
        self.cuts: dict[Cut, int] = {cut: 0 for cut in Cut if cut is not Cut.NONE}
        self.lateness = Histogram()
        self.fates = dict.fromkeys(Fate, 0)
        self.stages: dict[Furthest, int] = {stage: 0 for stage in Furthest if stage is not Furthest.NONE}
        self.flights = Flights(now)
        self.onlookers = OnlookerFigures(OUTCOMES)
        self.vitals = Vitals()
        self._live = live
        self._due = due
        self._told: dict[str, int] = {}
        """Histogram -> how much it held when it was last told."""

    def values(self) -> Values:
        """Counters and gauges, now."""
        return {
            "swarm_planned_applicants": {"": self.planned},
            "swarm_due_applicants": {"": self._due()},
            "swarm_live_applicants": {"": self._live()},
            "swarm_arrivals_total": {"": self.arrivals},
            "swarm_fates_total": {f'fate="{fate.name.lower()}"': n for fate, n in self.fates.items()},
            "swarm_stage_total": {f'stage="{stage.name.lower()}"': n for stage, n in self.stages.items()},
            "swarm_requests_total": {
                f'route="{route}",outcome="{outcome}"': n
                for route, figures in self.routes.items()
                for outcome, n in figures.outcomes.items()
            },
            "swarm_first_requests_total": {
                f'route="{route}"': figures.firsts for route, figures in self.routes.items()
            },
            "swarm_refreshes_total": {"": self.refreshes},
            "swarm_setbacks_total": {f'setback="{which}"': n for which, n in self.setbacks.items()},
            "swarm_codes_delivered_total": {f'reader="{which}"': n for which, n in self.codes.items()},
            "swarm_taken_over_total": {"": self.taken_over},
            "swarm_held_back_total": {"": self.held_back},
            "swarm_photo_bytes_total": {f'bytes="{which}"': n for which, n in self.photo_bytes.items()},
            "swarm_photo_resumes_total": {"": self.photo_resumes},
            "swarm_line_cuts_total": {f'cut="{cut.name.lower()}"': n for cut, n in self.cuts.items()},
            "swarm_core_wait_seconds_total": {"": self.vitals.core_wait_s},
            "swarm_open_files": {"": self.vitals.open_files},
            "process_cpu_seconds_total": {"": time.process_time()},
            **self.flights.values(),
            **self.onlookers.values(),
        }

    def times(self) -> Times:
        """All histograms."""
        found = {
            "swarm_lateness_seconds": self.lateness,
            "swarm_loop_delay_seconds": self.vitals.loop_delay,
            "swarm_gc_pause_seconds": self.vitals.gc_pause,
            **self.onlookers.times(),
        }
        for route, figures in self.routes.items():
            found[f'swarm_request_seconds{{route="{route}"}}'] = figures.service
            found[f'swarm_blocked_seconds{{route="{route}"}}'] = figures.blocked
            found[f'swarm_scheduled_seconds{{route="{route}"}}'] = figures.scheduled
        return found

    def news(self) -> dict[str, Any]:
        """All figures as a message, of the histograms those that have changed since the last one."""
        changed = {}
        for name, histogram in self.times().items():
            count = histogram.count
            if count != self._told.get(name, 0):
                self._told[name] = count
                changed[name] = histogram.packed()
        return {"values": self.values(), "times": changed, "vitals": self.vitals.figures()}

    def exposition(self) -> str:
        """Everything in Prometheus's text format."""
        return text(self.values(), self.times())


def text(values: Values, times: Times) -> str:
    """A page in Prometheus's text format."""
    of_family: dict[str, list[str]] = {}
    for series in times:
        of_family.setdefault(series.partition("{")[0], []).append(series)
    lines: list[str] = []
    for name, family in FAMILIES.items():
        lines += f"# HELP {name} {family.text}", f"# TYPE {name} {family.kind}"
        for labels, value in values.get(name, {}).items():
            lines.append(f"{name}{{{labels}}} {value!r}" if labels else f"{name} {value!r}")
        for series in of_family.get(name, ()):
            lines += _lines(series, times[series])
    lines.append("")
    return "\n".join(lines)


def _lines(series: str, histogram: Histogram) -> Iterable[str]:
    if not histogram.count:
        return _empty(series)
    names = _names(series)
    counts = list(histogram.cumulative())
    buckets = map("%s%d".__mod__, zip(names[2:], counts, strict=True))
    return (*buckets, f"{names[0]}{histogram.sum!r}", f"{names[1]}{counts[-1]}")


@lru_cache(maxsize=1024)
def _empty(series: str) -> tuple[str, ...]:
    """The lines of a histogram that holds nothing, as those of most routes do most of the time."""
    total, count, *buckets = _names(series)
    return (*(f"{name}0" for name in buckets), f"{total}0.0", f"{count}0")


@lru_cache(maxsize=1024)
def _names(series: str) -> tuple[str, ...]:
    """The names of a histogram's lines, each with a blank: sum, count, then the buckets."""
    name, _, labels = series.rstrip("}").partition("{")
    inside = f"{{{labels}}}" if labels else ""
    comma = "," if labels else ""
    buckets = (f'{name}_bucket{{{labels}{comma}le="{edge}"}} ' for edge in (*CALIBRATION, "+Inf"))
    return (f"{name}_sum{inside} ", f"{name}_count{inside} ", *buckets)


class MetricsPort:
    """/metrics on a port of loopback, once it has been opened; it stays for the runs that follow."""

    def __init__(self, exposition: Callable[[], str]) -> None:
        self._exposition = exposition
        self._server: WSGIServer | None = None

    def open(self, port: int) -> None:
        """Show the figures at `port`, 0 = nowhere. Raises OSError with the fix when it is in use."""
        if not port or self._server is not None:
            return
        server = WSGIServer(("127.0.0.1", port), self._answer, log=None)
        try:
            server.start()
        except OSError as fault:
            reason = os.strerror(fault.errno or 0)
            raise OSError(f"--swarm-metrics-port: {port} cannot be used ({reason}); name another") from None
        self._server = server

    def _answer(
        self, environ: dict[str, str], start_response: Callable[[str, list[tuple[str, str]]], object]
    ) -> list[bytes]:
        found = environ["PATH_INFO"] == "/metrics"
        start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain; version=0.0.4")])
        return [self._exposition().encode() if found else b"only /metrics is here\n"]
