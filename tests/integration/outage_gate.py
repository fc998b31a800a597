"""Stands before the swarm's target and plays a service that is down for a while and then short of room.

Everything is refused with 503 and Retry-After until the outage ends; from then on so many requests a second are let
through, spread evenly, and the rest is refused in the same way. What came and what was let through is kept by second.
"""

import json
import time
from collections import Counter

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

OPEN = ("/deliveries", "/counts")
"""What is no applicant's request."""
SECONDS = "/seconds"


class OutageGate:
    """Seconds run from the first request."""

    def __init__(self, app: ASGIApp, outage: float, rate_per_s: float, retry_after: int) -> None:
        """outage: seconds; retry_after: what refusals name."""
        self.app = app
        self.outage = outage
        self.spacing = 1.0 / rate_per_s
        self.retry_after = str(retry_after)
        self.offered: Counter[int] = Counter()
        self.served: Counter[int] = Counter()
        self._began = -1.0
        self._next_free = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self.app(scope, receive, send)
        elif scope["path"] == SECONDS:
            await Response(json.dumps({"offered": self.offered, "served": self.served}))(scope, receive, send)
        elif self._lets_through():
            await self.app(scope, receive, send)
        else:
            while (await receive()).get("more_body"):
                pass  # a photo: a client that is still sending would take an early answer for a broken connection
            await Response(status_code=503, headers={"Retry-After": self.retry_after})(scope, receive, send)

    def _lets_through(self) -> bool:
        now = time.monotonic()
        if self._began < 0.0:
            self._began = now
        age = now - self._began
        self.offered[int(age)] += 1
        # Half a second of room is kept for those who come in a bunch.
        free = max(self._next_free, age - 0.5)
        if age < self.outage or free > age:
            return False
        self._next_free = free + self.spacing
        self.served[int(age)] += 1
        return True
