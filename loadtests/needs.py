"""What the generator needs for a plan: cores, connections and their ports, memory; said before anything starts.

A journey of R requests in D seconds makes R / D requests a second, and whoever arrived within the last D is on it: so
the busiest D seconds of the plan give the most people on their way at once and the most requests, if all is well.
Nobody knows what a service that is not well makes of them; the bound is everybody who is planned. The costs are this
project's own measurements; the service, if it runs on the same machine, needs its cores beside them.
"""

import math
import os
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from loadtests.sources import Sources, most_connections
from scenarios.arrivals import Plan
from scenarios.population import Population, ThinkTimes

REQUESTS = 40
"""Of a whole journey, ticket to joined: the median of a rehearsal in which all joined."""
PAGE_REQUESTS = 78
"""Of the same way through the pages: each form is looked at, sent, and followed."""
REACTIONS_S = 20.0
"""Of a journey at any pace, in the same rehearsal: codes on their way, photos on the line, looks at the room."""
REQUEST_CPU_S = 0.00035
"""CPU seconds of a worker for a request, all told: 450 whole journeys against the stub took 5.1 s for 14,860 requests
(0.29 ms in journeys of eight steps, which send no photos)."""
ARRIVAL_CPU_S = 0.0003
"""CPU seconds of a worker to make, start and end one person: 4,500 of them, each with one request, took 0.60 ms."""
BUSY_SHARE = 0.7
"""Of a core that one process may use: beyond, people begin to start late in its bursts."""
PROCESS_BYTES = 80_000_000
"""Resident, of a worker or the master with nobody in it: 70 to 76 MB."""
PLANNED_BYTES = 800
"""Of one planned applicant: 500 in the master (1.0 GB with two million, docs/decisions.md), the rest in her worker."""
LIVE_BYTES = 4096
"""Of one applicant on the way, all that is kept for her: the bar of `make acceptance NAME=live-applicants`."""

_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_SHORTEST = 1.0
"""Seconds: the shortest stretch whose rate is meant by "the busiest"."""


