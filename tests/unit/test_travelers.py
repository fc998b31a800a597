"""The people of a report: where they stopped, which groups stand out, what success took, promises, closing time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reports import groups, travelers, tries
from reports.facts import Facts
from reports.wording import speaking
from scenarios.provinces import PROVINCES
from scenarios.record import Fate, Furthest, Reason, Run, SamplesWriter
from tests.unit.synthetic_run import SyntheticRun
from tests.unit.told_numbers import assert_true, column

PEOPLE = 3400
CODES = np.array([province.code for province in PROVINCES], "u1")


def facts_of(run: SyntheticRun, folder: Path) -> Facts:
    return Facts(Run.load(run.write(folder)))


def run_of(seed: int, chance: float = 0.7) -> SyntheticRun:
    """People of all provinces with the same chance to join; the others fail at the photos."""
    run, rng = SyntheticRun(planned=PEOPLE), np.random.default_rng(seed)
    people = run.people
    people["province"] = rng.choice(CODES, PEOPLE)
    people["network"] = rng.integers(0, 3, PEOPLE).astype("u1")
    people["patience"] = rng.integers(0, 2, PEOPLE).astype("u1")
    run.config["night"]["networks"] = {"urban_4g": {}, "busy_4g": {}, "own_radio": {}}
    run.config["night"]["population"] = {"patience": {"impatient": {}, "normal": {}}}
    fail(people, rng.random(PEOPLE) >= chance)
    return run


def fail(people: dict[str, NDArray[Any]], who: NDArray[np.bool_]) -> None:
    people["fate"][who] = Fate.FAILED
    people["furthest"][who] = Furthest.PROFILE_COMPLETED
    people["reason"][who] = Reason.ERRORS
    people["photos_stored"][who], people["photo_tries"][who] = 1, 6


# ---------------------------------------------------------------- groups


def test_the_interval_is_wilsons() -> None:
    """Ten of a hundred: 5.5 to 17.4 %, as published (Newcombe 1998, method 3); wider for more groups at once."""
    assert groups.interval(10, 100, 1) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    low, high = groups.interval(10, 100, 34)
    assert low < 0.0552 and high > 0.1744
    for whole in range(1, 200):
        assert groups.interval(0, whole, 5)[0] == 0.0 and groups.interval(whole, whole, 5)[1] == 1.0


def test_chance_alone_makes_no_province_stand_out() -> None:
    """Of 200 draws in which all 34 provinces are alike, about one in twenty shows any that stands out.

    Intervals that are made for one province alone show some in most draws.
    """
    rng = np.random.default_rng(5)
    together = alone = 0
    for _ in range(200):
        people = rng.multinomial(PEOPLE, [1 / 34] * 34)
        joined = rng.binomial(people, 0.7)
        share = joined.sum() / people.sum()
        pairs = [(int(part), int(whole)) for part, whole in zip(joined, people, strict=True)]
        together += any(not low <= share <= high for low, high in (groups.interval(*pair, 34) for pair in pairs))
        alone += any(not low <= share <= high for low, high in (groups.interval(*pair, 1) for pair in pairs))
    assert together <= 20
    assert alone >= 100


def test_a_province_that_fares_worse_stands_out(tmp_path: Path) -> None:
    """Jawa Timur's people fail half as often again; nobody else is named."""
    run = run_of(3)
    rng = np.random.default_rng(4)
    fail(run.people, (run.people["province"] == 35) & (rng.random(PEOPLE) < 0.6))
    facts = facts_of(run, tmp_path)
    found = groups.by_province(facts)
    share = groups.overall(found)
    assert [one.label for one in found if one.stands_out(share)] == ["Jawa Timur"]
    assert "these differ: Jawa Timur" in groups.differences(found)
    assert "more than chance explains" in groups.differences(groups.by_network(facts))
    assert len(found) == 34 and sum(one.people for one in found) == PEOPLE


