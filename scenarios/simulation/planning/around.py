"""What lies around a set: what a little more or less of each knob does, and what one knob costs in another."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from scenarios.simulation.planning.knobs import GATE, KNOBS, Knob, Values, with_
from scenarios.simulation.planning.search import Looks, Searching, Standing, least_of, together

CHANGES = (-0.25, -0.10, 0.10, 0.25)
TIMES = (1.0, 1.25, 1.5, 2.0)
"""Of the least amount of a knob: where a frontier is looked at."""


class Seen(NamedTuple):
    """What a changed set came to on the same people: how it stands, and how many joined."""

    standing: Standing
    joined: int


@dataclass(frozen=True)
class Change:
    """A set with one knob changed. amount: of the knob; steps are whole, so it is not exactly the change asked for."""

    asked: float
    amount: float
    joined: int
    holds: bool
    worst: str


@dataclass(frozen=True)
class Sensitivity:
    """How much hangs on a knob. elasticity: percent of the people who join lost for each percent less of it, by the
    smallest change to less that could be made; None where there is no less."""

    knob: str
    elasticity: float | None
    changes: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def sensitivities(
    values: Values, joined: int, seen: Callable[[Sequence[Values]], list[Seen]]
) -> list[Sensitivity]:  # fmt: skip
    """One knob at a time on the same people, those first on which most hangs. joined: with the set as it is."""
    asked = [
        (name, change, amount)
        for name, knob in KNOBS.items()
        for change in CHANGES
        if (amount := _changed(knob, values[name], change)) != values[name]
    ]
    results = seen([with_(values, name, amount) for name, _, amount in asked])
    changes: dict[str, list[Change]] = {name: [] for name in KNOBS}
    for (name, change, amount), one in zip(asked, results, strict=True):
        changes[name].append(Change(change, amount, one.joined, one.standing.holds, one.standing.worst))
    found = [
        Sensitivity(name, _elasticity(values[name], joined, changes[name]), tuple(changes[name])) for name in KNOBS
    ]
    return sorted(found, key=lambda one: (not _breaks(one), -(one.elasticity or 0.0)))


def _changed(knob: Knob, amount: float, change: float) -> float:
    """The step nearest to the change that is one at all; the amount itself where there is none."""
    place, wanted = knob.place(amount), knob.place(knob.at_least(amount * (1.0 + change)))
    if change < 0.0:
        return knob.steps[max(0, min(wanted, place - 1))]
    return knob.steps[min(len(knob.steps) - 1, max(wanted, place + 1))]


def _elasticity(amount: float, joined: int, changes: Sequence[Change]) -> float | None:
    less = [each for each in changes if each.amount < amount]
    if not less or not joined:
        return None
    nearest = max(less, key=lambda one: one.amount)
    return math.log(max(nearest.joined, 0.5) / joined) / math.log(nearest.amount / amount)


def _breaks(one: Sensitivity) -> bool:
    """Whether a little less of it breaks the night."""
    return any(change.asked == max(each for each in CHANGES if each < 0.0) and not change.holds
               for change in one.changes)  # fmt: skip


@dataclass(frozen=True)
class Frontier:
    """The least of `y` for each amount of `x`, with plenty of everything else; None where no amount will do."""

    x: str
    y: str
    points: tuple[tuple[float, float | None], ...]

    @property
    def exchange(self) -> float | None:
        """How much less of y one unit more of x saves at first; negative where more of x needs more of y."""
        known = [(x, y) for x, y in self.points if y is not None]
        if len(known) < 2:
            return None
        rates = [(y - other_y) / (other_x - x) for (x, y), (other_x, other_y) in pairwise(known)]
        return next((rate for rate in rates if rate), 0.0)

    def to_dict(self) -> dict[str, Any]:
        return {"x": self.x, "y": self.y, "points": [list(point) for point in self.points], "exchange": self.exchange}


def frontiers(
    pairs: Sequence[tuple[str, str]],
    values: Values,
    least: Values,
    plenty_at: Callable[[float], Values],
    looks: Looks,
) -> list[Frontier]:
    """For each pair (x, y) the least of y for some amounts of x from that of the set on.

    least: what each knob needs at least, at the gate of the set. plenty_at: more than enough of everything where the
    gate lets in so many a second.
    """
    asked = [(x, y, amount) for x, y in pairs for amount in _amounts(KNOBS[x], values[x])]
    searches: list[Searching[float | None]] = []
    for x, y, amount in asked:
        around = plenty_at(amount if x == GATE else values[GATE])
        around = with_(with_(around, GATE, values[GATE]), x, amount)
        top = max(around[y], values[y])
        guess = least[y] * (amount / values[GATE] if x == GATE else 1.0)
        searches.append(least_of(KNOBS[y], with_(around, y, top), guess, least[y]))
    results = together(looks, searches)
    return [
        Frontier(
            x, y, tuple((a, found) for (ax, ay, a), found in zip(asked, results, strict=True) if (ax, ay) == (x, y))
        )
        for x, y in pairs
    ]


def _amounts(knob: Knob, amount: float) -> list[float]:
    return sorted({knob.at_least(amount * times) for times in TIMES})


def worth(frontier: Frontier, price: Mapping[str, float]) -> float | None:
    """What a unit of x saves at y for each unit of money that it costs; above 1 it pays. None where nobody knows."""
    if frontier.exchange is None or not price[frontier.x]:
        return None
    return frontier.exchange * price[frontier.y] / price[frontier.x]
