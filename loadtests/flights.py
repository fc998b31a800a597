"""How many requests are out, added up over time by another clock than the crowd's: a witness to what it measures.

The crowd times each answer by its own clock. Here requests that are out are counted, and the count is added up over the
seconds of the wall clock. By Little's law both say the same, over any span of time (reports.little); where they do not,
a clock lies, or answers were lost or counted twice.
"""

import math
import time
from collections.abc import Callable


class Flights:
    """The requests of one process. Instants are of the crowd's clock, unless said otherwise."""

    __slots__ = ("_at", "_began", "_now", "_sent", "_wall", "area", "out", "unanswered_s")

    def __init__(self, now: Callable[[], float], wall: Callable[[], float] = time.time) -> None:
        """now: the crowd's clock; wall: the other one."""
        self._now, self._wall = now, wall
        self._began = self._at = math.nan
        self._sent = 0.0
        """The instants at which those that are out left, added up."""
        self.out = 0
        self.area = 0.0
        """Request-seconds by the wall clock, up to the last take-off or landing."""
        self.unanswered_s = 0.0
        """Time of requests that ended without an answer: they are in no histogram."""

    def take_off(self, sent: float) -> None:
        """A request leaves; `sent` was read just now."""
        wall = self._wall()
        if self.out:
            self.area += self.out * (wall - self._at)
        elif self._began != self._began:
            self._began = wall
        self._at = wall
        self.out += 1
        self._sent += sent

    def land(self, sent: float, done: float, answered: bool) -> None:
        """The request that left at `sent` has ended; `done` was read just now."""
        wall = self._wall()
        self.area += self.out * (wall - self._at)
        self._at = wall
        self.out -= 1
        self._sent = self._sent - sent if self.out else 0.0  # rounding does not add up
        if not answered:
            self.unanswered_s += done - sent

    def values(self) -> dict[str, dict[str, float]]:
        """As swarm_metrics.Values, now."""
        now, wall = self._now(), self._wall()
        area = self.area + self.out * (wall - self._at) if self.out else self.area
        return {
            "swarm_requests_out": {"": self.out},
            "swarm_requests_out_seconds_total": {"": area},
            "swarm_requests_out_age_seconds": {"": self.out * now - self._sent},
            "swarm_unanswered_seconds_total": {"": self.unanswered_s},
            "swarm_watched_seconds_total": {"": wall - self._began if self._began == self._began else 0.0},
        }
