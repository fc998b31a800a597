"""One measure on both sides of a comparison: what it was, what it is, and whether chance alone would do that."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reports.wording import N_, Told, number, percent, say, seconds

BETTER, WORSE, NO_CALL, SAME, UNKNOWN = "better", "worse", "no call", "same", "not known"
CALLS = {
    BETTER: N_("better"),
    WORSE: N_("worse"),
    NO_CALL: N_("no call"),
    SAME: N_("same"),
    UNKNOWN: N_("not known"),
}
TENFOLD = 9.0
"""A relative change beyond which the interval's end says no more than that it is far."""

Span = tuple[float, float, float]
"""Estimate, low, high."""


@dataclass(frozen=True)
class Change:
    """One measure on both sides. absolute = after - before in its unit; relative is a share of before.

    unit: s, 1 (a share), or nothing (a number). None is what is not known. why: what the call rests on, or why there
    is none.
    """

    id: str
    text: str
    unit: str
    before: float | None
    after: float | None
    absolute: Span | None
    relative: Span | None
    call: str
    why: str

    def to_dict(self) -> dict[str, Any]:
        """As numbers, and under `told` as a person reads them in the language that is spoken."""
        return {
            **vars(self),
            "text": str(self.text),
            "why": str(self.why),
            "absolute": _named(self.absolute),
            "relative": _named(self.relative),
            "told": {
                "before": str(worded(self.unit, self.before)),
                "after": str(worded(self.unit, self.after)),
                "absolute": _told(self.absolute, lambda value: _signed(value, worded(self.unit, value))),
                "relative": _told(self.relative, _share),
                "call": str(say(CALLS[self.call])),
            },
        }


def worded(unit: str, value: float | None) -> Told:
    """A value of that unit as people read it."""
    if unit == "s":
        return seconds(value)
    return percent(value, 2) if unit == "1" else number(value)


def _told(span: Span | None, wording: Callable[[float], str]) -> str:
    if span is None:
        return str(number(None))
    estimate, low, high = (wording(value) for value in span)
    return estimate if low == high else str(say("{estimate} ({low} to {high})", estimate=estimate, low=low, high=high))


def _share(value: float) -> str:
    return f"> +{percent(TENFOLD, 0)}" if value > TENFOLD else _signed(value, percent(value))


def _signed(value: float, text: str) -> str:
    return f"+{text}" if value > 0 else text.replace("-", "−", 1)


def _named(span: Span | None) -> dict[str, float] | None:
    return None if span is None else dict(zip(("estimate", "low", "high"), span, strict=True))
