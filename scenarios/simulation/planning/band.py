"""What queueing theory says of a played night, minute by minute, beside what the simulation came to.

Each band is what the formulas bracket: their assumptions (Poisson arrivals, one kind of service, patience without
memory) are not those of people, so a simulation may lie anywhere inside, and has something to explain outside.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.journey_state import Action
from scenarios.journey_state import Result as Told
from scenarios.simulation.companions import bounded, erlang_a, erlang_b, flow, mean_wait_s, retrial_points
from scenarios.simulation.figures import EMAIL, IDENTITY, QUEUES, SMS, Setup, filled
from scenarios.simulation.requests import PATIENCE_US
from scenarios.simulation.run import Result
from scenarios.simulation.tally import LEVELS
from scenarios.simulation.world import DATABASE, INSPECTION, WEB
from service.domain import overload

_MINUTE_S = 60.0
_STATIONS = (("web", WEB), ("database", DATABASE), ("inspectors", INSPECTION))
_LOOSE = 2.0
"""Factor to both sides of what a formula says: bursts inside a minute, and mixes of services."""
_SLACK_S = 0.001
_MOST_PLACES = 5_000
"""In line for the web processes: with more nobody is refused below full load, and above it a fluid says who is."""
_FULL = 0.995
"""From this use of a minute on a station counts as overloaded: there is no steady state, and the fluid takes over."""


@dataclass(frozen=True)
class Band:
    """One comparison. by: the formula; low, high: its band; found: the simulation's figure."""

    stage: str
    figure: str
    by: str
    low: float
    high: float
    found: float

    @property
    def inside(self) -> bool:
        return bool(self.low <= self.found <= self.high)

    def to_dict(self) -> dict[str, Any]:
        """JSON values: what came out of arrays is made plain."""
        figures = {name: float(getattr(self, name)) for name in ("low", "high", "found")}
        return {**asdict(self), **figures, "inside": self.inside}


def bands(played: Result, setup: Setup) -> list[Band]:
    """All comparisons that can be made of a run."""
    figures = filled(setup)[0]
    return [
        *(_station(played, setup, figures, name, station) for name, station in _STATIONS[:2]),
        _work(played, setup),
        *_door(played, figures),
        *_queues(played, setup, figures),
        *_line(played, setup, figures),
    ]


def _station(played: Result, setup: Setup, figures: Any, name: str, station: int) -> Band:
    """The mean wait of a night: of each minute that of M/G/c by Allen and Cunneen, of overloaded ones the fluid's."""
    world = played.world[0]
    answered = played.tally.answered.sum(axis=2)
    cost_s = (figures["web_us"] if station == WEB else figures["database_us"]) / 1e6
    used = answered @ cost_s  # seconds of work by minute
    counts = answered[:, cost_s > 0.0].sum(axis=1)
    servers = int(world["servers"][station])
    busy_s = float(world["busy_us"][station]) / 1e6
    used *= busy_s / max(float(used.sum()), 1e-9)  # with the work of photos' bytes, of refusals and refreshed pages
    spread = (1.0 + math.exp(setup.costs.sigma**2) - 1.0) / 2.0
    waits, backlog_s = np.zeros(len(used)), 0.0
    for minute in np.flatnonzero((used > 0.0) | (counts > 0)):
        rate, service_s = counts[minute] / _MINUTE_S, used[minute] / max(counts[minute], 1)
        offered = used[minute] / _MINUTE_S / servers
        if offered < _FULL and backlog_s <= 0.0:
            waits[minute] = mean_wait_s(servers, rate, service_s) * spread
            continue
        after_s = max(0.0, backlog_s + (offered - 1.0) * _MINUTE_S)
        waits[minute] = (backlog_s + after_s) / 2.0
        backlog_s = after_s
    wait_s = float(waits @ counts) / max(float(counts.sum()), 1.0)
    if figures["door"]:
        wait_s = min(wait_s, overload.PATIENCE_S)
    found = float(world["waited_us"][station]) / max(int(world["served"][station]), 1) / 1e6
    return Band(name, "mean wait, s", "M/G/c", max(0.0, wait_s / _LOOSE - _SLACK_S), wait_s * _LOOSE + _SLACK_S, found)


def _work(played: Result, setup: Setup) -> Band:
    """Nobody waits for the inspectors, so their work is that of the photos that came: the utilization law."""
    world = played.world[0]
    stored = int(world["served"][INSPECTION])
    work_s = stored * setup.costs.inspection_s
    found = float(world["busy_us"][INSPECTION] + world["spread_us"][INSPECTION]) / 1e6
    return Band("inspectors", "work, core-seconds", "utilization law", 0.999 * work_s, 1.001 * work_s, found)


