"""The parameters of a journey as they come from the night."""

import pytest

from scenarios import catalogue
from scenarios.behaviour import habits, traits
from scenarios.fates import Channel
from scenarios.journey_state import Habits
from scenarios.population import person

OWN_TIME = {"account_s", "code_s", "identity_s", "profile_step_s", "photo_s", "phone_s", "answer_s", "join_s"}
OWN_TIME |= {"return_median_s"}


@pytest.fixture(scope="module")
def night() -> catalogue.Night:
    return catalogue.load("prakerja-wave-1")


def test_pace_speeds_up_what_people_do_by_themselves_and_nothing_else(night):
    """Thinking, the test and long returns; reactions to the system stay real."""
    real, hurried = habits(night, 1.0), habits(night, 20.0)
    for name in Habits._fields:
        expected = getattr(real, name) / 20.0 if name in OWN_TIME else getattr(real, name)
        assert getattr(hurried, name) == pytest.approx(expected), name


def test_parts_add_up_to_the_nights_figures(night):
    """18 answers fill the 25 minutes; three steps make the profile, two photos the photos."""
    real, think = habits(night, 1.0), night.population.think
    assert 18 * real.answer_s == pytest.approx(think.assessment_s)
    assert 3 * real.profile_step_s == pytest.approx(think.profile_s)
    assert 2 * real.photo_s == pytest.approx(think.photos_s)


def test_traits_of_a_person(night):
    """Patience by class, channel and the wrong digit as the population has drawn them."""
    classes = list(night.population.patience.values())
    people = [person(night, 1, number) for number in range(2000)]
    for who in people:
        found = traits(night, who)
        assert (found.tries, found.visits) == (classes[who.patience].tries, classes[who.patience].sessions)
        assert found.channel == (Channel.EMAIL if who.channel == "email" else Channel.SMS)
    mistyped = sum(traits(night, who).mistyped for who in people)
    assert mistyped == pytest.approx(2000 * night.population.wrong_digit_share, abs=50)
