"""The parameters of a journey as they come from the night."""

import dataclasses
import re
from pathlib import Path

import pytest

from scenarios import catalogue
from scenarios.behaviour import habits, traits
from scenarios.fates import Channel
from scenarios.journey_state import Habits
from scenarios.population import person
from scenarios.uploaders import Uploader

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


def test_the_close_and_the_hours_follow_the_nights_clock(night):
    """117 hours, the last three of them the rush; with speed 60 an hour of the night is a minute."""
    real, fast = habits(night, 1.0), habits(night, 1.0, 60.0)
    assert (real.closes_s, real.rush_from_s, real.hour_s) == (117 * 3600.0, 114 * 3600.0, 3600.0)
    assert (fast.closes_s, fast.rush_from_s, fast.hour_s) == (117 * 60.0, 114 * 60.0, 60.0)
    assert (real.opens_hour, real.hours) == (19.0, tuple(night.population.retries.hourly_weights))


def test_a_run_that_ends_before_the_last_hours_has_no_rush(night):
    """Else all who gave up would stand there as people whom the end of the run cut off."""
    assert habits(night, 1.0, 1.0, ends_s=3600.0).rush_share == 0.0
    assert habits(night, 1.0, 1.0, ends_s=115 * 3600.0).rush_share == night.population.retries.rush_share > 0.0


def test_a_night_that_says_nothing_of_trouble_has_none(night):
    """The negative control, and what a record of before stands for."""
    quiet = dataclasses.replace(night.population.retries, refresh_share=0.0, rush_share=0.0, late_typing_share=0.0)
    people = dataclasses.replace(night.population, retries=quiet, browsers=None, older=None, assisted=None)
    found = habits(dataclasses.replace(night, population=people), 1.0)
    off = ("rush_share", "refresh_share", "switch_share", "page_lost_share", "late_typing_share")
    assert [getattr(found, name) for name in off] == [0.0] * 5
    assert all(getattr(habits(night, 1.0), name) > 0.0 for name in off)


def test_who_takes_longer(night):
    """The helped longest, then the older; all others as the night says."""
    who = person(night, 1, 7)
    factors = [
        traits(night, dataclasses.replace(who, is_older=is_older, office=office)).think_factor
        for is_older, office in ((False, -1), (True, -1), (True, 3372))
    ]
    assert factors == [1.0, night.population.older.think_factor, night.population.assisted.think_factor]
    assert traits(night, dataclasses.replace(who, low_memory=True)).low_memory == 1


def test_traits_of_a_person(night):
    """Patience by class, channel and the wrong digit as the population has drawn them."""
    classes = list(night.population.patience.values())
    people = [person(night, 1, number) for number in range(2000)]
    for who in people:
        found = traits(night, who)
        assert (found.tries, found.visits) == (classes[who.patience].tries, classes[who.patience].sessions)
        assert found.channel == (Channel.EMAIL if who.channel == "email" else Channel.SMS)
        assert found.mistyped == (who.typed_nik != who.nik)


def test_the_page_on_people_names_figures_that_there_are(night):
    """docs/people.md: each name with a table before it is a figure of the shipped night."""
    text = (Path(__file__).parents[2] / "docs" / "people.md").read_text()
    named = set(re.findall(r"`((?:retries|browsers|older|assisted)\.\w+)`", text))
    there = {figure.key.removeprefix("population.") for figure in night.figures}
    there |= {key.rpartition(".")[0] for key in there}
    assert len(named) >= 10
    assert named <= there


def test_without_javascript_each_photo_leaves_whole_in_a_form(night):
    """Whatever the clients of the run do; and only in the share that the night names."""
    everybody = night.with_visitors(without_javascript=1.0)
    nobody = night.with_visitors(without_javascript=0.0)
    for number in range(50):
        assert traits(everybody, person(everybody, 1, number), Uploader.UPPY).uploader == Uploader.ONE_SHOT
        assert traits(nobody, person(nobody, 1, number), Uploader.UPPY).uploader == Uploader.UPPY
    some = [person(night, 1, number).without_javascript for number in range(5_000)]
    assert abs(sum(some) / len(some) - 0.03) < 5 * (0.03 * 0.97 / 5_000) ** 0.5
