"""Whether being chosen depends on anything that it must not depend on: looked at before a draw is announced.

Among people with the same standing (a stratum: priority list and province) those chosen are a random subset. So of any
group of people, by hour of joining, by device, so many must be chosen, give or take a known variance: the generalized
Cochran-Mantel-Haenszel test, whose statistic is chi-square distributed with one degree less than there are groups.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

ALARM = 0.001
"""Of all tests together: a sound draw in a thousand is held up for a second look."""
_FEWEST = 5.0
"""Chosen people expected of a group, and people not chosen, where both can be; smaller ones are put together, or the
distribution would not hold."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one test says. p: how often a sound draw would look at least as odd; 1 where there is nothing to compare."""

    about: str
    p: float
    groups: int
    oddest: str
    """The group farthest from its expectation, with both numbers."""


def independence(about: str, people: Iterable[tuple[Hashable, str, bool]]) -> Found:
    """Test one attribute. people: (stratum, group, chosen) of everybody."""
    table = Counter(people)
    strata: dict[Hashable, dict[str, int]] = {}
    winners: Counter[Hashable] = Counter()
    won: Counter[str] = Counter()
    for (stratum, group, chosen), count in table.items():
        of_group = strata.setdefault(stratum, {})
        of_group[group] = of_group.get(group, 0) + count
        winners[stratum] += count * chosen
        won[group] += count * chosen
    expected: Counter[str] = Counter()
    doubtful: Counter[str] = Counter()
    for stratum, of_group in strata.items():
        share = winners[stratum] / sum(of_group.values())
        for group, count in of_group.items():
            expected[group] += count * share  # type: ignore[assignment]
            doubtful[group] += count * min(share, 1 - share)  # type: ignore[assignment]
    groups = _joined(doubtful)
    names = sorted(set(groups.values()))
    if len(names) < 2:
        return Found(about, 1.0, len(names), "")
    place = {name: i for i, name in enumerate(names)}
    off = [0.0] * len(names)
    for group, name in groups.items():
        off[place[name]] += won[group] - expected[group]
    spread = [[0.0] * len(names) for _ in names]
    for stratum, of_group in strata.items():
        _add_spread(spread, of_group, winners[stratum], {group: place[name] for group, name in groups.items()})
    last = len(names) - 1  # one group follows from the others
    weights = _solved([row[:last] for row in spread[:last]], off[:last])
    statistic = sum(weight * one for weight, one in zip(weights, off[:last], strict=True))
    oddest = max(names, key=lambda name: abs(off[place[name]]) / math.sqrt(spread[place[name]][place[name]] or 1.0))
    members = [group for group, name in groups.items() if name == oddest]
    told = f"{oddest}: {sum(won[one] for one in members)} chosen, {sum(expected[one] for one in members):.0f} expected"
    return Found(about, chi_square_tail(statistic, last), len(names), told)


def is_odd(found: Sequence[Found]) -> bool:
    """Whether any of the tests made together raises the alarm."""
    return any(one.p < ALARM / len(found) for one in found)


def _joined(doubtful: Counter[str]) -> dict[str, str]:
    """Group -> the name under which it is tested: the smallest are `others` together, until these are many enough."""
    others: set[str] = set()
    together = 0.0
    for group, count in sorted(doubtful.items(), key=lambda one: one[1]):
        if count >= _FEWEST and (not others or together >= _FEWEST):
            break
        others.add(group)
        together += count
    return {group: "others" if group in others else group for group in doubtful}


def _add_spread(spread: list[list[float]], of_group: dict[str, int], winners: int, place: dict[str, int]) -> None:
    """Add the covariance of one stratum's chosen people by group: multivariate hypergeometric."""
    total = sum(of_group.values())
    if total < 2:
        return
    scale = winners * (total - winners) / (total - 1)
    shares = [0.0] * len(spread)
    for group, count in of_group.items():
        shares[place[group]] += count / total
    for i, one in enumerate(shares):
        for j, other in enumerate(shares):
            spread[i][j] += scale * one * ((i == j) - other)


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """x of matrix x = right, by elimination; a direction in which nothing varies counts as none."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    largest = max((abs(row[i]) for i, row in enumerate(rows)), default=0.0)
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        if abs(rows[i][i]) <= 1e-12 * largest:
            rows[i] = [float(j == i) for j in range(size)] + [0.0]
        for k in range(size):
            if k != i:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [row[size] / row[i] for i, row in enumerate(rows)]


def chi_square_tail(statistic: float, degrees: int) -> float:
    """How often a chi-square variable is at least this large: the regularized upper incomplete gamma function."""
    a, x = degrees / 2, statistic / 2
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:  # its power series
        term = total = 1 / a
        n = a
        while term > total * 1e-15:
            n += 1
            term *= x / n
            total += term
        return 1 - front * total
    b = x + 1 - a  # Lentz's continued fraction
    c, d = 1e300, 1 / b
    result = d
    for i in range(1, 10_000):
        step = -i * (i - a)
        b += 2
        d = 1 / (step * d + b)
        c = b + step / c
        result *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * result
