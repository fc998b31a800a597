"""How the swarm's processes look for garbage while they play."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from loadtests.memory import settle


class Thing:
    """Can be part of a cycle."""

    itself: "Thing"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def collections() -> list[int]:
    return [each["collections"] for each in gc.get_stats()]


def test_what_lives_long_is_not_looked_through_again() -> None:
    settle()
    before = collections()
    kept = [[index] for index in range(200_000)]
    young, middle, full = (after - then for after, then in zip(collections(), before, strict=True))
    assert len(kept) == 200_000
    assert (young > 50, middle > 5, full) == (True, True, 0)


def test_without_it_they_would_be() -> None:
    """The negative control."""
    gc.set_threshold(700, 10, 10)
    before = collections()[2]
    kept = [[index] for index in range(500_000)]
    assert len(kept) == 500_000
    assert collections()[2] > before


def test_what_makes_a_cycle_young_is_still_freed() -> None:
    settle()
    thing = Thing()
    thing.itself = thing
    gone = weakref.ref(thing)
    del thing
    kept = [[index] for index in range(100_000)]
    assert len(kept) == 100_000
    assert gone() is None
