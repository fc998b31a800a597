"""What queueing theory says of a stage, in milliseconds: the band in which a simulated night must lie to be believed.

Rates are per second, loads in erlangs (arrival rate times mean service time). Servers are alike; arrivals are Poisson,
and services and patience exponential, unless a docstring says otherwise. Nothing overflows up to 100,000 servers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.special import gammainc, gammaln

FloatArray = NDArray[np.float64]


def erlang_b(servers: int, load: float) -> float:
    """Share of arrivals that find all `servers` busy where nobody waits (M/G/c/c); load in erlangs, above 0.

    B(0) = 1, B(n) = a B(n-1) / (n + a B(n-1)). Source: A. K. Erlang, 1917; the recursion is R. B. Cooper, Introduction
    to Queueing Theory, 1981, section 3.3.
    """
    blocked = 1.0
    for busy in range(1, servers + 1):
        blocked = load * blocked / (busy + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Probability that an arrival has to wait where everybody waits (M/M/c); 1 from a load of `servers` on.

    C = c B / (c - a (1 - B)). Source: Cooper, 1981, section 3.4.
    """
    if load >= servers:
        return 1.0
    blocked = erlang_b(servers, load)
    return servers * blocked / (servers - load * (1.0 - blocked))


def mean_wait_s(servers: int, arrivals_per_s: float, service_s: float) -> float:
    """Mean wait of all arrivals of M/M/c, W = C / (c / s - lambda); infinite from a load of `servers` on."""
    load = arrivals_per_s * service_s
    if load >= servers:
        return math.inf
    return erlang_c(servers, load) / (servers / service_s - arrivals_per_s)


@dataclass(frozen=True)
class Bounded:
    """A stage whose line is bounded."""

    refused: float
    """Share of arrivals that find it full."""
    wait_s: float
    """Mean wait of those who come in."""
    waiting: float
    """Mean number in line."""
    busy: float
    """Mean number of busy servers."""


def bounded(servers: int, places: int, arrivals_per_s: float, service_s: float) -> Bounded:
    """M/M/c/K, where K = `servers` + `places` and `places` are those to wait in. One server or more.

    With p the probability of c in the system and r = a / c, those of c + j are p r^j, and those of fewer sum to
    p (1 / B - 1). Source: D. Gross and C. Harris, Fundamentals of Queueing Theory, 1985, section 2.4.
    """
    load = arrivals_per_s * service_s
    ratio = load / servers
    ahead = np.arange(places + 1)
    # Relative to the largest of them, so that no power overflows.
    weights = np.exp(math.log(ratio) * (ahead - (places if ratio > 1.0 else 0)))
    fewer = (1.0 / max(erlang_b(servers, load), 1e-300) - 1.0) * float(weights[0])
    whole = fewer + float(weights.sum())
    refused = float(weights[-1]) / whole
    waiting = float(weights @ ahead) / whole
    comes_in = arrivals_per_s * (1.0 - refused)
    return Bounded(refused, waiting / comes_in if comes_in > 0.0 else math.inf, waiting, load * (1.0 - refused))


@dataclass(frozen=True)
class Impatient:
    """A stage whose people give up waiting."""

    waits: float
    """Probability that an arrival has to wait."""
    abandons: float
    """Share of arrivals that give up."""
    wait_s: float
    """Mean wait of all arrivals, until they are served or give up."""
    waiting: float
    """Mean number in line."""


def erlang_a(servers: int, arrivals_per_s: float, service_s: float, patience_s: float) -> Impatient:
    """M/M/c+M: whoever waits longer than an exponential patience of mean `patience_s` gives up, and frees the place.

    With A = 1 + sum over j of the products of lambda / (c / s + k / patience), k = 1 to j, the probability to wait is
    A B / (1 + (A - 1) B), and of those who wait 1 / (r A) + 1 - 1 / r give up, where r = a / c.
    Source: C. Palm, 1946; A. Mandelbaum and S. Zeltyn, The Palm/Erlang-A queue, 2005, section 4.
    """
    ratio = arrivals_per_s * service_s / servers
    log_a = _log_excess(servers * patience_s / service_s, arrivals_per_s * patience_s)
    blocked = max(erlang_b(servers, arrivals_per_s * service_s), 1e-300)
    rarely = math.exp(-log_a)
    waits = 1.0 / (1.0 + (1.0 / blocked - 1.0) * rarely)
    abandons = waits * max(rarely / ratio + 1.0 - 1.0 / ratio, 0.0)
    return Impatient(waits, abandons, abandons * patience_s, abandons * arrivals_per_s * patience_s)


