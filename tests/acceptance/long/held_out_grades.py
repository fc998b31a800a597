"""What a prediction is graded by: the bars of the issue, each figure with its signed error and the noise floor."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scenarios.calibration_file import ROLES
from tests.acceptance.long.held_out_figures import Figures

KNEE, CPU, OLDEST, HALF, SLOW, GOOD = 0.10, 0.10, 0.15, 0.15, 0.20, 0.08
"""How far off the knee, CPU of a role, age of the oldest job, p50, p95 and goodput may be, as shares."""
AT_LOAD = ("held-60", "held-90")
BEYOND = "held-110"
RAMP = "ramp"


@dataclass(frozen=True)
class Line:
    """One figure of one rehearsal. Of yes or no, 1.0 and 0.0, off by nothing at all."""

    load: str
    what: str
    unit: str
    expected: float
    seen: float
    most_off: float
    noise: float | None = None
    """How far the second rehearsal of the same was off from the first; None where there was none."""

    @property
    def off(self) -> float:
        """Signed, as a share of what was seen."""
        if self.seen == 0.0:
            return 0.0 if self.expected == 0.0 else 1.0
        return self.expected / self.seen - 1.0

    @property
    def held(self) -> bool:
        return abs(self.off) <= self.most_off

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "off": self.off, "held": self.held}


def graded(expected: Mapping[str, Figures], seen: Mapping[str, Figures], again: Mapping[str, Figures]) -> list[Line]:
    """Every line of the table, of what was seen at all. again: the same rehearsals once more, where there are any."""
    lines = []
    if RAMP in seen:
        lines.append(Line(RAMP, "knee", "answers/s", expected[RAMP].best_per_s, seen[RAMP].best_per_s, KNEE))
    for load in AT_LOAD:
        if load in seen:
            lines += _at_load(load, expected[load], seen[load], again.get(load))
    if BEYOND in seen:
        lines.append(Line(BEYOND, "goodput", "answers/s", expected[BEYOND].good_per_s, seen[BEYOND].good_per_s, GOOD))
    lines += [
        Line(load, "tips", "", float(expected[load].tipped), float(one.tipped), 0.0)
        for load, one in seen.items()
        if load != RAMP
    ]
    return lines


def _at_load(load: str, expected: Figures, seen: Figures, again: Figures | None) -> Iterator[Line]:
    for role in ROLES:
        noise = None if again is None else _apart(again.cores[role], seen.cores[role])
        yield Line(load, f"CPU of {role}", "cores", expected.cores[role], seen.cores[role], CPU, noise)
    figures = (("oldest check", "oldest_s", OLDEST), ("p50", "p50_s", HALF), ("p95", "p95_s", SLOW))
    for what, name, most in figures:
        noise = None if again is None else _apart(getattr(again, name), getattr(seen, name))
        yield Line(load, what, "s", getattr(expected, name), getattr(seen, name), most, noise)


def _apart(other: float, one: float) -> float:
    return other / one - 1.0 if one else 0.0
