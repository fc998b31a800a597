"""Pools of servers with a bounded line each, over flat arrays: who is served, who waits, who is refused.

A request is (customer, epoch). When a customer gives up, its epoch is raised, and nobody tells the server: the request
stays in its line or in its slot, which is what an overloaded service dies of. Whether the server sees it when the turn
comes is a choice (`drops_left` of `take`).

A slot is a server that works on one request: a number that counts through all pools, so that it can be a node of the
wheel. Servers and places in line may change while a pool runs: what has begun goes on, who waits goes on waiting.

    slot = offer(pools, pool, now, customer, epoch)       # a slot, WAITS or REFUSED
    release(pools, pool, now, slot)                       # then, and after more servers came:
    job = take(pools, pool, now, newest, epochs, drops)   # until job.slot < 0

Cost: 16 bytes a place in line, 12 a slot.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.simulation.compiled import shared, whole
from service.domain.queues import accepts

WAITS = -1
REFUSED = -2
NOBODY = -1

# Columns of `Pools.figures`, one row a pool.
SERVERS, PLACES, BUSY, WAITING = range(4)
"""Requests that may be served at once, that may wait, that are served, that wait."""
OFFERED, STARTED, REFUSED_COUNT, DROPPED = range(4, 8)
"""Counts since the run began: each offered request is started, refused, dropped, or waits."""
BUSY_US, WAITING_US = range(8, 10)
"""Sums over all microseconds of those who were served and who waited, up to `_CLOCK`."""
_CLOCK, _OLDEST, _LINE, _ROOM, _SLOT, _SLOTS = range(10, 16)
"""Until when the sums are; place of the oldest in the ring; where ring and slots begin in theirs, and how many."""
_COLUMNS = 16


class Job(NamedTuple):
    """Whose turn it is. slot and customer are -1 where it is nobody's."""

    slot: int
    customer: int
    epoch: int
    since: int
    """When the request came."""


class Pools(NamedTuple):
    """All pools of a run. Only the functions of this module write to it."""

    figures: NDArray[np.int64]
    """By pool and column."""
    customer: NDArray[np.int32]
    epoch: NDArray[np.int32]
    since: NDArray[np.int64]
    """By place in line, ring after ring: who waits there and since when."""
    free: NDArray[np.int32]
    """Slots that are free, pool after pool, the next one last."""
    holder: NDArray[np.int32]
    held_epoch: NDArray[np.int32]
    """By slot: whose request is served there; NOBODY: it is free."""


def make_pools(servers: Sequence[int], places: Sequence[int], most_servers: Sequence[int] | None = None) -> Pools:
    """A pool for each pair of `servers` and `places`, idle. Slots of pool 0 come first, then those of pool 1.

    places: how many may wait, which can be lowered later and raised again. most_servers: how many servers it may ever
    have; without it no more than at the beginning. Raises ValueError for what is negative, or not of one length.
    """
    most = servers if most_servers is None else most_servers
    if not len(servers) == len(places) == len(most) or min([*servers, *places, 0]) < 0:
        raise ValueError("each pool needs a number of servers and a number of places, none below 0")
    if any(now > ever for now, ever in zip(servers, most, strict=True)):
        raise ValueError("a pool has more servers than it may ever have")
    figures = np.zeros((len(servers), _COLUMNS), np.int64)
    figures[:, SERVERS], figures[:, PLACES] = servers, places
    figures[:, _ROOM], figures[:, _SLOTS] = places, most
    figures[1:, _LINE], figures[1:, _SLOT] = np.cumsum(places)[:-1], np.cumsum(most)[:-1]
    room = max(sum(places), 2)  # as in make_wheel
    line = np.zeros(room, np.dtype([("customer", np.int32), ("epoch", np.int32), ("since", np.int64)]))
    free = [np.arange(first + many - 1, first - 1, -1) for first, many in figures[:, [_SLOT, _SLOTS]]]
    return Pools(
        figures=figures,
        customer=line["customer"],
        epoch=line["epoch"],
        since=line["since"],
        free=np.concatenate([np.empty(0, np.int32), *free]).astype(np.int32),
        holder=np.full(sum(most), NOBODY, np.int32),
        held_epoch=np.zeros(sum(most), np.int32),
    )


@shared
def offer(pools: Pools, pool: int, at: int, customer: int, epoch: int) -> int:
    """A request comes: the slot in which it is served from now on, or WAITS, or REFUSED because the line is full."""
    figures = pools.figures
    account(pools, pool, at)
    figures[pool, OFFERED] += 1
    waiting = int(figures[pool, WAITING])
    if waiting == 0 and figures[pool, BUSY] < figures[pool, SERVERS]:
        return _seated(pools, pool, customer, epoch)
    if not accepts(waiting, int(figures[pool, PLACES])):
        figures[pool, REFUSED_COUNT] += 1
        return REFUSED
    place = _place(pools, pool, waiting)
    pools.customer[place] = customer
    pools.epoch[place] = epoch
    pools.since[place] = at
    figures[pool, WAITING] = waiting + 1
    return WAITS


