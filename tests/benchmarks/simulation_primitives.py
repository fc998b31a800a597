"""How fast the simulation's primitives are, alone and together, on one core from the cache of compiled kernels.

`.wheel_300k`, `.wheel_2m`: timers that come due and are set anew while so many are pending (the hold model), per second
of CPU. `.chain`: 2,000,000 people through 20 stages with bounded lines, patience and retries, 80 million events;
servers finish the work of those who left. `.growth`: what an event costs then, beside one with 200,000 people.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios import streams
from scenarios.simulation.compiled import ready
from scenarios.simulation.pools import REFUSED, Pools, make_pools, offer, release, take
from scenarios.simulation.wheel import NEVER, Wheel, ahead, arm, cancel, earliest, make_wheel, pop
from tests.benchmarks.rows import Row, alone, paired

RUNS = 5
SEED = 9
SECOND = 1_000_000
STAGES, SERVICE_S, HEADROOM = 20, 0.1, 1.25
THINK_S, LONG_THINK_S, LONG_STAGE = 30.0, 1500.0, 12
PATIENCE_US, RETRIES = 10 * SECOND, 8
DAYS_S, RUSH_S, RUSH_SHARE = 5 * 86_400.0, 7_200.0, 0.4
THINK, WORK, RETRY = int(streams.Purpose.THINK), 900, int(streams.Purpose.SHORT_RETRY)


class People(NamedTuple):
    """One row a person; asks: what their timer means, an answer that does not come or the next thing they do."""

    stage: NDArray[np.int8]
    tries: NDArray[np.int8]
    epochs: NDArray[np.int16]
    asks: NDArray[np.bool_]


def hold(wheel: Wheel, seed: int, events: int, mean_us: float) -> int:
    """Fires `events` timers and sets each anew; the last time."""
    now = 0
    for event in range(events):
        node = earliest(wheel, NEVER)
        now = pop(wheel)
        ahead(wheel)
        arm(wheel, node, now + int(streams.exponential(streams.uniform(seed, node, THINK, event), mean_us)))
    return now


def filled(wheel: Wheel, seed: int, mean_us: float) -> None:
    for node in range(len(wheel.at)):
        arm(wheel, node, int(streams.exponential(streams.uniform(seed, node, THINK, -1), mean_us)))


def chain(
    arrivals: NDArray[np.int64], people: People, wheel: Wheel, pools: Pools, stage_of_slot: NDArray[np.int8], seed: int
) -> tuple[int, int]:
    """Plays all of them to the end: events, and people who came through."""
    count = len(arrivals)
    coming, events, through = 0, 0, 0
    while True:
        until = int(arrivals[coming]) if coming < count else NEVER
        node = earliest(wheel, until)
        if node >= 0 and (wheel.at[node] < until or node < coming):
            now = pop(wheel)
            ahead(wheel)
        elif coming < count:
            node, now = coming, until
            coming += 1
        else:
            return events, through
        events += 1
        if node >= count:
            slot = node - count
            pool = int(stage_of_slot[slot])
            person, epoch = int(pools.holder[slot]), int(pools.held_epoch[slot])
            release(pools, pool, now, slot)
            job = take(pools, pool, now, False, people.epochs, False)
            if job.slot >= 0:
                work = streams.exponential(streams.uniform(seed, job.customer, WORK, pool), SERVICE_S * SECOND)
                arm(wheel, count + job.slot, now + int(work))
            if people.epochs[person] == epoch:
                people.epochs[person] += 1
                people.asks[person] = False
                people.tries[person] = 0
                people.stage[person] += 1
                stage = int(people.stage[person])
                if stage == STAGES:
                    through += 1
                    cancel(wheel, person)
                else:
                    mean = LONG_THINK_S if stage == LONG_STAGE else THINK_S
                    think = streams.exponential(streams.uniform(seed, person, THINK, stage), mean * SECOND)
                    arm(wheel, person, now + int(think))
            continue
        stage = int(people.stage[node])
        if people.asks[node]:  # no answer came
            people.asks[node] = False
            people.epochs[node] += 1
            refused = True
        else:
            slot = offer(pools, stage, now, node, int(people.epochs[node]))
            refused = slot == REFUSED
            if not refused:
                people.asks[node] = True
                arm(wheel, node, now + PATIENCE_US)
            if slot >= 0:
                work = streams.exponential(streams.uniform(seed, node, WORK, stage), SERVICE_S * SECOND)
                arm(wheel, count + slot, now + int(work))
        if refused and people.tries[node] < RETRIES:
            people.tries[node] += 1
            share = 0.5 + streams.uniform(seed, node, RETRY, int(people.tries[node]))
            arm(wheel, node, now + int(share * SECOND) * (1 << int(people.tries[node])))


def walked(count: int) -> tuple[float, int]:
    """CPU seconds and events of a chain of `count` people whose peak is met with some headroom."""
    spread = streams.uniforms(SEED, np.arange(count), streams.Purpose.ARRIVAL, 0)
    rush = spread < RUSH_SHARE
    seconds = np.where(
        rush, spread / RUSH_SHARE * RUSH_S, RUSH_S + (spread - RUSH_SHARE) / (1 - RUSH_SHARE) * (DAYS_S - RUSH_S)
    )
    arrivals = np.sort((seconds * SECOND).astype(np.int64))
    servers = max(2, int(count * RUSH_SHARE / RUSH_S * SERVICE_S * HEADROOM) + 3)
    pools = make_pools([servers] * STAGES, [20 * servers] * STAGES)
    people = People(
        np.zeros(count, np.int8), np.zeros(count, np.int8), np.zeros(count, np.int16), np.zeros(count, np.bool_)
    )
    wheel = make_wheel(count + servers * STAGES)
    stage_of_slot = np.repeat(np.arange(STAGES), servers).astype(np.int8)
    took, (events, through) = timed(lambda: ready(chain)(arrivals, people, wheel, pools, stage_of_slot, SEED))
    if through < 0.99 * count:
        raise RuntimeError(f"only {through} of {count} came through: the chain was to be healthy")
    return took, events


def held(pending: int, events: int) -> float:
    """Events per second of CPU."""
    wheel = make_wheel(pending)
    mean_us = 300.0 * SECOND
    ready(filled)(wheel, SEED, mean_us)
    took, _ = timed(lambda: ready(hold)(wheel, SEED, events, mean_us))
    return events / took


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def rows() -> Iterator[Row]:
    walked(1_000)
    held(1_000, 1_000)  # compiled, or read from disk
    for name, pending in (("300k", 300_000), ("2m", 2_000_000)):
        yield alone(f"simulation_primitives.wheel_{name}", "events/s", [held(pending, 5_000_000) for _ in range(RUNS)])
    large: list[float] = []
    small: list[float] = []
    for run in range(RUNS):
        for count, found in ((200_000, small), (2_000_000, large)):
            took, events = walked(count)
            found.append(took / events * 1e9)
        rate, peak = 1e3 / large[-1], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"run {run + 1} of {RUNS}: {events:,} events, {rate:.1f} M/s, {peak:.0f} MB at most", file=sys.stderr)
    yield alone("simulation_primitives.chain", "events/s", [1e9 / each for each in large])
    yield paired("simulation_primitives.growth", "ns/event", large, small)
