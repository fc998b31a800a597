"""The draw of those who came early: a permutation, fair whatever the moment of arrival, fixed by seed and cohort."""

import random
from collections.abc import Callable, Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from service.domain import lottery

keys = st.integers(0, 2**63 - 1)
DRAWS = 100
DECILES = 10


@given(st.integers(1, 400), keys, keys)
def test_every_place_is_given_once(cohort, high, low):
    """Whatever the size: no square, no power of two is needed."""
    assert sorted(lottery.places(cohort, high, low)) == list(range(1, cohort + 1))


@given(st.integers(1, 100_000), keys, keys, st.data())
def test_places_one_by_one_are_those_of_the_whole_draw(cohort, high, low, data):
    """The looked-up lots and the rule that the service calls for one ticket."""
    number = data.draw(st.integers(1, min(cohort, 500)))
    [*first] = (place for _, place in zip(range(number), lottery.places(cohort, high, low), strict=False))
    assert lottery.place_of(number, cohort, high, low) == first[-1]


@given(st.integers(0, 10**9), st.integers(1, 10**9), keys, keys)
def test_who_comes_after_the_opening_stands_where_the_number_says(cohort, later, high, low):
    assert lottery.place_of(cohort + later, cohort, high, low) == cohort + later


def crossed(draw: Callable[[int, int, int], Iterator[int]], cohort: int) -> float:
    """p of place given the decile of arrival, over DRAWS draws; rows and columns are full, so (10 - 1)^2 are free."""
    keys_of = random.Random("draws")
    counts = np.zeros((DECILES, DECILES))
    for _ in range(DRAWS):
        drawn = np.fromiter(draw(cohort, keys_of.getrandbits(63), keys_of.getrandbits(63)), np.int64, cohort)
        arrived = np.arange(cohort) * DECILES // cohort
        np.add.at(counts, (arrived, (drawn - 1) * DECILES // cohort), 1)
    expected = DRAWS * cohort / DECILES**2
    # Drawn without putting back: the variance of a cell is smaller by n / (n - 1) than the formula's, here nothing.
    return float(chi2.sf(((counts - expected) ** 2 / expected).sum(), (DECILES - 1) ** 2))


def test_the_moment_of_arrival_buys_nothing():
    """Chi-square of place given the decile of arrival, over 100 draws of 5,000 people: p > 0.01."""
    assert crossed(lottery.places, 5000) > 0.01


def test_a_draw_that_only_turns_the_line_is_found_unfair():
    """The negative control: each rotation is a permutation that fills all deciles, and neighbors stay neighbors."""

    def turned(cohort: int, high: int, _: int) -> Iterator[int]:
        return ((number + high) % cohort + 1 for number in range(cohort))

    assert crossed(turned, 5000) < 1e-6


def test_a_small_cohort_is_drawn_as_fairly():
    """Ten people, 5,000 draws: each stands at each place about as often; p > 0.01."""
    keys_of = random.Random("small draws")
    counts = np.zeros((10, 10))
    for _ in range(5000):
        for number, place in enumerate(lottery.places(10, keys_of.getrandbits(63), keys_of.getrandbits(63))):
            counts[number, place - 1] += 1
    assert chi2.sf(((counts - 500) ** 2 / 500).sum() * 9 / 10, 81) > 0.01


def digest_of(number: int, binding: bytes) -> bytes:
    found = lottery.CohortDigest()
    found.add(number, binding)
    return found.value()


def test_the_key_takes_in_seed_digest_and_cohort():
    """Another seed, another member or one member more: another draw. And a number from outside the code."""
    member = int.from_bytes(b"m" * 8, "big")
    seed, digest = b"s" * 32, digest_of(member, b"m" * 16)
    drawn = lottery.shuffle_key(seed, digest, 1)
    # $ printf 'sss...%b\0\0\0\0\0\0\0\1' "$(printf mmm... | sha256sum, as bytes)" | sha256sum
    outside = bytes.fromhex("d21cabbf52f6e12857685c6c64d4cd46fd58bd241fdba434e605ca902fe3a90f")
    assert drawn == (int.from_bytes(outside[:8], "big") >> 1, int.from_bytes(outside[8:16], "big") >> 1)
    others = {
        lottery.shuffle_key(b"t" * 32, digest, 1),
        lottery.shuffle_key(seed, digest_of(member, b"n" * 16), 1),
        lottery.shuffle_key(seed, digest, 2),
    }
    assert drawn not in others and len(others) == 3
    assert max(drawn) < 2**63
