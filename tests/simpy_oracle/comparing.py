"""One night by the kernel and by the oracle, and whoever ends differently."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenarios.fates import Fate, Furthest, Reason
from scenarios.journey_state import Action
from scenarios.journey_state import Result as Told
from scenarios.simulation.figures import Setup
from scenarios.simulation.run import Result, arrivals, simulate
from tests.simpy_oracle.applicant import End
from tests.simpy_oracle.house import House


def by_kernel(setup: Setup, people: int, *, plain: bool) -> Result:
    """The first `people` of the night. plain: uncompiled."""
    return simulate(setup, _due_us(setup, people), plain=plain)


def by_oracle(setup: Setup, people: int) -> House:
    """The same, played to its end."""
    house = House(setup, _due_us(setup, people).tolist())
    house.play()
    return house


def differences(kernel: Result, oracle: House) -> list[str]:
    """One line for each person who ends differently, and for each kind of answer that was given more or less often."""
    ends = [person.end for person in oracle.people]
    return [*_people(ends_of(kernel), ends), *_answers(kernel, oracle)]


def _due_us(setup: Setup, people: int) -> NDArray[np.int64]:
    curve = setup.night.curve.reading(setup.night.curve.default)
    return arrivals(setup.night, curve, setup.seed, setup.factors, people)


def ends_of(kernel: Result) -> list[End]:
    """What everybody came to in the kernel's rows; instants to the microsecond."""
    rows = kernel.rows
    left_us = np.where(rows["fate"] > 0, np.rint(rows["moment_s"] * 1e6), -1).astype(np.int64)
    columns = (rows["fate"], rows["reason"], rows["furthest"], left_us, rows["visits"], rows["retries"])
    return [End(*each) for each in zip(*(column.tolist() for column in columns), strict=True)]


def _people(ours: Sequence[End], theirs: Sequence[End]) -> list[str]:
    both = enumerate(zip(ours, theirs, strict=True))
    return [f"{number}: kernel {_text(one)}, oracle {_text(other)}" for number, (one, other) in both if one != other]


def _answers(kernel: Result, house: House) -> list[str]:
    counts = kernel.tally.answered.sum(axis=0)
    found = []
    for action in Action:
        for told in Told:
            one, other = int(counts[action, told]), house.answers[action, told]
            if one != other:
                found.append(f"{action.name} {told.name}: kernel {one}, oracle {other} times")
    return found


def _text(end: End) -> str:
    fate = Fate(end.fate).name if end.fate else "nothing"
    reason, furthest = Reason(end.reason).name, Furthest(end.furthest).name
    return f"{fate} ({reason}) after {furthest} at {end.left_us} us, {end.visits} visits, {end.retries} retries"
