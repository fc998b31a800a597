"""Rules of the durable queues: who gets in, how much of a partner's quota is free, when to come back.

Shared with the simulation, so compiled as well: positional arguments, ints and floats only, -1 for "none", no raise.
"""

import math

GUARD = 0.03
"""Seconds added to each quota window: a call leaves up to this much later than its quota was taken, and then the
partner's window must not see one more than it allows. Costs 3 % of a rate of 1/s and above."""

SUB_WINDOW = 0.01
"""Seconds: what was taken is remembered in steps of this length, at most a hundred rows for a window of a second."""

CODE_EXPIRY = 300.0
"""Seconds after which nobody waits for a code any more: the longest wait in line at a full queue, 120 s, and the two
resends that people press meanwhile."""

LONGEST_RETRY_AFTER = 300.0
"""Seconds; whoever is sent away longer does not come back by themselves."""

MOST = 1_000_000_000
"""What stands for "without bound" where a whole number is needed."""


def accepts(depth: int, limit: int) -> bool:
    """Whether a queue with `depth` jobs takes one more. A negative limit is none."""
    return limit < 0 or depth < limit


def quota_count(rate_per_s: float) -> int:
    """Whole jobs in one quota window: 15 at 15/s, 2 at 2.5/s, 1 at 0.15/s, none at 0.

    A negative rate is no quota: MOST.
    """
    if rate_per_s < 0.0:
        return MOST
    if not rate_per_s > 0.0:
        return 0
    if not rate_per_s < MOST:
        return MOST
    return max(1, math.floor(rate_per_s))


def quota_window_s(rate_per_s: float) -> float:
    """Seconds in which `quota_count` jobs are exactly the rate: 1 at 15/s, 0.8 at 2.5/s, 6.67 at 0.15/s.

    A count in a window that slides has no border at which twice the rate could pass; a slow rate needs a long window
    because jobs are whole. 1 when there is no quota or nothing may pass.
    """
    if not 0.0 < rate_per_s < MOST:
        return 1.0
    return max(1, math.floor(rate_per_s)) / rate_per_s


def quota_free(taken: int, rate_per_s: float, window_s: float) -> int:
    """Jobs that may be claimed now when `taken` were claimed in the last `window_s` seconds.

    The tolerance makes 0.15/s in 6.67 s one job and not 0.99999.
    """
    if rate_per_s < 0.0:
        return MOST
    free = math.floor(rate_per_s * window_s + 1e-9) - taken
    return max(0, min(MOST, free))


def retry_delay_s(attempt: int, u: float, base_s: float, cap_s: float) -> float:
    """Seconds until the next try after `attempt` tries: uniform between 0 and a bound that doubles (full jitter).

    attempt: 1 after the first try; u: uniform in [0, 1).
    Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    doublings = max(0, min(62, attempt - 1))
    return u * min(cap_s, math.ldexp(base_s, doublings))


def retry_after_s(depth: int, rate_per_s: float, u: float) -> float:
    """Seconds after which somebody refused at a full queue finds room: when what stands there now has been served.

    Between 1 and LONGEST_RETRY_AFTER, spread by 30 % either way so that the refused do not come back together.
    depth: jobs waiting; u: uniform in [0, 1).
    """
    wait = LONGEST_RETRY_AFTER
    if rate_per_s > 0.0:
        wait = min(LONGEST_RETRY_AFTER, max(1.0, depth / rate_per_s))
    return wait * (0.7 + 0.6 * u)
