"""Rules of the durable queues: who gets in, how much of a partner's quota is free, when to come back.

Compiled rules (DESIGN section 2). A negative limit or rate means that there is none.
"""

import math
from enum import StrEnum

GUARD_S = 0.03
"""Added to each quota window: a call leaves up to this much later than its quota was taken, and even then the partner's
window must not see one too many. Costs 3 % of a rate of 1/s and above."""
SUB_WINDOW_S = 0.01
"""What was taken is remembered in steps of this length: at most about a hundred rows for a window of a second."""
MOST = 1_000_000_000
"""Stands for "without bound" where a whole number is needed."""

CODE_EXPIRY_S = 300.0
"""Nobody waits longer for a code: 120 s in line at a full queue, a retry, and the patience of one resend."""

RETRY_AFTER_LEAST = 1.0
RETRY_AFTER_MOST = 120.0
"""Nobody is sent away for longer: two minutes is what a person with a full bar still waits."""
SPREAD = 0.6
"""Full width of the jitter of Retry-After: ±30 %."""


class JobEnd(StrEnum):
    """How the handling of a job ended."""

    DONE = "done"
    """The partner did it and we know."""
    DROPPED = "dropped"
    """Nobody waits for it any more."""
    LOST = "lost"
    """Done by us after our lease had run out: whoever holds the job now decides."""


def accepts(depth: int, limit: int) -> bool:
    """Whether one more job may wait. The limit is work done in the time for which a result is still of use."""
    return limit < 0 or depth < limit


def fed_to(limit: int) -> int:
    """How far we fill a queue ourselves, from rows that can wait: to half of its limit.

    A queue that is nearly full is a sign of trouble and wakes somebody; what others add finds room.
    """
    return limit if limit < 2 else limit // 2


def quota_count(rate_per_s: float) -> int:
    """Whole jobs in one quota window: 15 at 15/s, 2 at 2.5/s, 1 at 0.15/s, none at 0."""
    if rate_per_s < 0.0 or rate_per_s >= MOST:
        return MOST
    if not rate_per_s > 0.0:
        return 0
    return max(1, math.floor(rate_per_s))


def quota_window_s(rate_per_s: float) -> float:
    """Seconds in which `quota_count` jobs are exactly the rate: 1 at 15/s, 0.8 at 2.5/s, 6.67 at 0.15/s.

    A window that slides has no border at which twice the rate could pass; a slow rate needs a long one because jobs
    are whole. 1 when there is no quota or nothing may pass.
    """
    if 0.0 < rate_per_s < MOST:
        return max(1, math.floor(rate_per_s)) / rate_per_s
    return 1.0


def quota_free(taken: int, rate_per_s: float, window_s: float) -> int:
    """Jobs that may be claimed now when `taken` were claimed in the last `window_s` seconds; never negative.

    The tolerance makes 0.15/s in 6.67 s one job and not 0.99999.
    """
    free = rate_per_s * window_s + 1e-9 - taken
    if rate_per_s < 0.0 or free >= MOST:
        return MOST
    if not free >= 1.0:
        return 0
    return int(free)


def renews(lag: float, lease: float) -> bool:
    """Whether leases of this length are renewed while the main loop is `lag` seconds late.

    A heartbeat proves that a process is there, not that it works: whoever is a quarter of a lease late would not get
    its jobs done in time, and holding them would keep them from those who could.
    """
    return lag <= lease / 4.0


def drain_s(depth: int, ended_per_s: float, rate_per_s: float) -> float:
    """Seconds until a job that is added now is done; -1: nobody can tell, because nothing ends.

    ended_per_s: jobs of all replicas that ended in the last seconds, while there was a backlog; whatever slows the work
    down is in it. 0 before the first figures: then the partner's quota has to do (negative: there is none).
    """
    if depth <= 0:
        return 0.0
    if ended_per_s > 0.0:
        return depth / ended_per_s
    if rate_per_s > 0.0:
        return depth / rate_per_s
    return -1.0


def smoothed(before: float, now: float, elapsed: float, memory: float) -> float:
    """A rate that forgets: `now`, measured over `elapsed` seconds, weighs so much against `memory` seconds of `before`.

    With a memory that grows from 0 it is the mean since then. Nothing measured changes nothing.
    """
    if not memory + elapsed > 0.0:
        return before
    return before + (now - before) * elapsed / (memory + elapsed)


def retry_delay_s(attempt: int, u: float, base_s: float, cap_s: float) -> float:
    """Full jitter: uniform in [0, min(cap, base * 2^(attempt - 1))); `u` uniform in [0, 1), `attempt` from 1.

    Source: M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).
    """
    ceiling = base_s
    step = 1
    while step < attempt and step < 62 and ceiling < cap_s:
        ceiling = ceiling + ceiling
        step += 1
    if ceiling > cap_s:
        ceiling = cap_s
    return ceiling * u


def jittered_s(seconds: float, u: float) -> float:
    """`seconds` spread by ±30 %; `u` uniform in [0, 1)."""
    return seconds * (1.0 - SPREAD / 2.0 + SPREAD * u)


def retry_after_s(depth: int, rate_per_s: float, u: float) -> float:
    """When a caller who met a full queue may come back: the time to drain it, jittered, within 1 to 120 s."""
    # Bounded before the jitter: bounded after it, half of those refused at a long queue would return in one instant.
    drain = RETRY_AFTER_MOST / (1.0 + SPREAD / 2.0)
    if rate_per_s > 0.0 and depth / rate_per_s < drain:
        drain = depth / rate_per_s
    return jittered_s(max(drain, RETRY_AFTER_LEAST / (1.0 - SPREAD / 2.0)), u)
