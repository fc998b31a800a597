"""The limit at the gate: how many people may come in now, exact in every sliding second and minute.

No wall clock takes part. One leader at a time watches the count of admissions by its monotonic clock and sets a
*ceiling*: a count that may be reached and no more. Let `sent` be when the leader asks for it, and `base` a count of
which it had been told, before `sent` minus the window, that it was reached. Then whenever somebody comes in under this
ceiling, be it much later, everybody up to `base` came in longer than a window ago; so the window holds at most
`ceiling - base` people, and `ceiling <= base + limit` is the whole rule. A period between two looks thus counts until
its end, as the leader learned it, is older than the window.

The *gate's clock* is the time that leaders have watched. Between two of them it stands still, so a restart, a failover
or a clock that is set makes the past look younger than it is: too few may come in for a while, never too many.

Compiled rules (DESIGN section 2), but for `Reached`, which holds what the leader remembers.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence

from service.domain.promises import jittered_poll_s

TICK = 0.05
"""Seconds between two looks of the leader. A look lies up to one in the past when a window begins, and admissions count
from their period's start to its end: the sliding second is used to 1 / (1 + 2 x 0.05) of its limit."""
SECOND = 1.0
MINUTE = 60.0
SECOND_SLACK = 1.1
"""The limit of a second is a tenth more than the rate: just what the looks cost, so that the rate can be reached."""
SAVED = 0.5
"""Seconds of the rate that may be saved up: somebody who comes late is let in at once, and no burst is released."""
LEAST_SAVED = 1.5
"""People."""
PASS_LIFE = 1800.0
"""Half an hour to make the account: slow phones and many tries; after that the ticket claims a new pass."""
LEEWAY = 60.0
"""A pass is judged by other clocks than the gate's: it counts as inside for so much longer."""
LEASE = PASS_LIFE + LEEWAY
LEAST_RETRY = 1.0
MOST_RETRY = 30.0
"""Who waits at the gate asks again when its turn is due, but not more often than the line moves."""
RETRY_LEEWAY = 5.0
"""So much later than agreed somebody who waits at the gate may ask again: a slow phone is still there."""
MOST = 4_000_000_000_000_000_000
"""More than ever come in; no limit."""


def second_limit(hard_rate_per_s: float) -> int:
    """People who may come in within any second."""
    if hard_rate_per_s <= 0.0:
        return 0
    return max(math.ceil(min(hard_rate_per_s, 1.0e15) * SECOND_SLACK - 1.0e-6), 1)


def minute_limit(hard_rate_per_s: float) -> int:
    """People who may come in within any 60 seconds."""
    if hard_rate_per_s <= 0.0:
        return 0
    return max(math.floor(min(hard_rate_per_s, 1.0e15) * MINUTE + 1.0e-6), 1)


def credit_after(credit: float, spent: int, elapsed_s: float, rate_per_s: float) -> float:
    """What the rate allows by now: it grows with time, is spent by admissions, and half a second of it can be saved.

    One whole person can always be saved, and the beginning of the next: or a slow gate would never let anybody in.
    """
    if rate_per_s <= 0.0:
        return 0.0
    grown = max(credit - float(spent), 0.0) + max(elapsed_s, 0.0) * rate_per_s
    return min(grown, max(rate_per_s * SAVED, LEAST_SAVED))


def ceiling(
    known: int,
    credit: float,
    second_base: int,
    minute_base: int,
    hard_rate_per_s: float,
    lease_base: int,
    cap: int,
) -> int:
    """The count of admissions that may be reached before the next look; not above `known` when nobody may come in.

    known: the count at the last look; credit: as of now; second_base, minute_base, lease_base: counts that were reached
    before the last second, minute and LEASE began. cap: people inside at most; 0: any number.
    """
    found = known + int(min(max(credit, 0.0) + 1.0e-9, 1.0e15))
    found = min(found, second_base + second_limit(hard_rate_per_s))
    found = min(found, minute_base + minute_limit(hard_rate_per_s))
    if cap > 0:
        found = min(found, lease_base + cap)
    return found


def pending_before(place: int, pending: int, pending_from: int, pending_to: int) -> int:
    """About how many of those who wait at the gate stand before `place`: they lie evenly between the two places."""
    if pending <= 0 or place <= pending_from:
        return 0
    if place >= pending_to:
        return pending
    return int(float(pending) * float(place - pending_from) / float(pending_to - pending_from))


def claim_retry_s(number: int, before: int, rate_per_s: float) -> float:
    """When who waits at the gate behind `before` people is to claim again: 1 to 30 s, spread by 15 %."""
    wait = MOST_RETRY
    if rate_per_s > 0.0:
        wait = min(max(float(before) / rate_per_s, LEAST_RETRY), MOST_RETRY)
    return jittered_poll_s(number, wait)


def waits_until_ms(at_ms: int, retry_s: float) -> int:
    """Until when of the gate's clock somebody counts as waiting who is to claim again after `retry_s`."""
    return at_ms + int((retry_s + RETRY_LEEWAY) * 1000.0)


class Reached:
    """Counts of admissions, and by when of the gate's clock each was reached."""

    def __init__(self, marks: Sequence[tuple[int, int]] = ()) -> None:
        """marks: (time, count), both ascending."""
        self._times = [time for time, _ in marks]
        self._counts = [count for _, count in marks]

    def add(self, at_ms: int, count: int) -> bool:
        """`count` was reached by `at_ms`, later than all before. False: so it was before."""
        if self._counts and count <= self._counts[-1]:
            return False
        self._times.append(max(at_ms, self._times[-1]) if self._times else at_ms)
        self._counts.append(count)
        return True

    def before(self, at_ms: int) -> int:
        """The highest count that was reached by `at_ms`; 0 when nothing is known of so long ago: nobody may come in."""
        place = bisect_right(self._times, at_ms)
        return self._counts[place - 1] if place else 0

    def undo(self, count: int) -> None:
        """No more than `count` were reached after all."""
        kept = bisect_right(self._counts, count)
        del self._times[kept:], self._counts[kept:]

    def forget(self, at_ms: int) -> None:
        """Nothing will be asked about times before `at_ms`."""
        old = bisect_right(self._times, at_ms) - 1
        if old > len(self._times) // 2:  # so a mark is moved once at most, on average
            del self._times[:old], self._counts[:old]
