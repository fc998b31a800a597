"""The objectives of a night: what must hold, outside injected faults, for the verdict to be "met".

Bounds come from the night in run.json: those of the whole night, of stages of the journey, and of windows of time.
"""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from reports.facts import Facts
from reports.region import Region
from reports.rules import RULES
from reports.wording import N_, Said, Told, clock, number, percent, say, seconds
from scenarios.objectives import Demand, demands

STAGES = {
    "line": N_("waiting line"),
    "account": N_("account"),
    "code": N_("code"),
    "identity": N_("identity"),
    "profile": N_("profile"),
    "photos": N_("photos"),
    "phone": N_("phone"),
    "assessment": N_("test"),
    "join": N_("joining"),
}
"""Words for scenarios.objectives.STAGES."""
MARKS = {True: N_("met"), False: N_("missed"), None: N_("not judged")}


@dataclass(frozen=True)
class Objective:
    """One objective and how this run stands to it. met: None = not judged, for the reason in `detail`."""

    id: str
    text: str
    bound: float
    value: float | None
    met: bool | None
    detail: str
    loosened: str | None = None
    """The night's reason for asking less than the default."""
    stage: str = ""
    window: str = ""
    source: str = ""
    """Where the value stands in the record (docs/report.md); empty where it takes more than one source can say."""
    bound_source: str = ""

    @property
    def mark(self) -> Said:
        return say(MARKS[self.met])

    @property
    def value_text(self) -> Told:
        return worded(self.id, self.value, self.source)

    @property
    def bound_text(self) -> Told:
        return worded(self.id, self.bound, self.bound_source)

    def to_dict(self) -> dict[str, Any]:
        """In verdict.json; texts are those of the report's language."""
        return {name: value for name, value in vars(self).items() if name != "bound_source"}


def judge_all(facts: Facts) -> list[Objective]:
    """Every objective of the run's night: its own in the order of DEFAULTS, then of stages, then of windows."""
    found = []
    for (stage, start_s, end_s), together in groupby(asked(facts), lambda one: (one.stage, one.start_s, one.end_s)):
        region = Region(facts, stage, start_s / facts.speed, end_s / facts.speed)
        found += [_judged(region, demand) for demand in together]
    return found


def asked(facts: Facts) -> list[Demand]:
    """What the run's night demands."""
    night = facts.config["night"]
    return demands(night["objectives"], night.get("objective_reasons", {}))


def bound_of(facts: Facts, name: str) -> tuple[float, str | None]:
    """The night's bound for an objective of the whole night, and the night's reason where it was loosened."""
    one = next(demand for demand in asked(facts) if demand.id == name)
    return one.bound, one.reason or None


def _judged(region: Region, demand: Demand) -> Objective:
    rule, source = RULES[demand.name], f"config:night.objectives.{demand.path}"
    judged = rule.judge(region, demand.bound)
    text = rule.text(worded(demand.name, demand.bound, source))
    return Objective(
        id=demand.id,
        text=say("{where}: {what}", where=_where(demand), what=text) if demand.stage or demand.window else text,
        bound=demand.bound,
        value=judged.value,
        met=judged.met,
        detail=judged.detail,
        loosened=demand.reason or None,
        stage=demand.stage,
        window=demand.window,
        source=judged.source,
        bound_source=source,
    )


def _where(demand: Demand) -> Said:
    stage = say(STAGES[demand.stage]) if demand.stage else ""
    if not demand.window:
        return say("Stage {stage}", stage=stage)
    span = {"window": demand.window, "start": clock(demand.start_s), "end": clock(demand.end_s)}
    if not demand.stage:
        return say("Window {window} ({start} to {end} of the night)", **span)
    return say("Window {window} ({start} to {end} of the night), stage {stage}", stage=stage, **span)


def worded(name: str, value: float | None, source: str = "") -> Told:
    """A value or bound of the objective `name` as people read it."""
    if name.endswith("_ratio"):
        return percent(value, 2, source=source)
    return seconds(value, source=source) if name.endswith("_s") else number(value, source=source)
