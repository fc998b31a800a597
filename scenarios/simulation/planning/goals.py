"""What a set must achieve: the objectives of the night that a simulation can judge, and some of the planner's own.

The night's objectives judge those who were let in. A planner who asks only these is told to let nobody in: so people
who came are judged as well, and what the partners and the inspectors owe them.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from scenarios.catalogue import Night
from scenarios.objectives import DEFAULTS, STAGE_BOUNDS, STAGES, demands
from scenarios.simulation.planning.outcome import API, EDGES_S, Outcome


class Own(NamedTuple):
    """A bound of the planner's own, and why it is there."""

    bound: float
    at_most: bool
    text: str
    why: str


CAME_JOINED = "came_joined_ratio"
LINE_WAIT = "line_wait_s"
OWN: dict[str, Own] = {
    CAME_JOINED: Own(
        0.95, False, "people who came in time, and were not refused or uninterested, who joined",
        "as much as the default asks of those who were let in; without it the cheapest gate is a closed one",
    ),
    LINE_WAIT: Own(
        3_600.0, True, "how long the longest line of any full minute takes to pass the gate",
        "as long as lines were borne elsewhere that spring; a gate can be so narrow that nothing need be bought",
    ),
    "codes_oldest_s": Own(
        60.0, True, "the oldest code that waits for a gateway, at any full minute",
        "after a minute most people press resend, and the load grows by itself",
    ),
    "identity_answered_ratio": Own(
        0.99, False, "identity checks that the registry can answer before the wave closes",
        "a place counts only with a match; people go on while the answer is pending",
    ),
    "inspection_wait_s": Own(
        300.0, True, "mean wait of a photo for its inspection",
        "whoever must send another photo is still there: the test alone takes 25 minutes",
    ),
}  # fmt: skip
OF_ANSWERS = {"api_p95_s": 0.95, "api_p99_s": 0.99, "p95_s": 0.95, "p99_s": 0.99}
UNJUDGED = {
    "server_error_ratio": "a simulated service answers or turns away; it has no faults of its own",
    "codes_within_10s_ratio": "every code that waits here waits for a quota, and those are not judged: "
    "codes_oldest_s is",
    "photos_stored_ratio": "photos are not counted one by one: stage.photos.completed_ratio is judged",
    "photo_tries_median": "photos are not counted one by one: stage.photos.completed_ratio is judged",
    "waits_in_range_ratio": "no range of waits is shown to anybody",
    "lost": "there is no ledger that could disagree",
    "doubled": "there is no ledger that could disagree",
}
"""Objectives of a night that no simulation can judge, and why."""
PEOPLE = (CAME_JOINED, "admitted_joined_ratio")
MELTDOWN = 2.0
"""A night melts down when it loses more than so many times the people that `came_joined_ratio` lets it lose."""
_OFF = "off"


class GoalError(ValueError):
    """Objectives that cannot be asked for; one line for each."""


@dataclass(frozen=True)
class Goal:
    """One bound. id: as scenarios.objectives.Demand.id."""

    id: str
    bound: float
    at_most: bool
    origin: str
    """night, plan or asked."""

    @property
    def name(self) -> str:
        return self.id.rpartition(".")[2]

    @property
    def stage(self) -> str:
        """Of STAGES; empty: the whole way."""
        return self.id.split(".")[1] if self.id.startswith("stage.") else ""

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.id, "bound": self.bound, "at_most": self.at_most, "origin": self.origin}


class Verdict(NamedTuple):
    """How an outcome stands to one goal. slack: from 0 on it is met; 1 means that nothing at all goes wrong."""

    goal: Goal
    value: float
    slack: float

    @property
    def met(self) -> bool:
        return self.slack >= 0.0


def goals(night: Night, asked: Sequence[str]) -> tuple[list[Goal], list[str]]:
    """What is judged, and the ids of the night's objectives that are not.

    asked: `ID=BOUND` sets or adds one, `ID=off` leaves one out; all others stay as the night and OWN have them. Raises
    GoalError with every fault.
    """
    found: dict[str, Goal] = {}
    left_out = []
    for demand in demands(night.to_dict()["objectives"], {}):
        if _not_judged(demand.id):
            left_out.append(demand.id)
        else:
            found[demand.id] = Goal(demand.id, demand.bound, _is_at_most(demand.id), "night")
    for name, own in OWN.items():
        found[name] = Goal(name, own.bound, own.at_most, "plan")
    faults = []
    for words in asked:
        name, _, bound = words.partition("=")
        if fault := _fault(name, bound):
            faults.append(f"--objective {words}: {fault}")
        elif bound == _OFF:
            found.pop(name, None)
        else:
            found[name] = Goal(name, float(bound), _is_at_most(name), "asked")
    if not faults and not found:
        faults.append("--objective: nothing is left to be judged")
    if faults:
        raise GoalError("\n".join(faults))
    return list(found.values()), left_out


