"""The line at a labor office: one after the other, in the order of coming, the same for every process."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios import catalogue
from scenarios.catalogue import Night
from scenarios.offices import waits
from scenarios.population import person

NIGHT = catalogue.load("prakerja-wave-1")
PEOPLE = 3000
DUE = np.sort(np.random.default_rng(1).uniform(0.0, 36_000.0, PEOPLE))


def with_share(share: float) -> Night:
    assisted = NIGHT.population.assisted
    assert assisted is not None
    return replace(NIGHT, population=replace(NIGHT.population, assisted=replace(assisted, share=share)))


@pytest.mark.parametrize("pace", [1.0, 20.0])
def test_a_helper_serves_one_after_the_other(pace: float) -> None:
    """At each office nobody begins before the one before is done, nor later than that; in the order of coming."""
    night = with_share(0.5)
    found = waits(night, 1, DUE, pace)
    busy = 1200.0 / pace
    offices: dict[int, list[float]] = {}
    for number in range(PEOPLE):
        office = person(night, 1, number).office
        assert office >= 0 or number not in found
        if office >= 0:
            begun = offices.setdefault(office, [])
            least = max(DUE[number], begun[-1] + busy) if begun else DUE[number]
            begun.append(DUE[number] + found.get(number, 0.0))
            assert begun[-1] == pytest.approx(least)
    assert max(len(begun) for begun in offices.values()) > 5
    assert all(wait > 0.0 for wait in found.values())


def test_lines_grow_with_the_share_of_the_helped_and_with_their_number() -> None:
    """Few wait that night: one in three hundred is helped, in 514 places. Raised, the line is there."""
    few, many = waits(NIGHT, 1, DUE, 1.0), waits(with_share(0.5), 1, DUE, 1.0)
    assert len(few) < 10 < 200 < len(many)


def test_without_anybody_helped_there_is_no_line() -> None:
    """The negative controls."""
    assert waits(with_share(0.0), 1, DUE, 1.0) == {}
    nobody = replace(NIGHT, population=replace(NIGHT.population, assisted=None))
    assert waits(nobody, 1, DUE, 1.0) == waits(NIGHT, 1, DUE[:0], 1.0) == {}


def test_who_comes_first_is_served_first_whatever_the_number() -> None:
    """Instants of a plan ascend nearly, not strictly; the line goes by them."""
    night = with_share(1.0)
    same = [number for number in range(PEOPLE) if person(night, 1, number).office == person(night, 1, 0).office][:2]
    due = np.full(PEOPLE, 1e6)
    due[same[0]], due[same[1]] = 100.0, 50.0
    found = waits(night, 1, due, 1.0)
    assert same[1] not in found
    assert found[same[0]] == pytest.approx(1150.0)
