"""Textbook queues, played by two kernels that are made of nothing but the simulation's primitives."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios import streams
from scenarios.simulation import pools as pools_
from scenarios.simulation.compiled import ready, shared
from scenarios.simulation.pools import Pools, make_pools, offer, release, take
from scenarios.simulation.sharing import Sharing, finished, join, make_sharing, rearm
from scenarios.simulation.wheel import NEVER, Wheel, arm, cancel, earliest, make_wheel, pop

Whole = NDArray[np.int64]

AWAY, WAITING, SERVED, GONE = range(4)
"""What a person does. GONE: refused or gave up for good."""
RETRY, PATIENCE, LEAVE = (
    int(each) for each in (streams.Purpose.SHORT_RETRY, streams.Purpose.PATIENCE, streams.Purpose.GIVE_UP)
)
SECOND = 1_000_000
SHIFT, SLOTS = 17, 1 << 14
"""Buckets of an eighth of a second: an hour of a textbook queue has few events."""


class People(NamedTuple):
    """One row a person, in the order in which they arrive; times in microseconds."""

    arrivals: Whole
    services: Whole
    state: NDArray[np.int8]
    epochs: NDArray[np.int32]
    tries: NDArray[np.int32]
    """Attempts after the first."""
    since: Whole
    """When the present attempt began."""
    waited: Whole
    """In line, at the last attempt."""
    started: Whole
    """When the service began; 0: never."""


class Ways(NamedTuple):
    """How people behave. Means of exponential times in microseconds."""

    seed: int
    retries: int
    """After a refusal; -1: any number."""
    away_us: float
    patience_us: float
    """In line; 0: endless."""
    leave_share: float
    """Of those who lose patience; the others come again after `away_us`."""
    newest: bool
    """Who came last is served first."""


def play(people: People, ways: Ways, wheel: Wheel, pools: Pools) -> int:
    """Plays one pool until nothing happens any more; the number of events. Nodes: people, then slots."""
    count = len(people.arrivals)
    coming, events = 0, 0
    while True:
        until = int(people.arrivals[coming]) if coming < count else NEVER
        node = earliest(wheel, until)
        if node >= 0 and (wheel.at[node] < until or node < coming):
            now = pop(wheel)
        elif coming < count:
            node, now = coming, until
            coming += 1
        else:
            return events
        events += 1
        if node >= count:
            release(pools, 0, now, node - count)
            job = take(pools, 0, now, ways.newest, people.epochs, True)
            if job.slot >= 0:
                people.waited[job.customer] = now - job.since
                serve(people, wheel, job.customer, job.slot, now)
        elif people.state[node] == WAITING:
            people.waited[node] = now - people.since[node]
            give_up(people, ways, wheel, node, now)
        else:
            attempt(people, ways, wheel, pools, node, now)


@shared
def attempt(people: People, ways: Ways, wheel: Wheel, pools: Pools, node: int, now: int) -> None:
    people.since[node] = now
    people.waited[node] = 0
    slot = offer(pools, 0, now, node, int(people.epochs[node]))
    if slot >= 0:
        serve(people, wheel, node, slot, now)
    elif slot == pools_.WAITS:
        people.state[node] = WAITING
        if ways.patience_us > 0.0:
            arm(wheel, node, now + drawn(ways.seed, node, PATIENCE, int(people.tries[node]), ways.patience_us))
    elif ways.retries < 0 or people.tries[node] < ways.retries:
        come_again(people, ways, wheel, node, now)
    else:
        people.state[node] = GONE


@shared
def serve(people: People, wheel: Wheel, node: int, slot: int, now: int) -> None:
    from_line = people.state[node] == WAITING
    people.state[node] = SERVED
    people.started[node] = now
    if from_line:
        cancel(wheel, node)
    arm(wheel, len(people.arrivals) + slot, now + int(people.services[node]))


@shared
def give_up(people: People, ways: Ways, wheel: Wheel, node: int, now: int) -> None:
    people.epochs[node] += 1  # what stands in line is nobody's now
    if streams.uniform(ways.seed, node, LEAVE, int(people.tries[node])) < ways.leave_share:
        people.state[node] = GONE
    else:
        come_again(people, ways, wheel, node, now)


@shared
def come_again(people: People, ways: Ways, wheel: Wheel, node: int, now: int) -> None:
    people.state[node] = AWAY
    people.tries[node] += 1
    arm(wheel, node, now + drawn(ways.seed, node, RETRY, int(people.tries[node]), ways.away_us))


@shared
def drawn(seed: int, person: int, purpose: int, attempt: int, mean_us: float) -> int:
    """An exponential time in whole microseconds."""
    return math.floor(streams.exponential(streams.uniform(seed, person, purpose, attempt), mean_us) + 0.5)


def play_shared(arrivals: Whole, works: Whole, stays: Whole, wheel: Wheel, pools: Pools, sharing: Sharing) -> int:
    """Plays one replica whose cores are shared; `stays` becomes the time that each is there. The number of events.

    -1: somebody found no slot. Node 0 is the timer of the replica.
    """
    coming, events = 0, 0
    while True:
        until = int(arrivals[coming]) if coming < len(arrivals) else NEVER
        node = earliest(wheel, until)
        events += 1
        if node >= 0:
            now = pop(wheel)
            slot = finished(sharing, 0, now)
            while slot >= 0:
                person = int(pools.holder[slot])
                stays[person] = now - arrivals[person]
                release(pools, 0, now, slot)
                slot = finished(sharing, 0, now)
        elif coming < len(arrivals):
            slot = offer(pools, 0, until, coming, 0)
            if slot < 0:
                return -1
            join(sharing, 0, until, slot, float(works[coming]))
            coming += 1
        else:
            return events - 1
        rearm(wheel, 0, sharing, 0)


@dataclass(frozen=True)
class Queue:
    """One pool and those who come to it; seconds. A mean service of one second."""

    servers: int
    arrivals_per_s: float
    places: int = 100_000
    retries: int = 0
    away_s: float = 1.0
    patience_s: float = 0.0
    leave_share: float = 1.0
    newest: bool = False

    def played(self, seed: int, count: int, plain: bool = False) -> tuple[People, Pools, int]:
        """The people afterwards, the pool, and the number of events."""
        people = self._people(gaps(seed, count, self.arrivals_per_s), exponentials(seed, count, 1.0))
        return self._run(people, seed, plain)

    def rushed(self, seed: int, arrivals: NDArray[np.float64]) -> tuple[People, Pools, int]:
        """The same with arrivals at given seconds."""
        return self._run(self._people(arrivals, exponentials(seed, len(arrivals), 1.0)), seed, False)

    def _run(self, people: People, seed: int, plain: bool) -> tuple[People, Pools, int]:
        wheel = make_wheel(len(people.arrivals) + self.servers, SHIFT, SLOTS)
        pools = make_pools([self.servers], [self.places])
        micro = float(SECOND)
        ways = Ways(
            seed, self.retries, self.away_s * micro, self.patience_s * micro, self.leave_share, self.newest
        )  # fmt: skip
        return people, pools, ready(play, plain)(people, ways, wheel, pools)

    def _people(self, arrivals: NDArray[np.float64], services: NDArray[np.float64]) -> People:
        count = len(arrivals)
        return People(
            arrivals=whole_us(arrivals),
            services=whole_us(services),
            state=np.zeros(count, np.int8),
            epochs=np.zeros(count, np.int32),
            tries=np.zeros(count, np.int32),
            since=np.zeros(count, np.int64),
            waited=np.zeros(count, np.int64),
            started=np.zeros(count, np.int64),
        )


def shared_stays(
    cores: int, arrivals_per_s: float, works_s: NDArray[np.float64], seed: int, plain: bool = False
) -> NDArray[np.float64]:
    """Seconds that each of those who want `works_s` of a core is on a replica of `cores` cores."""
    count, slots = len(works_s), 4_000
    stays = np.zeros(count, np.int64)
    arrivals = whole_us(gaps(seed, count, arrivals_per_s))
    pools, sharing = make_pools([slots], [0]), make_sharing([cores], [slots])
    events = ready(play_shared, plain)(arrivals, whole_us(works_s), stays, make_wheel(1, SHIFT, SLOTS), pools, sharing)
    assert events > 0, "everybody found a slot"
    return stays / SECOND


def gaps(seed: int, count: int, rate_per_s: float) -> NDArray[np.float64]:
    """When Poisson arrivals come, seconds."""
    return np.cumsum(-np.log1p(-draws(seed, count, streams.Purpose.ARRIVAL)) / rate_per_s)


def exponentials(seed: int, count: int, mean_s: float) -> NDArray[np.float64]:
    return -mean_s * np.log1p(-draws(seed, count, streams.Purpose.THINK))


def draws(seed: int, count: int, purpose: int) -> NDArray[np.float64]:
    return streams.uniforms(seed, np.arange(count), purpose, 0)


def whole_us(seconds: NDArray[np.float64]) -> Whole:
    return np.rint(seconds * SECOND).astype(np.int64)


def middle(count: int) -> slice:
    """Those who came neither while the queue filled nor while it emptied."""
    return slice(count // 5, count - count // 20)


def deviation(values: Any, truth: float) -> float:
    """By how many standard errors the mean of `values`, one a seed, differs from the truth."""
    return float((np.mean(values) - truth) / (np.std(values, ddof=1) / math.sqrt(len(values))))
