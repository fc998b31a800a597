"""What the crowd measures, and its Prometheus exposition.

Counting is a bisection and three additions; the exposition is written by hand, because a scrape that keeps the loop
busy for 15 ms would make people late. One process serves its own figures on its own port; nothing is added up twice.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable

from gevent.pywsgi import WSGIServer

from scenarios.fates import Fate, Furthest
from scenarios.networks import Cut
from service.domain.buckets import CALIBRATION

OUTCOMES = ("ok", "refused", "busy", "error", "timeout", "transport")


class Histogram:
    """A classic histogram of seconds over the calibration edges."""

    def __init__(self, name: str, labels: str = "") -> None:
        """labels: as in the exposition, `route="tickets"`, without braces."""
        self._counts = [0] * (len(CALIBRATION) + 1)
        self._sum = 0.0
        comma = "," if labels else ""
        self._buckets = [f'{name}_bucket{{{labels}{comma}le="{edge}"}} ' for edge in (*CALIBRATION, "+Inf")]
        self._ends = tuple(f"{name}_{part}{{{labels}}} " if labels else f"{name}_{part} " for part in ("sum", "count"))

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(CALIBRATION, seconds)] += 1
        self._sum += seconds

    @property
    def count(self) -> int:
        return sum(self._counts)

    def lines(self) -> Iterable[str]:
        total = 0
        for bucket, count in zip(self._buckets, self._counts, strict=True):
            total += count
            yield f"{bucket}{total}"
        yield f"{self._ends[0]}{self._sum!r}"
        yield f"{self._ends[1]}{total}"


class RouteFigures:
    """Times and outcomes of one route."""

    def __init__(self, route: str) -> None:
        self.route = route
        self.service = Histogram("swarm_request_seconds", f'route="{route}"')
        self.scheduled = Histogram("swarm_scheduled_seconds", f'route="{route}"')
        self.outcomes = dict.fromkeys(OUTCOMES, 0)


class SwarmMetrics:
    """All figures of one process of the swarm."""

    def __init__(self, routes: Iterable[str], planned: int, live: Callable[[], int]) -> None:
        """planned: applicants of this process; live: how many of them are on their way now."""
        self.routes = {route: RouteFigures(route) for route in routes}
        self.planned = planned
        self.arrivals = 0
        self.held_back = 0
        self.photo_bytes = {"sent": 0, "stored": 0}
        """That left the phones, and of the photos that arrived whole."""
        self.photo_resumes = 0
        self.cuts: dict[Cut, int] = {cut: 0 for cut in Cut if cut is not Cut.NONE}
        self.lateness = Histogram("swarm_lateness_seconds")
        self.fates = dict.fromkeys(Fate, 0)
        self.stages: dict[Furthest, int] = {stage: 0 for stage in Furthest if stage is not Furthest.NONE}
        self._live = live

    def exposition(self) -> str:
        """Everything in Prometheus's text format."""
        lines: list[str] = []
        lines += _head("swarm_planned_applicants", "gauge", "Applicants this process will start.")
        lines.append(f"swarm_planned_applicants {self.planned}")
        lines += _head("swarm_live_applicants", "gauge", "Applicants on their way now.")
        lines.append(f"swarm_live_applicants {self._live()}")
        lines += _head("swarm_arrivals_total", "counter", "Applicants started.")
        lines.append(f"swarm_arrivals_total {self.arrivals}")
        lines += _head("swarm_lateness_seconds", "histogram", "Start of an applicant minus the planned instant.")
        lines += self.lateness.lines()
        lines += _head("swarm_fates_total", "counter", "Applicants who ended, by fate.")
        lines += [f'swarm_fates_total{{fate="{fate.name.lower()}"}} {n}' for fate, n in self.fates.items()]
        lines += _head("swarm_stage_total", "counter", "Applicants who completed a stage.")
        lines += [f'swarm_stage_total{{stage="{stage.name.lower()}"}} {n}' for stage, n in self.stages.items()]
        lines += _head("swarm_requests_total", "counter", "Requests by route and outcome.")
        for each in self.routes.values():
            lines += [
                f'swarm_requests_total{{route="{each.route}",outcome="{outcome}"}} {n}'
                for outcome, n in each.outcomes.items()
            ]
        lines += _head("swarm_held_back_total", "counter", "Requests that adaptive clients did not make.")
        lines.append(f"swarm_held_back_total {self.held_back}")
        lines += _head("swarm_photo_bytes_total", "counter", "Bytes that left the phones, and of photos that arrived.")
        lines += [f'swarm_photo_bytes_total{{bytes="{which}"}} {n}' for which, n in self.photo_bytes.items()]
        lines += _head("swarm_photo_resumes_total", "counter", "Requests that went on with a photo begun before.")
        lines.append(f"swarm_photo_resumes_total {self.photo_resumes}")
        lines += _head("swarm_line_cuts_total", "counter", "Connections that broke while a photo was being sent.")
        lines += [f'swarm_line_cuts_total{{cut="{cut.name.lower()}"}} {n}' for cut, n in self.cuts.items()]
        lines += _head("swarm_request_seconds", "histogram", "Time of a request from its start.")
        for each in self.routes.values():
            lines += each.service.lines()
        lines += _head("swarm_scheduled_seconds", "histogram", "Time of a request from the instant it was intended.")
        for each in self.routes.values():
            lines += each.scheduled.lines()
        seconds = time.process_time()
        lines += _head("process_cpu_seconds_total", "counter", "CPU time of this process.")
        lines.append(f"process_cpu_seconds_total {seconds!r}")
        lines.append("")
        return "\n".join(lines)


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def serve(exposition: Callable[[], str], port: int) -> WSGIServer:
    """Serve the figures at /metrics on loopback. Raises OSError when the port is in use."""

    def application(
        environ: dict[str, str], start_response: Callable[[str, list[tuple[str, str]]], object]
    ) -> list[bytes]:
        found = environ["PATH_INFO"] == "/metrics"
        start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain; version=0.0.4")])
        return [exposition().encode() if found else b"only /metrics is here\n"]

    server = WSGIServer(("127.0.0.1", port), application, log=None)
    server.start()
    return server