@dataclass(frozen=True)
class Needs:
    """What one plan asks of the machines that play it, at its busiest."""

    planned: int
    arrivals_per_s: float
    requests_per_s: float
    live: int
    """On their way at once, if all is well."""
    cores: float
    """Of CPU, without reserve."""
    workers: int
    """Processes that share it, each below BUSY_SHARE of a core."""
    connections: int
    """Open at once, each from a port of its own, if everybody on the way waits for an answer."""
    memory_bytes: int
    """Of workers and master, if all is well."""
    memory_stalled_bytes: int
    """The same if nobody who came ever leaves."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Machine:
    """What a machine has for the generator."""

    cores: int
    connections: int
    """Of one process, by its limit of open files."""
    ports: int
    """Of one source address towards one server."""
    memory_bytes: int
    """Free, or freed at need."""


def needs(plan: Plan, population: Population, pace: float, steps: int = 0, workers: int = 0) -> Needs:
    """What a plan needs, its onlookers included. steps: answers after which people leave, 0 = the whole journey.

    workers: processes that will play it; 0 = as many as it needs.
    """
    by_pages = population.without_javascript
    requests = min(steps, REQUESTS) if steps else REQUESTS + by_pages * (PAGE_REQUESTS - REQUESTS)
    journey = max(_SHORTEST, journey_s(population.think, pace) * (min(requests, REQUESTS) - 1) / (REQUESTS - 1))
    arrivals = plan.most_within(_SHORTEST) / _SHORTEST
    live = plan.most_within(journey)
    beside, looks = _onlookers(population)
    per_s = live * requests / journey + arrivals * beside * looks
    cores = arrivals * (1.0 + beside) * ARRIVAL_CPU_S + per_s * REQUEST_CPU_S
    needed = max(1, math.ceil(cores / BUSY_SHARE))
    playing = workers or needed
    empty = (playing if playing == 1 else playing + 1) * PROCESS_BYTES + plan.planned * PLANNED_BYTES
    stalled = empty + plan.planned * LIVE_BYTES
    return Needs(plan.planned, arrivals, per_s, live, cores, needed, live, empty + live * LIVE_BYTES, stalled)


def journey_s(think: ThinkTimes, pace: float) -> float:
    """Seconds from ticket to joined if all is well and nobody waits in line."""
    thinking = sum(value for name, value in vars(think).items() if name.endswith("_s"))
    return float(thinking / pace + REACTIONS_S)


def _onlookers(population: Population) -> tuple[float, float]:
    """How many come beside each applicant, and the requests of one: a page with all it loads, maybe two pages more."""
    who = population.onlookers
    if who is None:
        return 0.0, 0.0
    return who.per_applicant, 4.0 + who.second_page_share * (1.0 + who.third_page_share)


def machine() -> Machine:
    """What this one has for a process that is started now."""
    try:
        first, last = map(int, _PORTS.read_text().split())
    except (OSError, ValueError):  # not Linux
        first, last = 49_152, 65_535
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(cores, most_connections(), last - first + 1, int(psutil.virtual_memory().available))


def sources_to(url: str, given: Sequence[str] = ()) -> int:
    """How many addresses of this machine the crowd's connections to a service start from; 1 if that cannot be told.

    given: those it was told to use, none = the usual.
    """
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM)
        return max(1, len(Sources(given, str(found[0][4][0])).addresses))
    except (OSError, ValueError):
        return 1


def lines(needed: Needs, has: Machine, *, workers: int = 0, sources: int = 1, most: int = 0) -> list[str]:
    """What is needed, what is here, and a warning for each thing that is short.

    workers: processes that will play it, 0 = undecided; sources: addresses that connections start from; most: the bound
    of connections in one worker, 0 = what its files allow.
    """
    told = [
        f"the generator needs {needed.cores:.2f} cores at its busiest ({needed.arrivals_per_s:,.0f} arrivals/s, "
        f"{needed.requests_per_s:,.0f} requests/s), so {_processes(needed.workers)}; {needed.live:,} people are on "
        f"their way at once: {_size(needed.memory_bytes)} of memory, and as many connections and ports if all of them "
        "wait for an answer",
        f"this machine has {has.cores} cores for everything that runs on it, {_size(has.memory_bytes)} of memory, "
        f"{has.connections:,} connections for each worker, {has.ports:,} ports for each of {_addresses(sources)}",
    ]
    return told + [f"warning: {each}" for each in shortages(needed, has, workers=workers, sources=sources, most=most)]


def shortages(needed: Needs, has: Machine, *, workers: int = 0, sources: int = 1, most: int = 0) -> list[str]:
    """What there is not enough of if it all runs on this machine, with the fix."""
    playing = workers or needed.workers
    found = []
    if needed.cores > BUSY_SHARE * has.cores:
        found.append(
            f"{needed.cores:.1f} cores are needed and {has.cores} are here: people will start late and the run will "
            "be invalid; play fewer people (--people), or put workers on other machines (docs/swarm.md)"
        )
    elif playing < needed.workers:
        found.append(
            f"{_processes(playing)} cannot do the work of {needed.workers}: add some (--processes, or --workers of "
            "rehearse), or play fewer people (--people)"
        )
    bound = playing * min(most or has.connections, has.connections)
    if needed.connections > bound:
        found.append(
            f"{bound:,} connections are fewer than the {needed.connections:,} people who may wait for an answer at "
            "once: the others wait for a connection, and that is told apart (blocked); raise the limit of open files "
            "(ulimit -n), or add workers"
        )
    if needed.connections > sources * has.ports:
        found.append(
            f"{_addresses(sources)} {'has' if sources == 1 else 'have'} {sources * has.ports:,} ports for "
            f"{needed.connections:,} connections: give more with --source-addresses"
        )
    if needed.memory_bytes > has.memory_bytes:
        found.append(
            f"{_size(needed.memory_bytes)} of memory are needed and {_size(has.memory_bytes)} are free: play fewer "
            "people (--people), or put workers on other machines (docs/swarm.md)"
        )
    elif needed.memory_stalled_bytes > has.memory_bytes:
        found.append(
            f"should nobody get through, all who came are kept: that takes {_size(needed.memory_stalled_bytes)} of "
            f"memory, and {_size(has.memory_bytes)} are free"
        )
    return found


def _processes(count: int) -> str:
    return "1 worker process" if count == 1 else f"{count} worker processes"


def _addresses(count: int) -> str:
    return "1 source address" if count == 1 else f"{count} source addresses"


def _size(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
