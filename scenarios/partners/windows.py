"""Sliding windows: the limit a partner enforces, and the busiest moment it remembers.

Both are exact: every instant that counts is kept, so no border of a fixed window lets twice the limit through.
Instants are seconds of one clock that never runs backwards.
"""

import math
from collections import deque

CLOSED_WAIT = 60.0
"""Seconds that a client is asked to wait while the rate is 0: nobody knows for how long that will be."""


class RateLimit:
    """At most `rate_per_s` on average over any window, exact for fractions too.

    15/s is 15 in any one second, 2.5/s is 2 in any 0.8 s, 0.15/s is 1 in any 6.67 s: whole requests, and the window
    that makes them the rate. Refused requests take nothing.
    """

    def __init__(self, rate_per_s: float) -> None:
        self._taken: deque[float] = deque()
        self.change(rate_per_s)

    def change(self, rate_per_s: float) -> None:
        """From the next request on another rate; what was let through before still counts."""
        self.rate_per_s = rate_per_s
        self.count = max(1, math.floor(rate_per_s))
        self.window = self.count / rate_per_s if rate_per_s > 0 else math.inf

    def take(self, now: float) -> bool:
        """Let one request through; False when the window is full, or when the rate is 0."""
        if self.rate_per_s <= 0:
            return False
        self._forget(now)
        if len(self._taken) >= self.count:
            return False
        self._taken.append(now)
        return True

    def wait(self, now: float) -> float:
        """Seconds until `take` would let one through; CLOSED_WAIT when the rate is 0."""
        if self.rate_per_s <= 0:
            return CLOSED_WAIT
        self._forget(now)
        excess = len(self._taken) - self.count
        return 0.0 if excess < 0 else self._taken[excess] + self.window - now

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0] + self.window <= now:
            self._taken.popleft()


class BusiestWindow:
    """The most events seen in any window of `length` seconds."""

    def __init__(self, length: float) -> None:
        self.length = length
        self.most = 0
        self._seen: deque[float] = deque()

    def count(self, now: float) -> None:
        """One more event at `now`."""
        seen = self._seen
        seen.append(now)
        while seen[0] + self.length <= now:
            seen.popleft()
        if len(seen) > self.most:
            self.most = len(seen)
