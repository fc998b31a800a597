"""Arrivals that are named instead of taken from a night's curve: a rate, a ramp, steps, or a file.

    constant:RATE                     people per second for as long as is asked
    ramp:FROM-TO                      a rate that rises or falls evenly over the time asked
    steps:RATExSECONDS,RATExSECONDS   one constant rate after the other
    FILE.csv, FILE.parquet            points of a rate, or recorded instants (scenarios.arrival_files)

All but recorded instants are lines: a rate that is linear between points. Of a part of length d that begins with r0 and
ends with r1, the people of the first x seconds are, and the x after which w have come is,

    N(x) = r0 x + (r1 - r0) x^2 / (2 d)          x(w) = 2 w / (r0 + sqrt(r0^2 + 2 (r1 - r0) w / d))

the second being the root without cancellation, for rising, falling and level rates alike.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from scenarios.curve import FloatArray

MINUTES = 5.0
"""How long a rate without an end of its own lasts when nothing is said, and how much of a night is played."""
MOST_S = 31 * 86_400.0
"""No arrival later than this: a month, six times the longest night. A Unix time taken for an instant is far above."""
MOST_PER_S = 1e9
_NUMBER = r"\d+(?:\.\d+)?"
WAYS = "constant:RATE, ramp:FROM-TO, steps:RATExSECONDS,RATExSECONDS... or a file that ends in .csv or .parquet"


class ArrivalsError(ValueError):
    """What was named gives no arrivals; `faults` has one line for each reason."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


@dataclass(frozen=True)
class Lines:
    """A rate that is linear between points; two points at one time are a jump. 0 outside of them."""

    times: tuple[float, ...]
    """Seconds since the doors open, ascending, at least two."""
    rates: tuple[float, ...]
    """People per second, one for each time."""

    @property
    def length_s(self) -> float:
        return self.times[-1]

    @property
    def people(self) -> float:
        """Of all the time."""
        return float(self._totals[-1])

    def cumulative(self, t: float) -> float:
        """People who arrived in [0, t), to a millionth; what is left of a person is arithmetic, not a person."""
        times, rates, totals = self._times, self._rates, self._totals
        t = min(max(t, times[0]), times[-1])
        part = min(int(np.searchsorted(times, t, side="right")) - 1, len(times) - 2)
        x, length = t - times[part], times[part + 1] - times[part]
        slope = (rates[part + 1] - rates[part]) / length if length > 0.0 else 0.0
        return round(float(totals[part] + rates[part] * x + slope * x * x / 2.0), 6)

    def inverses(self, n: FloatArray) -> FloatArray:
        """The least t after which n people have come, of each element of `n`; float64 of the same shape, seconds."""
        times, rates, totals = self._times, self._rates, self._totals
        n = np.clip(n, 0.0, totals[-1])
        part = np.clip(np.searchsorted(totals, n, side="left") - 1, 0, len(times) - 2)
        length = times[part + 1] - times[part]
        begin, rise = rates[part], rates[part + 1] - rates[part]
        wanted = n - totals[part]
        slope = np.divide(rise, length, out=np.zeros_like(n), where=length > 0.0)
        below = begin + np.sqrt(np.maximum(0.0, begin * begin + 2.0 * slope * wanted))
        x = np.divide(2.0 * wanted, below, out=np.zeros_like(n), where=below > 0.0)
        return times[part] + np.minimum(x, length)

    def message(self) -> dict[str, Any]:
        return {"times": list(self.times), "rates": list(self.rates)}

    @cached_property
    def _times(self) -> FloatArray:
        return np.array(self.times)

    @cached_property
    def _rates(self) -> FloatArray:
        return np.array(self.rates)

    @cached_property
    def _totals(self) -> FloatArray:
        """People until each point."""
        each = np.diff(self._times) * (self._rates[:-1] + self._rates[1:]) / 2.0
        return np.concatenate([[0.0], np.cumsum(each)])