def _door(played: Result, figures: Any) -> list[Band]:
    """The busiest minute at the web processes by Erlang's A, whose people give up as the door turns away; and whether
    the same load would keep itself up without a door."""
    world = played.world[0]
    answered = played.tally.answered.sum(axis=2)
    minute = int(np.argmax(answered.sum(axis=1)))
    asked = float(answered[minute].sum())
    if not asked:
        return []
    rate, servers = asked / _MINUTE_S, int(world["servers"][WEB])
    service_s = float(answered[minute] @ figures["web_us"]) / 1e6 / asked
    found = []
    if figures["door"]:
        busy = played.tally.answered[minute, :, Told.BUSY].sum() / asked
        usual = erlang_a(servers, rate, service_s, overload.PATIENCE_S).abandons
        found.append(Band("door", "turned away in the busiest minute", "Erlang A", 0.0, _LOOSE * usual + 0.01, busy))
    places = min(_MOST_PLACES, max(1, int(PATIENCE_US / 1e6 / service_s * servers)))
    calm, full = retrial_points(servers, places, rate, service_s, 5, 12.0)
    refused = float(world["turned_away"].sum()) / max(float(played.tally.answered.sum()), 1.0)
    high = full.refused if figures["door"] == 0 else max(calm.refused, 0.01)
    found.append(Band("web", "requests refused", "retrial fixed point", min(calm.refused, high), high, refused))
    return found


def _queues(played: Result, setup: Setup, figures: Any) -> list[Band]:
    """Queues of the partners: the oldest job by a fluid with a bound, and who is refused by M/M/c/K with one server."""
    world, tally = played.world[0], played.tally
    codes = tally.answered[:, [Action.CODE, Action.CODE_AGAIN], Told.OK].sum(axis=1)
    checks = tally.answered[:, [Action.IDENTITY, Action.CORRECT], Told.OK].sum(axis=1)
    found = []
    for queue, what in ((EMAIL, codes), (SMS, codes), (IDENTITY, checks)):
        rate = float(figures["rates"][queue])
        jobs = int(world["tail"][queue])
        if not jobs or rate <= 0.0 or not figures["paced"]:
            continue
        coming = what * (jobs / max(float(what.sum()), 1.0))
        most = _deepest(coming, rate, float(figures["limits"][queue]))
        deepest = float(tally.levels[:, LEVELS.index(f"{QUEUES[queue]}_depth")].max())
        slack = 2.0 + rate * 5.0  # within a minute more may come than its mean
        low, high = max(0.0, most / _LOOSE - slack), most * _LOOSE + slack
        found.append(Band(_SHOWN[queue], "most jobs waiting", "fluid", low, high, deepest))
        if figures["bounded"]:
            busiest = float(coming.max()) / _MINUTE_S
            share = bounded(1, int(figures["limits"][queue]), max(busiest, 1e-9), 1.0 / rate).refused
            alone = erlang_b(1, max(busiest, 1e-9) / rate)  # if nobody could wait: more are never refused
            refused = float(world["refused"][queue]) / max(jobs + int(world["refused"][queue]), 1)
            high = max(share, alone if most >= figures["limits"][queue] else share)
            found.append(Band(_SHOWN[queue], "jobs refused", "M/M/1/K, Erlang B", 0.0, high + 0.001, refused))
    return found


_SHOWN = {EMAIL: "email", SMS: "sms", IDENTITY: "registry"}


def _deepest(coming: NDArray[np.float64], rate: float, limit: float) -> float:
    deepest = depth = 0.0
    for jobs in coming:
        depth = min(limit, max(0.0, depth + float(jobs) - rate * _MINUTE_S))
        deepest = max(deepest, depth)
    return deepest


def _line(played: Result, setup: Setup, figures: Any) -> list[Band]:
    """The longest line before the doors, by a fluid whose people lose patience, and do not come back as some do."""
    if not figures["gated"]:
        return []
    tickets = played.tally.answered[:, Action.TICKET, :].sum(axis=1).astype(float)
    last = int(np.max(np.flatnonzero(tickets), initial=0)) + 2
    times = np.arange(last + 1) * np.float64(_MINUTE_S)
    rates = np.append(tickets[:last], 0.0) / _MINUTE_S
    gate = float(figures["hard_rate_per_s"])
    patience_s = setup.habits.line_median_s * math.exp(setup.habits.line_sigma**2 / 2.0)
    passed = flow(
        times, lambda at: float(rates[min(int(at / _MINUTE_S), last)]), lambda _: gate, 1.0, patience_s, patience_s, 1.0
    )  # fmt: skip
    most = float(passed.inside.max())
    found = float(played.tally.levels[:, LEVELS.index("line")].max())
    slack = 5.0 + 30.0 * float(figures["hard_rate_per_s"])
    return [
        Band("gate", "longest line, people", "fluid", max(0.0, most / _LOOSE - slack), most * _LOOSE + slack, found)
    ]
