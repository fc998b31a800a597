"""Processor time of a request or job, by role, route and outcome: what the windows used, laid to what was done in them.

In each window a role uses `idle` cores for each of its processes, and for each request or job of a kind a time of its
own. Non-negative least squares finds these times (Lawson and Hanson 1974, chapter 23). Rows weigh by the root of what
they used, because its variance grows with it. Of the web role, what the event loop measured itself is given: least
squares finds what requests cost beside it.

Kinds whose counts rise and fall together cannot be told apart: their columns are then nearly parallel, which the
condition number shows (Belsley, Kuh and Welsch 1980: columns of length 1, 30 is too much). Such kinds are put together,
and each gets the part of their time that it has in what the event loop of the web role measured itself of one request
in five. So are kinds too rare or too cheap to be seen, whose time would be half a guess by its standard error. How sure
a time is shows when windows are drawn again (bootstrap).

A request may cost more on a busy machine, whose cores share caches and clock: where it pays by Akaike's criterion,
times grow with the share of cores that were busy, as Zhang and others (2013) found to halve the error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar, nnls

from scenarios.calibration_file import JOB, REQUEST, Cost, Role
from scenarios.counters import FloatArray
from scenarios.simulation.estimates import Redraw, estimate
from scenarios.simulation.windows import Windows

MOST_CONDITION = 30.0
WINDOWS_EACH = 4
"""Windows for each time to be found: fewer fit chance."""
MOST_UNSURE = 0.5
"""Standard error of a group's factor, as a share of the usual factor."""
FEWEST_WINDOWS = 6
LOAD_SPREAD = 0.2
"""Between the calmest and the busiest window, for a term that grows with load."""
MOST_LOAD_TERM = 2.0
"""A request that costs three times as much on a full machine is none that was ever seen."""
WORTH = 10.0
"""By which Akaike's criterion must fall for that term: then the other has no support (Burnham and Anderson 2004)."""
_UNMEASURED_S = 0.001
"""Of a request on the loop, where none was measured. Only proportions within a group hang on it."""


class Work(NamedTuple):
    """A kind of request or job that costs processor time."""

    kind: str
    name: str
    outcome: str


@dataclass(frozen=True)
class Rows:
    """What the steady windows saw of a role; arrays of shape (windows,)."""

    seconds: FloatArray
    """Length of a window, times the processes of the role."""
    load: FloatArray
    used: FloatArray
    """Processor time."""
    counts: dict[Work, FloatArray]
    """Each above 0 somewhere."""
    measured: FloatArray | float = 0.0
    """Of `used`, what the event loop measured itself: what requests cost beside it is never below 0."""


class Solved(NamedTuple):
    """Times that fit: idle cores, for each group a factor of its kinds' own times (beside what was measured of them),
    the load term, what is left."""

    idle: float
    factors: FloatArray
    load_term: float
    residual: float
    """Weighted sum of squares."""


Group = tuple[Work, ...]


# ---------------------------------------------------------------- what was counted


def requests_of(windows: Windows) -> dict[Work, FloatArray]:
    """Requests by route and outcome as the swarm counted them, in every window; routes as the service names them."""
    found: dict[Work, FloatArray] = {}
    for name in ("swarm_requests_total", "swarm_onlookers_requests_total"):
        for (route, outcome), counts in windows.gained_by(name, "route", "outcome").items():
            work = Work(REQUEST, service_route(route), "left" if outcome in ("timeout", "transport") else outcome)
            found[work] = found.get(work, 0.0) + counts
    return found


def service_route(route: str) -> str:
    """A route of the swarm as the service's metrics name it: all pages are one, whoever looks at them."""
    return "pages" if route.startswith(("pages-", "onlookers-")) else route


def jobs_of(windows: Windows) -> dict[Work, FloatArray]:
    """Jobs by queue and how they ended, in every window; one that was refused never came into a queue."""
    jobs = windows.gained_by("registration_queue_jobs_total", "queue", "outcome")
    return {Work(JOB, *key): counts for key, counts in jobs.items() if key[1] != "refused"}


def rows_of(cuts: Sequence[Windows], role: str) -> Rows:
    """The steady windows of all runs, one below the other."""
    all_counts = [_works(each, role) for each in cuts]
    steady = [each.steady for each in cuts]
    works = sorted({work for counts in all_counts for work in counts})
    nothing = [np.zeros(len(own)) for own in steady]

    def below(each: Sequence[FloatArray]) -> FloatArray:
        return np.concatenate([one[own] for one, own in zip(each, steady, strict=True)])

    counts = {
        work: below([own.get(work, empty) for own, empty in zip(all_counts, nothing, strict=True)]) for work in works
    }
    return Rows(
        below([np.diff(each.edges) * _processes(each, role) for each in cuts]),
        below([np.array([window.load for window in each.all]) for each in cuts]),
        below([each.gained("rehearsal_cpu_seconds_total", role=role) for each in cuts]),
        {work: each for work, each in counts.items() if each.any()},
    )


