"""The search for capacity as a pure machine: on services that do as they are told, and on counters with clerks."""

import heapq
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from loadtests.harness import search
from loadtests.harness.flow import Column, flow
from loadtests.harness.search import Course, Over, Step, next_probe
from reports.probes import called
from scenarios.capacity_record import Outcome, Phase, Probe
from scenarios.fates import Reason

LENGTH = 30.0
COURSE = Course(from_per_s=10.0, most_probes=8, length_s=LENGTH, seed=1)

Service = Callable[[float, int], tuple[Outcome, float]]
"""(people a second, seed) -> how the probe ends, and its goodput."""


def probe(rate: float, outcome: Outcome, goodput: float | None = None, phase: Phase = Phase.RAMP) -> Probe:
    return Probe(1, phase, rate, 1, "probes/01", outcome, "so", 0, rate if goodput is None else goodput, 0.0)


def searched(service: Service, course: Course = COURSE) -> tuple[list[Probe], Over]:
    probes: list[Probe] = []
    while isinstance(step := next_probe(course, probes), Step):
        outcome, goodput = service(step.per_s, step.seed)
        made = replace(probe(step.per_s, outcome, goodput, step.phase), number=len(probes) + 1, seed=step.seed)
        probes.append(made)
    return probes, step


def sharp(limit: float) -> Service:
    return lambda rate, seed: (Outcome.HELD if rate <= limit else Outcome.BROKE, min(rate, limit))


def collapsing(limit: float) -> Service:
    """Beyond its limit it does ever less, so that its goodput says nothing of where the limit was."""
    return lambda rate, seed: (Outcome.HELD, rate) if rate <= limit else (Outcome.BROKE, limit * (limit / rate) ** 3)


@pytest.mark.parametrize("start", [1.0, 3.0, 10.0, 29.0, 31.0, 100.0, 1000.0])
def test_a_sharp_limit_is_bracketed_and_confirmed(start: float) -> None:
    limit = 30.4
    probes, over = searched(sharp(limit), replace(COURSE, from_per_s=start))
    low, high = search.bracket(probes)
    assert over == Over() and len(probes) <= 8
    assert low is not None and high is not None and low <= limit < high <= low * search.NARROW
    assert probes[-1].phase is Phase.CONFIRM and probes[-1].offered_per_s == low
    assert len({each.seed for each in probes if each.offered_per_s == low}) == 2, "confirmed with other people"


def test_a_goodput_that_collapses_misleads_the_search_only_for_a_while() -> None:
    limit = 30.4
    probes, over = searched(collapsing(limit), replace(COURSE, most_probes=12))
    low, high = search.bracket(probes)
    assert over == Over()
    assert low is not None and high is not None and low <= limit < high <= low * search.NARROW


def test_people_who_never_finish_are_no_sign_of_overload() -> None:
    """Of those who come to this service a third leave by themselves; what goes through tells its limit all the same."""
    limit = 60.0

    def service(rate: float, seed: int) -> tuple[Outcome, float]:
        return (Outcome.HELD if rate <= limit else Outcome.BROKE), min(rate, limit) * 2 / 3

    probes, over = searched(service)
    assert over == Over() and len(probes) <= 8
    assert search.expected_limit(probes) == pytest.approx(limit)


def test_a_service_that_carries_nobody_ends_the_search_with_the_reason() -> None:
    probes, over = searched(lambda rate, seed: (Outcome.BROKE, 0.0))
    assert "even" in over.because and not over.invalid
    assert len(probes) <= 8 and probes[-1].offered_per_s * LENGTH >= search.FEWEST


def test_a_service_without_a_limit_ends_the_search_with_the_advice() -> None:
    probes, over = searched(lambda rate, seed: (Outcome.HELD, rate))
    assert len(probes) == 8 and "--from" in over.because


def test_an_invalid_probe_is_repeated_once_and_then_ends_the_search() -> None:
    """The generator was the limit at 62.5 a second, whatever is tried."""

    def service(rate: float, seed: int) -> tuple[Outcome, float]:
        return (Outcome.INVALID if rate > 60.0 else Outcome.HELD), rate

    probes, over = searched(service)
    assert [each.offered_per_s for each in probes] == [10.0, 25.0, 62.5, 62.5]
    assert over.invalid and "62.5/s could not be played, twice" in over.because


def test_a_probe_that_is_valid_the_second_time_counts() -> None:
    first = iter([Outcome.INVALID])
    probes, over = searched(lambda rate, seed: (next(first, sharp(30.4)(rate, seed)[0]), min(rate, 30.4)))
    assert over == Over() and [each.offered_per_s for each in probes[:2]] == [10.0, 10.0]


def test_a_last_probe_that_was_invalid_is_the_reason_that_is_given() -> None:
    probes, over = searched(lambda rate, seed: (Outcome.INVALID if rate > 60.0 else Outcome.HELD, rate),
                            replace(COURSE, most_probes=3))  # fmt: skip
    assert len(probes) == 3 and over.invalid and "the last one in vain" in over.because


