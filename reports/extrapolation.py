"""How many processors the night's peak takes: a rate per core measured here, and a straight line beyond it.

Over windows of ten seconds the service's roles kept `y` cores busy while `x` requests a second were answered. The line
y = rest + slope x is the utilization law with what the service does at rest beside it. A registration takes as many
requests as the run sent for each person who was let in; so the line gives the cores at any rate of registrations.

The line knows nothing of what grows faster than it: locks, caches, a database that many replicas share. Where a search
for capacity has shown that more busy cores did not carry as many more people, the law fitted to its probes
(reports.scalability, N = cores busy) takes the place of the line. Every figure from here is marked as extrapolated.
Intervals are those of a moving-block bootstrap over the windows (a minute each: neighbors in time are alike).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports import statistics
from reports.drawing import Table
from reports.facts import Facts
from reports.names import PARTS, named
from reports.scalability import Law, Refusal
from reports.scale import SERVICE_ROLES
from reports.stated import Stated, confidence, not_known
from reports.statistics import FloatArray
from reports.uses import JOINED
from reports.wording import Said, clock, number, percent, say, seconds

ID = "#per-core"
WINDOW_S = 10.0
MOST_WINDOWS = 720
"""Of a simulated night: it is sampled once a minute, and may last for days."""
BLOCK = 6
"""Windows of a block, a minute: the slowest loops of the service (queues, checkpoints) come round within it."""
LEAST_WINDOWS = 12
"""Two minutes; the line has two unknowns, and blocks of a minute must be able to differ."""
DRAWS = 1000
FULL = 0.7
"""Of a core, at most, that is planned to be used, by a web process or of what is bought: at 70 % a request waits 2.3
times as long as it takes (M/M/1), at 90 % nine times."""
ROWS = 40
"""Windows that the table shows at most; thinned beyond."""
CPU, REQUESTS = "rehearsal_cpu_seconds_total", "swarm_requests_total"


@dataclass(frozen=True)
class Windows:
    """Windows of one or several runs. requests: answered a second, (n,); cores: busy by role, (n,) each."""

    starts: FloatArray
    requests: FloatArray
    cores: dict[str, FloatArray]

    @property
    def together(self) -> FloatArray:
        busy: FloatArray = np.sum(list(self.cores.values()), axis=0)
        return busy


@dataclass(frozen=True)
class Line:
    """Cores busy = rest + slope * requests a second. Each draw of the bootstrap is one more such line."""

    rest: float
    slope: float
    rests: FloatArray
    slopes: FloatArray

    def at(self, requests_per_s: float) -> tuple[float, float, float]:
        """Cores at that rate, with the 95 % interval."""
        drawn = np.maximum(0.0, self.rests + self.slopes * requests_per_s)
        low, high = np.quantile(drawn, (0.025, 0.975))
        value = max(0.0, self.rest + self.slope * requests_per_s)
        return value, min(float(low), value), max(float(high), value)


def windows(facts: Facts) -> Windows | None:
    """The windows of a run until nobody was on the way any more; None where cores or requests were not sampled."""
    samples = facts.run.samples
    roles = [role for role in SERVICE_ROLES if samples.select(CPU, role=role)]
    if not roles or not samples.select(REQUESTS):
        return None
    first = max(float(times[0]) for role in roles for _, times, _ in samples.select(CPU, role=role))
    length_s = length_of(facts)
    edges = np.arange(max(0.0, first), facts.end_s, length_s)
    if len(edges) < 2:
        return None

    def rate(name: str, **labels: str) -> FloatArray:
        counted = statistics.counted_by(samples, name, edges, since_first=facts.is_sampled_late, **labels)
        gained: FloatArray = np.diff(counted) / length_s
        return gained

    return Windows(edges[:-1], rate(REQUESTS), {role: rate(CPU, role=role) for role in roles})


def length_of(facts: Facts) -> float:
    """How long a window of the run is, in seconds."""
    if not facts.step_s:
        return WINDOW_S
    return facts.step_s * max(1, math.ceil(facts.end_s / facts.step_s / MOST_WINDOWS))


def joined_up(several: Sequence[Windows]) -> Windows:
    """The windows of several runs of one stack, one after the other; of the roles that all have."""
    roles = set.intersection(*(set(one.cores) for one in several))
    return Windows(
        np.concatenate([one.starts for one in several]),
        np.concatenate([one.requests for one in several]),
        {role: np.concatenate([one.cores[role] for one in several]) for role in SERVICE_ROLES if role in roles},
    )


def fit(requests: FloatArray, cores: FloatArray) -> Line | Said:
    """The line through the windows, or why there is none."""
    if len(requests) < LEAST_WINDOWS:
        return say("the run was too short: {n} windows, {least} are needed",
                   n=number(len(requests), source=ID), least=number(LEAST_WINDOWS, source=ID))  # fmt: skip
    if float(requests.std()) < 0.05 * float(requests.mean()) or not requests.any():
        return say("the load hardly changed, so work and rest cannot be told apart")
    drawn = _blocks(len(requests))
    rests, slopes = _least_squares(requests[drawn], cores[drawn])
    (rest,), (slope,) = _least_squares(requests[None], cores[None])
    usable = np.isfinite(slopes)
    if np.quantile(slopes[usable], 0.025) <= 0.0:
        return say("cores were not surely busier when more was asked")
    return Line(float(rest), float(slope), rests[usable], slopes[usable])


def _blocks(n: int) -> NDArray[np.int64]:
    """Which windows each draw of the bootstrap takes: (DRAWS, n), whole blocks of neighbors, cut at n."""
    rng = np.random.default_rng(0)
    starts = rng.integers(0, n - BLOCK + 1, size=(DRAWS, math.ceil(n / BLOCK)))
    drawn: NDArray[np.int64] = (starts[:, :, None] + np.arange(BLOCK)).reshape(DRAWS, -1)[:, :n]
    return drawn


def _least_squares(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rest and slope of each row; x, y: (k, n). A row whose x are all alike gives nan."""
    mean_x, mean_y = x.mean(axis=1, keepdims=True), y.mean(axis=1, keepdims=True)
    spread = ((x - mean_x) ** 2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = ((x - mean_x) * (y - mean_y)).sum(axis=1) / np.where(spread > 0.0, spread, np.nan)
    return mean_y[:, 0] - slope * mean_x[:, 0], slope


@dataclass(frozen=True)
class Growth:
    """What a stack was seen to take for its work, and what that makes of more work."""

    windows: Windows
    line: Line | Said
    """Of all roles together; else why there is none."""
    web: Line | Said
    asked: float
    """Requests for each person who was let in."""
    replicas: int
    length_s: float
    """Of a window."""
    law: Law | Refusal | None = None
    """Cores busy against goodput over the probes of a search; None of a single run."""

    @property
    def most(self) -> float:
        """Most cores that were busy in any window."""
        return float(self.windows.together.max())


def of_runs(several: Sequence[Facts], law: Law | Refusal | None = None) -> Growth | None:
    """The growth of one stack by these runs of it; None where nothing was sampled or nobody was let in."""
    known = [(facts, found) for facts in several if _admitted(facts) and (found := windows(facts))]
    if not known:
        return None
    pool = joined_up([found for _, found in known])
    people = sum(_admitted(facts) for facts, _ in known)
    requests = sum(statistics.total(facts.run.samples, REQUESTS) for facts, _ in known)
    web = fit(pool.requests, pool.cores["web"]) if "web" in pool.cores else say("the web role was not sampled")
    line = fit(pool.requests, pool.together)
    replicas = int(known[0][0].stack["replicas"] or 1)
    return Growth(pool, line, web, requests / people, replicas, length_of(known[0][0]), law)


def _admitted(facts: Facts) -> int:
    return int(np.isfinite(facts.people["admitted_at"]).sum())


def core_seconds(facts: Facts) -> Stated:
    """Core-seconds of the service and its database for each person who joined; those who did not are paid for by them.

    The interval is what minutes of the run differ by in cores for each request.
    """
    what, unit = say("processor time of a registration"), "core-seconds"
    used = {role: facts.config["cpu_s"][role] for role in SERVICE_ROLES if role in facts.config["cpu_s"]}
    if not used or not facts.joined:
        why = say("nobody joined") if used else say("the processors of the service were not sampled")
        return not_known("core_seconds", what, unit, why, ID)
    value = sum(used.values()) / facts.joined
    source = f"({' + '.join(f'(config:cpu_s.{role})' for role in used)}) / ({JOINED})"
    found = windows(facts)
    low, high = (None, None) if found is None else _by_minutes(found, value)
    sure = confidence(value, low, high, repeats=0 if found is None else len(found.starts) // BLOCK)
    return Stated("core_seconds", what, value, low, high, unit, "measured", sure, ID, source=source)


def _by_minutes(found: Windows, value: float) -> tuple[float | None, float | None]:
    """What a resample of the run's minutes makes of `value`; None, None of a run shorter than two of them."""
    n = len(found.starts)
    if n < 2 * BLOCK or not found.requests.any():
        return None, None
    drawn = _blocks(n)
    asked = found.requests[drawn].mean(axis=1)
    ratios = found.together[drawn].mean(axis=1) / np.where(asked > 0.0, asked, np.nan)
    low, high = np.nanquantile(ratios, (0.025, 0.975)) * (value * found.requests.mean() / found.together.mean())
    return min(float(low), value), max(float(high), value)


def cores(growth: Growth | None, needed_per_s: float | None) -> Stated:
    """Cores of service and database that carry so many registrations a second."""
    what = say("cores that the service and its database keep busy at the peak")
    if reason := _no_growth(growth, needed_per_s):
        return not_known("cores", what, "cores", reason, ID)
    assert growth is not None and needed_per_s is not None
    if isinstance(growth.law, Law):
        return _by_law(what, growth, growth.law, needed_per_s)
    if not isinstance(growth.line, Line):
        return not_known("cores", what, "cores", growth.line, ID)
    value, low, high = growth.line.at(growth.asked * needed_per_s)
    sure = confidence(value, low, high, reach=value / growth.most, assumed=1)
    return Stated("cores", what, value, low, high, "cores", "extrapolated", sure, ID)


def _by_law(what: Said, growth: Growth, law: Law, needed_per_s: float) -> Stated:
    found = law.replicas_for(needed_per_s)
    if not math.isfinite(found.value):
        return not_known("cores", what, "cores", _beyond_the_peak(law), ID)
    high = found.high if math.isfinite(found.high) else None
    sure = confidence(found.value, found.low, high, reach=found.value / growth.most, assumed=1)
    return Stated("cores", what, found.value, found.low, high, "cores", "extrapolated", sure, ID)


def _beyond_the_peak(law: Law) -> Said:
    return say("by the fitted law one such stack, as it was set up here, never carries more than {peak} people/s",
               peak=number(law.peak.value, source=ID))  # fmt: skip


def replicas(growth: Growth | None, needed_per_s: float | None) -> Stated:
    """Web processes that carry so many registrations a second, each on at most FULL of a core."""
    what = say("web processes, each on at most {full} of a core", full=percent(FULL))
    if reason := _no_growth(growth, needed_per_s):
        return not_known("replicas", what, "replicas", reason, ID)
    assert growth is not None and needed_per_s is not None
    if isinstance(growth.law, Law) and not math.isfinite(growth.law.replicas_for(needed_per_s).value):
        return not_known("replicas", what, "replicas", _beyond_the_peak(growth.law), ID)
    if not isinstance(growth.web, Line):
        return not_known("replicas", what, "replicas", growth.web, ID)
    interval = [math.ceil(one / FULL) for one in growth.web.at(growth.asked * needed_per_s)]
    value, low, high = (float(max(1, one)) for one in interval)
    sure = confidence(value, low, high, reach=value / growth.replicas, assumed=1)
    return Stated("replicas", what, value, low, high, "replicas", "extrapolated", sure, ID)


def _no_growth(growth: Growth | None, needed_per_s: float | None) -> Said | None:
    if needed_per_s is None:
        return say("the record does not hold the curve of its night")
    return say("the processors of the service were not sampled, or nobody was let in") if growth is None else None


def table(growth: Growth) -> Table:
    """The windows behind every figure of this section, at most ROWS of them."""
    found, together = growth.windows, growth.windows.together
    every = math.ceil(len(found.starts) / ROWS)
    head = [say("from"), say("requests/s"), *(named(role, PARTS) for role in found.cores), say("cores, all")]
    rows = []
    for i in range(0, len(found.starts), every):
        busy = [number(float(one[i])) for one in found.cores.values()]
        rows.append([clock(found.starts[i]), number(float(found.requests[i])), *busy, number(float(together[i]))])
    return Table(head, rows)


def view(growth: Growth | None) -> dict[str, Any]:
    """What the template of the section is filled with."""
    if growth is None:
        return {"told": [], "windows": None}
    length = seconds(growth.length_s) if growth.length_s != WINDOW_S else None
    return {"told": told(growth), "windows": table(growth), "length": length}


def told(growth: Growth) -> list[Said]:
    """What the line or the law is, in sentences."""
    sentences = [say("Each person who was let in made {asked} requests.", asked=number(growth.asked, source=ID))]
    if isinstance(growth.line, Line):
        sentences.append(
            say("At rest {rest} cores were busy; each request a second kept {slope} more busy.",
                rest=number(max(0.0, growth.line.rest), source=ID), slope=number(growth.line.slope, source=ID))
        )  # fmt: skip
    if isinstance(growth.law, Refusal):
        sentences.append(say("No law bends this line: {reason}.", reason=growth.law.reason))
    return sentences
