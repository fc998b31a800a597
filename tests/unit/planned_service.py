"""Services whose needs are known because they are written down: what a search for the cheapest set is held to."""

from collections.abc import Callable, Sequence

from scenarios.simulation.planning.knobs import GATE, KNOBS, Values
from scenarios.simulation.planning.search import Standing

NEEDS = {GATE: 120.0, "web": 31.0, "database": 17.0, "inspectors": 9.0, "email": 52.0, "sms": 23.0, "registry": 6.8}
"""At a gate of NEEDS[GATE]; machines and gateways need more in proportion to what is let in beyond that."""
PRICES = dict.fromkeys(KNOBS, 1.0) | {GATE: 0.0}


def cost(values: Values) -> float:
    return sum(PRICES[name] * amount for name, amount in values.items())


def sizing(gate: float) -> Values:
    """A guess that is a third off, to both sides."""
    off = {"web": 0.7, "database": 1.4, "inspectors": 1.3, "email": 0.8, "sms": 1.2, "registry": 0.7}
    return {GATE: gate, **{name: off[name] * NEEDS[name] * gate / NEEDS[GATE] for name in off}}


def slack(values: Values) -> float:
    """Of the knob that is most short of what it needs."""
    let_in = max(values[GATE] / NEEDS[GATE], 1.0)
    needs = {name: need if name in (GATE, "registry") else need * let_in for name, need in NEEDS.items()}
    return min(values[name] / need - 1.0 for name, need in needs.items())


class Looked:
    """Looks at sets by `slack`, and counts."""

    def __init__(self, of: Callable[[Values], float] = slack) -> None:
        self.seen: list[tuple[Values, bool]] = []
        self._of = of

    def __call__(self, sets: Sequence[Values]) -> list[Standing]:
        found = [Standing(self._of(values) >= -1e-9, self._of(values), "came_joined_ratio") for values in sets]
        self.seen += [(values, standing.holds) for values, standing in zip(sets, found, strict=True)]
        return found