def known() -> list[str]:
    """Every objective that can be asked for."""
    whole = [name for name in DEFAULTS if name not in UNJUDGED]
    stages = [f"stage.{stage}.{name}" for stage in STAGES for name in STAGE_BOUNDS if name not in UNJUDGED]
    return [*whole, *OWN, *stages]


def _not_judged(name: str) -> str:
    if name.startswith("window."):
        return "a plan is held against the whole night"
    return UNJUDGED.get(name.rpartition(".")[2], "")


def _fault(name: str, bound: str) -> str:
    if why := _not_judged(name):
        return f"a simulation cannot judge it: {why}. It judges {', '.join(known())}"
    if name not in known():
        return f"no such objective; there are {', '.join(known())}"
    if bound == _OFF:
        return ""
    try:
        value = float(bound)
    except ValueError:
        return f"must be {name}=NUMBER, or {name}={_OFF}"
    if not math.isfinite(value) or value < 0.0 or (name.endswith("_ratio") and value >= 1.0):
        return "must be a share from 0 to below 1" if name.endswith("_ratio") else "must be a number of seconds"
    if not name.endswith("_ratio") and value == 0.0:
        return "nothing takes no time: give seconds above 0"
    return ""


def _is_at_most(name: str) -> bool:
    """Seconds are at most, shares at least: of all that a simulation judges."""
    return not name.endswith("_ratio")


def judged(outcome: Outcome, asked: Iterable[Goal]) -> list[Verdict]:
    """How a run stands to each goal."""
    return [_judged(outcome, goal) for goal in asked]


def _judged(outcome: Outcome, goal: Goal) -> Verdict:
    if goal.name in OF_ANSWERS:
        return _of_answers(outcome, goal, OF_ANSWERS[goal.name])
    value = value_of(outcome, goal)
    if goal.at_most:
        return Verdict(goal, value, (goal.bound - value) / (goal.bound or 1.0))
    room = 1.0 - goal.bound
    return Verdict(goal, value, (value - goal.bound) / (room if room > 0.0 else 1.0))


def value_of(outcome: Outcome, goal: Goal) -> float:
    """What is bounded, for all goals but those of answers."""
    if goal.name == "completed_ratio":
        return _share(outcome.completed[goal.stage], outcome.began[goal.stage])
    return {
        CAME_JOINED: lambda: came_joined(outcome),
        "admitted_joined_ratio": lambda: _share(outcome.admitted_joined, outcome.admitted_wanted),
        LINE_WAIT: lambda: outcome.line_wait_s,
        "codes_oldest_s": lambda: outcome.codes_oldest_s,
        "identity_answered_ratio": lambda: 1.0 - outcome.identity_late / max(outcome.identity_asked, 1),
        "inspection_wait_s": lambda: outcome.inspection_wait_s,
    }[goal.name]()


def came_joined(outcome: Outcome) -> float:
    """Share of the people who wanted to and came in time that joined."""
    return _share(outcome.joined, outcome.wanted)


def _of_answers(outcome: Outcome, goal: Goal, share: float) -> Verdict:
    """By the share within the bound, which is exact at the edges. Who gave up waiting had no answer within any."""
    where = goal.stage or API
    counts, given_up = outcome.took[where], outcome.given_up[where]
    total = sum(counts) + given_up
    if not total:
        return Verdict(goal, 0.0, 1.0)
    below = [0.0]
    for count in counts[:-1]:
        below.append(below[-1] + count)
    edges = [0.0, *EDGES_S]
    within = _between(goal.bound, edges, below) / total
    value = _between(share * total, below, edges) if share * total <= below[-1] else math.inf
    return Verdict(goal, min(value, float(EDGES_S[-1])), (within - share) / (1.0 - share))


def _between(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """On straight lines between points; xs ascend. The least y where several points have that x."""
    for place in range(1, len(xs)):
        if x <= xs[place] and xs[place] > xs[place - 1]:
            part = (x - xs[place - 1]) / (xs[place] - xs[place - 1])
            return float(ys[place - 1] + max(part, 0.0) * (ys[place] - ys[place - 1]))
    return float(ys[-1])


def melts_below(asked: Iterable[Goal]) -> float:
    """The share of `came_joined_ratio` below which a night has melted down."""
    bound = next((goal.bound for goal in asked if goal.id == CAME_JOINED), OWN[CAME_JOINED].bound)
    return max(0.0, 1.0 - MELTDOWN * (1.0 - bound))


def _share(part: int, whole: int) -> float:
    """1 of nobody: nobody was failed."""
    return part / whole if whole else 1.0
