"""The search for capacity as a pure machine: what to try next, from what the probes so far have shown.

*Ramp*: ever higher rates, until one breaks. *Bracket*: between the highest rate that held and the lowest that
broke; the goodput of an overloaded probe says about where the limit lies, so the next two are put around it, and only
when it misleads the middle is taken. *Confirm*: the highest rate that held once more, with other people. Nothing else
is remembered than the probes, so a search can go on whenever they are on disk.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scenarios.capacity_record import SEARCHING, Outcome, Phase, Probe

PROBES = 8
"""Enough for a limit within thirty times the first rate."""
RAMP = 2.5
"""Each rate of the ramp to the one before."""
NARROW = 1.10
"""Highest over lowest rate of a bracket that is narrow enough: its middle is then within 5 % of anything inside."""
BELOW, ABOVE = 0.96, 1.05
"""Where the two probes around an expected limit go: one that should hold, one that should break."""
FAR, OVERLOADED = 1.25, 1.5
"""Of the rate that held: one probe at least must go so far, or what little is missing of the goodput may be chance."""
STEP = 1.09
"""From a rate that held or broke against expectation to the next: the two then make a narrow bracket."""
APART = 1.02
"""A probe nearer to one that was made than this tells nothing new."""
FEWEST = 20
"""People of a probe: fewer say nothing of a rate."""
SLACK = 0.03
"""Share of the people who finish at a calm rate that may be missing at a higher one and still count as keeping up."""
GREW = 0.10
"""Share of those who come by which the people on the way may grow at the first, calm rate."""
CALM, JUMP = 0.5, 2.0
"""Of the capacity: the rates before and after a jump, and of the jump."""


@dataclass(frozen=True)
class Course:
    """What is asked of a search."""

    from_per_s: float
    most_probes: int
    length_s: float
    """Real seconds in which the people of a probe come."""
    seed: int
    beyond: tuple[float, ...] = (2.0, 4.0)
    """Multiples of the capacity; none = nothing beyond it is tried, neither a jump."""


@dataclass(frozen=True)
class Step:
    """The next probe."""

    phase: Phase
    per_s: float
    seed: int


@dataclass(frozen=True)
class Over:
    """The search has ended; `because` is empty when it found a narrow bracket and confirmed its lower end."""

    because: str = ""
    invalid: bool = False
    """The generator was the reason."""


def next_probe(course: Course, probes: Sequence[Probe]) -> Step | Over:
    """The next step of ramp, bracket and confirmation. probes: all so far, in order."""
    tried = [probe for probe in probes if probe.phase in SEARCHING]
    low, high = bracket(tried)
    if low is not None and high is not None and high / low <= NARROW and _times_held(tried, low) > 1:
        return Over()
    if twice := invalid_twice(tried):
        return Over(f"{_rate(twice.offered_per_s)} could not be played, twice: {twice.why}", invalid=True)
    if len(tried) >= course.most_probes and tried[-1].outcome is Outcome.INVALID:
        return Over(f"all {course.most_probes} probes were made, the last one in vain: {tried[-1].why}", invalid=True)
    if len(tried) >= course.most_probes:
        return Over(f"all {course.most_probes} probes were made {_between(low, high)}")
    if tried and tried[-1].outcome is Outcome.INVALID:
        last = tried[-1]
        return Step(last.phase, last.offered_per_s, last.seed)
    if high is None:
        return Step(Phase.RAMP, rounded(course.from_per_s if low is None else RAMP * low), course.seed)
    if low is None:
        return _downwards(course, tried, high)
    if high / low > NARROW:
        return Step(Phase.BRACKET, rounded(_inside(tried, low, high)), course.seed)
    rates = [probe.offered_per_s for probe in tried]
    if min(rates) == low:  # what a calm service does must be known, too
        return Step(Phase.BRACKET, rounded(low / RAMP), course.seed)
    if max(rates) < FAR * low:
        return Step(Phase.BRACKET, rounded(OVERLOADED * low), course.seed)
    return Step(Phase.CONFIRM, low, course.seed + _times_held(tried, low))


def bracket(probes: Sequence[Probe]) -> tuple[float | None, float | None]:
    """(the highest rate that held below all that broke, the lowest that broke); None for what there is not."""
    high = min((probe.offered_per_s for probe in probes if probe.outcome is Outcome.BROKE), default=None)
    held = [probe.offered_per_s for probe in probes if probe.outcome is Outcome.HELD]
    return max((rate for rate in held if high is None or rate < high), default=None), high


def invalid_twice(probes: Sequence[Probe]) -> Probe | None:
    """The last probe, if it and the one before it were the same and neither was valid."""
    if len(probes) < 2 or any(probe.outcome is not Outcome.INVALID for probe in probes[-2:]):
        return None
    return probes[-1] if probes[-1].offered_per_s == probes[-2].offered_per_s else None


def calmest(probes: Sequence[Probe]) -> Probe | None:
    """The lowest rate that held: what its people did is what people do when nothing holds them up."""
    held = [probe for probe in probes if probe.outcome is Outcome.HELD and probe.phase in SEARCHING]
    return min(held, key=lambda probe: probe.offered_per_s, default=None)


def expected_limit(probes: Sequence[Probe]) -> float | None:
    """Offered people a second at which the most goodput that an overloaded probe reached would be all who finish."""
    shares = [goodput / rate for rate, goodput in _goodputs(probes, Outcome.HELD)]
    broken = [goodput for _, goodput in _goodputs(probes, Outcome.BROKE)]
    if not shares or not broken or not (share := statistics.median(shares)):
        return None
    return max(broken) / share


def keeps_up(offered_per_s: float, goodput_per_s: float, calm: Probe, length_s: float) -> bool:
    """Whether as large a share of the people finish as at the lowest rate that held, as far as so many can show.

    Of n people who should have finished about sqrt(n) more or fewer do by chance; twice that is let pass.
    """
    share = (calm.goodput_per_s or 0.0) / calm.offered_per_s
    wanted = share * offered_per_s
    slack = max(SLACK, 2.0 / math.sqrt(max(1.0, wanted * length_s / 2.0)))
    return goodput_per_s >= wanted * (1.0 - slack)


def grows(offered_per_s: float, grew_per_s: float, length_s: float) -> bool:
    """Whether more people come than leave at a rate to which nothing can be compared yet."""
    slack = max(GREW, 2.0 / math.sqrt(max(1.0, offered_per_s * length_s / 2.0)))
    return grew_per_s > slack * offered_per_s


def rounded(per_s: float) -> float:
    """To three digits: rates are read by people, and written on a command line."""
    return float(f"{per_s:.3g}")


def _downwards(course: Course, tried: Sequence[Probe], high: float) -> Step | Over:
    """Nothing has held yet: at most half of what broke, less when less came through."""
    goodput = max((probe.goodput_per_s or 0.0 for probe in tried), default=0.0)
    rate = rounded(min(high / RAMP, BELOW * goodput) if goodput > 0.0 else high / RAMP)
    if rate * course.length_s < FEWEST:
        return Over(f"even {_rate(high)} broke, and fewer people than {FEWEST} in a probe would show nothing")
    return Step(Phase.RAMP, rate, course.seed)


def _inside(tried: Sequence[Probe], low: float, high: float) -> float:
    """A rate in the bracket: about the expected limit while the probes agree with it, else the middle."""
    limit = expected_limit(tried)
    around = []
    if limit is not None:
        around = [BELOW * limit, ABOVE * limit]
        if limit <= low < limit * NARROW:
            around.append(low * STEP)
        if limit / NARROW < high <= limit:
            around.append(high / STEP)
    return next((rate for rate in around if low * APART < rate < high / APART), math.sqrt(low * high))


def _goodputs(probes: Sequence[Probe], outcome: Outcome) -> list[tuple[float, float]]:
    """(offered, goodput) of the probes that ended so."""
    ended = [probe for probe in probes if probe.outcome is outcome]
    return [(probe.offered_per_s, probe.goodput_per_s) for probe in ended if probe.goodput_per_s is not None]


def _times_held(tried: Sequence[Probe], per_s: float) -> int:
    return sum(probe.outcome is Outcome.HELD and probe.offered_per_s == per_s for probe in tried)


def _rate(per_s: float) -> str:
    return f"{per_s:g}/s"


def _between(low: float | None, high: float | None) -> str:
    if low is None:
        return "and none held" if high is None else f"and even {_rate(high)} broke"
    if high is None:
        return f"and none broke: the limit is above {_rate(low)}; begin higher with --from"
    if high / low > NARROW:
        return f"and the limit is only known to lie between {_rate(low)} and {_rate(high)}"
    return f"before {_rate(low)} was confirmed"
