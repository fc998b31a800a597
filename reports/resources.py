"""What a service can run out of: each resource's use of its limit over time, by the utilization law, and who waits.

Use is busy time divided by time times limit, over the 10 s before each moment. Demand is what was asked for, as a share
of the same limit: above 1 where work was left waiting. Both come from counters, so nothing between two scrapes is lost.
"""

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cached_property

import numpy as np

from reports.facts import Facts
from reports.statistics import BoolArray, FloatArray
from reports.wording import Said
from scenarios.counters import growth

STEP_S = 2.0
"""Seconds between two moments: as often as samples are taken."""
SPAN_S = 10.0
"""Seconds that a moment looks back over: five scrapes, so that one more or less changes a rate by a tenth."""
MOST_MOMENTS = 2000
FULL_AT = 0.8
"""Of a limit: from here on the wait grows faster than the use. A paced partner's quota is used to 0.95 at most."""
SERVING = ("web", "service", "all")
"""Jobs whose processes answer requests; `service` is what --metrics names."""


@dataclass(frozen=True)
class Resource:
    """Something with a limit. Arrays have the shape of `Watch.moments`; nan where nothing is known."""

    id: str
    label: Said
    limit: Said
    """What its limit is, with its unit."""
    use: FloatArray
    demand: FloatArray
    felt: BoolArray
    """Where so much waits behind it that somebody notices."""
    told: Callable[[BoolArray], Said]
    """What waited behind it in the chosen moments."""
    _: KW_ONLY
    behind: tuple[str, ...] = ()
    """Resources that, when they are at their limits, make this one look full: it is held for as long as they take."""
    stages: tuple[str, ...] = ()
    """Stages at which the gate notices that people wait for it."""
    full_at: float = FULL_AT
    """Of its limit."""
    awaited: bool = True
    """Whether people wait for it; else its work may be done later, and they go on."""


@dataclass(frozen=True)
class Watch:
    """A run's samples as rates and levels over the span before each moment."""

    facts: Facts

    @cached_property
    def step_s(self) -> float:
        return max(STEP_S, self.facts.end_s / MOST_MOMENTS)

    @cached_property
    def span_s(self) -> float:
        return min(max(SPAN_S, 5 * self.step_s), self.facts.end_s)

    @cached_property
    def moments(self) -> FloatArray:
        """Seconds since the doors opened, ascending; the first has a whole span behind it. Shape (m,), m >= 1."""
        return np.arange(self.span_s, max(self.facts.end_s, self.span_s + self.step_s / 2), self.step_s)

    @property
    def nothing(self) -> FloatArray:
        """nan at every moment."""
        return np.full(len(self.moments), np.nan)

    @property
    def never(self) -> BoolArray:
        return np.zeros(len(self.moments), dtype=np.bool_)

    def has(self, name: str, **labels: str) -> bool:
        return bool(self.facts.run.samples.select(name, **labels))

    def instances(self, name: str, label: str = "instance", **labels: str) -> list[str]:
        """The values of a label that series of this name have, sorted."""
        return sorted({own.get(label, "") for own, _, _ in self.facts.run.samples.select(name, **labels)})

    def rate(self, name: str, *, over_s: float = 0.0, **labels: str) -> FloatArray:
        """What the counters of this name gained together, per second; nan where there are none.

        over_s: seconds to look back over, where a span would hold too few events; at least a span, at most the run.
        """
        found = self.facts.run.samples.select(name, **labels)
        if not found:
            return self.nothing
        return self._per_second(
            [(times, np.cumsum(growth(values)) - values[0]) for _, times, values in found if len(times)], over_s
        )

    def mean(self, name: str, *, highest: bool = False, **labels: str) -> FloatArray:
        """The gauges of this name as means over the span, added up, or the highest; nan where there are none.

        Of a gauge that was seen during a part of the span only, as of a process that died, the mean of that part.
        """
        found = self.facts.run.samples.select(name, **labels)
        if not found:
            return self.nothing
        since = np.maximum(self.moments - self.span_s, 0.0)
        each = []
        for _, times, values in found:
            held = np.append(0.0, np.cumsum(values[:-1] * np.diff(times)))
            lasted = np.minimum(self.moments, times[-1]) - np.maximum(since, times[0])
            level = np.interp(self.moments, times, held) - np.interp(since, times, held)
            each.append(np.divide(level, lasted, out=self.nothing, where=lasted > 0))
        known = np.isfinite(each).any(axis=0)
        means: FloatArray = np.fmax.reduce(each) if highest else np.where(known, np.nansum(each, axis=0), np.nan)
        return means

    def people(self, column: str) -> FloatArray:
        """People for whom the moment of this column came, per second."""
        moments = self.facts.moments(column)
        by_then = np.searchsorted(moments, self.moments, side="right")
        before = np.searchsorted(moments, self.moments - self.span_s, side="right")
        came: FloatArray = (by_then - before) / self.span_s
        return came

    def _per_second(self, counted: list[tuple[FloatArray, FloatArray]], over_s: float = 0.0) -> FloatArray:
        """counted: (times, totals); between two samples a total grows on a straight line."""
        since: FloatArray = np.maximum(self.moments - max(over_s, self.span_s), 0.0)
        gained: FloatArray = np.zeros(len(self.moments))
        for times, totals in counted:
            gained += np.interp(self.moments, times, totals) - np.interp(since, times, totals)
        rates: FloatArray = gained / (self.moments - since)
        return rates


def most(values: FloatArray, chosen: BoolArray) -> float:
    """The highest of the chosen values, nan when none is known."""
    known = values[chosen & np.isfinite(values)]
    return float(known.max()) if len(known) else math.nan


def average(values: FloatArray, chosen: BoolArray) -> float:
    """The mean of the chosen values, nan when none is known."""
    known = values[chosen & np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan
