"""A first guess of what a night needs, by queueing theory alone: where the search begins, not where it ends."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.journey_state import ANSWERS, PHOTOS, Action
from scenarios.simulation.companions import erlang_c, flow
from scenarios.simulation.figures import NotSimulated, Setup, photo_bytes
from scenarios.simulation.planning.knobs import GATE
from scenarios.simulation.world import MOST_SERVERS

_ONCE = (
    Action.TICKET, Action.PLACE, Action.CLAIM, Action.ACCOUNT, Action.CODE, Action.SESSION, Action.IDENTITY,
    Action.PERSONAL, Action.WORK, Action.PROGRAM, Action.ASSESSMENT, Action.SUBMIT, Action.LOOK, Action.JOIN,
    Action.LAST_LOOK,
)  # fmt: skip
JOURNEY: dict[Action, float] = {
    **dict.fromkeys(_ONCE, 1.0),
    Action.PHOTO_CREATE: PHOTOS,
    Action.PHOTO_SEND: PHOTOS,
    Action.ANSWER: ANSWERS,
}
"""Requests of somebody with whom all goes well; who signs in by e-mail asks for one more code and types it."""
_WAITS = 0.05
"""Share of requests that may have to wait at all."""
_STEPS = 400
"""Of the fluid over the time in which people come."""
_HALVES = 12


@dataclass(frozen=True)
class Sizing:
    """What is known of a night without playing it. Rates are per real second, at the scale of the run."""

    peak_per_s: float
    """People in the busiest minute."""
    web_s: float
    database_s: float
    """Work of one person's whole way, in seconds of a core."""
    photos: float
    by_email: float
    """Share of people who ask for their first code by e-mail."""
    inspection_s: float
    mean_per_s: float
    """People, from the opening to the close."""
    rate: float
    """Real rate of one a second of the night (scenarios.factors.Factors.rate)."""
    requests: float

    def at(self, gate: float) -> dict[str, float]:
        """Needs where the gate lets in `gate` people a second of the night."""
        people = min(gate * self.rate, self.peak_per_s)
        return {
            GATE: gate,
            "web": _servers(people * self.requests, self.web_s / self.requests),
            "database": _servers(people * self.requests, self.database_s / self.requests),
            "inspectors": max(1.0, math.ceil(people * self.photos * self.inspection_s)),
            "email": people * self.by_email / self.rate,
            "sms": people / self.rate,
            "registry": self.mean_per_s / self.rate,
        }


@dataclass(frozen=True)
class Start:
    """Where a plan begins."""

    sizing: Callable[[float], Mapping[str, float]]
    """What is needed where the gate lets in so many people a second of the night."""
    gate: float
    arrivals: int
    arrived_by_s: float
    """When the last of them comes."""


def start(setup: Setup, due_us: NDArray[np.int64], kept: float, wait_s: float) -> Start:
    """Where the plan of a night begins that lets in a share `kept`, after `wait_s` at most. Raises NotSimulated."""
    if not len(due_us):
        raise NotSimulated("nobody comes")
    return Start(sized(setup, due_us).at, gate_guess(setup, due_us, kept, wait_s), len(due_us), float(due_us[-1]) / 1e6)


def sized(setup: Setup, due_us: NDArray[np.int64]) -> Sizing:
    """Requires that somebody comes."""
    people, costs = setup.night.population, setup.costs
    by_email = people.email_channel_share * people.share_with_email
    sizes = photo_bytes(people.photos)
    photo_mb = sum(sizes) / len(sizes) / 1e6
    ways = {**JOURNEY, Action.CODE: 1.0 + by_email, Action.PHONE: by_email}
    return Sizing(
        peak_per_s=float(np.bincount(due_us // 60_000_000).max()) / 60.0,
        web_s=sum(costs.web(action) * times for action, times in ways.items())
        + PHOTOS * costs.photo_web_s_per_mb * photo_mb,
        database_s=sum(costs.database(action) * times for action, times in ways.items()),
        photos=PHOTOS,
        by_email=by_email,
        inspection_s=costs.inspection_s,
        mean_per_s=len(due_us) / max(setup.habits.closes_s, 1.0),
        rate=setup.factors.rate,
        requests=sum(ways.values()),
    )


def gate_guess(setup: Setup, due_us: NDArray[np.int64], kept: float, wait_s: float) -> float:
    """The least rate of the gate, per second of the night, with which a fluid line is short enough.

    It loses at most 1 - `kept` of the people, and passes within `wait_s`; who leaves the line comes back in the
    simulation only, so the search may find less.
    """
    ends_s = float(due_us[-1]) / 1e6 + 1.0
    times = np.linspace(0.0, ends_s, _STEPS)
    counts = np.histogram(due_us / 1e6, times)[0] / np.diff(times)
    comes = _stepwise(times, counts)
    habits = setup.habits
    patience_s = habits.line_median_s * math.exp(habits.line_sigma**2 / 2.0)
    low, high = 0.0, max(float(counts.max()), 1e-6)
    for _ in range(_HALVES):
        middle = (low + high) / 2.0
        passed = flow(times, comes, lambda _, rate=middle: rate, 1.0, patience_s, patience_s, 1.0)  # type: ignore[misc]
        lost = float(passed.gone[-1]) / max(float(passed.arrived[-1]), 1.0)
        is_short = float(passed.inside.max()) <= middle * wait_s
        low, high = (low, middle) if lost <= 1.0 - kept and is_short else (middle, high)
    return high / setup.factors.rate


def _stepwise(times: NDArray[np.float64], rates: NDArray[np.float64]) -> Callable[[float], float]:
    return lambda at: float(rates[min(max(int(np.searchsorted(times, at, side="right")) - 1, 0), len(rates) - 1)])


def _servers(requests_per_s: float, service_s: float) -> float:
    """The least number of servers with which hardly anybody waits, by Erlang's C."""
    load = requests_per_s * service_s
    servers = max(1, math.ceil(load))
    while servers < MOST_SERVERS and erlang_c(servers, load) > _WAITS:
        servers += 1
    return float(min(servers, MOST_SERVERS))