def test_groups_have_the_nights_names_and_their_own_counts(tmp_path: Path) -> None:
    facts = facts_of(run_of(1), tmp_path)
    found = groups.by_network(facts)
    assert [one.label for one in found] == ["4G in a city", "crowded 4G", "own radio"]
    table = groups.group_table(facts, found, "network")
    assert table is not None
    assert assert_true(tmp_path, table) == 3 * 6
    failed = column(table, "failed")["crowded 4G"]
    of = facts.people["network"] == 1
    assert failed == pytest.approx(float((facts.people["fate"][of] == Fate.FAILED).mean()))


def test_who_never_started_belongs_to_no_group(tmp_path: Path) -> None:
    """Their network is 0 because nothing is known of them, not because they had the first one."""
    run = run_of(1)
    run.people["network"][:] = 1
    cut = slice(0, 500)
    run.people["fate"][cut], run.people["network"][cut], run.people["started"][cut] = Fate.CUT, 0, np.nan
    (only,) = groups.by_network(facts_of(run, tmp_path))
    assert (only.label, only.people) == ("crowded 4G", PEOPLE - 500)


def test_a_night_without_names_has_no_groups(tmp_path: Path) -> None:
    run = run_of(1)
    del run.config["night"]["networks"]
    facts = facts_of(run, tmp_path)
    assert groups.by_network(facts) == [] and groups.group_table(facts, [], "network") is None


# ---------------------------------------------------------------- the funnel


def test_where_people_stopped(tmp_path: Path) -> None:
    run = run_of(2)
    run.people["fate"][:40], run.people["furthest"][:40] = Fate.ABANDONED, Furthest.NONE
    run.people["reason"][:40] = Reason.LEFT_THE_LINE
    facts = facts_of(run, tmp_path)
    table = travelers.stopped(facts)
    there = column(table, "stopped there")
    assert list(there) == ["nothing yet", "profile completed"]
    assert there["nothing yet"] == 40 and sum(there.values()) == facts.planned - facts.joined
    assert "left the waiting room (40)" in table.rows[0]
    assert assert_true(tmp_path, table) == 6


def test_the_funnel_beside_the_published_one(tmp_path: Path) -> None:
    facts = facts_of(run_of(2), tmp_path)
    table = travelers.against_published(facts)
    assert table is not None
    assert column(table, "this run")["joined the wave"] == pytest.approx(facts.joined / PEOPLE)
    assert column(table, "April 2020 after 21 h")["joined the wave"] == pytest.approx(77_834 / 1_432_133)
    difference = 100 * (facts.joined / PEOPLE - 2_078_026 / 5_965_048)
    assert column(table, "against the last")["joined the wave"] == pytest.approx(difference)
    assert assert_true(tmp_path, table) == 3 * 4
    (tmp_path / "samples.npz").unlink()
    SamplesWriter().write(tmp_path)
    uncounted = travelers.against_published(Facts(Run.load(tmp_path)))
    assert uncounted is not None and [row[0] for row in uncounted.rows] == ["e-mail verified", "joined the wave"]


# ---------------------------------------------------------------- tries and waits


def test_what_it_took_to_succeed(tmp_path: Path) -> None:
    """Those who stored both photos tried twice, but for one in ten who tried nine times."""
    run = SyntheticRun(planned=1000)
    run.people["photo_tries"][::10] = 9
    facts = facts_of(run, tmp_path)
    table = tries.tries(facts)
    photos = {head: column(table, head)["photos (two each)"] for head in list(table.head)[1:]}
    assert list(photos.values()) == pytest.approx([2700, 2000, 1.35, 2, 9, 9])
    assert assert_true(tmp_path, table) == 4 * 6