def _works(windows: Windows, role: str) -> dict[Work, FloatArray]:
    """What a role does: the gatekeeper moves with those who come to the line."""
    if role == "worker":
        return jobs_of(windows)
    requests = requests_of(windows)
    if role == "gatekeeper":
        return {work: counts for work, counts in requests.items() if work.name in ("tickets", "claims")}
    return {**requests, **jobs_of(windows)} if role == "database" else requests


def _processes(windows: Windows, role: str) -> int:
    stack = windows.run.config.get("stack", {})
    return int(stack.get("replicas") or 1) if role == "web" else 1


def loop_times(cuts: Sequence[Windows]) -> dict[Work, float]:
    """Seconds that the event loop of the web role gave to a request of each route and outcome, of those measured."""
    measured, spent = (_in_all(cuts, f"registration_http_{name}") for name in ("measured_total", "cpu_seconds_total"))
    return {work: spent.get(work, 0.0) / count for work, count in measured.items() if count >= 1.0}


def _in_all(cuts: Sequence[Windows], name: str) -> dict[Work, float]:
    """What a counter by route and outcome gained in all steady windows."""
    found: dict[Work, float] = {}
    for each in cuts:
        for key, gained in each.gained_by(name, "route", "outcome").items():
            work = Work(REQUEST, *key)
            found[work] = found.get(work, 0.0) + float(gained[each.steady].sum())
    return found


def priors(rows: Rows, loop: Mapping[Work, float], inspection_s: float | None) -> dict[Work, float]:
    """What each kind may cost, in proportion to the others: as the loop measured, a photo as long as its inspection.

    Whatever was not measured costs what the measured ones do on the average.
    """
    known = [cost for cost in loop.values() if cost > 0.0]
    usual = math.fsum(known) / len(known) if known else _UNMEASURED_S
    found = {work: loop.get(work) or usual for work in rows.counts}
    if inspection_s:
        found |= {work: inspection_s for work in found if work.kind == JOB and work.name == "photo"}
    return found


# ---------------------------------------------------------------- fitting


def fit(role: str, rows: Rows, costs: Mapping[Work, float], loop: Mapping[Work, float], redraw: Redraw) -> Role:
    """Processor time of a role. costs: what each kind may cost, in proportion (`priors`).

    rows: FEWEST_WINDOWS windows at least. Source: this module's docstring.
    """
    measured = sum((loop.get(work, 0.0) * counts for work, counts in rows.counts.items()), np.zeros(len(rows.used)))
    rows = replace(rows, measured=measured)
    groups = grouped(rows, costs)
    table = _columns(rows, groups, costs)
    term = _has_load_term(rows, table)
    found = _solved(rows, table, term)
    drawn = [_solved(_taken(rows, chosen), table[chosen], term) for chosen in redraw.of(len(rows.used))]
    factors = np.array([each.factors for each in drawn])
    told = tuple(
        Cost(
            *work,
            counted=float(rows.counts[work].sum()),
            seconds=estimate(
                loop.get(work, 0.0) + found.factors[number] * costs[work],
                loop.get(work, 0.0) + factors[:, number] * costs[work],
            ),
            group=number,
            loop_s=loop.get(work),
        )
        for number, group in enumerate(groups)
        for work in group
    )
    fitted = _fitted(rows, table, found)
    left = rows.used - fitted
    return Role(
        role=role,
        idle=estimate(found.idle, np.array([each.idle for each in drawn])),
        costs=told,
        windows=len(rows.used),
        condition=condition(rows, table),
        explained=_explained(rows.used, left),
        residual=float(left.std() / rows.used.mean()) if rows.used.any() else 0.0,
        load_term=found.load_term,
    )


def expected(role: Role, rows: Rows) -> FloatArray:
    """Processor time that windows should have used by what was fitted, to others maybe: shape (windows,).

    Kinds that the calibration never saw cost nothing here.
    """
    costs = {Work(cost.kind, cost.name, cost.outcome): cost.seconds.value for cost in role.costs}
    spent = sum((counts * costs.get(work, 0.0) for work, counts in rows.counts.items()), np.zeros(len(rows.used)))
    whole: FloatArray = role.idle.value * rows.seconds + spent * (1.0 + role.load_term * rows.load)
    return whole


