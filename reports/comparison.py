"""Two sides of runs compared: what changed, by how much, and whether chance alone would do that.

A side is one run or several repeats. With six runs or more the repeats themselves show what chance does; with fewer it
is drawn from the runs' own windows (reports.noise). The intervals of all measures hold together with 95 %, so that
the whole comparison raises one false alarm in twenty at most. Within them there is no call.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reports import generator, noise
from reports.change import BETTER, NO_CALL, SAME, UNKNOWN, WORSE, Change, Span
from reports.facts import Facts
from reports.likeness import Difference, differences
from reports.measures import MEASURES, Measure, Seen, Sums, answers, seen
from reports.noise import CONFIDENCE, Noise
from reports.statistics import FloatArray
from reports.wording import listed, say, speaking
from scenarios.record import COMPLETE_ENDS, Run

REPEATS_FROM = 4
"""Degrees of freedom: with fewer Student's t makes an interval out of repeats too wide to see anything."""
LEAST_WINDOWS = 8


class NotComparable(Exception):
    """Runs that cannot be compared; each fault is a line."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Comparison:
    """One side against the one before it. unlike: settings in which they differ, allowed by the caller."""

    before: list[Seen]
    after: list[Seen]
    changes: list[Change]
    unlike: list[Difference]

    @property
    def call(self) -> str:
        """worse if anything is; else better if anything is."""
        calls = {change.call for change in self.changes}
        return next((call for call in (WORSE, BETTER) if call in calls), NO_CALL)

    @property
    def sentence(self) -> str:
        names = {call: listed(one.text for one in self.changes if one.call == call) for call in (WORSE, BETTER)}
        if self.call == WORSE:
            return say("Worse beyond chance: {what}.", what=names[WORSE])
        if self.call == BETTER:
            return say("Nothing is worse beyond chance. Better: {what}.", what=names[BETTER])
        return say("No call: what changed is within what chance does.")

    def to_dict(self) -> dict[str, Any]:
        return {
            "before": [_side(run) for run in self.before],
            "after": [_side(run) for run in self.after],
            "call": self.call,
            "sentence": str(self.sentence),
            "confidence": CONFIDENCE,
            "unlike": [vars(one) for one in self.unlike],
            "changes": [change.to_dict() for change in self.changes],
        }


def load(folder: Path) -> Seen:
    """What a comparison needs of a run folder. Raises RecordError, and NotComparable for a run that is not valid."""
    run = Run.load(folder)
    with speaking("en"):  # as every complaint of the command line
        if why := _unusable(Facts(run)):
            raise NotComparable(f"{folder}: nothing can be compared with it: {why}")
    return seen(run)


def _unusable(facts: Facts) -> str:
    """Why a run's figures are not the service's, or not whole."""
    if facts.config["ended"] not in COMPLETE_ENDS:
        return f"it did not go to its end ({facts.config['ended']})"
    invalid = [audit.cause for audit in generator.audits(facts) or () if audit.invalid]
    missed = [fault.trouble for fault in facts.faults if not (fault.began and fault.bit)]
    return "; ".join([*invalid, *missed])


def compare(sides: Sequence[Sequence[Seen]], *, unlike: bool = False) -> list[Comparison]:
    """Each further side against the first one.

    Raises NotComparable naming every setting in which runs differ, unless `unlike` allows that.
    """
    before, *others = (list(side) for side in sides)
    found = {id(run): differences(before[0].config, run.config) for side in sides for run in side}
    told = {str(one) for each in found.values() for one in each}
    if told and not unlike:
        raise NotComparable(*(f"the runs are unlike in {one}" for one in sorted(told)))
    pairs = [_all(before, side, paired=not any(found[id(run)] for run in side)) for side in others]
    questions = max(1, sum(both.asks for pair in pairs for both in pair.values()))
    return [
        Comparison(
            before,
            side,
            [_change(measure, both, questions) for measure, both in pair.items()]
            + [_exact(half, before, side) for half in ("lost", "doubled")],
            found[id(side[0])],
        )
        for side, pair in zip(others, pairs, strict=True)
    ]


@dataclass(frozen=True)
class _Both:
    """A measure on both sides: values, the difference on its own scale with its noise, and how that was found."""

    before: float
    after: float
    difference: float = math.nan
    noise: Noise | None = None
    how: str = ""

    @property
    def asks(self) -> bool:
        """Whether chance could make a call of it: what is the same on both sides without any spread cannot."""
        return self.noise is not None and (self.noise.error > 0.0 or self.difference != 0.0)


def _all(before: list[Seen], after: list[Seen], *, paired: bool) -> dict[Measure, _Both]:
    """Every measure on both sides. paired: both played the same, so that windows of the same moment belong together."""
    found: dict[Measure, _Both] = {}
    windowed: dict[Measure, _Windows] = {}
    for measure in MEASURES:
        own = [[run for run in side if measure.id in run.sums] for side in (before, after)]
        values = [[run.value(measure) for run in side] for side in own]
        if not all(values):
            means = [_mean(measure, one) for one in values]
            found[measure] = _Both(means[0], means[1], how=say("nothing was recorded of it on both sides"))
        elif sum(map(len, values)) - 2 >= REPEATS_FROM:
            found[measure] = _by_repeats(measure, *values)
        else:
            windowed[measure] = _Windows.of(measure, *own, paired=paired)
    common = [length for measure, one in windowed.items() if measure.take is answers for length in one.lengths]
    return {
        measure: windowed[measure].judged([*common, *windowed[measure].lengths])
        if measure in windowed
        else found[measure]
        for measure in MEASURES
    }


def _by_repeats(measure: Measure, before: list[float], after: list[float]) -> _Both:
    scaled = [[float(one) for one in _scale(measure, np.array(side))] for side in (before, after)]
    means = [_mean(measure, side) for side in (before, after)]
    if not all(math.isfinite(one) for side in scaled for one in side):
        return _Both(means[0], means[1], how=say("a share of nothing cannot be taken"))
    difference = float(np.mean(scaled[1]) - np.mean(scaled[0]))
    how = say("{a} repeats against {b}", a=str(len(before)), b=str(len(after)))
    return _Both(means[0], means[1], difference, noise.of_repeats(*scaled), how)


@dataclass(frozen=True)
class _Windows:
    """A measure on both sides by windows. counts: of each side, shape (windows, kinds); paired: the same windows."""

    measure: Measure
    values: list[float]
    counts: list[FloatArray]
    edges: FloatArray | None
    width_s: float
    paired: bool

    @classmethod
    def of(cls, measure: Measure, before: list[Seen], after: list[Seen], *, paired: bool) -> "_Windows":
        widest = max(run.grid_s for run in (*before, *after))
        sides = _aligned(measure, before, after, widest)
        edges = sides[0].edges
        values = [float(measure.of(side.counts.sum(axis=0, keepdims=True), edges)[0]) for side in sides]
        held = [side.counts.any(axis=1) for side in sides]
        kept = [held[0] | held[1]] * 2 if paired else held
        return cls(
            measure, values, [side.counts[keep] for side, keep in zip(sides, kept, strict=True)], edges, widest, paired
        )

    @property
    def lengths(self) -> list[float]:
        """What block lengths the series of the windows want: of the differences, or of each side."""
        without = [self._scaled(counts.sum(axis=0) - counts) for counts in self.counts]
        series = [without[1] - without[0]] if self.paired else without
        return [noise.block_length(one[np.isfinite(one)]) for one in series]

    def judged(self, lengths: Sequence[float]) -> _Both:
        """The measure with its noise, in blocks as long as the longest of `lengths` wants."""
        scaled = [float(_scale(self.measure, np.array([value]))[0]) for value in self.values]
        if not all(map(math.isfinite, scaled)):
            return _Both(self.values[0], self.values[1], how=say("a share of nothing cannot be taken"))
        windows = min(map(len, self.counts))
        if windows < LEAST_WINDOWS:
            why = say("too short: fewer than {n} windows hold anything", n=str(LEAST_WINDOWS))
            return _Both(self.values[0], self.values[1], how=why)
        length = noise.blocks(windows, lengths, self.width_s)
        drawn = [
            self._scaled(_weighted(noise.drawn(len(counts), length, 0 if self.paired else side), counts))
            for side, counts in enumerate(self.counts)
        ]
        parts = [drawn[1] - drawn[0]] if self.paired else drawn
        found = [noise.of_windows(part, windows, length) for part in parts]
        together = Noise(math.hypot(*(one.error for one in found)), found[0].freedom)
        if not math.isfinite(together.error):
            return _Both(self.values[0], self.values[1], how=say("too few windows hold anything of it"))
        how = say("{n} windows in blocks of {length}", n=str(windows), length=f"{length:.0f}")
        return _Both(self.values[0], self.values[1], scaled[1] - scaled[0], together, how)

    def _scaled(self, sums: FloatArray) -> FloatArray:
        return _scale(self.measure, self.measure.of(sums, self.edges))


def _weighted(weights: FloatArray, counts: FloatArray) -> FloatArray:
    """weights @ counts, without the time for columns that hold nothing: most buckets of most histograms."""
    held = counts.any(axis=0)
    sums = np.zeros((len(weights), counts.shape[1]))
    sums[:, held] = weights @ counts[:, held]
    return sums


def _aligned(measure: Measure, before: list[Seen], after: list[Seen], widest: float) -> tuple[Sums, Sums]:
    """The sums of both sides in the same windows of `widest` seconds, runs of a side added up."""
    coarse = [[run.sums[measure.id].coarser(round(widest / run.grid_s)) for run in side] for side in (before, after)]
    windows = max(len(one.counts) for side in coarse for one in side)
    edges = coarse[0][0].edges
    ours, theirs = (Sums(np.sum([one.padded(windows).counts for one in side], axis=0), edges) for side in coarse)
    return ours, theirs


def _scale(measure: Measure, values: FloatArray) -> FloatArray:
    """On which differences are taken: the logarithm of what changes by factors."""
    if not measure.relative:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(values)


def _mean(measure: Measure, values: Sequence[float]) -> float:
    """Of repeats, on the measure's scale: nan of none."""
    if not values:
        return math.nan
    mean = float(np.mean(_scale(measure, np.array(values))))
    return math.exp(mean) if measure.relative else mean


