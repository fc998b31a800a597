"""What a prediction is graded by: the bars of the issue, each figure with its signed error and the noise floor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from statistics import fmean
from typing import Any

from scenarios.calibration_file import ROLES
from tests.acceptance.long.held_out_figures import Figures

KNEE, CPU, OLDEST, HALF, SLOW, GOOD = 0.10, 0.10, 0.15, 0.15, 0.20, 0.08
"""How far off the knee, CPU of a role, age of the oldest job, p50, p95 and goodput may be, as shares."""
AT_LOAD = ("held-60", "held-90")
BEYOND = "held-110"
RAMP = "ramp"
Playings = Mapping[str, Sequence[Figures]]
"""By rehearsal, what it came to each time: its second playing after the first, where there is one."""


@dataclass(frozen=True)
class Line:
    """One figure of one rehearsal, or its mean over both playings. Of yes or no, 1.0 and 0.0, off by nothing at all."""

    load: str
    what: str
    unit: str
    expected: float
    seen: float
    most_off: float
    noise: float | None = None
    """How far the second playing was off from the first; None where there was none."""

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


def graded(expected: Playings, seen: Playings) -> list[Line]:
    """Every line of the table, of what was seen at all. expected: of each playing that was seen."""

    def line(load: str, what: str, unit: str, most: float, read: Callable[[Figures], float]) -> Line:
        first, *others = (read(one) for one in seen[load])
        noise = others[0] / first - 1.0 if others and first else None
        said = fmean(read(one) for one in expected[load])
        return Line(load, what, unit, said, fmean([first, *others]), most, noise)

    lines = []
    if RAMP in seen:
        lines.append(line(RAMP, "knee", "answers/s", KNEE, attrgetter("best_per_s")))
    for load in AT_LOAD:
        if load in seen:
            lines += [line(load, f"CPU of {role}", "cores", CPU, _cores(role)) for role in ROLES]
            lines.append(line(load, "oldest check", "s", OLDEST, attrgetter("oldest_s")))
            lines.append(line(load, "p50", "s", HALF, attrgetter("p50_s")))
            lines.append(line(load, "p95", "s", SLOW, attrgetter("p95_s")))
    if BEYOND in seen:
        lines.append(line(BEYOND, "goodput", "answers/s", GOOD, attrgetter("good_per_s")))
    return lines + [_tips(load, expected[load], seen[load]) for load in seen if load != RAMP]


def _cores(role: str) -> Callable[[Figures], float]:
    return lambda figures: figures.cores[role]


def _tips(load: str, expected: Sequence[Figures], seen: Sequence[Figures]) -> Line:
    """Right only where each playing is: told is one that is not, if there is one."""
    pairs = [(one.tipped, other.tipped) for one, other in zip(expected, seen, strict=True)]
    said, found = next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
    return Line(load, "tips", "", float(said), float(found), 0.0)