@shared
def take(pools: Pools, pool: int, at: int, newest: bool, epochs: NDArray[np.integer], drops_left: bool) -> Job:
    """Who is served next, in which slot; nobody (slot -1) where no server is free or nobody waits.

    newest: the one who came last, not the one who came first. epochs: of each customer, now. drops_left: requests of
    an earlier epoch are thrown away here; else they are served like others, and job.epoch tells the caller.
    """
    figures = pools.figures
    account(pools, pool, at)
    while figures[pool, WAITING] > 0 and figures[pool, BUSY] < figures[pool, SERVERS]:
        job = _pulled(pools, pool, newest)
        if drops_left and epochs[job.customer] != job.epoch:
            figures[pool, DROPPED] += 1
        else:
            return Job(_seated(pools, pool, job.customer, job.epoch), job.customer, job.epoch, job.since)
    return Job(-1, NOBODY, 0, 0)


@shared
def drop(pools: Pools, pool: int, at: int, newest: bool) -> Job:
    """Throws somebody out of the line, whose slot is -1; nobody (customer -1) where nobody waits."""
    if pools.figures[pool, WAITING] == 0:
        return Job(-1, NOBODY, 0, 0)
    account(pools, pool, at)
    pools.figures[pool, DROPPED] += 1
    return _pulled(pools, pool, newest)


@shared
def release(pools: Pools, pool: int, at: int, slot: int) -> None:
    """The request in `slot` is done, or its server died."""
    figures = pools.figures
    account(pools, pool, at)
    busy = int(figures[pool, BUSY]) - 1
    figures[pool, BUSY] = busy
    pools.free[int(figures[pool, _SLOT]) + int(figures[pool, _SLOTS]) - busy - 1] = slot
    pools.holder[slot] = NOBODY


@shared
def staff(pools: Pools, pool: int, at: int, servers: int) -> None:
    """From now on so many requests may be served at once, at most those the pool was made for; `take` fills them."""
    account(pools, pool, at)
    pools.figures[pool, SERVERS] = min(max(servers, 0), int(pools.figures[pool, _SLOTS]))


@shared
def allow(pools: Pools, pool: int, places: int) -> None:
    """From now on so many may wait, at most those the pool was made for; who waits already stays."""
    pools.figures[pool, PLACES] = min(max(places, 0), int(pools.figures[pool, _ROOM]))


@shared
def waits_since(pools: Pools, pool: int) -> int:
    """When the request came that waits longest; -1: nobody waits."""
    if pools.figures[pool, WAITING] == 0:
        return -1
    return int(pools.since[_place(pools, pool, 0)])


@shared
def account(pools: Pools, pool: int, at: int) -> None:
    """Brings the sums of a pool up to `at`; every function here does, so it is for who reads them."""
    figures = pools.figures
    elapsed = at - int(figures[pool, _CLOCK])
    figures[pool, BUSY_US] += elapsed * int(figures[pool, BUSY])
    figures[pool, WAITING_US] += elapsed * int(figures[pool, WAITING])
    figures[pool, _CLOCK] = at


@shared
def _seated(pools: Pools, pool: int, customer: int, epoch: int) -> int:
    """The free slot that is freed last, taken."""
    figures = pools.figures
    busy = int(figures[pool, BUSY])
    slot = whole(pools.free[int(figures[pool, _SLOT]) + int(figures[pool, _SLOTS]) - busy - 1])
    figures[pool, BUSY] = busy + 1
    figures[pool, STARTED] += 1
    pools.holder[slot] = customer
    pools.held_epoch[slot] = epoch
    return slot


@shared
def _pulled(pools: Pools, pool: int, newest: bool) -> Job:
    """Out of a line in which somebody waits."""
    figures = pools.figures
    waiting = int(figures[pool, WAITING]) - 1
    place = _place(pools, pool, waiting if newest else 0)
    if not newest:
        oldest = int(figures[pool, _OLDEST]) + 1
        figures[pool, _OLDEST] = 0 if oldest == figures[pool, _ROOM] else oldest
    figures[pool, WAITING] = waiting
    return Job(-1, whole(pools.customer[place]), whole(pools.epoch[place]), int(pools.since[place]))


@shared
def _place(pools: Pools, pool: int, rank: int) -> int:
    """Where the one stands who came so many after the oldest."""
    figures = pools.figures
    turned = int(figures[pool, _OLDEST]) + rank
    room = int(figures[pool, _ROOM])
    return int(figures[pool, _LINE]) + (turned - room if turned >= room else turned)
