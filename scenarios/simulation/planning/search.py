"""The cheapest set that holds, found by looking: no clock, no files, no night; whoever calls says what a look is.

A look at some sets says of each whether it holds. What a knob needs at least is found by steps that grow from a guess
and then by halves, on the same people every time. All knobs but the gate only help: so what a knob needs while there is
plenty of everything else is the least that any set needs of it, and a set made of nothing but such amounts is the
cheapest there is. Where it does not hold, knobs are given back what saves the least, one after the other.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

from scenarios.simulation.planning.knobs import GATE, KNOBS, Knob, Values, with_

T = TypeVar("T")
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
_FIRST_STRIDE = 1.15
"""How far from the guess the first look is; strides double."""


class Standing(NamedTuple):
    """How a set stands. slack: of the goal that it is nearest to missing, or misses by most; worst: its id."""

    holds: bool
    slack: float
    worst: str


Looks = Callable[[Sequence[Values]], list[Standing]]
"""How these sets stand, in order."""
Searching = Generator[Values, Standing, T]
"""Yields a set to be looked at, is sent how it stands, and returns what it found."""


@dataclass(frozen=True)
class Found:
    """What a search came to. least: what each knob needs at least, whatever there is of the rest; None: not known."""

    values: Values | None
    worst: str
    """The goal that even the most there may be does not meet; empty where a set was found."""
    least: Mapping[str, float]
    plenty: Values
    """The set beside which that was found; without any that holds, the last one tried."""


def together(
    answers: Callable[[Sequence[Asked]], Sequence[Answer]], searches: Iterable[Generator[Asked, Answer, T]]
) -> list[T]:
    """What each search finds; what they ask for next is answered at once."""
    running = dict(enumerate(searches))
    results: dict[int, T] = {}
    wanted: dict[int, Asked] = {}

    def advance(place: int, go_on: Callable[[], Asked]) -> None:
        try:
            wanted[place] = go_on()
        except StopIteration as ended:
            results[place] = ended.value
            wanted.pop(place, None)

    for place, search in running.items():
        advance(place, partial(next, search))
    while wanted:
        places = list(wanted)
        for place, answer in zip(places, answers([wanted[place] for place in places]), strict=True):
            advance(place, partial(running[place].send, answer))
    return [results[place] for place in running]


def least_of(knob: Knob, values: Values, guess: float, floor: float = 0.0) -> Searching[float | None]:
    """The least amount of a knob with which a set holds, the rest of it as `values` has it; None: not even as it is.

    Requires that more of the knob never hurts below `values`; the amount that `values` has is never exceeded. floor: it
    is known that less than this does not hold.
    """
    top = knob.place(values[knob.name])
    holds, breaks = top + 1, knob.place(knob.at_least(floor)) - 1
    place, stride = max(min(knob.place(knob.at_least(guess)), top), breaks + 1), _FIRST_STRIDE
    while holds - breaks > 1:
        standing = yield with_(values, knob.name, knob.steps[place])
        if standing.holds:
            holds = place
        elif place == top:
            return None
        else:
            breaks = place
        place = max(_next(knob, place, holds, breaks, top, stride), breaks + 1)
        stride *= stride
    return knob.steps[holds]


def _next(knob: Knob, place: int, holds: int, breaks: int, top: int, stride: float) -> int:
    """Where to look next: farther out while one side is unknown, then in the middle."""
    if holds > top:
        return min(top, max(knob.place(knob.at_least(knob.steps[place] * stride)), place + 1))
    if breaks < 0:
        lower = knob.place(knob.at_least(knob.steps[place] / stride))
        return max(0, min(lower, place - 1))
    return (holds + breaks) // 2


def cheapest(
    looks: Looks,
    sizing: Callable[[float], Values],
    gate: float,
    cost: Callable[[Values], float],
    most: float,
) -> Found:
    """The cheapest set that holds, within `most` times the sizing.

    sizing: a first guess of what is needed where the gate lets in so many a second. gate: a first guess of that.
    """
    plenty, standing = _plenty(looks, sizing, gate, most)
    if not standing.holds:
        return Found(None, standing.worst, {}, plenty)
    (narrow,) = together(looks, [least_of(KNOBS[GATE], plenty, plenty[GATE] / 2.0)])
    plenty = with_(plenty, GATE, plenty[GATE] if narrow is None else narrow)
    return _found(looks, plenty, sizing(plenty[GATE]), {}, cost)


def once_more(looks: Looks, found: Found, plenty: Values, cost: Callable[[Values], float]) -> Found:
    """The same search after more has become known, which no knob needs less for. plenty: with room at the gate, too."""
    (narrow,) = together(looks, [least_of(KNOBS[GATE], plenty, found.least[GATE], found.least[GATE])])
    if narrow is None:
        return Found(None, looks([plenty])[0].worst, found.least, plenty)
    return _found(looks, with_(plenty, GATE, narrow), found.least, found.least, cost)


def _found(
    looks: Looks, plenty: Values, guess: Values, floor: Values, cost: Callable[[Values], float]
) -> Found:  # fmt: skip
    """What a search finds that knows the gate: the least of each knob in plenty, and a set that holds."""
    rest = [name for name in KNOBS if name != GATE]
    alone = together(looks, [least_of(KNOBS[name], plenty, guess[name], floor.get(name, 0.0)) for name in rest])
    least = dict(plenty)
    least.update({name: amount for name, amount in zip(rest, alone, strict=True) if amount is not None})
    return Found(_combined(looks, least, plenty, cost), "", least, plenty)


def at_times(sizing: Callable[[float], Values], gate: float, times: float) -> dict[str, float]:
    """So many times the first guess of the gate, and so many times what is needed there."""
    opened = KNOBS[GATE].at_least(gate * times)
    guess = sizing(opened)
    return {name: knob.at_least(guess[name] * times) for name, knob in KNOBS.items()} | {GATE: opened}


def _plenty(
    looks: Looks, sizing: Callable[[float], Values], gate: float, most: float
) -> tuple[dict[str, float], Standing]:
    """A set of more than enough, and how it stands."""
    times = min(2.0, most)
    while True:
        values = at_times(sizing, gate, times)
        (standing,) = looks([values])
        if standing.holds or times >= most:
            return values, standing
        times = min(2.0 * times, most)


def _combined(looks: Looks, least: Values, plenty: Values, cost: Callable[[Values], float]) -> Values:
    """A set that holds and of which no knob can have less: out of the least of each, with something given back."""
    (standing,) = looks([least])
    if standing.holds:
        return dict(least)
    values = dict(plenty)
    saves = {name: cost(plenty) - cost(with_(plenty, name, least[name])) for name in least}
    for name in sorted(least, key=lambda one: -saves[one]):
        (amount,) = together(looks, [least_of(KNOBS[name], values, least[name], least[name])])
        values[name] = values[name] if amount is None else amount
    return values


class Unordered(NamedTuple):
    """Two sets of which the larger one does worse."""

    smaller: Values
    larger: Values


def once(looked: Sequence[tuple[Values, bool]]) -> list[tuple[Values, bool]]:
    """Each set that was looked at a single time."""
    return list({tuple(values[name] for name in KNOBS): (values, holds) for values, holds in looked}.values())


def unordered(looked: Sequence[tuple[Values, bool]]) -> list[Unordered]:
    """Pairs that contradict that more of a knob never hurts, the gate apart."""
    found = []
    for values, holds in looked:
        if not holds:
            continue
        for other, other_holds in looked:
            if not other_holds and other[GATE] == values[GATE] and all(other[k] >= values[k] for k in values):
                found.append(Unordered(values, other))
    return found