def test_a_promise_is_held_against_the_wait_that_was_had(tmp_path: Path) -> None:
    """Short promises hold, long ones are broken: the rows say which."""
    run = SyntheticRun(planned=200)
    people = run.people
    short = np.arange(200) < 100
    people["wait_low"][:], people["wait_high"][:] = np.where(short, 60, 600), np.where(short, 120, 1200)
    people["wait"][:] = np.where(short, 90, 1500)
    people["wait"][0] = 10
    facts = facts_of(run, tmp_path)
    found = tries.waits(facts)
    assert [one.people for one in found] == [34, 34, 33, 33, 33, 33]
    assert found[0].inside == pytest.approx(33 / 34) and found[0].shorter == pytest.approx(1 / 34)
    assert [found[-1].longer, *found[-1].had] == [1.0, 1500.0, 1500.0, 1500.0]
    assert sum(one.people * one.inside for one in found) == pytest.approx(99, abs=1)
    assert str(tries.wait_table(found).rows[0][0]) == "60 s to 120 s"


def test_few_waits_stand_in_one_row_and_none_in_none(tmp_path: Path) -> None:
    run = SyntheticRun(planned=30)
    run.people["wait_low"][10:] = np.nan
    (row,) = tries.waits(facts_of(run, tmp_path / "few"))
    assert row.people == 10
    run.people["wait_low"][:] = np.nan
    facts = facts_of(run, tmp_path / "none")
    assert tries.waits(facts) == []
    view = travelers.view(facts)
    assert view is not None and "promises" not in [picture.id for picture in view["pictures"]]


# ---------------------------------------------------------------- closing time


def test_who_is_lost_to_closing_time(tmp_path: Path) -> None:
    """Ten were told so, five gave up when it had closed. Who left by themselves, or gave up before, is another's."""
    run = SyntheticRun(planned=100)
    people = run.people
    run.config["night"]["closes_at"] = "2020-04-11T19:06:00+07:00"
    people["fate"][:10], people["reason"][:10] = Fate.REFUSED, Reason.WAVE_CLOSED
    people["furthest"][:10] = Furthest.ASSESSED
    for who, fate, ended in ((slice(10, 15), Fate.FAILED, 400.0), (slice(15, 20), Fate.FAILED, 300.0),
                             (slice(20, 25), Fate.ABANDONED, 400.0)):  # fmt: skip
        people["fate"][who], people["ended"][who], people["furthest"][who] = fate, ended, Furthest.TICKETED
    facts = facts_of(run, tmp_path)
    assert np.flatnonzero(travelers.lost_to_closing(facts)).tolist() == list(range(15))
    told, table = travelers.closing(facts)
    assert "10 people were told" in told and "15 were lost" in told
    assert table is not None
    assert column(table, "lost to closing time") == {"ticket taken": 5, "assessment taken": 10}
    assert assert_true(tmp_path, told) == 2


def test_a_run_that_ended_before_the_close_lost_nobody_to_it(tmp_path: Path) -> None:
    told, table = travelers.closing(facts_of(SyntheticRun(planned=50), tmp_path))
    assert told.startswith("Nobody: the wave closes 117:00:00") and table is None


# ---------------------------------------------------------------- the section


def test_the_section_can_be_said_in_indonesian(tmp_path: Path) -> None:
    facts = facts_of(run_of(1), tmp_path)
    with speaking("id"):
        view = travelers.view(facts)
    assert view is not None
    assert [picture.id for picture in view["pictures"]] == ["provinces", "promises"]
    provinces = view["pictures"][0]
    assert len(provinces.table.rows) == 34 and "DI Yogyakarta" in provinces.svg
    assert assert_true(tmp_path, provinces.table, view["published"], view["stopped"]) > 100


def test_nobody_is_no_section(tmp_path: Path) -> None:
    run = SyntheticRun(planned=50)
    run.config.update(ended="not-ready", ledgers={}, cpu_s={}, last_arrival_s=0.0, played_s=0.0)
    run.write(tmp_path)
    (tmp_path / "people.npz").unlink()
    assert travelers.view(Facts(Run.load(tmp_path))) is None