def _change(measure: Measure, both: _Both, questions: int) -> Change:
    before, after = (None if math.isnan(value) else value for value in (both.before, both.after))
    if both.noise is None:
        return Change(measure.id, say(measure.text), measure.unit, before, after, None, None, UNKNOWN, both.how)
    reach = both.noise.reach(questions)
    span = (both.difference, both.difference - reach, both.difference + reach)
    relative: Span | None
    if measure.relative:
        relative = _span(math.expm1(min(one, 700.0)) for one in span)
        absolute = _span(both.before * one for one in relative)
    else:
        absolute = span
        relative = _span(one / both.before for one in span) if both.before else None
    call = NO_CALL
    if span[1] > 0.0 or span[2] < 0.0:
        call = BETTER if (both.difference > 0.0) == measure.more_is_better else WORSE
    elif not both.asks:
        call = SAME
    return Change(measure.id, say(measure.text), measure.unit, before, after, absolute, relative, call, both.how)


def _exact(half: str, before: list[Seen], after: list[Seen]) -> Change:
    """What is lost or doubled: counted, not sampled, so that one more is worse. Of repeats the worst."""
    text = say("Acknowledged and lost") if half == "lost" else say("Done twice")
    found = [[getattr(run, half) for run in side] for side in (before, after)]
    if any(one is None for side in found for one in side):
        why = say("the ledgers of not all runs could be compared")
        return Change(half, text, "", None, None, None, None, UNKNOWN, why)
    was, now = (float(max(side)) for side in found)
    change = now - was
    call = SAME if not change else WORSE if change > 0 else BETTER
    return Change(half, text, "", was, now, (change, change, change), None, call, say("counted"))


def _span(values: Iterable[float]) -> Span:
    estimate, low, high = values
    return float(estimate), float(low), float(high)


def _side(run: Seen) -> dict[str, Any]:
    return {"run": run.id, "folder": str(run.folder), "seed": run.config["seed"], "versions": run.config["versions"]}
