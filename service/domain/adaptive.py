"""How much of us a partner bears: calls at once, and retries.

Compiled rules (DESIGN section 2). Source of the limit: AIMDLimit of Netflix's concurrency-limits, with a floor of 2
instead of 20: two cores at a partner of 15 calls a second are not its fleet.
"""

from typing import NamedTuple

FEWEST = 2.0
"""Calls at once however a partner fails: with one alone, a single slow call would be all that is known of it."""
AT_FIRST = 20.0
"""Calls at once before anything is known."""
BACKOFF = 0.9
BURST = 10
"""Retries that need not wait for each other: a hiccup of the partner costs nobody's code more than its own delay."""


def limit_after(limit: float, used: int, failed: bool, seconds: float, slow_s: float, most: float) -> float:
    """Calls at once after one that took `seconds` while `used` were under way; between FEWEST and `most`.

    A failure, or an answer later than `slow_s`, takes a tenth. A good one adds one, if at least half of the limit was
    in use: a limit that nobody reaches says nothing.
    """
    if failed or seconds > slow_s:
        limit = limit * BACKOFF
    elif used + used >= limit:
        limit = limit + 1.0
    if limit > most:
        limit = most
    if limit < FEWEST:
        limit = FEWEST
    return limit


class RetryTurn(NamedTuple):
    wait: float
    """Seconds that the retry waits for its turn, before its own delay."""
    booked: float
    """Until when turns are given out; to be handed in with the next one."""


def retry_turn(booked: float, now: float, rate_per_s: float) -> RetryTurn:
    """The turn of one more retry: in any t seconds at most BURST + rate * t turns come up, whatever fails.

    A leaky bucket, kept as the instant `booked`: what the turn before returned, at first any that is past.
    A rate of 0 or less is no budget.
    """
    if not rate_per_s > 0.0:
        return RetryTurn(0.0, booked)
    step = 1.0 / rate_per_s
    wait = booked - (BURST - 1) * step - now
    if wait < 0.0:
        wait = 0.0
    if booked < now:
        booked = now
    return RetryTurn(wait, booked + step)
