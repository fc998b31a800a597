"""What the onlookers of one process did: counted beside the applicants' figures, never among them."""

from collections.abc import Iterable

from loadtests.histograms import Histogram

ROUTES = ("onlookers-start", "onlookers-page", "onlookers-asset")
"""The start page, a page behind it, and what pages are drawn with."""
ENDS = ("read", "turned_away")
"""Left after reading; left because something else than a page was answered."""


class OnlookerFigures:
    def __init__(self, outcomes: Iterable[str]) -> None:
        """outcomes: of requests, as the swarm counts them."""
        self.planned = 0
        self.arrived = 0
        self.live = 0
        self.left = dict.fromkeys(ENDS, 0)
        self.requests = {(route, outcome): 0 for outcome in outcomes for route in ROUTES}
        self.service = Histogram()
        """Times of their requests, from when they left."""

    def values(self) -> dict[str, dict[str, float]]:
        """As swarm_metrics.Values."""
        return {
            "swarm_onlookers_planned": {"": self.planned},
            "swarm_onlookers_live": {"": self.live},
            "swarm_onlookers_arrived_total": {"": self.arrived},
            "swarm_onlookers_left_total": {f'end="{end}"': n for end, n in self.left.items()},
            "swarm_onlookers_requests_total": {
                f'route="{route}",outcome="{outcome}"': n for (route, outcome), n in self.requests.items()
            },
        }

    def times(self) -> dict[str, Histogram]:
        """As swarm_metrics.Times."""
        return {"swarm_onlookers_request_seconds": self.service}
