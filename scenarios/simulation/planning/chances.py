"""How often, and how sure: exact bounds of a probability that was counted."""

from dataclasses import dataclass
from typing import Any

from scipy.stats import beta

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Chance:
    """`count` of `runs`; low, high: the interval that holds the probability with `confidence`, whatever it is."""

    count: int
    runs: int
    low: float
    high: float
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def chance(count: int, runs: int, confidence: float = CONFIDENCE) -> Chance:
    """The exact interval of a probability, two-sided: either end is wrong with half of what may go wrong.

    Requires 0 <= count <= runs and runs >= 1. Source: C. Clopper and E. Pearson, 1934; with count = 0 the upper end is
    1 - ((1 - confidence) / 2)^(1 / runs), which for 60 runs and 0.95 is 0.0596.
    """
    if not 0 <= count <= runs or runs < 1:
        raise ValueError(f"{count} of {runs} is no count")
    miss = (1.0 - confidence) / 2.0
    low = float(beta.ppf(miss, count, runs - count + 1)) if count else 0.0
    high = float(beta.ppf(1.0 - miss, count + 1, runs - count)) if count < runs else 1.0
    return Chance(count, runs, low, high, confidence)
