"""An answer of a report: one number with its interval, how it was come by, how sure it is, and where its proof stands.

Screen, verdict.json, summary and page all show these same objects. What cannot be known says why instead.

**How sure.** `confidence` starts from the width of the interval, half of it against the value: up to 10 % is "sure", up
to 30 % "likely", anything wider or without an interval "a guess". One step down each for

- fewer than three repeats (independent runs, or windows of one) behind it,
- an extrapolation beyond twice what was played,
- each assumption that it rests on: the curve of the night, prices.

A run that is not valid gives guesses only.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any

from reports.wording import N_, Said, Told, count, number, percent, say

KINDS = {
    "measured": N_("measured"),
    "scaled": N_("scaled"),
    "extrapolated": N_("extrapolated"),
    "simulated": N_("simulated"),
}
CONFIDENCES = {"sure": N_("sure"), "likely": N_("likely"), "a guess": N_("a guess")}

SURE_WITHIN, LIKELY_WITHIN = 0.10, 0.30
"""Half the interval against the value. A tenth is less than one step of hardware; with a third, every second plan made
from it would be wrong by one machine in three."""
ENOUGH_REPEATS = 3
"""Below this a spread cannot be told from an accident."""
FAR = 2.0
"""An extrapolation to more than so many times what was played goes down a step: saturation bends within a doubling."""

SHARES = ("share",)
"""Units that read as a percentage."""


@dataclass(frozen=True)
class Stated:
    """One answer.

    value: None where it is not known; then `why_not` says why. low, high: the interval, both None where none is known;
    one of them alone means "at least" or "at most". unit: English, said by the page in its language ("" where a number
    needs none). evidence: "#id" of what on the same page shows it. source: where a measured number stands in the record
    (docs/report.md), else that id. named: what the answer calls by name (a resource).
    Raises ValueError for an answer that contradicts itself.
    """

    id: str
    what: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    kind: str
    confidence: str
    evidence: str
    why_not: str = ""
    source: str = field(default="", kw_only=True)
    named: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.why_not):
            raise ValueError(f"{self.id}: either a value or a reason why there is none")
        if self.kind not in KINDS or self.confidence not in ("", *CONFIDENCES):
            raise ValueError(f"{self.id}: no such kind or confidence: {self.kind}, {self.confidence}")
        if not self.evidence.startswith("#"):
            raise ValueError(f"{self.id}: evidence is an id of the page, not {self.evidence!r}")
        ordered = [one for one in (self.low, self.value, self.high) if one is not None]
        if any(math.isnan(one) for one in ordered) or ordered != sorted(ordered):
            raise ValueError(f"{self.id}: {self.low} .. {self.value} .. {self.high} is no interval")

    @property
    def text(self) -> Said:
        """The answer as people read it, without what it is of: "at least 13.4 people/s", a name, a reason."""
        if self.value is None:
            return say("not known, because {reason}", reason=self.why_not)
        shown = self._shown(self.value, self.source or self.evidence)
        if self.named:
            return say("{name}, {value} of its limit", name=self.named, value=shown)
        if self.high is None and self.low is not None:
            return say("at least {value}", value=shown)
        if self.low is None and self.high is not None:
            return say("at most {value}", value=shown)
        return shown

    @property
    def interval(self) -> Said | None:
        """The interval as people read it; None where there is none or it is but a point."""
        if self.low is None or self.high is None or self.low == self.high:
            return None
        low, high = (self._number(one, self.evidence) for one in (self.low, self.high))
        return say("{low} to {high}", low=low, high=high)

    @property
    def manner(self) -> Said:
        """How it was come by and how sure it is: "measured, likely"."""
        if self.value is None:
            return say("not known")
        return say("{kind}, {confidence}", kind=say(KINDS[self.kind]), confidence=say(CONFIDENCES[self.confidence]))

    def to_dict(self) -> dict[str, Any]:
        """The answer in verdict.json: words of kind and confidence in English whatever the page speaks."""
        return {
            "id": self.id, "value": self.value, "low": self.low, "high": self.high, "unit": self.unit,
            "kind": self.kind, "confidence": self.confidence, "evidence": self.evidence, "why_not": str(self.why_not),
            "named": str(self.named), "what": str(self.what), "text": str(self.text),
            "interval": str(self.interval or ""), "manner": str(self.manner),
        }  # fmt: skip

    def doubted(self) -> "Stated":
        """The same answer out of a run that is not valid: a guess."""
        return self if self.value is None else replace(self, confidence="a guess")

    def _shown(self, value: float, source: str) -> Said:
        told = self._number(value, source)
        return say("{value} {unit}", value=told, unit=say(self.unit)) if self._unit else Said((told,))

    @property
    def _unit(self) -> str:
        return "" if self.unit in SHARES else self.unit

    def _number(self, value: float, source: str) -> Told:
        if self.unit in SHARES:
            return percent(value, 0 if abs(value) >= 1 else 1, source=source)
        return (count if self.unit in WHOLE else number)(value, source=source)


WHOLE = (N_("replicas"),)
"""Units that come whole."""
UNITS = (
    N_("registrations/s"), N_("people/s"), N_("cores"), N_("codes/min"), N_("checks/s"), N_("IDR"), N_("core-seconds"),
)  # fmt: skip
"""The other units that answers come in, for the catalogue."""


def not_known(name: str, what: str, unit: str, why: str, evidence: str = "#answer") -> Stated:
    """An answer that this record cannot give."""
    return Stated(name, what, None, None, None, unit, "measured", "", evidence, why)


def confidence(
    value: float,
    low: float | None,
    high: float | None,
    *,
    repeats: int = ENOUGH_REPEATS,
    reach: float = 1.0,
    assumed: int = 0,
) -> str:
    """One of CONFIDENCES, by the rule of this module.

    repeats: independent runs or windows behind the number; reach: how many times what was played it goes beyond;
    assumed: on how many assumptions of the night file it rests.
    A bound from one side ("at least") has no width: what was seen was seen.
    """
    steps = _steps(value, low, high) + (repeats < ENOUGH_REPEATS) + (reach > FAR) + assumed
    return list(CONFIDENCES)[min(steps, 2)]


def _steps(value: float, low: float | None, high: float | None) -> int:
    if low is None and high is None:
        return 2
    half = ((value if high is None else high) - (value if low is None else low)) / 2
    if value == 0:
        return 0 if half == 0 else 2
    return (half > SURE_WITHIN * abs(value)) + (half > LIKELY_WITHIN * abs(value))
