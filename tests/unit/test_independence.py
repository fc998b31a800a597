"""A draw that favors somebody is noticed before it is announced; a sound one passes."""

from hashlib import sha256
from random import Random

import pytest
from scipy import stats

from service.domain import grants
from service.domain.grants import PRIORITY, PROVINCE, Quotas, line_of
from service.domain.independence import ALARM, Found, chi_square_tail, independence, is_odd

DAYS = [f"day {i}" for i in range(10)]


@pytest.mark.parametrize(("statistic", "degrees"), [(0.0, 1), (0.3, 1), (3.84, 1), (9.0, 9), (30.0, 9), (200.0, 50)])
def test_the_tail_is_that_of_scipy(statistic: float, degrees: int) -> None:
    assert chi_square_tail(statistic, degrees) == pytest.approx(stats.chi2.sf(statistic, degrees), rel=1e-9)


def joined(number: int, count: int = 4000) -> list[tuple[bytes, str]]:
    """Lines with the day their holders came; those of the priority list come early, and some provinces late."""
    luck = Random(number)
    people = []
    for _ in range(count):
        province = luck.choice([31, 31, 52, 91])
        priority = luck.random() < 0.2
        day = min(luck.randrange(10), luck.randrange(10)) if priority else luck.randrange(10)
        people.append((line_of(luck.randbytes(16), province, priority=priority), DAYS[day]))
    return people


def looked_at(people: list[tuple[bytes, str]], chosen: set[bytes]) -> Found:
    return independence("day", [((line[PROVINCE], line[PRIORITY]), day, line in chosen) for line, day in people])


def test_a_sound_draw_looks_odd_as_often_as_it_should() -> None:
    """Priority people come early and nearly all win; a province has a quota. Neither may raise an alarm."""
    ps = []
    for number in range(200):
        people = joined(number, count=600)
        order = grants.drawn([line for line, _ in people], sha256(f"seed {number}".encode()).digest())
        ps.append(looked_at(people, set(grants.chosen(order, Quotas(200, {52: 20})).winners)).p)
    assert stats.kstest(ps, "uniform").pvalue > 0.001
    assert sum(p < 0.05 for p in ps) < 25


def test_without_the_strata_a_sound_draw_would_be_held_up() -> None:
    """The negative control: people of the priority list came early, and they are chosen first as they should be."""
    people = joined(1)
    chosen = set(grants.chosen(grants.drawn([line for line, _ in people], b"seed"), Quotas(1500, {})).winners)
    assert looked_at(people, chosen).p > ALARM
    assert independence("day", [("all", day, line in chosen) for line, day in people]).p < ALARM


def test_the_lottery_of_2012_is_not_announced() -> None:
    """Nine in ten winners had applied in the first two days."""
    luck = Random(2012)
    people = [(line_of(luck.randbytes(16), 31, priority=False), luck.choice(DAYS)) for _ in range(3000)]
    early = [line for line, day in people if day in DAYS[:2]]
    late = [line for line, day in people if day not in DAYS[:2]]
    found = looked_at(people, {*luck.sample(early, 90), *luck.sample(late, 10)})
    assert is_odd([found])
    assert found.oddest.startswith("day ")


def test_a_slight_favor_to_one_device_is_found_among_many_people() -> None:
    luck = Random(7)
    people = [(("31", "0"), luck.choice(["phone", "laptop"])) for _ in range(20_000)]
    told = [(stratum, device, luck.random() < (0.115 if device == "laptop" else 0.095)) for stratum, device in people]
    assert is_odd([independence("device", told), independence("nothing", [(0, "all", True)])])


def test_groups_of_a_few_are_tested_together_and_one_group_is_no_test() -> None:
    people = [(0, f"rare {i}", i == 0) for i in range(20)] + [(0, "common", i < 500) for i in range(1000)]
    assert independence("device", people).groups == 2
    assert independence("device", [(0, "all", i < 5) for i in range(10)]) == Found("device", 1.0, 1, "")


@pytest.mark.parametrize("sure", [0, 1000])
def test_a_few_people_raise_no_alarm_by_their_luck(sure: int) -> None:
    """Two of a device, of whom one or both are chosen now and then; `sure` more of it are chosen in any case."""
    luck = Random(3)
    people = [("sure", "rare", True)] * sure
    odd = 0
    for _ in range(200):
        won = set(luck.sample(range(2000), 40))
        devices = ("rare" if i < 2 else "phone" if i < 1000 else "laptop" for i in range(2000))
        drawn = [("drawn", device, i in won) for i, device in enumerate(devices)]
        odd += is_odd([independence("device", people + drawn)])
    assert odd <= 1
