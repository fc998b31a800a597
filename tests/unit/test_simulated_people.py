"""Everybody of a night at once is who she is one by one."""

from dataclasses import replace

import numpy as np
import pytest

from loadtests import photos
from scenarios import behaviour, identity_numbers, population
from scenarios.catalogue import load
from scenarios.fates import Channel
from scenarios.simulation import figures, people, rows
from scenarios.simulation.people import ASSISTED, OLDER, YOUNG
from scenarios.uploaders import Uploader
from tests.unit.simulated_nights import setup_of

NUMBERS = np.concatenate([np.arange(300), np.random.default_rng(3).integers(0, identity_numbers.CAPACITY, 1200)])


@pytest.mark.parametrize("seed", [1, -7])
def test_people_in_arrays_are_those_made_one_by_one(seed: int) -> None:
    """Every field, of people of all kinds: older ones and assisted ones are among them."""
    night = load("prakerja-wave-1")
    drawn = people.drawn(night, seed, NUMBERS)
    assert {YOUNG, OLDER, ASSISTED} == set(drawn.pace.tolist())
    for place, number in enumerate(NUMBERS.tolist()):
        one = population.person(night, seed, number)
        assert (drawn.network[place], drawn.patience[place]) == (one.network, one.patience)
        assert drawn.manners[place] == one.manners
        assert drawn.by_email[place] == (one.channel == "email")
        assert drawn.has_email[place] == (one.email is not None)
        assert drawn.mistyped[place] == (one.typed_nik != one.nik)
        assert drawn.is_under_age[place] == one.is_under_age
        assert drawn.without_javascript[place] == one.without_javascript
        assert drawn.low_memory[place] == one.low_memory
        pace = ASSISTED if one.office >= 0 else OLDER if one.is_older else YOUNG
        assert drawn.pace[place] == pace


def test_rows_hold_the_traits_of_a_person() -> None:
    """What the machine gets to know of somebody is what scenarios.behaviour says."""
    night = load("prakerja-wave-1")
    crowd = rows.made(len(NUMBERS)).view(np.recarray)
    rows.fill(crowd, people.drawn(night, 5, NUMBERS), Uploader.UPPY)
    record = figures.filled(setup_of(night)).view(np.recarray)[0]
    for place, number in enumerate(NUMBERS.tolist()):
        wanted = behaviour.traits(night, population.person(night, 5, number), Uploader.UPPY)
        assert rows.traits_of(crowd[place], record) == wanted
        assert crowd[place].channel == (Channel.EMAIL if wanted.channel == Channel.EMAIL else Channel.SMS)


def test_a_night_without_older_or_assisted_people_has_nobody_of_the_kind() -> None:
    night = load("prakerja-wave-1")
    population_ = replace(night.population, older=None, assisted=None)
    bare = replace(night, population=population_)
    assert set(people.drawn(bare, 1, NUMBERS).pace.tolist()) == {YOUNG}


def test_pictures_are_as_large_as_those_of_the_swarm() -> None:
    corpus = load("prakerja-wave-1").population.photos
    assert figures.photo_bytes(corpus) == [size for size, _ in photos.sizes(corpus)]


def test_service_times_have_the_mean_that_was_asked_for() -> None:
    """The table of quantiles is scaled to 1, so costs a registration are what they were measured to be."""
    record = figures.filled(setup_of(load("prakerja-wave-1")))
    assert record["quantiles"][0].mean() == pytest.approx(1.0, abs=1e-12)