@dataclass(frozen=True, eq=False)
class Recorded:
    """Instants at which people once arrived."""

    at: FloatArray
    """float64 (n,), seconds since the doors open, ascending; one at least."""

    @property
    def length_s(self) -> float:
        """A microsecond after the last: `cumulative` counts what lies before."""
        return float(self.at[-1]) + 1e-6

    def cumulative(self, t: float) -> float:
        """How many arrived in [0, t)."""
        return float(np.searchsorted(self.at, t, side="left"))

    def chosen(self, share: Fraction, within: FloatArray) -> FloatArray:
        """`len(within)` instants, one out of each 1/share of them in turn: all of them when the share is 1.

        within: float64 in [0, 1), where in its part each one is taken. No instant is taken twice.
        """
        share = share.limit_denominator(10**9)  # so that the products below fit 64 bits
        edges = -(-np.arange(len(within) + 1, dtype=np.int64) * share.denominator // share.numerator)
        width = np.diff(edges)
        chosen: FloatArray = self.at[edges[:-1] + np.minimum((within * width).astype(np.int64), width - 1)]
        return chosen

    def message(self) -> dict[str, Any]:
        return {"at": base64.b64encode(self.at.astype("<f8").tobytes()).decode()}


Named = Lines | Recorded


def of_message(data: dict[str, Any]) -> Named:
    """What `message` was made from."""
    if "at" in data:
        return Recorded(np.frombuffer(base64.b64decode(data["at"]), "<f8").astype(np.float64))
    return Lines(tuple(data["times"]), tuple(data["rates"]))


def of_rates(text: str, minutes: float | None) -> Lines | None:
    """The arrivals of `constant:`, `ramp:` or `steps:`; None when the text begins with none of them.

    minutes: of the night's clock; None = 5 for a rate without an end of its own. Raises ArrivalsError.
    """
    kind, colon, rest = text.partition(":")
    read = {"constant": _constant, "ramp": _ramp, "steps": _steps}.get(kind)
    if read is None or not colon:
        return None
    lines = read(rest, (MINUTES if minutes is None else minutes) * 60.0)
    if not max(lines.rates) > 0.0:
        raise ArrivalsError(f"nobody arrives: every rate of {text!r} is 0")
    if max(lines.rates) >= MOST_PER_S:
        raise ArrivalsError(f"a rate must be below {MOST_PER_S:,.0f} a second: {text!r}")
    if lines.length_s > MOST_S:
        raise ArrivalsError(f"{lines.length_s:,.0f} s are more than {MOST_S:,.0f}, which is a month: {text!r}")
    return lines


def _constant(rest: str, length: float) -> Lines:
    (rate,) = _matched(f"({_NUMBER})", rest, "constant:RATE, such as constant:1500")
    return Lines((0.0, length), (rate, rate))


def _ramp(rest: str, length: float) -> Lines:
    begin, end = _matched(f"({_NUMBER})-({_NUMBER})", rest, "ramp:FROM-TO, such as ramp:0-1500")
    return Lines((0.0, length), (begin, end))


def _steps(rest: str, length: float) -> Lines:
    times, rates = [0.0], []
    for step in rest.split(","):
        rate, seconds = _matched(f"({_NUMBER})x({_NUMBER})", step, "RATExSECONDS in steps:100x60,1500x30")
        if not seconds > 0.0:
            raise ArrivalsError(f"a step must last longer than 0 s: {step!r}")
        times.append(times[-1] + seconds)
        rates.append(rate)
    # The end of one step is the beginning of the next, at another rate.
    return Lines(tuple(np.repeat(times, 2)[1:-1].tolist()), tuple(np.repeat(rates, 2).tolist()))


def _matched(pattern: str, text: str, like: str) -> Sequence[float]:
    found = re.fullmatch(pattern, text.strip())
    if found is None:
        raise ArrivalsError(f"must be {like}, not {text!r}")
    return [float(each) for each in found.groups()]
