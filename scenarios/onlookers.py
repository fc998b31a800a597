"""People who only look: when they come, how many pages they read, for how long, and which link they follow.

Planned beside the applicants, in whose rush they come, and the same for any number of workers: every draw is a function
of (seed, onlooker, purpose, page), and onlooker j is in shard j modulo SHARDS.
"""

from collections.abc import Iterable

import numpy as np

from scenarios import streams
from scenarios.arrivals import IntArray, Plan, hash_of
from scenarios.population import Onlookers
from scenarios.streams import Purpose, log_normal, uniform

MOST_PAGES = 3


def plan(applicants: Plan, habits: Onlookers | None, seed: int) -> Plan:
    """When each onlooker comes: floor(per_applicant * planned) of them, as dense in every moment as the applicants are.

    Onlooker j comes in her part of the applicants' order: at position (j + u_j) / per_applicant, u_j in [0, 1) drawn
    for her alone, between the instants of the two who stand beside it.
    """
    count = int(habits.per_applicant * applicants.planned) if habits is not None else 0
    if habits is None or not count:
        return Plan(np.zeros(0), hash_of(np.zeros(0)))
    numbers = np.arange(count)
    places = (numbers + streams.uniforms(seed, numbers, Purpose.ONLOOKER_ARRIVAL, 0)) / habits.per_applicant
    due = np.interp(places, np.arange(applicants.planned), applicants.due)
    return Plan(due, hash_of(due))


def coming(plan: Plan, shards: Iterable[int], after: float) -> IntArray:
    """Those of these shards who come `after` so many real seconds since the opening: int64 (n,), ascending."""
    numbers = plan.numbers(shards)
    return numbers[plan.due[numbers] > after]


def pages(habits: Onlookers, seed: int, number: int) -> int:
    """How many pages onlooker `number` reads, 1 to MOST_PAGES."""
    drawn = uniform(seed, number, Purpose.ONLOOKER_PAGES, 0)
    if drawn >= habits.second_page_share:
        return 1
    return 3 if drawn < habits.second_page_share * habits.third_page_share else 2


def reading_s(habits: Onlookers, seed: int, number: int, page: int) -> float:
    """Seconds of her own time that she reads her page number `page`, from 0."""
    drawn = uniform(seed, number, Purpose.ONLOOKER_READING, page)
    return log_normal(drawn, habits.reading_median_s, habits.reading_sigma)


def link(seed: int, number: int, page: int, links: int) -> int:
    """Which of `links` links, at least 1, she follows from her page number `page`: a position."""
    return int(uniform(seed, number, Purpose.ONLOOKER_LINK, page) * links)
