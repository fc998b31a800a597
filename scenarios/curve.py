"""How many people have arrived by when: blocks of whole people, and a launch hour that bursts.

Inside a block people arrive at a constant rate, except in the first one, whose rate t seconds after the opening is

    r(t) = s * (b + P * min(1, t / rise) * exp(-max(0, t - rise) / tau))

with s chosen so that the block holds exactly its people. Its integral, used by `cumulative` and inverted by `inverse`:

    R(t) = s * (b t + P t^2 / (2 rise))                                        for t <= rise
    R(t) = s * (b t + P rise / 2 + P tau (1 - exp(-(t - rise) / tau)))         after that

A night has several *readings* of its launch: each sets the first block's people and shape, and the blocks up to
`spread_until` share the rest in unchanged proportions, in whole people by largest remainder. So every published total
from `spread_until` on is met exactly by each reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scenarios.figures import People, PerSecond, Ratio, Seconds

FloatArray = NDArray[np.float64]

_NEWTON_STEPS = 60
"""The burst's integral is concave after the rise, so Newton from the left never overshoots; about 20 steps do."""


@dataclass(frozen=True)
class Block:
    """`people` arrive in [start, end)."""

    start: datetime
    end: datetime
    people: People


@dataclass(frozen=True)
class Reading:
    """One reading of the launch: `people` in the first block and the shape of its burst (b, P, rise and tau above)."""

    people: People
    base_per_s: PerSecond
    peak_per_s: PerSecond
    rise_s: Seconds
    decay_s: Seconds


@dataclass(frozen=True)
class Anchor:
    """A published total at an instant."""

    at: datetime
    total: People


@dataclass(frozen=True)
class Demand:
    """The curve of a night as its file has it."""

    default: str
    demand_factor: Ratio
    """Multiplies the curve: what a failing service had turned away before it could be counted."""
    spread_until: datetime
    readings: dict[str, Reading]
    blocks: tuple[Block, ...]
    anchors: tuple[Anchor, ...]

    def reading(self, name: str) -> Curve:
        """The curve of one reading. Raises KeyError for a reading the night does not have."""
        chosen = self.readings[name]
        people = [block.people for block in self.blocks]
        last = sum(block.end <= self.spread_until for block in self.blocks)
        rest = sum(people[:last]) - chosen.people
        people[:last] = [chosen.people, *in_proportion(rest, people[1:last])]
        opens = self.blocks[0].start
        edges = [0.0, *((block.end - opens).total_seconds() for block in self.blocks)]
        return Curve(tuple(edges), tuple(people), chosen, self.demand_factor)


@dataclass(frozen=True)
class Curve:
    """Arrivals of one reading, in seconds since the doors open; block i lies between edges i and i + 1.

    `demand_factor` belongs to it, yet `cumulative`, `inverse` and `rate` leave it out (scenarios.arrivals applies it).
    """

    edges: tuple[float, ...]
    people: tuple[int, ...]
    burst: Reading
    demand_factor: float = 1.0

    @property
    def length_s(self) -> float:
        return self.edges[-1]

    @property
    def total(self) -> int:
        return sum(self.people)

    def cumulative(self, t: float) -> float:
        """People who arrived in [0, t), exact (a whole number) at the edges; t is clipped to the curve."""
        return float(self.cumulatives(np.array([t]))[0])

    def inverse(self, n: float) -> float:
        """The least t with cumulative(t) = n; n is clipped to 0..total."""
        return float(self.inverses(np.array([n]))[0])

    def cumulatives(self, t: FloatArray) -> FloatArray:
        """`cumulative` of each element; float64 of the same shape."""
        edges, totals = self._edges, self._totals
        t = np.clip(t, 0.0, edges[-1])
        block = np.clip(np.searchsorted(edges, t, side="right") - 1, 0, len(self.people) - 1)
        share = (t - edges[block]) / (edges[block + 1] - edges[block])
        smooth = totals[block] + share * (totals[block + 1] - totals[block])
        # At an edge the closed form may be an ulp off; the whole number of the block is the truth.
        burst = np.where(t >= edges[1], totals[1], self._scale * self._burst(t))
        return np.where(block == 0, burst, smooth)

    def inverses(self, n: FloatArray) -> FloatArray:
        """`inverse` of each element; float64 of the same shape, seconds, to about 1e-9 of the length of a block."""
        edges, totals = self._edges, self._totals
        n = np.clip(n, 0.0, totals[-1])
        block = np.clip(np.searchsorted(totals, n, side="left") - 1, 0, len(self.people) - 1)
        held = totals[block + 1] - totals[block]
        share = np.divide(n - totals[block], held, out=np.zeros_like(n), where=held > 0)
        t = edges[block] + share * (edges[block + 1] - edges[block])
        first = block == 0
        t[first] = self._inverse_burst(n[first])
        return t

    def rate(self, t: float) -> float:
        """People per second at t; 0 outside [0, length)."""
        if not 0.0 <= t < self.edges[-1]:
            return 0.0
        if t < self.edges[1]:
            return float(self._scale * self._burst_rate(np.array([t]))[0])
        block = int(np.searchsorted(self._edges, t, side="right")) - 1
        return self.people[block] / (self.edges[block + 1] - self.edges[block])

    @cached_property
    def _edges(self) -> FloatArray:
        return np.array(self.edges)

    @cached_property
    def _totals(self) -> FloatArray:
        return np.concatenate([[0.0], np.cumsum(self.people, dtype=np.float64)])

    @cached_property
    def _scale(self) -> float:
        """s in the module's formula."""
        return float(self.people[0] / self._burst(self._edges[1:2])[0])

    def _burst(self, t: FloatArray) -> FloatArray:
        """R(t) / s of the module's formula."""
        b, peak, rise, tau = self._shape
        rising = peak * t * t / (2.0 * rise)
        after = peak * rise / 2.0 - peak * tau * np.expm1(-np.maximum(0.0, t - rise) / tau)
        return b * t + np.where(t <= rise, rising, after)

    def _burst_rate(self, t: FloatArray) -> FloatArray:
        """r(t) / s of the module's formula."""
        b, peak, rise, tau = self._shape
        return b + peak * np.minimum(1.0, t / rise) * np.exp(-np.maximum(0.0, t - rise) / tau)

    def _inverse_burst(self, n: FloatArray) -> FloatArray:
        b, peak, rise, _ = self._shape
        wanted = n / self._scale
        # While it rises: the positive root of peak / (2 rise) t^2 + b t - wanted, in the form without cancellation.
        root = np.sqrt(b * b + 2.0 * peak * wanted / rise)
        t = np.divide(2.0 * wanted, b + root, out=np.zeros_like(wanted), where=wanted > 0.0)
        late = t > rise
        x = np.full(int(late.sum()), rise)
        for _ in range(_NEWTON_STEPS):
            step = (wanted[late] - self._burst(x)) / self._burst_rate(x)
            x = np.minimum(x + step, self.edges[1])
            if np.all(np.abs(step) < 1e-9):
                break
        t[late] = x
        return t

    @property
    def _shape(self) -> tuple[float, float, float, float]:
        return self.burst.base_per_s, self.burst.peak_per_s, self.burst.rise_s, self.burst.decay_s


def in_proportion(whole: int, weights: Sequence[int]) -> list[int]:
    """`whole` people in the proportions of `weights`: whole numbers by largest remainder, earlier ones on ties."""
    total = sum(weights)
    exact = [Fraction(whole * weight, total) for weight in weights]
    parts = [int(each) for each in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: whole - sum(parts)]:
        parts[i] += 1
    return parts