def test_a_lower_end_that_breaks_when_it_is_repeated_is_not_believed() -> None:
    lucky = 28.0

    def service(rate: float, seed: int) -> tuple[Outcome, float]:
        limit = 31.0 if seed == COURSE.seed else lucky
        return sharp(limit)(rate, seed)

    probes, over = searched(service, replace(COURSE, most_probes=20))
    low, _ = search.bracket(probes)
    assert over == Over() and low is not None and low <= lucky


def test_a_rate_that_held_above_one_that_broke_is_left_out() -> None:
    probes = [probe(10.0, Outcome.HELD), probe(40.0, Outcome.HELD), probe(30.0, Outcome.BROKE)]
    assert search.bracket(probes) == (10.0, 30.0)


def test_a_search_goes_on_where_its_probes_end() -> None:
    """Nothing but the probes is remembered: cut anywhere, it takes the same way."""
    probes, _ = searched(sharp(30.4))
    for cut in range(len(probes)):
        step = next_probe(COURSE, probes[:cut])
        assert isinstance(step, Step) and step.per_s == probes[cut].offered_per_s


def test_more_probes_let_a_search_go_on_that_had_run_out_of_them() -> None:
    few = replace(COURSE, most_probes=3)
    probes, over = searched(sharp(30.4), few)
    assert "all 3 probes were made" in over.because
    assert isinstance(next_probe(replace(few, most_probes=9), probes), Step)


@pytest.mark.parametrize(("goodput", "kept"), [(100.0, True), (98.0, True), (90.0, False)])
def test_keeping_up_is_judged_by_the_share_at_a_calm_rate(goodput: float, kept: bool) -> None:
    calm = probe(50.0, Outcome.HELD, 25.0)
    assert search.keeps_up(200.0, goodput, calm, length_s=300.0) is kept


def test_chance_is_let_pass_where_few_people_finish() -> None:
    calm = probe(1.0, Outcome.HELD, 1.0)
    assert search.keeps_up(2.0, 1.7, calm, length_s=60.0)
    assert not search.keeps_up(2.0, 1.7, calm, length_s=6000.0), "control: as large a gap of many people is none"


def counter(rate: float, limit: float, clerks: int, random: np.random.Generator) -> dict[str, Column]:
    """People at a counter: M/M/c but for arrivals, which lie as the swarm's do."""
    count = int(rate * LENGTH)
    due = (np.arange(count) + random.random(count)) / rate
    free, ended = [0.0] * clerks, np.empty(count)
    for person, takes in enumerate(random.exponential(clerks / limit, count)):
        ended[person] = max(heapq.heappop(free), due[person]) + takes
        heapq.heappush(free, ended[person])
    return {"due": due, "ended": ended, "reason": np.full(count, Reason.STEPS_DONE)}


def at_a_counter(limit: float, clerks: int, random: np.random.Generator) -> Service:
    """Judged as a probe is: 95 % within a second, and as many finish as at a calm rate."""
    made: list[Probe] = []

    def service(rate: float, seed: int) -> tuple[Outcome, float]:
        people = counter(rate, limit, clerks, random)
        seen, calm = flow(people, LENGTH, 1), search.calmest(made)
        held = np.quantile(people["ended"] - people["due"], 0.95) <= 1.0 and (
            search.keeps_up(rate, seen.goodput_per_s, calm, LENGTH)
            if calm
            else not search.grows(rate, seen.grew_per_s, LENGTH)
        )
        outcome = Outcome.HELD if held else Outcome.BROKE
        made.append(probe(rate, outcome, seen.goodput_per_s))
        return outcome, seen.goodput_per_s

    return service


def test_the_limit_of_counters_is_found_within_five_percent_in_eight_probes() -> None:
    """B9 in virtual time, of ten counters: chance may spoil two of them."""
    off: list[float] = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        clerks, limit = int(random.integers(4, 40)), float(random.uniform(200.0, 300.0))
        course = replace(COURSE, from_per_s=search.rounded(limit * random.uniform(0.1, 0.4)))
        probes, _ = searched(at_a_counter(limit, clerks, random), course)
        found = called(probes).call
        off.append(math.inf if found is None or len(probes) > 8 else abs(found / limit - 1.0))
    assert sorted(off)[-3] <= 0.05, off


def test_methods_that_do_not_agree_make_no_call() -> None:
    """The objectives break at 20 a second although 60 would go through."""

    def service(rate: float, seed: int) -> tuple[Outcome, float]:
        return (Outcome.HELD if rate <= 20.0 else Outcome.BROKE), min(rate, 60.0)

    probes, over = searched(service, replace(COURSE, most_probes=12))
    found = called(probes)
    assert over == Over()
    assert found.call is None and "goodput kept up" in found.no_call_because
    assert found.methods["objectives"] == pytest.approx(20.0, rel=0.1)
