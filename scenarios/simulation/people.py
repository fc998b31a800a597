"""Everybody of a night at once: what `scenarios.population.person` says of one applicant, for arrays of them.

Making two million people one by one takes 40 s; here they are drawn in parts, with the same digits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import identity_numbers
from scenarios.catalogue import Night
from scenarios.population import Population, steps
from scenarios.provinces import BY_CODE, ZONES
from scenarios.streams import Purpose, uniforms

Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]
Floats = NDArray[np.float64]

PART = 1 << 18
"""People drawn at once: some 40 MB of draws."""
_DAYS_A_YEAR = 365.2425

YOUNG, OLDER, ASSISTED = range(3)
"""Kinds of people by how long they take over things."""


@dataclass(frozen=True)
class People:
    """Applicants `numbers`, position by position. network, patience: positions in the night's tables."""

    numbers: NDArray[np.int64]
    network: Codes
    patience: Codes
    manners: Codes
    by_email: Bools
    has_email: Bools
    mistyped: Bools
    is_under_age: Bools
    without_javascript: Bools
    low_memory: Bools
    pace: Codes
    """YOUNG, OLDER or ASSISTED."""


def parts(night: Night, seed: int, count: int) -> Iterator[People]:
    """Applicants 0 to `count` - 1, PART of them at a time."""
    for first in range(0, count, PART):
        yield drawn(night, seed, np.arange(first, min(first + PART, count)))


def drawn(night: Night, seed: int, numbers: NDArray[np.int64]) -> People:
    """Applicants `numbers` of a night under a seed."""
    people = night.population

    def draw(purpose: Purpose) -> Floats:
        return uniforms(seed, numbers, purpose, 0)

    is_under_age = draw(Purpose.UNDER_AGE) < people.under_age_share
    is_older = _older(night, numbers, is_under_age, draw)
    is_assisted = np.zeros(len(numbers), bool)
    if people.assisted is not None:
        is_assisted = draw(Purpose.ASSISTED) < people.assisted.share
    with_email, wrong_digit = _shares(people, is_older, is_assisted)
    has_email = draw(Purpose.HAS_EMAIL) < with_email
    device = _classes(steps(people.devices.values()), draw(Purpose.DEVICE))
    shares = people.browsers.low_memory if people.browsers is not None else {}
    low_memory = np.array([shares.get(each, 0.0) for each in people.devices])[device]
    pace = np.where(is_assisted, ASSISTED, np.where(is_older, OLDER, YOUNG))
    all_manners = np.array([int(each) for each in night.all_manners])
    return People(
        numbers=numbers,
        network=_networks(night, draw),
        patience=_classes(steps(each.share for each in people.patience.values()), draw(Purpose.PATIENCE)),
        manners=all_manners[_classes(night.manners_steps, draw(Purpose.MANNERS))].astype(np.int8),
        by_email=has_email & (draw(Purpose.CHANNEL) < people.email_channel_share),
        has_email=has_email,
        mistyped=draw(Purpose.WRONG_DIGIT) < wrong_digit,
        is_under_age=is_under_age,
        without_javascript=draw(Purpose.WITHOUT_JAVASCRIPT) < people.without_javascript,
        low_memory=~is_assisted & (draw(Purpose.LOW_MEMORY) < low_memory),
        pace=pace.astype(np.int8),
    )


def provinces(night: Night, seed: int, count: int) -> NDArray[np.uint8]:
    """Codes of the provinces of applicants 0 to `count` - 1."""
    codes = np.array([int(code) for code in night.population.provinces], np.uint8)
    edges = steps(night.population.provinces.values())
    found = np.empty(count, np.uint8)
    for first in range(0, count, PART):
        numbers = np.arange(first, min(first + PART, count))
        found[numbers] = codes[_classes(edges, uniforms(seed, numbers, Purpose.PROVINCE, 0))]
    return found


def think_factors(people: Population) -> tuple[float, float, float]:
    """How many times as long each kind of people takes: YOUNG, OLDER, ASSISTED."""
    older = people.older.think_factor if people.older is not None else 1.0
    return 1.0, older, people.assisted.think_factor if people.assisted is not None else 1.0


def _networks(night: Night, draw: Any) -> Codes:
    codes = [int(code) for code in night.population.provinces]
    zone_of = np.array([ZONES.index(BY_CODE[code].zone) for code in codes])
    zones = zone_of[_classes(steps(night.population.provinces.values()), draw(Purpose.PROVINCE))]
    u = draw(Purpose.NETWORK)
    found = np.zeros(len(u), np.int8)
    for zone, name in enumerate(ZONES):
        here = zones == zone
        found[here] = _classes(night.network_steps[name], u[here])
    return found


def _classes(edges: list[float], u: Floats) -> Codes:
    """As bisect_right."""
    return np.searchsorted(np.array(edges), u, side="right").astype(np.int8)


def _older(night: Night, numbers: NDArray[np.int64], is_under_age: Bools, draw: Any) -> Bools:
    """Who is of the age that the night's table `older` begins with."""
    people = night.population
    if people.older is None:
        return np.zeros(len(numbers), bool)
    opens_on = night.opens_at.date()
    u = draw(Purpose.AGE)
    above = np.where(u > 0.0, -people.mean_years_above * np.log(1.0 - u), 0.0)
    above = np.minimum(above, people.oldest_years - people.youngest_years)
    target = _years_before(opens_on, people.youngest_years) - (above * _DAYS_A_YEAR).astype(np.int64)
    born = identity_numbers.born_by_all(target, identity_numbers.days(numbers))
    return ~is_under_age & (born <= _years_before(opens_on, people.older.from_years))


def _years_before(on: date, years: int) -> int:
    """Ordinal of the last day of birth of those who are `years` old on the day `on`."""
    try:
        return on.replace(year=on.year - years).toordinal()
    except ValueError:  # 29 February of a year without it
        return date(on.year - years, 2, 28).toordinal()


def _shares(people: Population, is_older: Bools, is_assisted: Bools) -> tuple[Floats, Floats]:
    """Of each: the share of such people who have e-mail, and who mistype a digit."""
    count = len(is_older)
    with_email = np.full(count, people.share_with_email)
    wrong_digit = np.full(count, people.wrong_digit_share)
    if people.older is not None:
        wrong_digit[is_older] = people.older.wrong_digit_share
    if people.assisted is not None:
        with_email[is_assisted] = people.assisted.share_with_email
        wrong_digit[is_assisted] = people.assisted.wrong_digit_share
    return with_email, wrong_digit
