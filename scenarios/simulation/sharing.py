"""Processors that are shared: every request on a replica gets the same share, and never more than one core.

With n requests on `cores` cores each works at speed * min(1, cores / n) core-microseconds a microsecond. What one has
got since the replica was last idle is its *virtual time*, the same for all. A request that comes at virtual time v and
needs w core-microseconds is done at virtual time v + w, whoever else comes or goes and however fast the cores are then:
so the next one is the top of a heap by that, and nothing is ever computed anew.
Source: egalitarian processor sharing, L. Kleinrock, Queueing Systems II, 1976, section 4.4.

A request is a slot: a number from 0 that counts through all replicas. One timer a replica is enough:

    join(sharing, replica, now, slot, work_us)            # whoever comes
    rearm(wheel, node, sharing, replica)                  # after join, leave, finished and set_speed
    slot = finished(sharing, replica, now)                # when the node comes due: who is done, or -1

Virtual time is a float in core-microseconds that begins anew whenever the replica was idle; ends are whole
microseconds, up to one later than exact.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.simulation.compiled import shared, whole
from scenarios.simulation.wheel import NEVER, Wheel, arm, cancel

NOWHERE = -1

# Columns of `Sharing.figures` and `Sharing.counts`, one row a replica.
CORES, SPEED, BUSY_US, _VIRTUAL = range(4)
"""Cores; core-microseconds a core does in a microsecond; sum of busy cores over all microseconds."""
RUNNING, _CLOCK, _FIRST, _MOST = range(4)
"""Requests that share the cores now."""

_TOLERANCE = 1e-3
"""Core-microseconds: what rounding may leave of a request that is done. In a day of virtual time it leaves 1e-5."""
_LONGEST = 1e15
"""Microseconds: whatever takes thirty years does not end."""


class Sharing(NamedTuple):
    """All replicas of a run. Only the functions of this module write to it."""

    figures: NDArray[np.float64]
    """By replica and column."""
    counts: NDArray[np.int64]
    """By replica and column."""
    heap: NDArray[np.int32]
    """Replica after replica: its slots by the virtual time at which they end."""
    ends: NDArray[np.float64]
    """By slot: that time."""
    place: NDArray[np.int32]
    """By slot: its place in the heap of its replica; NOWHERE: it has no request."""


def make_sharing(cores: Sequence[float], slots: Sequence[int], speed: float = 1.0) -> Sharing:
    """A replica for each pair of `cores` and `slots`, idle. Slots of replica 0 come first, then those of replica 1.

    slots: how many requests can ever share a replica. Raises ValueError where the two differ in length.
    """
    if len(cores) != len(slots):
        raise ValueError("each replica needs a number of cores and a number of slots")
    figures = np.zeros((len(cores), 4))
    figures[:, CORES], figures[:, SPEED] = cores, speed
    counts = np.zeros((len(cores), 4), np.int64)
    counts[:, _MOST] = slots
    counts[1:, _FIRST] = np.cumsum(slots)[:-1]
    total = sum(slots)
    return Sharing(figures, counts, np.zeros(total, np.int32), np.zeros(total), np.full(total, NOWHERE, np.int32))


@shared
def join(sharing: Sharing, replica: int, at: int, slot: int, work_us: float) -> None:
    """The request in `slot`, a free one of the replica, wants `work_us` core-microseconds from now on."""
    _advance(sharing, replica, at)
    count = int(sharing.counts[replica, RUNNING])
    sharing.counts[replica, RUNNING] = count + 1
    sharing.ends[slot] = sharing.figures[replica, _VIRTUAL] + work_us
    _rise(sharing, replica, count, slot)


@shared
def leave(sharing: Sharing, replica: int, at: int, slot: int) -> float:
    """The request in `slot` goes, done or not: core-microseconds it still wanted."""
    _advance(sharing, replica, at)
    left = sharing.ends[slot] - sharing.figures[replica, _VIRTUAL]
    place = whole(sharing.place[slot])
    sharing.place[slot] = NOWHERE
    count = int(sharing.counts[replica, RUNNING]) - 1
    sharing.counts[replica, RUNNING] = count
    last = whole(sharing.heap[int(sharing.counts[replica, _FIRST]) + count])
    if place < count:
        _sink(sharing, replica, place, count, last)
        _rise(sharing, replica, whole(sharing.place[last]), last)
    if count == 0:
        sharing.figures[replica, _VIRTUAL] = 0.0
    return max(float(left), 0.0)


@shared
def finished(sharing: Sharing, replica: int, at: int) -> int:
    """The slot of a request that is done, and leaves; -1: none is. Several may be, one call each."""
    _advance(sharing, replica, at)
    if sharing.counts[replica, RUNNING] == 0:
        return NOWHERE
    slot = whole(sharing.heap[int(sharing.counts[replica, _FIRST])])
    if sharing.ends[slot] > sharing.figures[replica, _VIRTUAL] + _TOLERANCE:
        return NOWHERE
    leave(sharing, replica, at, slot)
    return slot


@shared
def next_end(sharing: Sharing, replica: int) -> int:
    """When the next request is done if nothing changes; NEVER: none is."""
    if sharing.counts[replica, RUNNING] == 0:
        return NEVER
    top = whole(sharing.heap[int(sharing.counts[replica, _FIRST])])
    needs = sharing.ends[top] - sharing.figures[replica, _VIRTUAL]
    rate = _rate(sharing, replica)
    if needs > rate * _LONGEST:
        return NEVER
    return int(sharing.counts[replica, _CLOCK]) + (math.ceil(needs / rate) if needs > 0.0 else 0)


@shared
def rearm(wheel: Wheel, node: int, sharing: Sharing, replica: int) -> None:
    """Sets the timer `node` for the next request of `replica` that is done."""
    at = next_end(sharing, replica)
    if at == NEVER:
        cancel(wheel, node)
    else:
        arm(wheel, node, at)


@shared
def set_speed(sharing: Sharing, replica: int, at: int, cores: float, speed: float) -> None:
    """The replica has so many cores of this speed from now on; 0: it stands still, and nobody is lost."""
    _advance(sharing, replica, at)
    sharing.figures[replica, CORES] = cores
    sharing.figures[replica, SPEED] = speed


@shared
def _rate(sharing: Sharing, replica: int) -> float:
    """Core-microseconds that each request gets in a microsecond; some request is there."""
    cores, count = sharing.figures[replica, CORES], int(sharing.counts[replica, RUNNING])
    return float(sharing.figures[replica, SPEED] * (1.0 if count <= cores else cores / count))


@shared
def _advance(sharing: Sharing, replica: int, at: int) -> None:
    """Everybody on the replica gets their share up to `at`."""
    elapsed = at - int(sharing.counts[replica, _CLOCK])
    count = int(sharing.counts[replica, RUNNING])
    if count > 0 and elapsed > 0:
        sharing.figures[replica, _VIRTUAL] += elapsed * _rate(sharing, replica)
        sharing.figures[replica, BUSY_US] += elapsed * min(float(count), sharing.figures[replica, CORES])
    sharing.counts[replica, _CLOCK] = at


@shared
def _before(sharing: Sharing, one: int, other: int) -> bool:
    """Whether slot `one` ends before slot `other`; the lower number where they end together."""
    ends = sharing.ends
    return ends[one] < ends[other] or (ends[one] == ends[other] and one < other)


@shared
def _rise(sharing: Sharing, replica: int, place: int, slot: int) -> None:
    """Puts `slot` at `place` of the heap or further up."""
    first = int(sharing.counts[replica, _FIRST])
    while place > 0:
        above = (place - 1) >> 1
        other = whole(sharing.heap[first + above])
        if not _before(sharing, slot, other):
            break
        sharing.heap[first + place] = other
        sharing.place[other] = place
        place = above
    sharing.heap[first + place] = slot
    sharing.place[slot] = place


@shared
def _sink(sharing: Sharing, replica: int, place: int, count: int, slot: int) -> None:
    """Puts `slot` at `place` of a heap of `count` or further down."""
    first = int(sharing.counts[replica, _FIRST])
    while True:
        below = 2 * place + 1
        if below >= count:
            break
        other = whole(sharing.heap[first + below])
        if below + 1 < count:
            beside = whole(sharing.heap[first + below + 1])
            if _before(sharing, beside, other):
                below, other = below + 1, beside
        if not _before(sharing, other, slot):
            break
        sharing.heap[first + place] = other
        sharing.place[other] = place
        place = below
    sharing.heap[first + place] = slot
    sharing.place[slot] = place
