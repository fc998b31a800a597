"""Response times by route: service time, and time from the moment the applicant meant to act."""

from dataclasses import dataclass

from reports import statistics
from reports.facts import Facts
from reports.statistics import Histogram, Windows

QUANTILES = (0.5, 0.95, 0.99)
ORDER = (
    "tickets", "place", "claims", "accounts", "codes", "sessions", "identity", "profile", "files-create", "files-patch",
    "files-head", "phone-verification", "assessment", "answers", "submission", "me", "join",
    *(f"pages-{name}" for name in ("start", "asset", "line", "account", "code", "sign-in", "status", "identity")),
    *(f"pages-{name}" for name in ("profile", "photo", "phone", "test", "join")), "files-form",
)  # fmt: skip
"""Routes in the order of the journey; any other follows by name."""


@dataclass(frozen=True)
class RouteTimes:
    """Both histograms of one route, the whole run long, faults included."""

    route: str
    service: Histogram
    scheduled: Histogram

    @property
    def answers(self) -> float:
        return self.service.total

    def points(self, scheduled: bool) -> tuple[float, float, float]:
        """p50, p95 and p99 in seconds; a point in the open last bucket stands at its lower edge."""
        one = self.scheduled if scheduled else self.service
        highest = float(one.edges[-2]) if len(one.edges) > 1 else float("nan")
        p50, p95, p99 = (min(one.quantile(q), highest) for q in QUANTILES)
        return p50, p95, p99


def api_answers(facts: Facts, name: str = "swarm_scheduled_seconds", windows: Windows = ()) -> Histogram:
    """Times of all API answers outside the windows, uploads left out."""

    def added_up() -> Histogram:
        samples = facts.run.samples
        routes = {labels.get("route", "") for labels, _, _ in samples.select(f"{name}_bucket")}
        return statistics.merged(
            [statistics.histogram(samples, name, windows, route=route) for route in routes if not is_upload(route)]
        )

    return facts.once(("answers", name, tuple(windows)), added_up)


def is_upload(route: str) -> bool:
    """Uploads are judged apart from API answers."""
    return route.startswith("files-")


def route_times(facts: Facts) -> list[RouteTimes]:
    """Every route the swarm asked, in the order of the journey."""
    samples = facts.run.samples
    routes = {labels.get("route", "") for labels, _, _ in samples.select("swarm_request_seconds_bucket")}
    place = {route: i for i, route in enumerate(ORDER)}
    return [
        RouteTimes(
            route,
            statistics.histogram(samples, "swarm_request_seconds", route=route),
            statistics.histogram(samples, "swarm_scheduled_seconds", route=route),
        )
        for route in sorted(routes, key=lambda route: (place.get(route, len(place)), route))
    ]
