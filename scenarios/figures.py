"""Figures of a night: a number with its unit, its source, and whether it is a fact or an assumption.

A dataclass of a night names the unit of a field in its type (`rate_per_s: PerSecond`); `scenarios.reader` checks the
bounds of that unit and collects the sources.
"""

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple


class Unit(NamedTuple):
    """The unit of a figure and the bounds, both included, that a value of it keeps."""

    name: str
    low: float = -math.inf
    high: float = math.inf


class OneOf(NamedTuple):
    """The words that a text field accepts."""

    words: tuple[str, ...]


PerSecond = Annotated[float, Unit("1/s", low=0)]
PerMinute = Annotated[float, Unit("1/min", low=0)]
Seconds = Annotated[float, Unit("s", low=0)]
Share = Annotated[float, Unit("share of 1", 0, 1)]
Weight = Annotated[float, Unit("weight", low=0)]
Ratio = Annotated[float, Unit("ratio", low=0)]
Sigma = Annotated[float, Unit("sigma of the logarithm", 0, 5)]
Bound = Annotated[float, Unit("bound", low=0)]
Rupiah = Annotated[float, Unit("IDR", low=0)]
Months = Annotated[float, Unit("months", low=0)]
Mbps = Annotated[float, Unit("Mbit/s", low=0)]
Bytes = Annotated[int, Unit("bytes", 0, 50_000_000)]
Count = Annotated[int, Unit("count", low=0)]
People = Annotated[int, Unit("people", low=0)]
Years = Annotated[int, Unit("years", 0, 120)]
YearSpan = Annotated[float, Unit("years", 0, 120)]
CountOrEndless = Annotated[int, Unit("count, -1 = without end", low=-1)]
PerSecondOrNone = Annotated[float, Unit("1/s, -1 = none", low=-1)]

STATUSES = ("fact", "assumption")


@dataclass(frozen=True)
class Figure:
    """One figure of a night as `launchnight nights show` prints it."""

    key: str
    value: float
    unit: str
    source: str
    status: str