def _log_excess(x: float, y: float) -> float:
    """ln of x e^y y^-x gamma(x, y) = 1 + y / (x + 1) + y^2 / ((x + 1)(x + 2)) + ...; x and y above 0.

    The closed form with the incomplete gamma function loses digits where y is well below x, and the series is long
    where it is above.
    """
    if y > x:
        return math.log(x) + y - x * math.log(y) + float(gammaln(x)) + math.log(float(gammainc(x, y)))
    total, term, step = 1.0, 1.0, 0
    while term > 1e-17 * total:
        step += 1
        term *= y / (x + step)
        total += term
    return math.log(total)


@dataclass(frozen=True)
class Retrying:
    """A stage whose refused people come again."""

    refused: float
    """Share of attempts that find it full."""
    attempts: float
    """Mean number of attempts of a person."""
    lost: float
    """Share of people who never come in."""
    returning: float
    """Mean number of people who are away and will try again."""


def retrial_points(
    servers: int, places: int, arrivals_per_s: float, service_s: float, retries: int, away_s: float
) -> tuple[Retrying, Retrying]:
    """Where the load that the refused make by themselves carries itself: seen from an empty stage, and from a full one.

    Who is refused tries again after `away_s` on average, at most `retries` times; -1: until they come in, which needs a
    load below `servers`. The two differ where a stage that was overwhelmed does not recover by itself. Attempts are
    taken as Poisson: right where people are away for many services, too kind where they return at once.
    Source: J. W. Cohen, Basic problems of telephone traffic theory and the influence of repeated calls, 1957.
    """
    people = _Refused(servers, places, arrivals_per_s, service_s, retries)
    return people.settled(0.0, away_s), people.settled(1.0 if retries >= 0 else 1.0 - 1e-9, away_s)


@dataclass(frozen=True)
class _Refused:
    servers: int
    places: int
    arrivals_per_s: float
    service_s: float
    retries: int

    def attempts(self, refused: float) -> float:
        """Of each person, where this share of attempts is refused."""
        if self.retries < 0:
            return 1.0 / (1.0 - refused) if refused < 1.0 else math.inf
        return float(np.power(refused, np.arange(self.retries + 1)).sum())

    def next(self, refused: float) -> float:
        """The share that is refused of the attempts that this share makes."""
        rate = self.arrivals_per_s * self.attempts(refused)
        return bounded(self.servers, self.places, rate, self.service_s).refused

    def settled(self, refused: float, away_s: float) -> Retrying:
        """The fixed point next to `refused`. More refused means more attempts: the way there never turns back."""
        for _ in range(10_000):
            after = self.next(refused)
            near = abs(after - refused) < 1e-12
            refused = after
            if near:
                break
        attempts = self.attempts(refused)
        lost = 0.0 if self.retries < 0 else refused ** (self.retries + 1)
        return Retrying(refused, attempts, lost, self.arrivals_per_s * (attempts - 1.0) * away_s)


@dataclass(frozen=True)
class Flow:
    """People as a fluid, at each of the times asked for; float64 arrays of one shape."""

    inside: FloatArray
    """Served and in line."""
    away: FloatArray
    """Gave up and will come again."""
    arrived: FloatArray
    served: FloatArray
    gone: FloatArray
    """Gave up for good; each since the first of the times."""


def flow(
    times: FloatArray,
    arrivals_per_s: Callable[[float], float],
    servers: Callable[[float], float],
    service_s: float,
    patience_s: float,
    away_s: float,
    leave_share: float,
    inside: float = 0.0,
    away: float = 0.0,
) -> Flow:
    """The mean of a large stage whose load changes with time, and whose people give up waiting and come again.

    times: seconds, ascending. Who gives up goes for good with probability `leave_share`, else comes again after
    `away_s` on average. inside, away: at the first of the times.
    inside' = lambda(t) + away / away_s - min(inside, c(t)) / service_s - (inside - c(t))+ / patience_s
    away' = (1 - leave_share) (inside - c(t))+ / patience_s - away / away_s
    Exact as arrivals and servers grow together; the spread around it is of the order of the root of the servers.
    Source: A. Mandelbaum, W. Massey, M. Reiman, A. Stolyar and B. Rider, Queue lengths and waiting times for
    multiserver queues with abandonment and retrials, 2002.
    """

    def change(at: float, state: FloatArray) -> list[float]:
        within, apart = max(state[0], 0.0), max(state[1], 0.0)
        comes, most = arrivals_per_s(at), servers(at)
        serves = min(within, most) / service_s
        gives_up = max(within - most, 0.0) / patience_s
        returns = apart / away_s
        stays = (1.0 - leave_share) * gives_up
        return [comes + returns - serves - gives_up, stays - returns, comes, serves, leave_share * gives_up]

    start = [inside, away, 0.0, 0.0, 0.0]
    longest = float(np.diff(times).max())  # or a short rush between two long steps would be stepped over
    found = solve_ivp(
        change, (times[0], times[-1]), start, "LSODA", times, max_step=longest, rtol=1e-7, atol=1e-6
    )  # fmt: skip
    return Flow(*found.y)