def grouped(rows: Rows, costs: Mapping[Work, float]) -> list[Group]:
    """Kinds of work that are told apart, each a group, and those that are told together only.

    There are at most as many groups as the windows bear. One whose time would be a guess goes to the one that it
    resembles most; and where the condition number is too high, the two groups that resemble each other most are one.
    """
    groups: list[Group] = [(work,) for work in rows.counts]
    most = max(1, len(rows.used) // WINDOWS_EACH - 1)  # idling is found, too
    while len(groups) > 1:
        table = _columns(rows, groups, costs)
        alike = _alike(table)
        if len(groups) > most or condition(rows, table) > MOST_CONDITION:
            one, other = divmod(int(alike.argmax()), len(groups))
        elif (unsure := _unsure(rows, table)).max() > MOST_UNSURE:
            one = int(unsure.argmax())
            other = int(alike[one].argmax())
        else:
            break
        together = groups[one] + groups[other]
        groups = [group for i, group in enumerate(groups) if i not in (one, other)] + [tuple(sorted(together))]
    return sorted(groups)


def _unsure(rows: Rows, table: FloatArray) -> FloatArray:
    """Standard error of each group's factor, by the factor that all of them have on the average: shape (groups,)."""
    weighted = np.column_stack((rows.seconds, table)) * _weights(rows)[:, None]
    found = _solved_at(rows, table, 0.0)
    variance = found.residual / max(len(rows.used) - weighted.shape[1], 1)
    errors = np.sqrt(variance * np.diag(np.linalg.pinv(weighted.T @ weighted)))[1:]
    usual = float((rows.measured + table @ found.factors).sum() / table.sum())
    unsure: FloatArray = errors / usual if usual > 0.0 else np.full(table.shape[1], np.inf)
    return unsure


def condition(rows: Rows, table: FloatArray) -> float:
    """Condition number of the weighted columns, idling among them, each of length 1."""
    whole = np.column_stack((rows.seconds, table)) * _weights(rows)[:, None]
    return float(np.linalg.cond(whole / np.linalg.norm(whole, axis=0)))


def _columns(rows: Rows, groups: Sequence[Group], costs: Mapping[Work, float]) -> FloatArray:
    """What each group would have cost in each window at `costs`: shape (windows, groups)."""
    columns = [np.sum([costs[work] * rows.counts[work] for work in group], axis=0) for group in groups]
    return np.column_stack(columns) if columns else np.zeros((len(rows.used), 0))


def _alike(table: FloatArray) -> FloatArray:
    """Cosines between the columns, -1 of each with itself: shape (columns, columns)."""
    unit = table / np.linalg.norm(table, axis=0)
    alike: FloatArray = unit.T @ unit
    np.fill_diagonal(alike, -1.0)
    return alike


def _weights(rows: Rows) -> FloatArray:
    """Of each window; one that used next to nothing does not outweigh all others."""
    usual = rows.used.mean()
    weights: FloatArray = 1.0 / np.sqrt(np.maximum(rows.used, 0.1 * usual)) if usual else np.ones(len(rows.used))
    return weights


def _has_load_term(rows: Rows, table: FloatArray) -> bool:
    """Whether times that grow with load explain enough more than times that do not."""
    if not table.shape[1] or np.ptp(rows.load) < LOAD_SPREAD:
        return False
    n = len(rows.used)
    plain, grown = (max(_solved(rows, table, term).residual, 1e-30) for term in (False, True))
    return n * math.log(plain / grown) > WORTH + 2.0


def _solved(rows: Rows, table: FloatArray, term: bool) -> Solved:
    if not term:
        return _solved_at(rows, table, 0.0)
    found = minimize_scalar(
        lambda growth: _solved_at(rows, table, growth).residual, bounds=(-0.5, MOST_LOAD_TERM), method="bounded",
        options={"xatol": 1e-3},
    )  # fmt: skip
    return _solved_at(rows, table, float(found.x))


def _solved_at(rows: Rows, table: FloatArray, growth: float) -> Solved:
    """The times that fit best when they grow so with load."""
    weights = _weights(rows)
    whole = np.column_stack((rows.seconds, table * (1.0 + growth * rows.load)[:, None])) * weights[:, None]
    lengths = np.linalg.norm(whole, axis=0)
    lengths[lengths == 0.0] = 1.0  # drawn windows may hold nothing of a kind
    found, left = nnls(whole / lengths, (rows.used - rows.measured * (1.0 + growth * rows.load)) * weights)
    return Solved(float(found[0] / lengths[0]), found[1:] / lengths[1:], growth, float(left**2))


def _fitted(rows: Rows, table: FloatArray, found: Solved) -> FloatArray:
    grows = 1.0 + found.load_term * rows.load
    fitted: FloatArray = found.idle * rows.seconds + (rows.measured + table @ found.factors) * grows
    return fitted


def _taken(rows: Rows, chosen: NDArray[np.int64]) -> Rows:
    """The rows with these numbers, without counts, which the columns hold already."""
    measured = rows.measured if isinstance(rows.measured, float) else rows.measured[chosen]
    return Rows(rows.seconds[chosen], rows.load[chosen], rows.used[chosen], {}, measured)


def _explained(used: FloatArray, left: FloatArray) -> float:
    spread = float(np.var(used))
    return float(np.clip(1.0 - np.var(left) / spread, 0.0, 1.0)) if spread else 0.0
