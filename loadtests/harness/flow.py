"""How people came and went in one run: who finished, whether more came than left, how long a jump was felt.

Everything is counted in the rows of people.npz. T is the moment until which people come, in real seconds since the
doors opened; someone is *on the way* from the instant she is due until she ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.fates import Fate, Reason

EVERY = 0.5
"""Seconds between two looks at who is on the way after a jump."""

Column = NDArray[Any]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Flow:
    """The second half of the arrivals, in which a calm service has become steady."""

    goodput_per_s: float
    """People who finished."""
    grew_per_s: float
    """People more on their way."""
    journey_p90_s: float
    """From due to finished, of all who finished by T; nan when nobody did."""


@dataclass(frozen=True)
class After:
    """What a jump left behind; see scenarios.capacity_record.Recovery."""

    level: float
    most: float
    recovered_s: float | None
    watched_s: float


def finished(people: Mapping[str, Column], steps: int) -> NDArray[np.bool_]:
    """Who did all that the run asks for: joined, or made so many `steps`; shape (people,)."""
    done: NDArray[np.bool_] = people["reason"] == Reason.STEPS_DONE if steps else people["fate"] == Fate.JOINED
    return done


def flow(people: Mapping[str, Column], length_s: float, steps: int) -> Flow:
    """Of a run to which people came evenly for `length_s` seconds (T). steps: as in the order, 0 = whole journeys."""
    half, ended = length_s / 2.0, people["ended"]
    done = finished(people, steps)
    with np.errstate(invalid="ignore"):
        late = done & (ended > half) & (ended <= length_s)
        in_time = done & (ended <= length_s)
    took = (ended - people["due"])[in_time]
    on_way = on_the_way(people, np.array([half, length_s]))
    return Flow(
        goodput_per_s=float(np.count_nonzero(late)) / half,
        grew_per_s=float(on_way[1] - on_way[0]) / half,
        journey_p90_s=float(np.quantile(took, 0.9)) if len(took) else float("nan"),
    )


def on_the_way(people: Mapping[str, Column], moments: FloatArray) -> FloatArray:
    """How many people are on the way at each of the ascending moments; who never ended still is."""
    due, ended = np.sort(people["due"]), np.sort(people["ended"][np.isfinite(people["ended"])])
    here = np.searchsorted(due, moments, side="right") - np.searchsorted(ended, moments, side="right")
    return here.astype(np.float64)


def after_jump(people: Mapping[str, Column], calm_s: float, jump_s: float, length_s: float) -> After:
    """What a jump left behind that began after `calm_s` seconds and lasted `jump_s`; people came until `length_s`.

    The level before it is the most people on their way in the second half of the calm; it is over when no more are.
    """
    over = calm_s + jump_s
    before = on_the_way(people, np.arange(calm_s / 2.0, calm_s, EVERY))
    moments = np.arange(over, length_s, EVERY)
    then = on_the_way(people, moments)
    level, calm = float(before.max()), np.flatnonzero(then <= before.max())
    recovered = float(moments[calm[0]] - over) if len(calm) else None
    return After(level, float(then.max()), recovered, length_s - over)
