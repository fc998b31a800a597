"""Where a service stops keeping up, from probes at several offered rates: two methods that must agree, or no call.

**Goodput**: up to the knee what comes back well is a constant share of what is offered; beyond it stays level or falls.
The knee is where both lines meet, inside the gap between the last rate that was kept up with and the first that was
not. **Objectives**: the knee is between the highest rate at which the objectives held and the lowest at which they
broke. The first looks at how much, the second at how well; where they differ by more than a tenth something else than
the load moved one of them, and no rate is called.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reports.scalability import Estimate, Refusal
from reports.statistics import BoolArray, FloatArray
from reports.wording import number, percent, say

AGREE_WITHIN = 0.10
SHORT = 0.05
"""Of the share that comes back well at low rates: what lacks less may be noise."""
FIRST = 3
"""Rates, the lowest, whose median share says how much comes back well when nothing is in the way."""
BEYOND = 2.5
"""Times the first rate that was not kept up with: farther on the service may behave in yet another way."""


@dataclass(frozen=True)
class Call:
    """The knee by both methods and, where they agree, the one that is called.

    Rates are offered per second; low and high are the neighboring probes that hold the knee between them. rate is that
    of the objectives: it is what the question was about, and goodput confirms it.
    """

    goodput: Estimate | Refusal
    objectives: Estimate | Refusal
    rate: Estimate | Refusal


def call(
    offered: ArrayLike, goodput: ArrayLike, broke: Sequence[bool] | BoolArray, strain: ArrayLike | None = None
) -> Call:
    """The knee of these probes. offered, goodput: per second, one entry a probe, any order; goodput counts what came
    back within its objectives; broke: whether an objective broke, or a queue grew all along; strain: as below."""
    by_goodput = knee_of_goodput(offered, goodput)
    by_objectives = knee_of_objectives(offered, broke, strain)
    return Call(by_goodput, by_objectives, _agreed(by_goodput, by_objectives))


def knee_of_goodput(offered: ArrayLike, goodput: ArrayLike) -> Estimate | Refusal:
    """Where goodput leaves its line. Repeats of a rate count as their mean."""
    rates, (good,) = _by_rate(offered, goodput)
    if len(rates) < FIRST:
        return _refused_few(len(rates))
    share = float(np.median(good[:FIRST] / rates[:FIRST]))
    if share <= 0.0:
        return Refusal("nothing-good", say("nothing came back well even at the lowest rates"))
    kept_up = good >= (1.0 - SHORT) * share * rates
    if kept_up.all():
        return Refusal("not-reached", say("goodput kept up with every rate that was offered, up to {most}/s",
                                          most=number(float(rates[-1]))))  # fmt: skip
    first = int(np.argmin(kept_up))
    if first < 2 or share < (1.0 - SHORT) * good[0] / rates[0]:
        return Refusal("none-below", say("goodput fell behind from the lowest rates on: probe lower ones"))
    low, high = float(rates[first - 1]), float(rates[first])
    level, slope = _line(rates[first:], good[first:])
    if slope >= share:
        return Refusal("no-bend", say("goodput fell behind at {rate}/s and caught up later: repeat that probe",
                                      rate=number(high)))  # fmt: skip
    meeting = (level - slope * high) / (share - slope)
    return Estimate(min(max(meeting, (1.0 - SHORT) * low), high), min(low, meeting, high), high)


def knee_of_objectives(
    offered: ArrayLike, broke: Sequence[bool] | BoolArray, strain: ArrayLike | None = None
) -> Estimate | Refusal:
    """Between the rates at which the objectives held and those at which they broke.

    strain: of the objective nearest to its bound, value / bound, above 1 where it broke; the knee then stands where a
    line through both neighbors reaches 1, in logarithms, else in the middle. A rate whose repeats differ is broken when
    at least half of them are.
    """
    strains = np.full(np.shape(offered), np.nan) if strain is None else np.asarray(strain, float)
    rates, (breaks, strained) = _by_rate(offered, np.asarray(broke, float), strains)
    if len(rates) < 2:
        return _refused_few(len(rates))
    bad = breaks >= 0.5
    if not bad.any():
        return Refusal("not-reached", say("the objectives held at every rate that was offered, up to {most}/s",
                                          most=number(float(rates[-1]))))  # fmt: skip
    if bad.all():
        return Refusal("none-below", say("the objectives broke at every rate that was offered, down to {least}/s",
                                         least=number(float(rates[0]))))  # fmt: skip
    wrong = [np.count_nonzero(bad[:place]) + np.count_nonzero(~bad[place:]) for place in range(1, len(rates))]
    place = 1 + int(np.argmin(wrong))
    low, high = float(rates[place - 1]), float(rates[place])
    value = math.sqrt(low * high)
    below, above = strained[place - 1], strained[place]
    if 0.0 < below <= 1.0 < above < math.inf:
        value = low * (high / low) ** (math.log(1.0 / below) / math.log(above / below))
    first_bad, last_good = float(rates[bad][0]), float(rates[~bad][-1])
    return Estimate(value, min(low, first_bad), max(high, last_good))


def _agreed(goodput: Estimate | Refusal, objectives: Estimate | Refusal) -> Estimate | Refusal:
    for one in (objectives, goodput):
        if isinstance(one, Refusal):
            return one
    assert isinstance(goodput, Estimate)
    assert isinstance(objectives, Estimate)
    apart = abs(goodput.value - objectives.value) / min(goodput.value, objectives.value)
    if apart <= AGREE_WITHIN:
        return objectives
    return Refusal(
        "methods-differ",
        say(
            "goodput says {goodput}/s and the objectives {objectives}/s, which is {apart} apart; {allowed} allowed",
            goodput=number(goodput.value), objectives=number(objectives.value), apart=percent(apart),
            allowed=percent(AGREE_WITHIN),
        ),
    )  # fmt: skip


def _refused_few(rates: int) -> Refusal:
    return Refusal("few-points", say("too few rates were probed: {rates}", rates=number(rates)))


def _by_rate(offered: ArrayLike, *columns: ArrayLike) -> tuple[FloatArray, list[FloatArray]]:
    """The different rates, ascending, and the mean of each column at each of them."""
    rates, place = np.unique(np.asarray(offered, float), return_inverse=True)
    times = np.bincount(place, minlength=len(rates))
    return rates, [np.bincount(place, np.asarray(column, float), len(rates)) / times for column in columns]


def _line(rates: FloatArray, good: FloatArray) -> tuple[float, float]:
    """Height at the first of these rates, and slope, of the line through them; level through a single one."""
    near = rates <= BEYOND * rates[0]
    if np.count_nonzero(near) < 2:
        return float(good[0]), 0.0
    slope, height = np.polyfit(rates[near] - rates[0], good[near], 1)
    return float(height), float(slope)
