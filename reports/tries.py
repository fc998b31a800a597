"""How often people had to try until something worked, and whether the wait they were promised was the one they had."""

from dataclasses import dataclass

import numpy as np

from reports.drawing import Table
from reports.facts import Facts
from reports.statistics import BoolArray, FloatArray
from reports.terms import of_people
from reports.wording import N_, count, percent, say, seconds
from scenarios.record import Fate

LEAST_WAITS = 20
"""People in a row of the table of waits, at least; fewer say nothing about nine of ten."""
MOST_ROWS = 6


def tries(facts: Facts) -> Table:
    """What it took to succeed: in all, and for half, 19 of 20 and the unluckiest of those who did."""
    people = facts.people
    rows = []
    for label, tried, done, equal in (
        (N_("photos (two each)"), "photo_tries", "photos_stored", {"photos_stored": 2}),
        (N_("one-time codes (two each)"), "codes_asked", "codes_accepted", {"codes_accepted": 2}),
        (N_("requests of those who joined"), "requests", "", {"fate": int(Fate.JOINED)}),
        (N_("repeats of those who joined"), "retries", "", {"fate": int(Fate.JOINED)}),
    ):
        ((name, value),) = equal.items()
        own = people[tried][people[name] == value]
        if not len(own):
            continue
        if done:
            spent = of_people("sum", people[tried].sum(dtype=np.float64), tried)
            got = of_people("sum", people[done].sum(dtype=np.float64), done)
        else:
            spent = of_people("sum", own.sum(dtype=np.float64), tried, **equal)
            got = of_people("count", len(own), **equal)
        ranks = [("median", np.median(own)), ("q0.95", np.quantile(own, 0.95)), ("max", own.max())]
        of_person = [of_people(operation, float(rank), tried, **equal).number for operation, rank in ranks]
        rows.append([say(label), spent.count, got.count, (spent / got).number, *of_person])
    head = [
        say("of what"), say("tries"), say("successes"), say("tries for each"), say("half at most"),
        say("19 of 20 at most"), say("most of all"),
    ]  # fmt: skip
    return Table(head, rows)


@dataclass(frozen=True)
class Waits:
    """People who were promised about the same wait. All times in seconds; the last three shares sum to 1."""

    people: int
    low: float
    high: float
    """Medians of the ranges that they were shown."""
    had: tuple[float, float, float]
    """What they waited: one in ten at most, half at most, nine in ten at most."""
    inside: float
    shorter: float
    longer: float


def promised(facts: Facts) -> BoolArray:
    """Who was shown a range of waiting times and then was let in."""
    known = np.ones(len(facts.people["wait"]), bool)
    for name in ("wait_low", "wait_high", "wait"):
        known &= np.isfinite(facts.people[name])
    return known


def waits(facts: Facts) -> list[Waits]:
    """From the shortest promise to the longest, in groups of equal size; all in one where they are few."""
    told = promised(facts)
    low, high, had = (facts.people[name][told] for name in ("wait_low", "wait_high", "wait"))
    if not len(had):
        return []
    groups = max(1, min(MOST_ROWS, len(had) // LEAST_WAITS))
    order = np.argsort(low + high, kind="stable")
    return [_waits_of(low[part], high[part], had[part]) for part in np.array_split(order, groups)]


def _waits_of(low: FloatArray, high: FloatArray, had: FloatArray) -> Waits:
    shorter, longer = float((had < low).mean()), float((had > high).mean())
    tenth, half, nine = (float(each) for each in np.quantile(had, (0.1, 0.5, 0.9)))
    return Waits(len(had), float(np.median(low)), float(np.median(high)), (tenth, half, nine),
                 1 - shorter - longer, shorter, longer)  # fmt: skip


def wait_table(found: list[Waits]) -> Table:
    rows = [
        [
            say("{low} to {high}", low=seconds(one.low), high=seconds(one.high)),
            count(one.people),
            *(seconds(each) for each in one.had),
            *(percent(each) for each in (one.inside, one.shorter, one.longer)),
        ]
        for one in found
    ]
    head = [
        say("promised"), say("people"), say("1 in 10 waited at most"), say("half at most"), say("9 in 10 at most"),
        say("inside"), say("shorter"), say("longer"),
    ]  # fmt: skip
    return Table(head, rows)
