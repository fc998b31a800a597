"""The throttle of an adaptive client: it holds requests back itself while most of its last ones found no acceptance.

Over a window of two minutes a client counts the requests that were to be made, and those that were accepted. The next
one is held back with probability (requests - K * accepted) / (requests + 1), never below 0: with K = 2 at most about
one request in two reaches a service in vain. Everything is compiled by numba as it stands (DESIGN section 2).

Whoever drives the machine of an applicant (scenarios.journey) keeps one throttle for each adaptive client, asks
`attempt` before each of its requests and tells `answered` how it went.

A request is counted when it is about to be made, not when its answer comes: else those that hang for 25 s, which say
most about an overload, would be missing as long as it lasts. A request that was held back counts too.

Source: B. Beyer and others (eds.), "Site Reliability Engineering", chapter 21, "Client-Side Throttling", 2016.
"""

from typing import NamedTuple

from scenarios.journey_state import Result
from scenarios.streams import Purpose, uniform

WINDOW = 120.0
"""Seconds; longer than any time-out, so that a request and its answer are mostly seen together."""
K = 2.0
"""Requests for each accepted one before any is held back; lower values react sooner and waste room that came free."""


class Throttle(NamedTuple):
    """What one client remembers of its requests: the span of WINDOW now filling, and the one before it."""

    since_s: float
    """When the span now filling began."""
    requests: int
    accepted: int
    requests_before: int
    accepted_before: int
    attempts: int
    """Requests in all; the number of the next draw."""
    told_s: float
    """Seconds that the last refusal named, -1 for none: a request that is held back waits as long again."""


class Attempt(NamedTuple):
    """A request that is about to be made."""

    throttle: Throttle
    is_held_back: int
    """1: it is not made. To its person the client says BUSY, and to come back after `throttle.told_s`."""


FRESH = Throttle(0.0, 0, 0, 0, 0, 0, -1.0)
"""Of a client that has not asked for anything yet."""


def rolled(throttle: Throttle, now_s: float) -> Throttle:
    """`throttle` with the spans that `now_s` asks for; what is older than both is forgotten."""
    age = now_s - throttle.since_s
    if age < WINDOW:
        return throttle
    if age < 2.0 * WINDOW:
        since_s = throttle.since_s + WINDOW
        return Throttle(
            since_s, 0, 0, throttle.requests, throttle.accepted, throttle.attempts, throttle.told_s
        )  # fmt: skip
    return Throttle(now_s, 0, 0, 0, 0, throttle.attempts, throttle.told_s)


def share_held_back(throttle: Throttle, now_s: float) -> float:
    """Probability in [0, 1) that the next request is held back; `throttle` is rolled to `now_s`.

    Of the span before, the part counts that a window ending now still covers, as if its requests had come evenly.
    """
    covered = min(1.0, max(0.0, 1.0 - (now_s - throttle.since_s) / WINDOW))
    requests = throttle.requests + covered * throttle.requests_before
    accepted = throttle.accepted + covered * throttle.accepted_before
    share = (requests - K * accepted) / (requests + 1.0)
    return share if share > 0.0 else 0.0


def attempt(throttle: Throttle, seed: int, number: int, now_s: float) -> Attempt:
    """Whether applicant `number` makes the next request, and the throttle that has counted it either way."""
    seen = rolled(throttle, now_s)
    drawn = uniform(seed, number, Purpose.HOLD_BACK, seen.attempts)
    is_held_back = 1 if drawn < share_held_back(seen, now_s) else 0
    counted = Throttle(
        seen.since_s, seen.requests + 1, seen.accepted, seen.requests_before, seen.accepted_before,
        seen.attempts + 1, seen.told_s,
    )  # fmt: skip
    return Attempt(counted, is_held_back)


def answered(throttle: Throttle, result: int, told_s: float, now_s: float) -> Throttle:
    """`throttle` after a request that was made ended with `result`; told_s: what a refusal named, -1 for nothing."""
    seen = rolled(throttle, now_s)
    if result == Result.BUSY or result == Result.ERROR or result == Result.TIMEOUT:
        return Throttle(
            seen.since_s, seen.requests, seen.accepted, seen.requests_before, seen.accepted_before, seen.attempts,
            told_s,
        )  # fmt: skip
    return Throttle(
        seen.since_s, seen.requests, seen.accepted + 1, seen.requests_before, seen.accepted_before, seen.attempts,
        seen.told_s,
    )  # fmt: skip


RULES = (rolled, share_held_back, attempt, answered)
"""Every function of the throttle, each after those it calls."""
